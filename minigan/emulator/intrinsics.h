// CUDA's math and bit functions, for the emulator. Those with a rounding mode in their name are in rounding.h.
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
inline float __saturatef(float x) { return x > 0.0f ? x < 1.0f ? x : 1.0f : 0.0f; }  // 0 for NaN

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
inline float rnorm3df(float x, float y, float z) { return 1.0f / norm3df(x, y, z); }
inline float rnorm4df(float x, float y, float z, float w) { return 1.0f / norm4df(x, y, z, w); }
inline double rcbrt(double x) { return 1.0 / ::cbrt(x); }
inline double rhypot(double x, double y) { return 1.0 / ::hypot(x, y); }
inline double norm3d(double x, double y, double z) { return ::sqrt(x * x + y * y + z * z); }
inline double norm4d(double x, double y, double z, double w) { return ::sqrt(x * x + y * y + z * z + w * w); }
inline double rnorm3d(double x, double y, double z) { return 1.0 / norm3d(x, y, z); }
inline double rnorm4d(double x, double y, double z, double w) { return 1.0 / norm4d(x, y, z, w); }
#ifdef __APPLE__  // others have them
inline float exp10f(float x) { return powf(10.0f, x); }
inline double exp10(double x) { return ::pow(10.0, x); }
#endif

// Inverses of the error function, by Halley's steps from a start that is near enough for three of them to reach the last digit.
inline double erfcinv(double y) {
    if (!(y > 0 && y < 2)) return y == 0 ? __builtin_inf() : y == 2 ? -__builtin_inf() : __builtin_nan("");
    if (y > 1) return -erfcinv(2 - y);
    double x = ::sqrt(::fmax(-::log(y * ::sqrt(2 - y)), 0));  // of the right size at both ends
    for (int step = 0; step < 6; ++step) {
        const double error = ::erfc(x) - y, slope = -1.1283791670955126 * ::exp(-x * x);
        x -= error / (slope + x * error);
    }
    return x;
}
inline double erfinv(double y) {
    if (::fabs(y) >= 0.5 || y != y) return y < 0 ? -erfcinv(1 + y) : erfcinv(1 - y);
    double x = 0.8862269254527580 * y;
    for (int step = 0; step < 3; ++step) {
        const double error = ::erf(x) - y, slope = 1.1283791670955126 * ::exp(-x * x);
        x -= error / (slope + x * error);
    }
    return x;
}
inline double normcdf(double x) { return 0.5 * ::erfc(-x * 0.7071067811865476); }
inline double normcdfinv(double y) { return -1.4142135623730951 * erfcinv(2 * y); }
inline double erfcx(double x) {  // exp(x²) erfc(x); beyond 25 the first terms of its series in 1/x² have all digits
    const double s = 1 / (2 * x * x);
    return x < 25 ? ::exp(x * x) * ::erfc(x) : 0.5641895835477563 / x * (1 - s * (1 - 3 * s * (1 - 5 * s)));
}
inline double minigan_bessel(double x, int order) {  // I0 and I1: all terms of the series have one sign
    double term = order ? x / 2 : 1, sum = term;
    for (int k = 1; ::fabs(term) > 1e-17 * ::fabs(sum); ++k) sum += term *= x / 2 * (x / 2) / k / (k + order);
    return sum;
}
inline double cyl_bessel_i0(double x) { return minigan_bessel(x, 0); }
inline double cyl_bessel_i1(double x) { return minigan_bessel(x, 1); }
inline float erfcinvf(float y) { return float(erfcinv(y)); }
inline float erfinvf(float y) { return float(erfinv(y)); }
inline float normcdff(float x) { return float(normcdf(x)); }
inline float normcdfinvf(float y) { return float(normcdfinv(y)); }
inline float erfcxf(float x) { return float(erfcx(x)); }
inline float cyl_bessel_i0f(float x) { return float(minigan_bessel(x, 0)); }
inline float cyl_bessel_i1f(float x) { return float(minigan_bessel(x, 1)); }
inline float __frsqrt_rn(float x) { return 1.0f / sqrtf(x); }

inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned long long __brevll(unsigned long long x) {
    return (unsigned long long)__brev(unsigned(x)) << 32 | __brev(unsigned(x >> 32));
}
inline unsigned int umin(unsigned int a, unsigned int b) { return a < b ? a : b; }
inline unsigned int umax(unsigned int a, unsigned int b) { return a < b ? b : a; }
inline long long llmin(long long a, long long b) { return a < b ? a : b; }
inline long long llmax(long long a, long long b) { return a < b ? b : a; }
inline unsigned long long ullmin(unsigned long long a, unsigned long long b) { return a < b ? a : b; }
inline unsigned long long ullmax(unsigned long long a, unsigned long long b) { return a < b ? b : a; }
inline unsigned int __sad(int a, int b, unsigned int c) { return (a < b ? unsigned(b) - a : unsigned(a) - b) + c; }
inline unsigned int __usad(unsigned int a, unsigned int b, unsigned int c) { return (a < b ? b - a : a - b) + c; }
inline int __hadd(int a, int b) { return int((int64_t(a) + b) >> 1); }  // halves of sums; r: rounded up
inline int __rhadd(int a, int b) { return int((int64_t(a) + b + 1) >> 1); }
inline unsigned int __uhadd(unsigned int a, unsigned int b) { return unsigned((uint64_t(a) + b) >> 1); }
inline unsigned int __urhadd(unsigned int a, unsigned int b) { return unsigned((uint64_t(a) + b + 1) >> 1); }
inline long long __mul64hi(long long a, long long b) { return (long long)((__int128(a) * b) >> 64); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}
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
inline unsigned int __dp4a(unsigned int a, unsigned int b, unsigned int sum) {
    for (int i = 0; i < 4; ++i) sum += (a >> 8 * i & 255) * (b >> 8 * i & 255);
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
inline unsigned int __funnelshift_lc(unsigned int low, unsigned int high, unsigned int shift) {
    return shift < 32 ? __funnelshift_l(low, high, shift) : low;
}
inline unsigned int __funnelshift_rc(unsigned int low, unsigned int high, unsigned int shift) {
    return shift < 32 ? __funnelshift_r(low, high, shift) : high;
}

// Two or four whole numbers in the bits of one: of 16 or 8 bits, signed (s) and not (u).
#define MINIGAN_SIDE_BY_SIDE(NAME, T, RESULT)                                            \
    inline unsigned int NAME(unsigned int a, unsigned int b) {                           \
        unsigned int result = 0;                                                         \
        for (unsigned int shift = 0; shift < 32; shift += 8 * sizeof(T)) {               \
            const T x = (T)(a >> shift), y = (T)(b >> shift);                            \
            result |= (unsigned(RESULT) & ((1u << 8 * sizeof(T)) - 1)) << shift;         \
        }                                                                                \
        return result;                                                                   \
    }
#define MINIGAN_SIDES(S, U, COUNT)                                                                               \
    MINIGAN_SIDE_BY_SIDE(__vadd##COUNT, U, x + y) MINIGAN_SIDE_BY_SIDE(__vsub##COUNT, U, x - y)                        \
    MINIGAN_SIDE_BY_SIDE(__vmins##COUNT, S, x < y ? x : y) MINIGAN_SIDE_BY_SIDE(__vmaxs##COUNT, S, x < y ? y : x)      \
    MINIGAN_SIDE_BY_SIDE(__vminu##COUNT, U, x < y ? x : y) MINIGAN_SIDE_BY_SIDE(__vmaxu##COUNT, U, x < y ? y : x)      \
    MINIGAN_SIDE_BY_SIDE(__vabsdiffs##COUNT, S, x < y ? y - x : x - y)                                                 \
    MINIGAN_SIDE_BY_SIDE(__vabsdiffu##COUNT, U, x < y ? y - x : x - y)                                                 \
    MINIGAN_SIDE_BY_SIDE(__vavgs##COUNT, S, (x + y + 1) >> 1) MINIGAN_SIDE_BY_SIDE(__vavgu##COUNT, U, (x + y + 1) >> 1)  \
    MINIGAN_SIDE_BY_SIDE(__vcmpeq##COUNT, U, x == y ? ~0u : 0) MINIGAN_SIDE_BY_SIDE(__vcmpne##COUNT, U, x != y ? ~0u : 0) \
    MINIGAN_SIDE_BY_SIDE(__vcmpgts##COUNT, S, x > y ? ~0u : 0) MINIGAN_SIDE_BY_SIDE(__vcmpgtu##COUNT, U, x > y ? ~0u : 0) \
    MINIGAN_SIDE_BY_SIDE(__vcmpges##COUNT, S, x >= y ? ~0u : 0) MINIGAN_SIDE_BY_SIDE(__vcmpgeu##COUNT, U, x >= y ? ~0u : 0) \
    MINIGAN_SIDE_BY_SIDE(__vcmplts##COUNT, S, x < y ? ~0u : 0) MINIGAN_SIDE_BY_SIDE(__vcmpltu##COUNT, U, x < y ? ~0u : 0) \
    MINIGAN_SIDE_BY_SIDE(__vcmples##COUNT, S, x <= y ? ~0u : 0) MINIGAN_SIDE_BY_SIDE(__vcmpleu##COUNT, U, x <= y ? ~0u : 0)
MINIGAN_SIDES(short, unsigned short, 2)
MINIGAN_SIDES(signed char, unsigned char, 4)
inline unsigned int __vsadu4(unsigned int a, unsigned int b) { return __dp4a(__vabsdiffu4(a, b), 0x01010101u, 0u); }
inline unsigned int __vsadu2(unsigned int a, unsigned int b) { return __vabsdiffu2(a, b) % 65536 + __vabsdiffu2(a, b) / 65536; }


#define CUDART_INF_F __builtin_inff()
#define CUDART_INF __builtin_inf()
#define CUDART_NAN_F __builtin_nanf("")
#define CUDART_NAN __builtin_nan("")
#define CUDART_ZERO_F 0.0f
#define CUDART_ONE_F 1.0f
#define CUDART_NEG_ZERO_F -0.0f
#define CUDART_MAX_NORMAL_F FLT_MAX
#define CUDART_MIN_DENORM_F __uint_as_float(1)
#define CUDART_SQRT_HALF_F 0.707106781f
#define CUDART_SQRT_TWO_F 1.414213562f
#define CUDART_LN2_F 0.693147181f
#define CUDART_L2E_F 1.442695041f
#define CUDART_PIO2_F 1.570796327f
#define CUDART_PIO4_F 0.785398163f
#define CUDART_PI_F 3.141592654f
#define CUDART_SQRT_HALF 0.70710678118654752
#define CUDART_SQRT_TWO 1.4142135623730951
#define CUDART_LN2 0.69314718055994531
#define CUDART_L2E 1.4426950408889634
#define CUDART_PIO2 1.5707963267948966
#define CUDART_PIO4 0.78539816339744831
#define CUDART_PI 3.1415926535897931

inline long long clock64() { return clock(); }
MINIGAN_CALLED inline void __nanosleep(unsigned int) { minigan::step_aside(minigan::here()); }  // who sleeps lets others run
