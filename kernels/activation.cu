// Activations and their derivatives, element by element: one thread an element, grid ceil(n / 256), block 256.
//
// Memory is the limit: forward reads and writes one element, backward reads two and writes one, for a handful of flops.

extern "C" __global__ void leaky_relu_v1(const real* x, real* y, int n, real slope) {
    const int i = global_index();
    if (i < n) y[i] = x[i] > real(0) ? x[i] : slope * x[i];
}

extern "C" __global__ void leaky_relu_backward_v1(const real* gradient, const real* x, real* y, int n, real slope) {
    const int i = global_index();
    if (i < n) y[i] = x[i] > real(0) ? gradient[i] : slope * gradient[i];
}

extern "C" __global__ void tanh_v1(const real* x, real* y, int n) {
    const int i = global_index();
    if (i < n) y[i] = tanh(x[i]);
}

// From the output: tanh' = 1 - tanh^2. `output` is what tanh_v1 wrote.
extern "C" __global__ void tanh_backward_v1(const real* gradient, const real* output, real* y, int n) {
    const int i = global_index();
    if (i < n) y[i] = gradient[i] * (real(1) - output[i] * output[i]);
}

// e^-|x| is in (0, 1]: it cannot overflow, whatever x is.
extern "C" __global__ void sigmoid_v1(const real* x, real* y, int n) {
    const int i = global_index();
    if (i >= n) return;
    const real e = exp(-fabs(x[i]));
    y[i] = (x[i] >= real(0) ? real(1) : e) / (real(1) + e);
}

extern "C" __global__ void sigmoid_backward_v1(const real* gradient, const real* output, real* y, int n) {
    const int i = global_index();
    if (i < n) y[i] = gradient[i] * output[i] * (real(1) - output[i]);
}
