// The data's gradient at stride 2, stored by whole sectors. Float only.
//
// A phase has every second pixel of a row, and another block makes the pixels between. The first of the two that is done leaves
// its sums in a buffer, as they lie in its threads; the second one puts them between its own. Nobody waits for a block that may
// not have begun: who finds a ticket drawn waits for a block that is storing already. A ticket counts 1 for each who came, and
// 4 when the sums are there.
#pragma once
#include "windows.cuh"
#if SINGLE

// As hand_over(). `others` is the target of the other phase, `buffer` 128 x 128 numbers, and `ticket` is 0 before either comes.
template <class Product>
__device__ inline void hand_over_in_pairs(const Product& product, const PixelTarget& own, const PixelTarget& others,
                                          float* buffer, int* ticket, float* slabs) {
    constexpr int LANES = 32, COLUMNS = Product::WARP_COLUMNS, ACROSS = SIDE / COLUMNS, LEFT_THERE = 4;
    const int warp = threadIdx.x / LANES, lane = threadIdx.x % LANES;
    buffer += warp * Product::WARP_ROWS * COLUMNS;
    __shared__ bool is_second;
    if (threadIdx.x == 0) is_second = atomicAdd(ticket, 1) != 0;
    __syncthreads();
    if (!is_second) {
        each_row(product, slabs, [&](int i, int r, const float* row) {
#pragma unroll
            for (int c = lane; c < COLUMNS; c += LANES) buffer[(8 * i + r) * COLUMNS + c] = row[c];
        });
        __syncthreads();
        if (threadIdx.x == 0) {
            __threadfence();  // who sees the ticket sees what all have stored before the barrier
            atomicAdd(ticket, LEFT_THERE);
        }
        return;
    }
    if (threadIdx.x == 0) {
        while (atomicAdd(ticket, 0) < LEFT_THERE) {}
        __threadfence();
    }
    __syncthreads();
    const bool is_own = lane % 2;  // whose pixel a lane puts; which of two neighbours it puts is all the same to memory
    int place[2 * COLUMNS / LANES];
#pragma unroll
    for (int c = 0; c < 2 * COLUMNS / LANES; ++c) {
        const int column = warp % ACROSS * COLUMNS + (lane + c * LANES) / 2;
        place[c] = is_own ? own.place(column) : others.place(column);
    }
    each_row(product, slabs, [&](int i, int r, const float* row) {
#pragma unroll
        for (int c = 0; c < 2 * COLUMNS / LANES; ++c) {
            const int pixel = (lane + c * LANES) / 2;
            const float sum = is_own ? row[pixel] : __ldcg(&buffer[(8 * i + r) * COLUMNS + pixel]);
            own.put(warp / ACROSS * Product::WARP_ROWS + Product::row_of(i, r), place[c], sum);
        }
    });
}

#endif  // SINGLE
