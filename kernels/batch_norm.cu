// Batch normalisation of x (images, channels, pixels), each channel by itself: y = gamma (x - mean) / sqrt(variance + epsilon)
// + beta. Statistics and sums: a block a channel, grid channels, block 256. The rest: an element a thread, grid ceil(n / 256).
//
//   v1  two-pass   the mean first, then the squares of what is left: nothing cancels, whatever the mean is

// Where the term-th element of a channel stands.
__device__ inline int element_of(int channel, int term, int channels, int pixels) {
    return (term / pixels * channels + channel) * pixels + term % pixels;
}

// Biased variance: the sum is divided by the number of terms. Reads x twice.
extern "C" __global__ void batch_norm_statistics_v1(const real* x, real* mean, real* variance, int images, int channels,
                                                    int pixels) {
    const int terms = images * pixels;
    real sum = real(0), squares = real(0);
    for (int term = threadIdx.x; term < terms; term += blockDim.x) sum += x[element_of(blockIdx.x, term, channels, pixels)];
    const real center = block_sum(sum) / real(terms);
    for (int term = threadIdx.x; term < terms; term += blockDim.x) {
        const real rest = x[element_of(blockIdx.x, term, channels, pixels)] - center;
        squares += rest * rest;
    }
    squares = block_sum(squares);
    if (threadIdx.x == 0) {
        mean[blockIdx.x] = center;
        variance[blockIdx.x] = squares / real(terms);
    }
}

extern "C" __global__ void batch_norm_v1(const real* x, const real* mean, const real* variance, const real* gamma,
                                         const real* beta, real* y, int n, int channels, int pixels, real epsilon) {
    const int i = global_index();
    if (i >= n) return;
    const int c = i / pixels % channels;
    y[i] = gamma[c] * ((x[i] - mean[c]) / sqrt(variance[c] + epsilon)) + beta[c];
}

// What the gradient says about gamma and beta: its sums over a channel, with and without the normalised x as a factor.
extern "C" __global__ void batch_norm_sums_v1(const real* gradient, const real* x, const real* mean, const real* variance,
                                              real* grad_gamma, real* grad_beta, int images, int channels, int pixels,
                                              real epsilon) {
    const int c = blockIdx.x, terms = images * pixels;
    const real scale = real(1) / sqrt(variance[c] + epsilon);
    real products = real(0), sum = real(0);
    for (int term = threadIdx.x; term < terms; term += blockDim.x) {
        const int i = element_of(c, term, channels, pixels);
        sum += gradient[i];
        products += gradient[i] * ((x[i] - mean[c]) * scale);
    }
    products = block_sum(products);
    sum = block_sum(sum);
    if (threadIdx.x == 0) {
        grad_gamma[c] = products;
        grad_beta[c] = sum;
    }
}

// x moves its channel's mean and variance too: their share is taken off. `share` is 1 / (images pixels).
extern "C" __global__ void batch_norm_backward_v1(const real* gradient, const real* x, const real* mean,
                                                  const real* variance, const real* gamma, const real* grad_gamma,
                                                  const real* grad_beta, real* grad_x, int n, int channels, int pixels,
                                                  real share, real epsilon) {
    const int i = global_index();
    if (i >= n) return;
    const int c = i / pixels % channels;
    const real scale = real(1) / sqrt(variance[c] + epsilon), normal = (x[i] - mean[c]) * scale;
    grad_x[i] = gamma[c] * scale * (gradient[i] - share * (grad_beta[c] + normal * grad_gamma[c]));
}

// running <- running + momentum (scale value - running)
extern "C" __global__ void running_average_v1(real* running, const real* value, int n, real momentum, real scale) {
    const int i = global_index();
    if (i < n) running[i] += momentum * (scale * value[i] - running[i]);
}
