// Activations and their derivatives, element by element.
//
//   v1  scalar      a thread an element, 4 bytes a load
//   v2  vectorised  16 bytes a load and a store: a quarter of the instructions for the same bytes, and more of them on their way
//
// Memory is the limit: forward reads and writes one element, backward reads two and writes one, for a handful of flops.
#include "pack.cuh"

KERNELS(leaky_relu, (const real* x, real* y, int n, real slope),
        [=](real& y, real x) { y = x > real(0) ? x : slope * x; }, Written{y}, x)

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
