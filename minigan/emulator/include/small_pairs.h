// Two numbers of 16 bits side by side, __half2 and __nv_bfloat162: what small_floats.h has for one, for each of the two.
#pragma once

#define MINIGAN_OF_ONE(NAME, EACH) MINIGAN_FRIEND Pair NAME(Pair a) { return {EACH(a.x), EACH(a.y)}; }
#define MINIGAN_OF_TWO(NAME, EACH) MINIGAN_FRIEND Pair NAME(Pair a, Pair b) { return {EACH(a.x, b.x), EACH(a.y, b.y)}; }
#define MINIGAN_OF_THREE(NAME, EACH) \
    MINIGAN_FRIEND Pair NAME(Pair a, Pair b, Pair c) { return {EACH(a.x, b.x, c.x), EACH(a.y, b.y, c.y)}; }
#define MINIGAN_FUNCTION_OF_PAIR(NAME, RESULT) MINIGAN_OF_ONE(h2##NAME, h##NAME)
#define MINIGAN_ROUNDED_AND_SATURATED(NAME, EACH) \
    MINIGAN_OF_TWO(NAME, EACH) MINIGAN_OF_TWO(NAME##_rn, EACH) MINIGAN_OF_TWO(NAME##_sat, EACH##_sat)
// 1 or 0 for each of the two; whether it holds for both; and 16 bits of a mask for each.
#define MINIGAN_COMPARISON_OF_PAIR(RELATION)                                                                                 \
    MINIGAN_OF_TWO(__h##RELATION##2, __h##RELATION)                                                                          \
    MINIGAN_FRIEND bool __hb##RELATION##2(Pair a, Pair b) { return __h##RELATION(a.x, b.x) && __h##RELATION(a.y, b.y); }     \
    MINIGAN_FRIEND unsigned int __h##RELATION##2_mask(Pair a, Pair b) {                                                      \
        return (__h##RELATION(a.x, b.x) ? 0xffffu : 0) | (__h##RELATION(a.y, b.y) ? 0xffff0000u : 0);                        \
    }
#define MINIGAN_OPERATOR_OF_PAIR(SIGN, RESULT)                                                                               \
    MINIGAN_FRIEND Pair operator SIGN(Pair a, Pair b) { return RESULT(a, b); }                                               \
    MINIGAN_FRIEND Pair& operator SIGN##=(Pair& a, Pair b) { return a = RESULT(a, b); }
#define MINIGAN_STEP_OF_PAIR(SIGN, RESULT)                                                                                   \
    MINIGAN_FRIEND Pair& operator SIGN##SIGN(Pair& a) { return a = RESULT(a, Pair(1, 1)); }                                  \
    MINIGAN_FRIEND Pair operator SIGN##SIGN(Pair& a, int) { const Pair old = a; a = RESULT(old, Pair(1, 1)); return old; }
#define MINIGAN_RELATION_OF_PAIR(SIGN, RELATION)                                                                             \
    MINIGAN_FRIEND bool operator SIGN(Pair a, Pair b) { return RELATION(a, b); }

namespace minigan {
template <class Format> struct RawPair { unsigned short x, y; };

// Its functions take it by value: so it is read at once, as four bytes.
template <class Format> struct alignas(4) Pair {
    typedef Small<Format> Number;
    Number x, y;

    Pair() = default;
    MINIGAN_OF_CALLER Pair(Number x, Number y) : x(x), y(y) {}
    MINIGAN_OF_CALLER Pair(RawPair<Format> raw) : x(Number::of_bits(raw.x)), y(Number::of_bits(raw.y)) {}
    MINIGAN_OF_CALLER operator RawPair<Format>() const { return {bits_of(x), bits_of(y)}; }

    MINIGAN_ROUNDED_AND_SATURATED(__hadd2, __hadd)
    MINIGAN_ROUNDED_AND_SATURATED(__hsub2, __hsub)
    MINIGAN_ROUNDED_AND_SATURATED(__hmul2, __hmul)
    MINIGAN_OF_TWO(__h2div, __hdiv)
    MINIGAN_OF_THREE(__hfma2, __hfma) MINIGAN_OF_THREE(__hfma2_sat, __hfma_sat) MINIGAN_OF_THREE(__hfma2_relu, __hfma_relu)
    MINIGAN_OF_ONE(__hneg2, __hneg) MINIGAN_OF_ONE(__habs2, __habs) MINIGAN_OF_ONE(__hisnan2, __hisnan)
    MINIGAN_OF_TWO(__hmin2, __hmin) MINIGAN_OF_TWO(__hmin2_nan, __hmin_nan)
    MINIGAN_OF_TWO(__hmax2, __hmax) MINIGAN_OF_TWO(__hmax2_nan, __hmax_nan)
    MINIGAN_FUNCTIONS(MINIGAN_FUNCTION_OF_PAIR)
    MINIGAN_COMPARISON_OF_PAIR(eq) MINIGAN_COMPARISON_OF_PAIR(ne) MINIGAN_COMPARISON_OF_PAIR(lt)
    MINIGAN_COMPARISON_OF_PAIR(le) MINIGAN_COMPARISON_OF_PAIR(gt) MINIGAN_COMPARISON_OF_PAIR(ge)
    MINIGAN_COMPARISON_OF_PAIR(equ) MINIGAN_COMPARISON_OF_PAIR(neu) MINIGAN_COMPARISON_OF_PAIR(ltu)
    MINIGAN_COMPARISON_OF_PAIR(leu) MINIGAN_COMPARISON_OF_PAIR(gtu) MINIGAN_COMPARISON_OF_PAIR(geu)

    // a b + c of complex numbers, the real part in x.
    MINIGAN_FRIEND Pair __hcmadd(Pair a, Pair b, Pair c) {
        return {__hfma(__hneg(a.y), b.y, __hfma(a.x, b.x, c.x)), __hfma(a.y, b.x, __hfma(a.x, b.y, c.y))};
    }

    MINIGAN_FRIEND float __low2float(Pair a) { return a.x; }
    MINIGAN_FRIEND float __high2float(Pair a) { return a.y; }
    MINIGAN_FRIEND Pair __lowhigh2highlow(Pair a) { return {a.y, a.x}; }

    MINIGAN_OPERATOR_OF_PAIR(+, __hadd2) MINIGAN_OPERATOR_OF_PAIR(-, __hsub2)
    MINIGAN_OPERATOR_OF_PAIR(*, __hmul2) MINIGAN_OPERATOR_OF_PAIR(/, __h2div)
    MINIGAN_STEP_OF_PAIR(+, __hadd2) MINIGAN_STEP_OF_PAIR(-, __hsub2)
    MINIGAN_FRIEND Pair operator+(Pair a) { return a; }
    MINIGAN_FRIEND Pair operator-(Pair a) { return __hneg2(a); }
    MINIGAN_RELATION_OF_PAIR(==, __hbeq2) MINIGAN_RELATION_OF_PAIR(!=, __hbneu2)
    MINIGAN_RELATION_OF_PAIR(<, __hblt2) MINIGAN_RELATION_OF_PAIR(<=, __hble2)
    MINIGAN_RELATION_OF_PAIR(>, __hbgt2) MINIGAN_RELATION_OF_PAIR(>=, __hbge2)
};
}  // namespace minigan
