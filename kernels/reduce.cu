// y = scale * (x summed over some axes).
//
// The launcher merges axes, so at most four are left: two that are kept, of lengths (outputs / k1, k1), and two that are
// summed, (terms / r1, r1), each with its stride in x. That is every sum over any axes of an array of up to four axes.
//
//   v1  atomics       a thread a term, all adding to one address: one after the other, as they come
//   v2  shared tree   a block an output: its threads stride through the terms, then add up in pairs of halves
//   v3  warp shuffle  the last 32 add up from register to register: two barriers instead of eight
//   v4  vectorised    16 bytes a load, four loads on their way; and where outputs are few, several blocks for each
//
// But for v1 they add in a fixed sequence: the same bits every time. Memory is the limit: 1 flop for the 4 bytes of a term.
#include "pack.cuh"

__device__ inline int kept_start(int output, int k1, int ks0, int ks1) { return output / k1 * ks0 + output % k1 * ks1; }
__device__ inline int summed_place(int term, int r1, int rs0, int rs1) { return term / r1 * rs0 + term % r1 * rs1; }

// Grid ceil(outputs terms / 256), block 256; y is zero before. The last bits depend on the order of the threads.
extern "C" __global__ void sum_v1(const real* x, real* y, int outputs, int terms, int k1, int ks0, int ks1, int r1,
                                  int rs0, int rs1, real scale) {
    const int i = global_index();
    if (i >= outputs * terms) return;
    const int output = i / terms;
    atomicAdd(&y[output], scale * x[kept_start(output, k1, ks0, ks1) + summed_place(i % terms, r1, rs0, rs1)]);
}

// Grid outputs, block 256.
constexpr int THREADS = 256;

extern "C" __global__ void sum_v2(const real* x, real* y, int outputs, int terms, int k1, int ks0, int ks1, int r1,
                                  int rs0, int rs1, real scale) {
    __shared__ real part[THREADS];
    const real* start = x + kept_start(blockIdx.x, k1, ks0, ks1);
    real sum = real(0);
    for (int term = threadIdx.x; term < terms; term += THREADS) sum += start[summed_place(term, r1, rs0, rs1)];
    part[threadIdx.x] = sum;
    for (int half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();  // every sum of the round before is there
        // The lower half adds the upper one to itself: neighbours stay neighbours, in 32 different banks.
        if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
    }
    if (threadIdx.x == 0) y[blockIdx.x] = scale * part[0];
}

// Grid outputs, block 256.
extern "C" __global__ void sum_v3(const real* x, real* y, int outputs, int terms, int k1, int ks0, int ks1, int r1,
                                  int rs0, int rs1, real scale) {
    const real* start = x + kept_start(blockIdx.x, k1, ks0, ks1);
    real sum = real(0);
    for (int term = threadIdx.x; term < terms; term += blockDim.x) sum += start[summed_place(term, r1, rs0, rs1)];
    sum = block_sum(sum);
    if (threadIdx.x == 0) y[blockIdx.x] = scale * sum;
}

// Grid (outputs, parts), block up to 256, of which 8 fill a multiprocessor. A block adds up `share` terms, a multiple of a warp's
// 512 bytes; y is (outputs, parts), and where there is more than one part, a second launch adds those up.
extern "C" __global__ void __launch_bounds__(256, 8)
    sum_v4(const real* x, real* y, int outputs, int terms, int k1, int ks0, int ks1, int r1,
                                  int rs0, int rs1, real scale, int share) {
    const real* start = x + kept_start(blockIdx.x, k1, ks0, ks1);
    const int begin = blockIdx.y * share, end = begin + min(share, terms - begin);
    // Packs may be many runs of whole packs, rs0 a multiple of r1, or a single run with an end of single terms.
    const bool one_run = r1 == terms;
    const bool packed = rs1 == 1 && on_boundaries(start) && (one_run || r1 % PACK == 0);
    const int last = packed ? end - (end - begin) % PACK : begin;
    real sum = real(0);
    in_flight(
        begin + threadIdx.x * PACK, last, blockDim.x * PACK,
        [=](int term) { return load_pack(start + (one_run ? term : summed_place(term, r1, rs0, 1))); },
        [&](int, const Pack& pack) {
#pragma unroll
            for (int k = 0; k < PACK; ++k) sum += pack.of[k];
        });
    in_flight(
        last + threadIdx.x, end, blockDim.x, [=](int term) { return start[summed_place(term, r1, rs0, rs1)]; },
        [&](int, real value) { sum += value; });
    sum = block_sum(sum);
    if (threadIdx.x == 0) y[blockIdx.x * gridDim.y + blockIdx.y] = scale * sum;
}

// One thread an output, which adds one after the other: where outputs are many and lie side by side, as in sums down the
// columns of a matrix, neighbours read neighbours. Grid ceil(outputs / 256), block 256.
extern "C" __global__ void sum_columns_v1(const real* x, real* y, int outputs, int terms, int k1, int ks0, int ks1, int r1,
                                          int rs0, int rs1, real scale) {
    const int output = global_index();
    if (output >= outputs) return;
    const real* start = x + kept_start(output, k1, ks0, ks1);
    real sum = real(0);
    for (int outer = 0; outer < terms / r1; ++outer)
        for (int inner = 0; inner < r1; ++inner) sum += start[outer * rs0 + inner * rs1];
    y[output] = scale * sum;
}
