// CUDA C as plain C++17: put before a .cu text by the emulator, so that the text itself stays as it is on disk.
//
// Here is the language: qualifiers, built-in variables, vector types, math, atomics, and the functions by which threads
// wait for each other and exchange values. How threads are run is in threads.h. No C++ library is used: a build is quick.
#pragma once

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "threads.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __restrict__ __restrict
#define __align__(n) __attribute__((aligned(n)))
#define __constant__ static
#define __managed__ static
#ifdef MINIGAN_SANITIZE
#define __shared__ static __attribute__((used, abi_tag("shared"), aligned(16)))  // the tag marks them in the assembly
#else
// A block runs on one thread of the host from beginning to end, so what is its own is the block's own.
#define __shared__ static thread_local __attribute__((aligned(16)))
#endif

#define threadIdx (minigan::thread_index())
#define blockIdx (minigan::block_index())
#define blockDim (minigan::block_size())
#define gridDim (minigan::grid_size())
constexpr int warpSize = 32;

typedef minigan::Index uint3;
typedef minigan::Index dim3;

#define MINIGAN_VECTOR(T, NAME, BYTES)                                                                     \
    struct __attribute__((aligned(2 * BYTES))) NAME##2 { T x, y; };                                        \
    struct __attribute__((aligned(BYTES == 8 ? 16 : 4 * BYTES))) NAME##4 { T x, y, z, w; };                \
    inline NAME##2 make_##NAME##2(T x, T y) { return {x, y}; }                                             \
    inline NAME##4 make_##NAME##4(T x, T y, T z, T w) { return {x, y, z, w}; }

MINIGAN_VECTOR(float, float, 4)
MINIGAN_VECTOR(double, double, 8)
MINIGAN_VECTOR(int, int, 4)
MINIGAN_VECTOR(unsigned int, uint, 4)
struct float3 { float x, y, z; };
struct int3 { int x, y, z; };
inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }
inline int3 make_int3(int x, int y, int z) { return {x, y, z}; }


// Math: <math.h> of C++ overloads exp, sqrt, fabs … for float and double, as CUDA does. These it has not.
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline float rsqrt(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / ::sqrt(x); }
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __saturatef(float x) { return x < 0.0f ? 0.0f : x > 1.0f ? 1.0f : x; }
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }

// Of pi times x: exact multiples of a quarter turn come out exact, as on the device.
inline void sincospi(double x, double* sine, double* cosine) {
    const double turn = x - 2 * ::floor(x / 2);                  // [0, 2)
    const double quarter = ::floor(2 * turn + 0.5);              // the nearest multiple of a quarter turn
    const double rest = (turn - quarter / 2) * 3.14159265358979323846;
    const double s = ::sin(rest), c = ::cos(rest);
    switch (int(quarter) % 4) {
        case 0: *sine = s, *cosine = c; break;
        case 1: *sine = c, *cosine = -s; break;
        case 2: *sine = -s, *cosine = -c; break;
        default: *sine = -c, *cosine = s;
    }
}
inline void sincospi(float x, float* sine, float* cosine) {
    double s, c;
    sincospi(double(x), &s, &c);
    *sine = float(s), *cosine = float(c);
}
inline void sincospif(float x, float* sine, float* cosine) { sincospi(x, sine, cosine); }

template <class A, class B> inline auto min(A a, B b) -> decltype(a + b) { return b < a ? b : a; }
template <class A, class B> inline auto max(A a, B b) -> decltype(a + b) { return a < b ? b : a; }
#define __ldg(address) (*(address))
inline int __popc(unsigned int x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline unsigned int __brev(unsigned int x) {
    unsigned int y = 0;
    for (int bit = 0; bit < 32; ++bit) y |= (x >> bit & 1u) << (31 - bit);
    return y;
}
inline unsigned int __umulhi(unsigned int a, unsigned int b) { return unsigned((uint64_t(a) * b) >> 32); }
inline long long __double_as_longlong(double x) { long long y; memcpy(&y, &x, 8); return y; }
inline double __longlong_as_double(long long x) { double y; memcpy(&y, &x, 8); return y; }
inline unsigned int __float_as_uint(float x) { unsigned int y; memcpy(&y, &x, 4); return y; }
inline float __uint_as_float(unsigned int x) { float y; memcpy(&y, &x, 4); return y; }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline int __float2int_rn(float x) { return int(rintf(x)); }
inline int __float2int_rz(float x) { return int(x); }
inline float __int2float_rn(int x) { return float(x); }
inline float __int_as_float(int x) { float y; memcpy(&y, &x, 4); return y; }
inline int __float_as_int(float x) { int y; memcpy(&y, &x, 4); return y; }

#undef assert
#define assert(condition) ((condition) ? void() : minigan::fail(minigan::here(), "assert(%s) of line %d fails", #condition, __LINE__))
inline void __trap() { minigan::fail(minigan::here(), "__trap()"); }

// Threads of a block wait for each other.
inline void __syncthreads(MINIGAN_PLACE) { minigan::count_in_block(false, place); }
inline int __syncthreads_count(int predicate, MINIGAN_PLACE) { return minigan::count_in_block(predicate != 0, place); }
inline int __syncthreads_or(int predicate, MINIGAN_PLACE) { return minigan::count_in_block(predicate != 0, place) > 0; }
inline int __syncthreads_and(int predicate, MINIGAN_PLACE) { return minigan::count_in_block(predicate == 0, place) == 0; }
inline void __syncwarp(unsigned int mask = 0xffffffffu, MINIGAN_PLACE) { minigan::wait_for_warp(mask, place); }
inline void __threadfence() { minigan::fence(); }
inline void __threadfence_block() {}
inline void __threadfence_system() { minigan::fence(); }

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

// Atomics, on global and on shared memory: blocks may run on several threads of the host.
#define MINIGAN_ATOMIC(NAME, KIND, RESULT)                                                               \
    template <class T> inline T NAME(T* address, typename minigan::Plain<T>::type value, MINIGAN_PLACE) { \
        minigan::on_atomic(address, sizeof(T), minigan::KIND, place);                                    \
        T old, next;                                                                                     \
        minigan::load(address, &old);                                                                    \
        do next = RESULT;                                                                                \
        while (!minigan::swap(address, &old, &next));                                                    \
        return old;                                                                                      \
    }
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
template <class T>
inline T atomicCAS(T* address, typename minigan::Plain<T>::type expected, typename minigan::Plain<T>::type value,
                   MINIGAN_PLACE) {
    minigan::on_atomic(address, sizeof(T), minigan::COMPARES, place);
    minigan::swap(address, &expected, &value);
    return expected;
}
