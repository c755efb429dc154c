// Floating-point numbers of 16 bits, for cuda_fp16.h and cuda_bf16.h: one class of numbers and one of pairs, for both formats.
//
// Everything is computed in double and rounded once more. A sum, a quotient or a root that double has rounded comes out right
// nevertheless, as its 53 bits are more than twice the 11 bits of a half, and two; products are exact.
//
// A text's arrays are read and written in here: instrument.py takes this code for the line's that calls it, so it is always
// inlined there. What only rounds is called and computes with integers: so in a profile a sum, a product, a quotient or a root
// counts as one operation, as of floats, and a conversion as none.
#pragma once

#ifdef __clang__
#define MINIGAN_OF_CALLER __attribute__((always_inline, nodebug))
#else
#define MINIGAN_OF_CALLER __attribute__((always_inline))
#endif

namespace minigan {

// The formats: how many bits behind the point, what is added to the exponent, and a number's bits as a float, which holds all.
struct Half {
    static constexpr int FRACTION = 10, BIAS = 15, INFINITE = 0x7c00;
    MINIGAN_CALLED static float widened(uint16_t bits) {
        const uint32_t sign = uint32_t(bits & 0x8000) << 16, size = bits & 0x7fff;
        if (size > INFINITE) return __uint_as_float(0x7fffffff);
        if (size == INFINITE) return __uint_as_float(sign | 0x7f800000);
        if (size >> FRACTION) return __uint_as_float(sign | (size + ((127 - BIAS) << FRACTION)) << (23 - FRACTION));
        return __uint_as_float(sign | (size ? __float_as_uint(float(size)) - (24u << 23) : 0));  // a multiple of 2⁻²⁴
    }
};
struct BFloat16 {
    static constexpr int FRACTION = 7, BIAS = 127, INFINITE = 0x7f80;
    MINIGAN_CALLED static float widened(uint16_t bits) { return __uint_as_float(uint32_t(bits) << 16); }
};

// The bits of a number in a format. One below the smallest normal number loses as many bits more as its exponent is too small.
template <class Format> MINIGAN_CALLED inline uint16_t rounded(double x, Rounding mode = NEAREST) {
    const uint64_t bits = __double_as_longlong(x), size = bits & ~0ull >> 1, infinite = 0x7ffull << 52;
    const bool negative = bits >> 63;
    const uint16_t sign = negative << 15;
    if (size > infinite) return 0x7fff;
    if (!size) return sign;
    const int above = int(size >> 52) - 1023 - (1 - Format::BIAS);  // the smallest normal number's exponent
    const int lost = 52 - Format::FRACTION - (above < 0 ? above : 0), dropped = lost < 63 ? lost : 63;
    const uint64_t digits = (size & ~0ull >> 12) | 1ull << 52, kept = digits >> dropped;
    const uint64_t rest = digits << (64 - dropped), half = 1ull << 63;
    const bool outwards = mode == NEAREST ? rest > half || (rest == half && kept & 1)
                                          : rest && (mode == UP ? !negative : mode == DOWN && negative);
    const uint64_t result = (uint64_t(above > 0 ? above : 0) << Format::FRACTION) + kept + outwards;
    if (result < Format::INFINITE) return sign | result;
    const bool stays = size < infinite && (mode == TO_ZERO || mode == (negative ? UP : DOWN));
    return sign | (Format::INFINITE - stays);
}

// a + b, of which double made `sum`, rounded to odd: if it is not exact, the one of its two neighbours whose last bit is set.
// Else what lies close to the middle of two bfloat16 could become that middle, and the second rounding then err.
MINIGAN_CALLED inline double to_odd(double a, double b, double sum) {
    const double part = sum - a, error = (a - (sum - part)) + (b - part);
    const uint64_t bits = __double_as_longlong(sum);
    if (!(error < 0 || error > 0) || bits & 1) return sum;
    return __longlong_as_double((error > 0) == (sum > 0) ? bits + 1 : bits - 1);
}
MINIGAN_CALLED inline double to_odd(unsigned long long x) { return x >> 53 ? double(x >> 11 | !!(x & 0x7ff)) * 2048 : double(x); }
MINIGAN_CALLED inline double to_odd(long long x) { return x < 0 ? -to_odd(0ull - x) : to_odd((unsigned long long)x); }

#define MINIGAN_FRIEND MINIGAN_OF_CALLER friend inline  // found by its arguments, which are converted
#define MINIGAN_BOTH_WAYS(T)                                                        \
    MINIGAN_OF_CALLER Small(T x) : bits(rounded<Format>(x)) {}                      \
    MINIGAN_OF_CALLER operator T() const { return whole<T>(float(*this), TO_ZERO); }
#define MINIGAN_BOTH_WAYS_LONG(T, WIDE)                                             \
    MINIGAN_OF_CALLER Small(T x) : bits(rounded<Format>(to_odd(WIDE(x)))) {}        \
    MINIGAN_OF_CALLER operator T() const { return whole<T>(float(*this), TO_ZERO); }
#define MINIGAN_OPERATOR(SIGN, RESULT)                                                                              \
    MINIGAN_FRIEND Small operator SIGN(Small a, Small b) { return RESULT(a, b); }                     \
    MINIGAN_FRIEND Small& operator SIGN##=(Small& a, Small b) { return a = RESULT(a, b); }
#define MINIGAN_STEP(SIGN, RESULT)                                                                                  \
    MINIGAN_FRIEND Small& operator SIGN##SIGN(Small& a) { return a = RESULT(a, Small(1)); }                         \
    MINIGAN_FRIEND Small operator SIGN##SIGN(Small& a, int) { const Small old = a; a = RESULT(a, Small(1)); return old; }
// With NaN as false, and with a u behind the name, for unordered, as true.
#define MINIGAN_COMPARISON(NAME, SIGN, OPPOSITE)                                                                    \
    MINIGAN_FRIEND bool NAME(Small a, Small b) { return float(a) SIGN float(b); }                                   \
    MINIGAN_FRIEND bool NAME##u(Small a, Small b) { return !(float(a) OPPOSITE float(b)); }
#define MINIGAN_FUNCTION(NAME, RESULT)                                                                              \
    MINIGAN_FRIEND Small h##NAME(Small a) { const double x = float(a); return RESULT; }
#define MINIGAN_FUNCTIONS(OF)                                                                                       \
    OF(sqrt, ::sqrt(x)) OF(rsqrt, 1 / ::sqrt(x)) OF(rcp, 1 / x) OF(exp, ::exp(x)) OF(exp2, ::exp2(x))               \
    OF(exp10, ::pow(10.0, x)) OF(log, ::log(x)) OF(log2, ::log2(x)) OF(log10, ::log10(x)) OF(sin, ::sin(x))         \
    OF(cos, ::cos(x)) OF(tanh, ::tanh(x)) OF(tanh_approx, ::tanh(x)) OF(ceil, ::ceil(x)) OF(floor, ::floor(x))      \
    OF(trunc, ::trunc(x)) OF(rint, ::rint(x))

template <class Format> struct Raw { unsigned short x; };

// __half and __nv_bfloat16.
template <class F> class Small {
    uint16_t bits;

  public:
    typedef F Format;
    Small() = default;
    MINIGAN_OF_CALLER Small(Raw<Format> raw) : bits(raw.x) {}
    MINIGAN_OF_CALLER operator Raw<Format>() const { return {bits}; }
    template <class Other> MINIGAN_OF_CALLER explicit Small(Small<Other> x) : bits(rounded<Format>(float(x))) {}
    MINIGAN_OF_CALLER Small(double x) : bits(rounded<Format>(x)) {}
    MINIGAN_OF_CALLER Small(float x) : bits(rounded<Format>(x)) {}
    MINIGAN_OF_CALLER operator float() const { return Format::widened(bits); }
    MINIGAN_BOTH_WAYS(short) MINIGAN_BOTH_WAYS(unsigned short) MINIGAN_BOTH_WAYS(int) MINIGAN_BOTH_WAYS(unsigned int)
    MINIGAN_BOTH_WAYS_LONG(long, (long long)) MINIGAN_BOTH_WAYS_LONG(unsigned long, (unsigned long long))
    MINIGAN_BOTH_WAYS_LONG(long long, ) MINIGAN_BOTH_WAYS_LONG(unsigned long long, )
    MINIGAN_OF_CALLER operator bool() const { return bits & 0x7fff; }
    MINIGAN_OF_CALLER operator char() const { return whole<char>(float(*this), TO_ZERO); }
    MINIGAN_OF_CALLER operator signed char() const { return whole<signed char>(float(*this), TO_ZERO); }
    MINIGAN_OF_CALLER operator unsigned char() const { return whole<unsigned char>(float(*this), TO_ZERO); }

    MINIGAN_OF_CALLER static Small of_bits(uint16_t bits) { return Raw<Format>{bits}; }
    MINIGAN_FRIEND uint16_t bits_of(Small a) { return a.bits; }

    MINIGAN_FRIEND Small __hadd(Small a, Small b) { return double(float(a)) + float(b); }
    MINIGAN_FRIEND Small __hsub(Small a, Small b) { return double(float(a)) - float(b); }
    MINIGAN_FRIEND Small __hmul(Small a, Small b) { return double(float(a)) * float(b); }
    MINIGAN_FRIEND Small __hdiv(Small a, Small b) { return double(float(a)) / float(b); }
    MINIGAN_FRIEND Small __hfma(Small a, Small b, Small c) {
        const double product = double(float(a)) * float(b), addend = float(c);
        return to_odd(product, addend, product + addend);
    }
    MINIGAN_FRIEND Small __hadd_rn(Small a, Small b) { return __hadd(a, b); }  // never contracted to a fused multiply-add
    MINIGAN_FRIEND Small __hsub_rn(Small a, Small b) { return __hsub(a, b); }
    MINIGAN_FRIEND Small __hmul_rn(Small a, Small b) { return __hmul(a, b); }
    MINIGAN_FRIEND Small __hneg(Small a) { return of_bits(a.bits ^ 0x8000); }
    MINIGAN_FRIEND Small __habs(Small a) { return of_bits(a.bits & 0x7fff); }
    MINIGAN_FRIEND bool __hisnan(Small a) { return (a.bits & 0x7fff) > Format::INFINITE; }
    MINIGAN_FRIEND int __hisinf(Small a) { return (a.bits & 0x7fff) != Format::INFINITE ? 0 : a.bits >> 15 ? -1 : 1; }
    MINIGAN_FUNCTIONS(MINIGAN_FUNCTION)

    // Saturated to [0, 1], where NaN becomes 0.
    MINIGAN_FRIEND Small minigan_saturated(Small a) { return float(a) > 0 ? float(a) < 1 ? a : Small(1) : Small(0); }
    MINIGAN_FRIEND Small __hadd_sat(Small a, Small b) { return minigan_saturated(__hadd(a, b)); }
    MINIGAN_FRIEND Small __hsub_sat(Small a, Small b) { return minigan_saturated(__hsub(a, b)); }
    MINIGAN_FRIEND Small __hmul_sat(Small a, Small b) { return minigan_saturated(__hmul(a, b)); }
    MINIGAN_FRIEND Small __hfma_sat(Small a, Small b, Small c) { return minigan_saturated(__hfma(a, b, c)); }
    MINIGAN_FRIEND Small __hfma_relu(Small a, Small b, Small c) { return __hmax_nan(__hfma(a, b, c), Small(0)); }

    // −0 is less than 0. Of NaN and a number they are the number, and NaN with _nan in the name.
    MINIGAN_FRIEND bool minigan_less(Small a, Small b) { return float(a) == float(b) ? a.bits > b.bits : float(a) < float(b); }
    MINIGAN_FRIEND Small __hmin(Small a, Small b) {
        return __hisnan(a) ? __hisnan(b) ? of_bits(0x7fff) : b : __hisnan(b) || minigan_less(a, b) ? a : b;
    }
    MINIGAN_FRIEND Small __hmax(Small a, Small b) {
        return __hisnan(a) ? __hisnan(b) ? of_bits(0x7fff) : b : __hisnan(b) || minigan_less(b, a) ? a : b;
    }
    MINIGAN_FRIEND Small __hmin_nan(Small a, Small b) { return __hisnan(a) || __hisnan(b) ? of_bits(0x7fff) : __hmin(a, b); }
    MINIGAN_FRIEND Small __hmax_nan(Small a, Small b) { return __hisnan(a) || __hisnan(b) ? of_bits(0x7fff) : __hmax(a, b); }

    MINIGAN_COMPARISON(__hlt, <, >=) MINIGAN_COMPARISON(__hle, <=, >)
    MINIGAN_COMPARISON(__hgt, >, <=) MINIGAN_COMPARISON(__hge, >=, <)
    MINIGAN_FRIEND bool __heq(Small a, Small b) { return float(a) == float(b); }
    MINIGAN_FRIEND bool __hneu(Small a, Small b) { return float(a) != float(b); }
    MINIGAN_FRIEND bool __hne(Small a, Small b) { return float(a) < float(b) || float(a) > float(b); }
    MINIGAN_FRIEND bool __hequ(Small a, Small b) { return !__hne(a, b); }

    MINIGAN_OPERATOR(+, __hadd) MINIGAN_OPERATOR(-, __hsub) MINIGAN_OPERATOR(*, __hmul) MINIGAN_OPERATOR(/, __hdiv)
    MINIGAN_STEP(+, __hadd) MINIGAN_STEP(-, __hsub)
    MINIGAN_FRIEND Small operator+(Small a) { return a; }
    MINIGAN_FRIEND Small operator-(Small a) { return __hneg(a); }
    MINIGAN_FRIEND bool operator==(Small a, Small b) { return __heq(a, b); }
    MINIGAN_FRIEND bool operator!=(Small a, Small b) { return __hneu(a, b); }
    MINIGAN_FRIEND bool operator<(Small a, Small b) { return __hlt(a, b); }
    MINIGAN_FRIEND bool operator<=(Small a, Small b) { return __hle(a, b); }
    MINIGAN_FRIEND bool operator>(Small a, Small b) { return __hgt(a, b); }
    MINIGAN_FRIEND bool operator>=(Small a, Small b) { return __hge(a, b); }
};
}  // namespace minigan

#include "small_pairs.h"
#include "small_conversions.h"
