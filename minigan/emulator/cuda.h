// CUDA C as plain C++17: put before a .cu text by the emulator, so that the text itself stays as it is on disk.
//
// Here is the language: qualifiers, built-in variables, vector types, atomics, and the functions by which threads wait for
// each other and exchange values. Math is in intrinsics.h, how threads are run in threads.h, the
// headers that a text includes itself in include/. No C++ library is used: a build is quick.
#pragma once

#if __has_include(<bits/c++config.h>)  // without C++17's special functions, which CUDA has not, math.h is read twice as fast
#include <bits/c++config.h>
#undef _GLIBCXX_USE_STD_SPEC_FUNCS
#endif
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __has_include(<new>)
#include <new>
#else
inline void* operator new(size_t, void* place) noexcept { return place; }
#endif

#include "threads.h"

#define __CUDACC__ 1
#define MINIGAN_EMULATOR 1
#ifndef MINIGAN_CHIP
#define MINIGAN_CHIP 80
#endif
#define __CUDA_ARCH__ (MINIGAN_CHIP * 10)
#define CUDART_VERSION 12090
#define __CUDACC_VER_MAJOR__ 12
#define __CUDACC_VER_MINOR__ 9

// Before a variable of the text: its value has to be known when it is compiled, as a GPU wants it. No code runs at loading.
// Clang would want a value of a plain struct that has none, too.
#ifdef __clang__
#define MINIGAN_CONSTANT_INITIALISER [[clang::require_constant_initialization]]
#define MINIGAN_NO_INITIALISER
#else
#define MINIGAN_CONSTANT_INITIALISER __constinit
#define MINIGAN_NO_INITIALISER __constinit
#endif
#ifdef MINIGAN_SANITIZE
// What the compiler does by itself it does not announce; calls it does.
#define __builtin_memcpy memcpy
#define __builtin_memmove memmove
#define __builtin_memset memset
#endif

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __restrict__ __restrict
#define __align__(n) __attribute__((aligned(n)))
#define alignas(n) __attribute__((aligned(n)))  // which may stand between other words, behind __shared__
#define __managed__ static
// The tags mark them in assembly and among a library's symbols.
#ifdef MINIGAN_SANITIZE
// Used: or accesses to what is never written were computed, not carried out.
#define __constant__ static __attribute__((used, abi_tag("constant")))
#define __shared__ static __attribute__((used, abi_tag("shared"), aligned(16)))
#else
#define __constant__ static __attribute__((abi_tag("constant")))
// A block runs on one thread of the host from beginning to end, so what is its own is the block's own.
#define __shared__ static thread_local __attribute__((abi_tag("shared"), aligned(16)))
#endif

#define threadIdx (minigan::thread_index())
#define blockIdx (minigan::block_index())
#define blockDim (minigan::block_size())
#define gridDim (minigan::grid_size())
constexpr int warpSize = 32;

typedef minigan::Index dim3;

#define MINIGAN_VECTOR(T, NAME, BYTES)                                                                     \
    struct NAME##1 { T x; };                                                                               \
    struct __attribute__((aligned(2 * BYTES))) NAME##2 { T x, y; };                                        \
    struct __attribute__((aligned(BYTES == 8 ? 16 : 4 * BYTES))) NAME##4 { T x, y, z, w; };                \
    inline NAME##1 make_##NAME##1(T x) { return {x}; }                                                     \
    inline NAME##2 make_##NAME##2(T x, T y) { return {x, y}; }                                             \
    inline NAME##4 make_##NAME##4(T x, T y, T z, T w) { return {x, y, z, w}; }
#define MINIGAN_VECTOR3(T, NAME)                                                                           \
    struct NAME##3 { T x, y, z; };                                                                         \
    inline NAME##3 make_##NAME##3(T x, T y, T z) { return {x, y, z}; }

MINIGAN_VECTOR(float, float, 4) MINIGAN_VECTOR3(float, float)
MINIGAN_VECTOR(double, double, 8) MINIGAN_VECTOR3(double, double)
MINIGAN_VECTOR(signed char, char, 1) MINIGAN_VECTOR3(signed char, char)
MINIGAN_VECTOR(unsigned char, uchar, 1) MINIGAN_VECTOR3(unsigned char, uchar)
MINIGAN_VECTOR(short, short, 2) MINIGAN_VECTOR3(short, short)
MINIGAN_VECTOR(unsigned short, ushort, 2) MINIGAN_VECTOR3(unsigned short, ushort)
MINIGAN_VECTOR(int, int, 4) MINIGAN_VECTOR3(int, int)
MINIGAN_VECTOR(unsigned int, uint, 4)  // uint3 is in threads.h
inline uint3 make_uint3(unsigned int x, unsigned int y, unsigned int z) { return {x, y, z}; }
MINIGAN_VECTOR(long long, longlong, 8) MINIGAN_VECTOR3(long long, longlong)
MINIGAN_VECTOR(unsigned long long, ulonglong, 8) MINIGAN_VECTOR3(unsigned long long, ulonglong)

