// Arithmetic element by element: one thread an element of the result, grid ceil(n / 256), block 256.
//
// A line below is an operation. The macros above it say how the operands are found.

// The launcher merges axes that all operands walk alike, so at most four are left, of lengths (n / (d1 d2 d3), d1, d2, d3);
// s0 ... s3 are one operand's strides in elements, 0 along an axis it is repeated on. Where nothing is broadcast a
// single axis is left, and no thread divides.
__device__ inline int source_index(int i, int d1, int d2, int d3, int s0, int s1, int s2, int s3) {
    if (d1 * d2 * d3 == 1) return i * s0;
    const int i3 = i % d3, i2 = i / d3 % d2, i1 = i / (d3 * d2) % d1, i0 = i / (d3 * d2 * d1);
    return i0 * s0 + i1 * s1 + i2 * s2 + i3 * s3;
}

// y = f(x)
#define UNARY(NAME, FORMULA)                                                         \
    extern "C" __global__ void NAME##_v1(const real* input, real* y, int n) {        \
        const int i = global_index();                                                \
        if (i >= n) return;                                                          \
        const real x = input[i];                                                     \
        y[i] = FORMULA;                                                              \
    }

// y = f(a, b) with broadcasting. An operand that is a plain number has a null pointer and its value beside it.
#define BINARY(NAME, FORMULA)                                                                                     \
    extern "C" __global__ void NAME##_v1(const real* a_array, real a_number, const real* b_array, real b_number,  \
                                         real* y, int n, int d1, int d2, int d3, int a0, int a1, int a2, int a3,  \
                                         int b0, int b1, int b2, int b3) {                                        \
        const int i = global_index();                                                                             \
        if (i >= n) return;                                                                                       \
        const real a = a_array ? a_array[source_index(i, d1, d2, d3, a0, a1, a2, a3)] : a_number;                 \
        const real b = b_array ? b_array[source_index(i, d1, d2, d3, b0, b1, b2, b3)] : b_number;                 \
        y[i] = FORMULA;                                                                                           \
    }

BINARY(add, a + b)
BINARY(sub, a - b)
BINARY(mul, a * b)
BINARY(div, a / b)
BINARY(pow, pow(a, b))

UNARY(neg, -x)
UNARY(exp, exp(x))
UNARY(log, log(x))
UNARY(sqrt, sqrt(x))
UNARY(abs, fabs(x))
UNARY(sign, x > real(0) ? real(1) : x < real(0) ? real(-1) : x)  // 0 and NaN stay what they are
UNARY(softplus, (x < real(0) ? real(0) : x) + log1p(exp(-fabs(x))))  // NaN stays NaN, which fmax would drop

// NaN compares false with everything, and so stays NaN.
extern "C" __global__ void clip_v1(const real* x, real* y, int n, real low, real high) {
    const int i = global_index();
    if (i < n) y[i] = x[i] < low ? low : x[i] > high ? high : x[i];
}

extern "C" __global__ void clip_backward_v1(const real* gradient, const real* x, real* y, int n, real low, real high) {
    const int i = global_index();
    if (i < n) y[i] = x[i] >= low && x[i] <= high ? gradient[i] : real(0);
}

extern "C" __global__ void broadcast_to_v1(const real* x, real* y, int n, int d1, int d2, int d3, int s0, int s1,
                                           int s2, int s3) {
    const int i = global_index();
    if (i < n) y[i] = x[source_index(i, d1, d2, d3, s0, s1, s2, s3)];
}
