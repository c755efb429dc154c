// Batch normalisation of x (images, channels, pixels), each channel by itself: y = gamma (x - mean) / sqrt(variance + epsilon)
// + beta, and leaky_relu of that, which with slope 1 is the identity. Statistics and sums: a block a channel. The rest:
// element by element.
//
//   v1  two-pass    the mean first, then the squares of what is left: nothing cancels, whatever the mean is
//   v2  one pass    x is read once: partial means and squares are merged; and 16 bytes a load, here and element by element
//   v3  one launch  statistics, normalisation and activation: x is read again while the cache still has it
#include "pack.cuh"

// The numbers of one channel, one after the other.
struct Channel {
    int c, channels, pixels, terms;
    __device__ inline int place(int term) const { return (term / pixels * channels + c) * pixels + term % pixels; }
};

__device__ inline Channel channel_of_block(int images, int channels, int pixels) {
    return {int(blockIdx.x), channels, pixels, images * pixels};
}

// Grid channels, block 256. Biased variance: the sum is divided by the number of terms. Reads x twice.
extern "C" __global__ void batch_norm_statistics_v1(const real* x, real* mean, real* variance, int images, int channels,
                                                    int pixels) {
    const Channel of = channel_of_block(images, channels, pixels);
    real sum = real(0), squares = real(0);
    for (int term = threadIdx.x; term < of.terms; term += blockDim.x) sum += x[of.place(term)];
    const real center = block_sum(sum) / real(of.terms);
    for (int term = threadIdx.x; term < of.terms; term += blockDim.x) {
        const real rest = x[of.place(term)] - center;
        squares += rest * rest;
    }
    squares = block_sum(squares);
    if (threadIdx.x == 0) {
        mean[of.c] = center;
        variance[of.c] = squares / real(of.terms);
    }
}

// How many numbers, their mean, and the sum of the squares of their distances from it.
struct Moments { real count, mean, squares; };

// Chan, Golub and LeVeque 1983, eq. 2.1. With a single number as b it is Welford's update (1962).
__device__ inline Moments merged(const Moments& a, const Moments& b) {
    const real count = a.count + b.count, apart = b.mean - a.mean, share = count > real(0) ? b.count / count : real(0);
    return {count, a.mean + apart * share, a.squares + b.squares + apart * apart * (a.count * share)};
}

__device__ inline Moments moments_of_pack(const Pack& pack, real origin) {
    real sum = real(0), squares = real(0);
#pragma unroll
    for (int k = 0; k < PACK; ++k) sum += pack.of[k] - origin;
    const real mean = sum * (real(1) / PACK);
#pragma unroll
    for (int k = 0; k < PACK; ++k) {
        const real rest = pack.of[k] - origin - mean;
        squares += rest * rest;
    }
    return {real(PACK), mean, squares};
}

// Of a warp's lanes, in lane 0.
__device__ inline Moments merged_by_warp(Moments own) {
    for (int offset = WARP / 2; offset > 0; offset /= 2)
        own = merged(own, {__shfl_down_sync(ALL_LANES, own.count, offset), __shfl_down_sync(ALL_LANES, own.mean, offset),
                           __shfl_down_sync(ALL_LANES, own.squares, offset)});
    return own;
}

// Of a block's threads, in every thread. Every thread of the block must call it, once.
__device__ inline Moments merged_by_block(Moments own) {
    __shared__ Moments of_warp[WARP];
    const int lane = threadIdx.x % WARP, warps = blockDim.x / WARP;
    own = merged_by_warp(own);
    if (lane == 0) of_warp[threadIdx.x / WARP] = own;
    __syncthreads();
    // Every warp merges all of them, so that none has to wait for another's result.
    own = merged_by_warp(lane < warps ? of_warp[lane] : Moments{});
    return {__shfl_sync(ALL_LANES, own.count, 0), __shfl_sync(ALL_LANES, own.mean, 0), __shfl_sync(ALL_LANES, own.squares, 0)};
}

