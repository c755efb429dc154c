// Put before the text of every kernel file. What you read here, in the file, and in a .cuh that it includes, is all there is.
//
// `real` is float, or double for gradient checks (-DREAL=double). Literals are written real(0.5) and never 0.5:
// a bare 0.5 is a double, and one of those drags a float kernel's arithmetic into FP64.
#ifndef REAL
#define REAL float
#endif
typedef REAL real;
typedef unsigned int uint32;
typedef unsigned long long uint64;

// What is written for float alone stands in #if SINGLE, what takes a chip with tensor cores for TF32 in #if TENSOR_CORES.
#define SINGLE_IF_float 1
#define SINGLE_IF_double 0
#define SINGLE_IF_EXPANDED(type) SINGLE_IF_##type
#define SINGLE_IF(type) SINGLE_IF_EXPANDED(type)
#define SINGLE SINGLE_IF(REAL)
#define TENSOR_CORES (SINGLE && (__CUDA_ARCH__ >= 800 || defined(MINIGAN_EMULATOR)))

constexpr int WARP = 32;
constexpr unsigned int ALL_LANES = 0xffffffffu;

__device__ inline int global_index() { return blockIdx.x * blockDim.x + threadIdx.x; }

// The sum of `value` over the 32 lanes of a warp; the result is in lane 0. Every lane of the warp must call it.
__device__ inline real warp_sum(real value) {
    for (int offset = WARP / 2; offset > 0; offset /= 2) value += __shfl_down_sync(ALL_LANES, value, offset);
    return value;
}

// The sum of `value` over all threads of a block of whole warps, in every thread. Every thread of the block must call it.
__device__ inline real block_sum(real value) {
    __shared__ real of_warp[WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    value = warp_sum(value);
    __syncthreads();  // who is still reading the sums of an earlier call has finished
    if (lane == 0) of_warp[warp] = value;
    __syncthreads();  // every warp's sum is there before anyone reads them
    real sum = real(0);
    for (int w = 0; w < warps; ++w) sum += of_warp[w];
    return sum;
}

// Philox4x32-10 of Salmon et al. 2011, section 3.3: a counter and a key go in, four 32-bit words come out.
struct Words { uint32 w0, w1, w2, w3; };

__device__ inline Words philox(uint64 counter, uint64 seed) {
    Words x = {uint32(counter), uint32(counter >> 32), 0, 0};
    uint32 key0 = uint32(seed), key1 = uint32(seed >> 32);
    for (int round = 0; round < 10; ++round) {
        const uint64 product0 = uint64(0xD2511F53u) * x.w0, product1 = uint64(0xCD9E8D57u) * x.w2;
        x = {uint32(product1 >> 32) ^ x.w1 ^ key0, uint32(product1), uint32(product0 >> 32) ^ x.w3 ^ key1,
             uint32(product0)};
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return x;
}

// k 2^-24 from the upper 24 bits: in [0, 1), exact in float and in double alike.
__device__ inline real fraction(uint32 word) { return real(word >> 8) * real(1.0f / 16777216); }
