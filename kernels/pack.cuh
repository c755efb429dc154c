// 16 bytes at once, the most that one instruction of a thread moves: what the upper rungs of reduce.cu, activation.cu,
// optim.cu, average.cu and batch_norm.cu share.
#pragma once

constexpr int PACK = 16 / sizeof(real);  // 4 floats or 2 doubles
struct __align__(16) Pack { real of[PACK]; };

// A pack lies on a boundary of 16 bytes. The first element of a slice, x[1:], need not.
template <class... Arrays> __device__ inline bool on_boundaries(Arrays... arrays) {
    return (reinterpret_cast<uint64>(arrays) | ...) % 16 == 0;
}

__device__ inline Pack load_pack(const real* from) { return *reinterpret_cast<const Pack*>(from); }
__device__ inline void store_pack(real* to, const Pack& pack) { *reinterpret_cast<Pack*>(to) = pack; }

// use(i, load(i)) for i = first, first + step, … below end. A load takes hundreds of cycles; LOADS of them are on their way
// before the first result is waited for.
constexpr int LOADS = 4;

template <class Load, class Use> __device__ inline void in_flight(int first, int end, int step, Load load, Use use) {
    int i = first;
    for (; i + (LOADS - 1) * step < end; i += LOADS * step) {
        decltype(load(i)) loaded[LOADS];
#pragma unroll
        for (int k = 0; k < LOADS; ++k) loaded[k] = load(i + k * step);
#pragma unroll
        for (int k = 0; k < LOADS; ++k) use(i + k * step, loaded[k]);
    }
    for (; i < end; i += step) {
        auto last = load(i);
        use(i, last);
    }
}

// ---- kernels that go element by element ---------------------------------------------------------------------------------
//
// step_of(i) is what to do with the i-th elements: a function of references to them. The arrays are `const real*`, which is
// read, `real*`, which is read and then written, or Written, which is written alone.

struct Written { real* to; };

__device__ inline const real& element(const real* from, int i) { return from[i]; }
__device__ inline real& element(real* of, int i) { return of[i]; }
__device__ inline real& element(Written array, int i) { return array.to[i]; }

__device__ inline Pack fetch(const real* from, int i) { return load_pack(from + i); }
__device__ inline Pack fetch(Written, int) { return {}; }

__device__ inline void put(const real*, int, const Pack&) {}
__device__ inline void put(real* to, int i, const Pack& pack) { store_pack(to + i, pack); }
__device__ inline void put(Written array, int i, const Pack& pack) { store_pack(array.to + i, pack); }

__device__ inline const real* address(const real* array) { return array; }
__device__ inline const real* address(Written array) { return array.to; }

// Grid ceil(n / 256), block 256: a thread an element.
template <class StepOf, class... Arrays> __device__ inline void each_element(int n, StepOf step_of, Arrays... arrays) {
    const int i = global_index();
    if (i < n) step_of(i)(element(arrays, i)...);
}

// Grid ceil(n / (256 PACK)), block 256: 16 bytes a thread. A block that lies off the boundaries, or reaches beyond the end,
// goes by single elements, neighbours side by side. `together`: whether a pack's elements have one step in common.
template <class StepOf, class... Arrays>
__device__ inline void each_pack(int n, bool together, StepOf step_of, Arrays... arrays) {
    const int threads = blockDim.x, begin = blockIdx.x * threads * PACK, end = begin + min(threads * PACK, n - begin);
    if (together && on_boundaries(address(arrays)...) && end - begin == threads * PACK) {
        const int i = begin + threadIdx.x * PACK;
        const auto step = step_of(i);
        [&](auto... packs) {  // one of each array, in registers
#pragma unroll
            for (int k = 0; k < PACK; ++k) step(packs.of[k]...);
            (put(arrays, i, packs), ...);
        }(fetch(arrays, i)...);
    } else {
        for (int i = begin + threadIdx.x; i < end; i += threads) step_of(i)(element(arrays, i)...);
    }
}

// Both kernels of a formula, as leaky_relu_v1 and leaky_relu_v2 in activation.cu are written out: v1 a thread an element, v2
// 16 bytes a thread. STEP is what to do with the i-th elements; TOGETHER, whether that is one for all elements of a pack.
#define KERNELS_WHERE(TOGETHER, NAME, PARAMETERS, STEP, ...)                                        \
    extern "C" __global__ void NAME##_v1 PARAMETERS {                                               \
        each_element(n, [=](int i) { return STEP; }, __VA_ARGS__);                                  \
    }                                                                                               \
    extern "C" __global__ void NAME##_v2 PARAMETERS {                                               \
        each_pack(n, TOGETHER, [=](int i) { return STEP; }, __VA_ARGS__);                           \
    }
#define KERNELS(...) KERNELS_WHERE(true, __VA_ARGS__)