// Distances from the channel's first number are what is merged: of 1000 ± 1 a float keeps 4 digits behind the point, of the
// distance 7.
__device__ inline Moments moments_of_channel(const real* x, const Channel& of, bool packed) {
    const real origin = x[of.place(0)];
    Moments own = {};
    in_flight(
        threadIdx.x * PACK, packed ? of.terms : 0, blockDim.x * PACK, [=](int term) { return load_pack(x + of.place(term)); },
        [&](int, const Pack& pack) { own = merged(own, moments_of_pack(pack, origin)); });
    in_flight(
        threadIdx.x, packed ? 0 : of.terms, blockDim.x, [=](int term) { return x[of.place(term)]; },
        [&](int, real value) { own = merged(own, {real(1), value - origin, real(0)}); });
    own = merged_by_block(own);
    own.mean += origin;
    return own;
}

// Grid channels, block up to 1024: one to a multiprocessor, or NVRTC saves registers for two and spills. Reads x once.
extern "C" __global__ void __launch_bounds__(1024, 1)
    batch_norm_statistics_v2(const real* x, real* mean, real* variance, int images, int channels, int pixels) {
    const Channel of = channel_of_block(images, channels, pixels);
    const Moments found = moments_of_channel(x, of, pixels % PACK == 0 && on_boundaries(x));
    if (threadIdx.x == 0) {
        mean[of.c] = found.mean;
        variance[of.c] = found.squares / found.count;
    }
}

// What is done to each number of a channel.
struct Normalise {
    real mean, scale, shift, slope;

    __device__ inline Normalise(int c, const real* means, const real* variances, const real* gamma, const real* beta,
                                real epsilon, real slope)
        : Normalise(means[c], variances[c], gamma[c], beta[c], epsilon, slope) {}
    __device__ inline Normalise(real mean, real variance, real gamma, real beta, real epsilon, real slope)
        : mean(mean), scale(gamma / sqrt(variance + epsilon)), shift(beta), slope(slope) {}

    __device__ inline void operator()(real& y, real x) const {
        y = (x - mean) * scale + shift;
        y = y > real(0) ? y : slope * y;
    }
};

KERNELS_WHERE(pixels % PACK == 0, batch_norm,
              (const real* x, const real* mean, const real* variance, const real* gamma, const real* beta, real* y, int n,
               int channels, int pixels, real epsilon, real slope),
              Normalise(i / pixels % channels, mean, variance, gamma, beta, epsilon, slope), Written{y}, x)

// Grid channels, block up to 1024.
extern "C" __global__ void __launch_bounds__(1024, 1)
    batch_norm_forward_v3(const real* x, const real* gamma, const real* beta, real* y, real* mean, real* variance,
                          int images, int channels, int pixels, real epsilon, real slope) {
    const Channel of = channel_of_block(images, channels, pixels);
    const bool packed = pixels % PACK == 0 && on_boundaries(x, y);
    const Moments found = moments_of_channel(x, of, packed);
    const real spread = found.squares / found.count;
    if (threadIdx.x == 0) {
        mean[of.c] = found.mean;
        variance[of.c] = spread;
    }
    const Normalise step(found.mean, spread, gamma[of.c], beta[of.c], epsilon, slope);
    in_flight(
        threadIdx.x * PACK, packed ? of.terms : 0, blockDim.x * PACK, [=](int term) { return load_pack(x + of.place(term)); },
        [=](int term, Pack& pack) {
#pragma unroll
            for (int k = 0; k < PACK; ++k) step(pack.of[k], pack.of[k]);
            store_pack(y + of.place(term), pack);
        });
    in_flight(
        threadIdx.x, packed ? 0 : of.terms, blockDim.x, [=](int term) { return x[of.place(term)]; },
        [=](int term, real value) { step(y[of.place(term)], value); });
}

