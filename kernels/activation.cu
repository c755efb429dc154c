// Activations and their derivatives, element by element.
//
//   v1  scalar      a thread an element, 4 bytes a load
//   v2  vectorised  16 bytes a load and a store: a quarter of the instructions for the same bytes, and more of them on their way
//
// Memory is the limit: forward reads and writes one element, backward reads two and writes one, for a handful of flops.
#include "pack.cuh"

__device__ inline real leaky_relu(real x, real slope) { return x > real(0) ? x : slope * x; }

// Grid ceil(n / 256), block 256.
extern "C" __global__ void leaky_relu_v1(const real* x, real* y, int n, real slope) {
    const int i = global_index();
    if (i < n) y[i] = leaky_relu(x[i], slope);
}

// Grid ceil(n / (256 PACK)), block 256. A block that lies off the boundaries of 16 bytes, or reaches beyond the end, goes by
// single elements, neighbours side by side.
extern "C" __global__ void leaky_relu_v2(const real* x, real* y, int n, real slope) {
    const int whole = blockDim.x * PACK, begin = blockIdx.x * whole, end = begin + min(whole, n - begin);
    if (on_boundaries(x, y) && end - begin == whole) {
        const int i = begin + threadIdx.x * PACK;
        Pack pack = load_pack(x + i);  // 16 bytes, one instruction
        for (int k = 0; k < PACK; ++k) pack.of[k] = leaky_relu(pack.of[k], slope);
        store_pack(y + i, pack);
    } else {
        for (int i = begin + threadIdx.x; i < end; i += blockDim.x) y[i] = leaky_relu(x[i], slope);
    }
}

// What follows goes the same two ways, for each formula: KERNELS in pack.cuh makes both kernels.

KERNELS(leaky_relu_backward, (const real* gradient, const real* x, real* y, int n, real slope),
        [=](real& y, real g, real x) { y = x > real(0) ? g : slope * g; }, Written{y}, gradient, x)

KERNELS(tanh, (const real* x, real* y, int n), [](real& y, real x) { y = tanh(x); }, Written{y}, x)

// From the output: tanh' = 1 - tanh^2. `output` is what tanh wrote.
KERNELS(tanh_backward, (const real* gradient, const real* output, real* y, int n),
        [](real& y, real g, real output) { y = g * (real(1) - output * output); }, Written{y}, gradient, output)

// e^-|x| is in (0, 1]: it cannot overflow, whatever x is.
__device__ inline real sigmoid(real x) {
    const real e = exp(-fabs(x));
    return (x >= real(0) ? real(1) : e) / (real(1) + e);
}

KERNELS(sigmoid, (const real* x, real* y, int n), [](real& y, real x) { y = sigmoid(x); }, Written{y}, x)

KERNELS(sigmoid_backward, (const real* gradient, const real* output, real* y, int n),
        [](real& y, real g, real output) { y = g * output * (real(1) - output); }, Written{y}, gradient, output)