#include "intrinsics.h"

#undef assert
#define assert(condition) ((condition) ? void() : minigan::fail_at({__FILE__, __LINE__}, "assert(" #condition ")", " fails"))
inline void __trap(MINIGAN_PLACE) { minigan::fail_at(place, "__trap()", ""); }

// The body of a function that is declared and nowhere defined.
#define MINIGAN_UNDEFINED(NAME) minigan::fail_at({__FILE__, __LINE__}, #NAME "()", " is declared and not defined, and it was called;");

// Threads of a block wait for each other.
inline void __syncthreads(MINIGAN_PLACE) { minigan::count_in_block(false, place); }
inline int __syncthreads_count(int predicate, MINIGAN_PLACE) { return minigan::count_in_block(predicate != 0, place); }
inline int __syncthreads_or(int predicate, MINIGAN_PLACE) { return minigan::count_in_block(predicate != 0, place) > 0; }
inline int __syncthreads_and(int predicate, MINIGAN_PLACE) { return minigan::count_in_block(predicate == 0, place) == 0; }
inline void __syncwarp(unsigned int mask = 0xffffffffu, MINIGAN_PLACE) { minigan::wait_for_warp(mask, place); }
inline void __threadfence() { minigan::fence(true); }
inline void __threadfence_block() { minigan::fence(false); }
inline void __threadfence_system() { minigan::fence(true); }

// Lanes of a warp exchange values. A lane that is not in the mask, or has returned, leaves the asker's own value.
template <class T> inline T minigan_shuffle(unsigned int mask, T value, int source, bool inside, minigan::Place place) {
    return minigan::exchange(mask, value, inside ? source : minigan::lane(), place);
}
template <class T> inline T __shfl_sync(unsigned int mask, T value, int lane, int width = 32, MINIGAN_PLACE) {
    return minigan_shuffle(mask, value, (minigan::lane() & ~(width - 1)) + (lane & (width - 1)), true, place);
}
template <class T> inline T __shfl_up_sync(unsigned int mask, T value, unsigned int delta, int width = 32, MINIGAN_PLACE) {
    const int own = minigan::lane(), source = own - int(delta);
    return minigan_shuffle(mask, value, source, source >= (own & ~(width - 1)), place);
}
template <class T> inline T __shfl_down_sync(unsigned int mask, T value, unsigned int delta, int width = 32, MINIGAN_PLACE) {
    const int own = minigan::lane(), source = own + int(delta);
    return minigan_shuffle(mask, value, source, source < (own & ~(width - 1)) + width, place);
}
template <class T> inline T __shfl_xor_sync(unsigned int mask, T value, int bits, int width = 32, MINIGAN_PLACE) {
    const int own = minigan::lane(), source = own ^ bits;
    return minigan_shuffle(mask, value, source, source < (own & ~(width - 1)) + width, place);
}
inline unsigned int __ballot_sync(unsigned int mask, int predicate, MINIGAN_PLACE) {
    return minigan::ballot(mask, predicate != 0, place);
}
inline int __any_sync(unsigned int mask, int predicate, MINIGAN_PLACE) {
    return minigan::ballot(mask, predicate != 0, place) != 0;
}
inline int __all_sync(unsigned int mask, int predicate, MINIGAN_PLACE) {
    return minigan::ballot(mask, predicate == 0, place) == 0;
}
inline unsigned int __activemask(MINIGAN_PLACE) { return minigan::active_lanes(place); }

// Tensor cores: what `cvt.rna.tf32.f32` does (ties go away from zero), and `mma.sync.aligned.m16n8k8` in TF32 (PTX ISA, "Matrix
// Fragments for mma.m16n8k8"). Lane 4 g + t brings the rows g and g + 8 of a, at columns t and then t + 4; and the rows t and
// t + 4 of b's column g. It makes the sums of rows g and g + 8, at columns 2 t and 2 t + 1: what it needs for them is dealt out.
namespace minigan {
inline float to_tf32(float x) { return x - x == 0 ? __uint_as_float((__float_as_uint(x) + 0x1000u) & ~0x1fffu) : x; }

MINIGAN_CALLED inline void deal(const float* a, const float* b, float (*rows)[8], float (*columns)[8], Place place) {
    const Factors of = bring_to_tensor_core(a, b, place);
    const int g = lane() / 4, t = lane() % 4;
    for (int i = 0; i < 2; ++i)
        for (int k = 0; k < 8; ++k) {
            rows[i][k] = of[4 * g + k % 4][k / 4 * 2 + i];
            columns[i][k] = of[4 * (2 * t + i) + k % 4][4 + k / 4];
        }
}
}  // namespace minigan

