// One optimizer step over all parameters of a network, which lie end to end in one array.
//
//   v1  scalar      a thread an element, 4 bytes a load
//   v2  vectorised  16 bytes a load and a store, and what all elements have in common is computed once for four of them
//
// The step count and the rate are read from device memory and not passed by value, so that a captured graph of launches
// sees them change.
#include "pack.cuh"

// Kingma and Ba 2015, Algorithm 1: 7 arrays' worth of traffic an element (4 read, 3 written), 28 bytes in float.
//
// The corrections are 1 - beta^t = -expm1(t ln beta), with ln beta and 1 - beta computed by the host in double: in float
// beta = 0.999 is itself off by 1e-8, which is 5e-5 of 1 - beta at the first step.
struct Adam {
    real beta1, rest1, beta2, rest2, correction1, correction2, rate, epsilon;

    __device__ inline void operator()(real& parameter, real g, real& first, real& second) const {
        first = beta1 * first + rest1 * g;
        second = beta2 * second + rest2 * g * g;
        parameter -= rate * (first / correction1) / (sqrt(second / correction2) + epsilon);
    }
};

// Grid ceil(n / 256), block 256.
extern "C" __global__ void adam_v1(real* parameter, const real* gradient, real* first, real* second, const uint64* step,
                                   const real* rate, int n, real beta1, real rest1, real log_beta1, real beta2, real rest2,
                                   real log_beta2, real epsilon) {
    const int i = global_index();
    if (i >= n) return;
    const real t = real(step[0]);
    const Adam adam = {beta1, rest1, beta2, rest2, -expm1(t * log_beta1), -expm1(t * log_beta2), rate[0], epsilon};
    adam(parameter[i], gradient[i], first[i], second[i]);
}

// Grid ceil(n / (256 PACK)), block 256. A block that lies off the boundaries of 16 bytes, or reaches beyond the end, goes by
// single elements, neighbours side by side.
extern "C" __global__ void adam_v2(real* parameter, const real* gradient, real* first, real* second, const uint64* step,
                                   const real* rate, int n, real beta1, real rest1, real log_beta1, real beta2, real rest2,
                                   real log_beta2, real epsilon) {
    const real t = real(step[0]);
    const Adam adam = {beta1, rest1, beta2, rest2, -expm1(t * log_beta1), -expm1(t * log_beta2), rate[0], epsilon};
    const int whole = blockDim.x * PACK, begin = blockIdx.x * whole, end = begin + min(whole, n - begin);
    if (on_boundaries(parameter, gradient, first, second) && end - begin == whole) {
        const int i = begin + threadIdx.x * PACK;
        const Pack g = load_pack(gradient + i);  // 16 bytes, one instruction
        Pack p = load_pack(parameter + i), m = load_pack(first + i), v = load_pack(second + i);
        for (int k = 0; k < PACK; ++k) adam(p.of[k], g.of[k], m.of[k], v.of[k]);
        store_pack(parameter + i, p);
        store_pack(first + i, m);
        store_pack(second + i, v);
    } else {
        for (int i = begin + threadIdx.x; i < end; i += blockDim.x) adam(parameter[i], gradient[i], first[i], second[i]);
    }
}

// The other optimizers go the same two ways: KERNELS in pack.cuh makes both kernels.

// p <- p - rate g
struct Descent {
    real rate;
    __device__ inline void operator()(real& parameter, real g) const { parameter -= rate * g; }
};

KERNELS(sgd, (real* parameter, const real* gradient, const real* rate, int n), Descent{rate[0]}, parameter, gradient)

// Polyak 1964: v <- mu v + g, p <- p - rate v.
struct Momentum {
    real rate, mu;
    __device__ inline void operator()(real& parameter, real g, real& velocity) const {
        velocity = mu * velocity + g;
        parameter -= rate * velocity;
    }
};

KERNELS(momentum, (real* parameter, const real* gradient, real* velocity, const real* rate, int n, real mu),
        (Momentum{rate[0], mu}), parameter, gradient, velocity)

// Tieleman and Hinton 2012, lecture 6e: v <- rho v + (1 - rho) g^2, p <- p - rate g / (sqrt(v) + epsilon). `rest` is 1 - rho,
// computed by the host in double.
struct RmsProp {
    real rate, rho, rest, epsilon;
    __device__ inline void operator()(real& parameter, real g, real& second) const {
        second = rho * second + rest * g * g;
        parameter -= rate * g / (sqrt(second) + epsilon);
    }
};

KERNELS(rmsprop,
        (real* parameter, const real* gradient, real* second, const real* rate, int n, real rho, real rest, real epsilon),
        (RmsProp{rate[0], rho, rest, epsilon}), parameter, gradient, second)

// Every weight into [-bound, bound]: the critic of Arjovsky et al. 2017, Algorithm 1, line 7. NaN stays NaN.
struct Clamp {
    real bound;
    __device__ inline void operator()(real& p) const { p = p < -bound ? -bound : p > bound ? bound : p; }
};

KERNELS(clamp, (real* parameter, int n, real bound), Clamp{bound}, parameter)
