// Losses element by element: one thread an element, grid ceil(n / 256), block 256.

// -t ln s(x) - (1 - t) ln(1 - s(x)), as max(x, 0) - t x + ln(1 + e^-|x|): no overflow, no ln 0.
extern "C" __global__ void sigmoid_cross_entropy_v1(const real* x, real* y, int n, real target) {
    const int i = global_index();
    if (i >= n) return;
    const real positive = x[i] < real(0) ? real(0) : x[i];  // NaN stays NaN, which fmax would drop
    y[i] = positive - target * x[i] + log1p(exp(-fabs(x[i])));
}

// g (s(x) - t)
extern "C" __global__ void sigmoid_cross_entropy_backward_v1(const real* gradient, const real* x, real* y, int n,
                                                             real target) {
    const int i = global_index();
    if (i >= n) return;
    const real e = exp(-fabs(x[i]));
    const real sigmoid = (x[i] >= real(0) ? real(1) : e) / (real(1) + e);
    y[i] = gradient[i] * (sigmoid - target);
}

// (x - t)^2
extern "C" __global__ void least_squares_v1(const real* x, real* y, int n, real target) {
    const int i = global_index();
    if (i < n) y[i] = (x[i] - target) * (x[i] - target);
}

// 2 g (x - t)
extern "C" __global__ void least_squares_backward_v1(const real* gradient, const real* x, real* y, int n, real target) {
    const int i = global_index();
    if (i < n) y[i] = real(2) * gradient[i] * (x[i] - target);
}