// A macro and no function: its arithmetic is then that of the line that calls it, where the profiler counts it. REAL is defined
// for the project's own texts; another's may call something else by this name.
#ifdef REAL
#define mma_tf32(SUM, ...)                                                                                                        \
    [](float(&sum)[4], const float(&a)[4], const float(&b)[2], MINIGAN_PLACE) __attribute__((always_inline)) {                    \
        float rows[2][8], columns[2][8];                                                                                          \
        minigan::deal(a, b, rows, columns, place);                                                                                \
        for (int k = 0; k < 8; ++k)                                                                                               \
            for (int i = 0; i < 4; ++i) sum[i] += rows[i / 2][k] * columns[i % 2][k];                                             \
    }(SUM, __VA_ARGS__)
#endif

// Over the lanes of a mask: each lane asks every other one.
#define MINIGAN_OVER_LANES(NAME, RESULT, FIRST, NEXT)                                           \
    template <class T> inline RESULT NAME(unsigned int mask, T value, MINIGAN_PLACE) {          \
        RESULT result = FIRST;                                                                  \
        for (unsigned int rest = mask; rest; rest &= rest - 1) {                                \
            const int other = __builtin_ctz(rest);                                              \
            const T theirs = minigan::exchange(mask, value, other, place);                      \
            result = NEXT;                                                                      \
        }                                                                                       \
        return result;                                                                          \
    }
MINIGAN_OVER_LANES(__reduce_add_sync, T, 0, result + theirs)
MINIGAN_OVER_LANES(__reduce_min_sync, T, value, theirs < result ? theirs : result)
MINIGAN_OVER_LANES(__reduce_max_sync, T, value, result < theirs ? theirs : result)
MINIGAN_OVER_LANES(__reduce_and_sync, T, value, result & theirs)
MINIGAN_OVER_LANES(__reduce_or_sync, T, 0, result | theirs)
MINIGAN_OVER_LANES(__reduce_xor_sync, T, 0, result ^ theirs)
MINIGAN_OVER_LANES(__match_any_sync, unsigned int, 0, result | unsigned(theirs == value) << other)
template <class T> inline unsigned int __match_all_sync(unsigned int mask, T value, int* all, MINIGAN_PLACE) {
    *all = __match_any_sync(mask, value, place) == mask;
    return *all ? mask : 0;
}

// Atomics, on global and on shared memory: blocks may run on several threads of the host.
#define MINIGAN_ATOMIC_OF(NAME, WIDE, KIND, RESULT)                                                      \
    template <class T> inline T NAME(T* address, typename minigan::Plain<T>::type value, MINIGAN_PLACE) { \
        minigan::on_atomic(address, sizeof(T), minigan::KIND, WIDE, place);                              \
        T old, next;                                                                                     \
        minigan::load(address, &old);                                                                    \
        do next = RESULT;                                                                                \
        while (!minigan::swap(address, &old, &next));                                                    \
        return old;                                                                                      \
    }
#define MINIGAN_ATOMIC(NAME, KIND, RESULT)            \
    MINIGAN_ATOMIC_OF(NAME, true, KIND, RESULT)       \
    MINIGAN_ATOMIC_OF(NAME##_system, true, KIND, RESULT) \
    MINIGAN_ATOMIC_OF(NAME##_block, false, KIND, RESULT)
MINIGAN_ATOMIC(atomicAdd, UPDATES, old + value)
MINIGAN_ATOMIC(atomicSub, UPDATES, old - value)
MINIGAN_ATOMIC(atomicMin, UPDATES, value < old ? value : old)
MINIGAN_ATOMIC(atomicMax, UPDATES, old < value ? value : old)
MINIGAN_ATOMIC(atomicAnd, UPDATES, old & value)
MINIGAN_ATOMIC(atomicOr, UPDATES, old | value)
MINIGAN_ATOMIC(atomicXor, UPDATES, old ^ value)
MINIGAN_ATOMIC(atomicExch, OVERWRITES, value)
MINIGAN_ATOMIC(atomicInc, UPDATES, old >= value ? 0 : old + 1)
MINIGAN_ATOMIC(atomicDec, UPDATES, old == 0 || old > value ? value : old - 1)
#define MINIGAN_COMPARE_AND_SWAP(NAME, WIDE)                                                                     \
    template <class T>                                                                                           \
    inline T NAME(T* address, typename minigan::Plain<T>::type expected, typename minigan::Plain<T>::type value, \
                  MINIGAN_PLACE) {                                                                               \
        minigan::on_atomic(address, sizeof(T), minigan::COMPARES, WIDE, place);                                  \
        minigan::swap(address, &expected, &value);                                                               \
        return expected;                                                                                         \
    }
MINIGAN_COMPARE_AND_SWAP(atomicCAS, true)
MINIGAN_COMPARE_AND_SWAP(atomicCAS_system, true)
MINIGAN_COMPARE_AND_SWAP(atomicCAS_block, false)

template <class T = void> void* minigan_malloc(size_t) {
    static_assert(sizeof(T*) == 0, "malloc: memory that a kernel takes for itself is not emulated");
    return nullptr;
}
#define malloc(bytes) minigan_malloc(bytes)

// A cast of dynamic shared memory that is declared outside of any function: see MiniganDynamic.
template <class To, class From> inline To minigan_cast(const From& from) { return (To)from; }