// What the gradient says about gamma and beta: its sums over a channel, with and without the normalised x as a factor.
struct Sums {
    real mean, scale, products, sum;

    __device__ inline Sums(real mean, real variance, real epsilon)
        : mean(mean), scale(real(1) / sqrt(variance + epsilon)), products(0), sum(0) {}

    __device__ inline void add(real gradient, real x) {
        sum += gradient;
        products += gradient * ((x - mean) * scale);
    }

    // By every thread of the block.
    __device__ inline void leave(real* grad_gamma, real* grad_beta) {
        products = block_sum(products);
        sum = block_sum(sum);
        if (threadIdx.x == 0) *grad_gamma = products, *grad_beta = sum;
    }
};

// Grid channels, block 256.
extern "C" __global__ void batch_norm_sums_v1(const real* gradient, const real* x, const real* mean, const real* variance,
                                              real* grad_gamma, real* grad_beta, int images, int channels, int pixels,
                                              real epsilon) {
    const Channel of = channel_of_block(images, channels, pixels);
    Sums sums(mean[of.c], variance[of.c], epsilon);
    for (int term = threadIdx.x; term < of.terms; term += blockDim.x)
        sums.add(gradient[of.place(term)], x[of.place(term)]);
    sums.leave(grad_gamma + of.c, grad_beta + of.c);
}

// Grid channels, block up to 1024.
template <class Number> struct Pair { Number gradient, x; };

extern "C" __global__ void __launch_bounds__(1024, 1)
    batch_norm_sums_v2(const real* gradient, const real* x, const real* mean, const real* variance, real* grad_gamma,
                       real* grad_beta, int images, int channels, int pixels, real epsilon) {
    const Channel of = channel_of_block(images, channels, pixels);
    const bool packed = pixels % PACK == 0 && on_boundaries(gradient, x);
    Sums sums(mean[of.c], variance[of.c], epsilon);
    in_flight(
        threadIdx.x * PACK, packed ? of.terms : 0, blockDim.x * PACK,
        [=](int term) { return Pair<Pack>{load_pack(gradient + of.place(term)), load_pack(x + of.place(term))}; },
        [&](int, const Pair<Pack>& both) {
#pragma unroll
            for (int k = 0; k < PACK; ++k) sums.add(both.gradient.of[k], both.x.of[k]);
        });
    in_flight(
        threadIdx.x, packed ? 0 : of.terms, blockDim.x,
        [=](int term) { return Pair<real>{gradient[of.place(term)], x[of.place(term)]}; },
        [&](int, const Pair<real>& both) { sums.add(both.gradient, both.x); });
    sums.leave(grad_gamma + of.c, grad_beta + of.c);
}

// x moves its channel's mean and variance too: their share is taken off. `share` is 1 / (images pixels).
struct Backward {
    real mean, scale, gamma, of_gamma, of_beta;

    __device__ inline Backward(int c, const real* means, const real* variances, const real* gammas, const real* grad_gamma,
                               const real* grad_beta, real share, real epsilon)
        : mean(means[c]), scale(real(1) / sqrt(variances[c] + epsilon)), gamma(gammas[c]), of_gamma(share * grad_gamma[c]),
          of_beta(share * grad_beta[c]) {}

    __device__ inline void operator()(real& grad_x, real gradient, real x) const {
        grad_x = gamma * scale * (gradient - (of_beta + (x - mean) * scale * of_gamma));
    }
};

KERNELS_WHERE(pixels % PACK == 0, batch_norm_backward,
              (const real* gradient, const real* x, const real* mean, const real* variance, const real* gamma,
               const real* grad_gamma, const real* grad_beta, real* grad_x, int n, int channels, int pixels, real share,
               real epsilon),
              Backward(i / pixels % channels, mean, variance, gamma, grad_gamma, grad_beta, share, epsilon),
              Written{grad_x}, gradient, x)
