// Put before the text of every kernel file. Nothing else is included: what you read here and in the file is all there is.
//
// `real` is float, or double for gradient checks (-DREAL=double). Literals are written real(0.5) and never 0.5:
// a bare 0.5 is a double, and one of those drags a float kernel's arithmetic into FP64.
#ifndef REAL
#define REAL float
#endif
typedef REAL real;
typedef unsigned int uint32;
typedef unsigned long long uint64;

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
