// CUDA's math, bit and conversion functions, for the emulator. Rounding modes are those of the host: to nearest, unless the
// function itself says down, up or to zero for a conversion to a whole number.
#pragma once

#include "rounding.h"

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

// The sine and the cosine of pi times x: exact multiples of a quarter turn come out exact, as on the device.
struct MiniganPair { double sine, cosine; };
inline MiniganPair minigan_sincospi(double x) {
    const double turn = x - 2 * ::floor(x / 2);                  // [0, 2)
    const double quarter = ::floor(2 * turn + 0.5);              // the nearest multiple of a quarter turn
    const double rest = (turn - quarter / 2) * 3.14159265358979323846;
    const double s = ::sin(rest), c = ::cos(rest);
    switch (int(quarter) % 4) {
        case 0: return {s, c};
        case 1: return {c, -s};
        case 2: return {-s, -c};
        default: return {-c, s};
    }
}

// What has two results. Macros, so that what they store is announced, and in the line that calls them.
#define MINIGAN_STORE_BOTH(s, c, one, other) ({ *(s) = one; *(c) = other; })
#define sincospi(x, s, c) ({ const MiniganPair both = minigan_sincospi(x); MINIGAN_STORE_BOTH(s, c, both.sine, both.cosine); })
#define sincospif(x, s, c) sincospi(x, s, c)
#define sincos(x, s, c) ({ const double minigan_x = (x); MINIGAN_STORE_BOTH(s, c, ::sin(minigan_x), ::cos(minigan_x)); })
#define sincosf(x, s, c) ({ const float minigan_x = (x); MINIGAN_STORE_BOTH(s, c, sinf(minigan_x), cosf(minigan_x)); })
#define __sincosf(x, s, c) sincosf(x, s, c)
#define modf(x, at) ({ double minigan_whole; const double rest = (modf)(x, &minigan_whole); *(at) = minigan_whole; rest; })
#define modff(x, at) ({ float minigan_whole; const float rest = (modff)(x, &minigan_whole); *(at) = minigan_whole; rest; })
#define frexp(x, at) ({ int minigan_power; const double part = (frexp)(x, &minigan_power); *(at) = minigan_power; part; })
#define frexpf(x, at) ({ int minigan_power; const float part = (frexpf)(x, &minigan_power); *(at) = minigan_power; part; })

template <class A, class B> inline auto min(A a, B b) -> decltype(a + b) { return b < a ? b : a; }
template <class A, class B> inline auto max(A a, B b) -> decltype(a + b) { return a < b ? b : a; }
#define __ldg(address) (*(address))
#define __ldcg(address) (*(address))  // how it is cached is a GPU's matter
#define __ldca(address) (*(address))
#define __ldcs(address) (*(address))
#define __ldlu(address) (*(address))
#define __ldcv(address) (*(address))
#define __stcg(address, value) (*(address) = (value))
#define __stcs(address, value) (*(address) = (value))
#define __stwb(address, value) (*(address) = (value))
#define __stwt(address, value) (*(address) = (value))
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
inline float __int_as_float(int x) { float y; memcpy(&y, &x, 4); return y; }
inline int __float_as_int(float x) { int y; memcpy(&y, &x, 4); return y; }

inline float __tanf(float x) { return tanf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __log10f(float x) { return log10f(x); }
inline float __exp10f(float x) { return powf(10.0f, x); }
inline float rcbrtf(float x) { return 1.0f / cbrtf(x); }
inline float sinpif(float x) { return float(minigan_sincospi(x).sine); }
inline float cospif(float x) { return float(minigan_sincospi(x).cosine); }
inline double sinpi(double x) { return minigan_sincospi(x).sine; }
inline double cospi(double x) { return minigan_sincospi(x).cosine; }
inline float fdividef(float x, float y) { return x / y; }
inline float rhypotf(float x, float y) { return 1.0f / hypotf(x, y); }
inline float norm3df(float x, float y, float z) { return sqrtf(x * x + y * y + z * z); }
inline float norm4df(float x, float y, float z, float w) { return sqrtf(x * x + y * y + z * z + w * w); }
inline float normcdff(float x) { return 0.5f * erfcf(-x * 0.70710678f); }
inline float __frsqrt_rn(float x) { return 1.0f / sqrtf(x); }

inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned long long __brevll(unsigned long long x) {
    return (unsigned long long)__brev(unsigned(x)) << 32 | __brev(unsigned(x >> 32));
}
inline unsigned int umin(unsigned int a, unsigned int b) { return a < b ? a : b; }
inline unsigned int umax(unsigned int a, unsigned int b) { return a < b ? b : a; }
inline unsigned int __byte_perm(unsigned int a, unsigned int b, unsigned int selector) {
    const uint64_t bytes = uint64_t(b) << 32 | a;
    unsigned int y = 0;
    for (int i = 0; i < 4; ++i) {
        const unsigned int choice = selector >> 4 * i & 15, byte = unsigned(bytes >> 8 * (choice & 7)) & 255;
        y |= (choice & 8 ? (byte & 128 ? 255u : 0u) : byte) << 8 * i;  // 8: its sign, eight times
    }
    return y;
}
inline int __dp4a(int a, int b, int sum) {
    for (int i = 0; i < 4; ++i) sum += (signed char)(a >> 8 * i) * (signed char)(b >> 8 * i);
    return sum;
}
inline double __hiloint2double(int high, int low) { return __longlong_as_double((long long)high << 32 | unsigned(low)); }
inline int __double2hiint(double x) { return int(__double_as_longlong(x) >> 32); }
inline int __double2loint(double x) { return int(__double_as_longlong(x)); }
inline int __mulhi(int a, int b) { return int((int64_t(a) * b) >> 32); }
inline int __mul24(int a, int b) { return int(unsigned(a << 8 >> 8) * unsigned(b << 8 >> 8)); }
inline unsigned int __umul24(unsigned int a, unsigned int b) { return (a & 0xffffffu) * (b & 0xffffffu); }
inline unsigned int __funnelshift_l(unsigned int low, unsigned int high, unsigned int shift) {
    return unsigned(((uint64_t(high) << 32 | low) << (shift & 31)) >> 32);
}
inline unsigned int __funnelshift_r(unsigned int low, unsigned int high, unsigned int shift) {
    return unsigned((uint64_t(high) << 32 | low) >> (shift & 31));
}


#define CUDART_INF_F __builtin_inff()
#define CUDART_INF __builtin_inf()
#define CUDART_NAN_F __builtin_nanf("")
#define CUDART_NAN __builtin_nan("")
#define CUDART_PI_F 3.141592654f
#define CUDART_PI 3.1415926535897931

inline long long clock64() { return clock(); }
MINIGAN_CALLED inline void __nanosleep(unsigned int) { minigan::step_aside(minigan::here()); }  // who sleeps lets others run
