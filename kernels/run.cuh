// Floats side by side that one instruction moves: what matmul_v4 and the tiles of tile.cuh share.
#pragma once
#if SINGLE

// 16 bytes, or 8 where a tensor core leaves two sums side by side.
template <int N> struct __align__(4 * N) Run { float of[N]; };

// Out of shared memory, from a boundary of 16 bytes.
__device__ inline const Run<4>& four_at(const float* from) { return *reinterpret_cast<const Run<4>*>(from); }

// Out of global memory, where a row may begin anywhere: at once if all four are there and lie on a boundary, else one by one,
// with zeros for those that are not `left`.
__device__ inline Run<4> load_four(const float* from, int left) {
    if (left >= 4 && size_t(from) % 16 == 0) return *reinterpret_cast<const Run<4>*>(from);
    return {left > 0 ? from[0] : 0.0f, left > 1 ? from[1] : 0.0f, left > 2 ? from[2] : 0.0f, left > 3 ? from[3] : 0.0f};
}

// And back, likewise.
template <int N> __device__ inline void store(float* to, const Run<N>& run, int left) {
    if (left >= N && size_t(to) % sizeof run == 0) *reinterpret_cast<Run<N>*>(to) = run;
    else
        for (int c = 0; c < N && c < left; ++c) to[c] = run.of[c];
}

#endif  // SINGLE
