// 16 bytes at once, the most that one instruction of a thread moves: what the upper rungs of reduce.cu, activation.cu,
// optim.cu and batch_norm.cu share.
#pragma once

constexpr int PACK = 16 / sizeof(real);  // 4 floats or 2 doubles
struct __align__(16) Pack { real of[PACK]; };

// A pack lies on a boundary of 16 bytes. The first element of a slice, x[1:], need not.
template <class... Arrays> __device__ inline bool on_boundaries(Arrays... arrays) {
    return (reinterpret_cast<uint64>(arrays) | ...) % 16 == 0;
}

__device__ inline Pack load_pack(const real* from) { return *reinterpret_cast<const Pack*>(from); }
__device__ inline void store_pack(real* to, const Pack& pack) { *reinterpret_cast<Pack*>(to) = pack; }

// use(load(i)) for i = first, first + step, … below end. A load takes hundreds of cycles; LOADS of them are on their way
// before the first result is waited for.
constexpr int LOADS = 4;

template <class Load, class Use> __device__ inline void in_flight(int first, int end, int step, Load load, Use use) {
    int i = first;
    for (; i + (LOADS - 1) * step < end; i += LOADS * step) {
        decltype(load(i)) loaded[LOADS];
#pragma unroll
        for (int k = 0; k < LOADS; ++k) loaded[k] = load(i + k * step);
#pragma unroll
        for (int k = 0; k < LOADS; ++k) use(loaded[k]);
    }
    for (; i < end; i += step) use(load(i));
}
