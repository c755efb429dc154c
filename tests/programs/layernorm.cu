// Layer norm (Ba et al. 2016), one block a row, its mean and variance by Welford's updates in half precision.
#include <cuda_fp16.h>
#include <cublas_v2.h>

struct Welford { float mean, m2, count; };

__host__ __device__ inline Welford combine(const Welford a, const Welford b)
{
    if (b.count == 0) return a;
    const float count = a.count + b.count, delta = b.mean - a.mean;
    return {a.mean + delta * b.count / count, a.m2 + b.m2 + delta * delta * a.count * b.count / count, count};
}

__device__ Welford warpCombine(Welford w)
{
#pragma unroll
    for (int mask = 16; mask > 0; mask >>= 1) {
        Welford other = {__shfl_xor_sync(~0u, w.mean, mask), __shfl_xor_sync(~0u, w.m2, mask), __shfl_xor_sync(~0u, w.count, mask)};
        w = combine(w, other);
    }
    return w;
}

template <int THREADS>
__global__ void __launch_bounds__(THREADS) layernorm(__half *y, const __half *x, const float *gamma, const float *beta, int C)
{
    __shared__ Welford shared[THREADS / 32];
    const __half *row = x + blockIdx.x * C;
    Welford w = {0, 0, 0};
    for (int c = threadIdx.x; c < C; c += THREADS) {
        const float v = __half2float(row[c]);
        w.count += 1;
        const float delta = v - w.mean;
        w.mean += delta / w.count;
        w.m2 += delta * (v - w.mean);
    }
    w = warpCombine(w);
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = w;
    __syncthreads();
    w = shared[0];
    for (int i = 1; i < THREADS / 32; ++i) w = combine(w, shared[i]);
    const float rstd = rsqrtf(w.m2 / w.count + 1e-5f);
    for (int c = threadIdx.x; c < C; c += THREADS)
        y[blockIdx.x * C + c] = __float2half_rn((__half2float(row[c]) - w.mean) * rstd * gamma[c] + beta[c]);
}

template <int THREADS> void launch(__half *y, const __half *x, const float *g, const float *b, int N, int C, cudaStream_t s)
{
    layernorm<THREADS><<<N, THREADS, 0, s>>>(y, x, g, b, C);
}

void layernorm_forward(int block_size, __half *y, const __half *x, const float *g, const float *b, int N, int C)
{
    switch (block_size) {
        case 128: launch<128>(y, x, g, b, N, C, 0); break;
        case 256: launch<256>(y, x, g, b, N, C, 0); break;
        default: fprintf(stderr, "no such block size\n"); exit(EXIT_FAILURE);
    }
}
