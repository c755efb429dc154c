// CUDA's functions with a rounding mode in their name, for the emulator: to the nearest (_rn, ties to even), to zero (_rz), down
// (_rd) and up (_ru).
#pragma once

#include <fenv.h>

namespace minigan {
enum Rounding { NEAREST, TO_ZERO, DOWN, UP };

// The host's own mode, for as long as this lives.
struct Mode {
    const int before;
    MINIGAN_CALLED explicit Mode(int mode) : before(fegetround()) { fesetround(mode); }
    MINIGAN_CALLED ~Mode() { fesetround(before); }
};

// A whole number: what does not fit becomes the nearest that does, and NaN what the caller says.
template <class I> MINIGAN_CALLED inline I whole(double x, Rounding mode, I of_nan = 0) {
    constexpr bool is_signed = I(-1) < I(0);
    constexpr I most = I(~0ull >> (64 - 8 * sizeof(I) + is_signed)), least = is_signed ? I(-most - 1) : I(0);
    if (x != x) return of_nan;
    const double y = mode == NEAREST ? ::rint(x) : mode == TO_ZERO ? ::trunc(x) : mode == DOWN ? ::floor(x) : ::ceil(x);
    return y >= double(most) ? most : y <= double(least) ? least : I(y);
}
}  // namespace minigan

// A float or a double to a whole number. NaN becomes 0 where both have at most 32 bits, else the number with the first bit alone.
#define MINIGAN_TO_WHOLE(NAME, TO, FROM, OF_NAN)                                                              \
    inline TO NAME##_rn(FROM x) { return minigan::whole<TO>(x, minigan::NEAREST, OF_NAN); }                   \
    inline TO NAME##_rz(FROM x) { return minigan::whole<TO>(x, minigan::TO_ZERO, OF_NAN); }                   \
    inline TO NAME##_rd(FROM x) { return minigan::whole<TO>(x, minigan::DOWN, OF_NAN); }                      \
    inline TO NAME##_ru(FROM x) { return minigan::whole<TO>(x, minigan::UP, OF_NAN); }
MINIGAN_TO_WHOLE(__float2int, int, float, 0)
MINIGAN_TO_WHOLE(__float2uint, unsigned int, float, 0)
MINIGAN_TO_WHOLE(__float2ll, long long, float, LLONG_MIN)
MINIGAN_TO_WHOLE(__float2ull, unsigned long long, float, 1ull << 63)
MINIGAN_TO_WHOLE(__double2int, int, double, INT_MIN)
MINIGAN_TO_WHOLE(__double2uint, unsigned int, double, 1u << 31)
MINIGAN_TO_WHOLE(__double2ll, long long, double, LLONG_MIN)
MINIGAN_TO_WHOLE(__double2ull, unsigned long long, double, 1ull << 63)

// Arithmetic in each mode. A compiler takes the host's mode to be the nearest for ever, and would take a result from elsewhere or
// move its making: so volatile parameters are read, and a volatile result is written, within a call. (g++ forgets that a
// parameter is volatile where it inlines the function.)
#define MINIGAN_IN_MODE(NAME, MODE, TO, PARAMETERS, RESULT)      \
    __attribute__((noinline)) inline TO NAME PARAMETERS {        \
        const minigan::Mode mode(MODE);                          \
        volatile TO result = RESULT;                             \
        return result;                                           \
    }
#define MINIGAN_DIRECTED(NAME, TO, PARAMETERS, RESULT)                       \
    MINIGAN_IN_MODE(NAME##_rz, FE_TOWARDZERO, TO, PARAMETERS, RESULT)        \
    MINIGAN_IN_MODE(NAME##_rd, FE_DOWNWARD, TO, PARAMETERS, RESULT)          \
    MINIGAN_IN_MODE(NAME##_ru, FE_UPWARD, TO, PARAMETERS, RESULT)
#define MINIGAN_ONE(T) (volatile T x)
#define MINIGAN_TWO(T) (volatile T x, volatile T y)
#define MINIGAN_THREE(T) (volatile T x, volatile T y, volatile T z)
#define MINIGAN_ROUNDED(NAME, TO, FROM, RESULT)              \
    inline TO NAME##_rn(FROM x) { return RESULT; }           \
    MINIGAN_DIRECTED(NAME, TO, MINIGAN_ONE(FROM), RESULT)
MINIGAN_ROUNDED(__int2float, float, int, float(x))
MINIGAN_ROUNDED(__uint2float, float, unsigned int, float(x))
MINIGAN_ROUNDED(__ll2float, float, long long, float(x))
MINIGAN_ROUNDED(__ull2float, float, unsigned long long, float(x))
MINIGAN_ROUNDED(__ll2double, double, long long, double(x))
MINIGAN_ROUNDED(__ull2double, double, unsigned long long, double(x))
MINIGAN_ROUNDED(__double2float, float, double, float(x))
MINIGAN_ROUNDED(__frcp, float, float, 1.0f / x)
MINIGAN_ROUNDED(__fsqrt, float, float, sqrtf(x))
MINIGAN_ROUNDED(__drcp, double, double, 1.0 / x)
MINIGAN_ROUNDED(__dsqrt, double, double, ::sqrt(x))
inline double __int2double_rn(int x) { return x; }
inline double __uint2double_rn(unsigned int x) { return x; }

#define MINIGAN_ARITHMETIC(LETTER, T, FMA)                                                   \
    inline T __##LETTER##add_rn(T x, T y) { return x + y; }                                  \
    inline T __##LETTER##sub_rn(T x, T y) { return x - y; }                                  \
    inline T __##LETTER##mul_rn(T x, T y) { return x * y; }                                  \
    inline T __##LETTER##div_rn(T x, T y) { return x / y; }                                  \
    MINIGAN_DIRECTED(__##LETTER##add, T, MINIGAN_TWO(T), x + y)                              \
    MINIGAN_DIRECTED(__##LETTER##sub, T, MINIGAN_TWO(T), x - y)                              \
    MINIGAN_DIRECTED(__##LETTER##mul, T, MINIGAN_TWO(T), x * y)                              \
    MINIGAN_DIRECTED(__##LETTER##div, T, MINIGAN_TWO(T), x / y)                              \
    inline T FMA##_rn(T x, T y, T z) { return ::fma(x, y, z); }                              \
    MINIGAN_DIRECTED(FMA, T, MINIGAN_THREE(T), ::fma(T(x), T(y), T(z)))
MINIGAN_ARITHMETIC(f, float, __fmaf)
MINIGAN_ARITHMETIC(d, double, __fma)
