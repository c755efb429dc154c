// The conversions that have names, __float2half_rn and the like: WORD is what a number is called in them, half or bfloat16.
#pragma once

#define MINIGAN_FROM_AND_TO_IN(WORD, NUMBER, NAME, T, WIDE, SUFFIX, MODE, OF_NAN)                                            \
    MINIGAN_OF_CALLER inline NUMBER __##NAME##2##WORD##SUFFIX(T x) {                                                         \
        return NUMBER::of_bits(minigan::rounded<NUMBER::Format>(WIDE(x), minigan::MODE));                                    \
    }                                                                                                                        \
    MINIGAN_OF_CALLER inline T __##WORD##2##NAME##SUFFIX(NUMBER x) {                                                         \
        return minigan::whole<T>(float(x), minigan::MODE, OF_NAN);                                                           \
    }
#define MINIGAN_FROM_AND_TO(WORD, NUMBER, NAME, T, WIDE, OF_NAN)                                                             \
    MINIGAN_FROM_AND_TO_IN(WORD, NUMBER, NAME, T, WIDE, _rn, NEAREST, OF_NAN)                                                \
    MINIGAN_FROM_AND_TO_IN(WORD, NUMBER, NAME, T, WIDE, _rz, TO_ZERO, OF_NAN)                                                \
    MINIGAN_FROM_AND_TO_IN(WORD, NUMBER, NAME, T, WIDE, _rd, DOWN, OF_NAN)                                                   \
    MINIGAN_FROM_AND_TO_IN(WORD, NUMBER, NAME, T, WIDE, _ru, UP, OF_NAN)
#define MINIGAN_FROM_FLOAT(WORD, NUMBER, SUFFIX, MODE)                                                                       \
    MINIGAN_OF_CALLER inline NUMBER __float2##WORD##SUFFIX(float x) {                                                        \
        return NUMBER::of_bits(minigan::rounded<NUMBER::Format>(x, minigan::MODE));                                          \
    }

#define MINIGAN_CONVERSIONS(WORD, NUMBER, PAIR)                                                                              \
    MINIGAN_FROM_FLOAT(WORD, NUMBER, , NEAREST) MINIGAN_FROM_FLOAT(WORD, NUMBER, _rn, NEAREST)                               \
    MINIGAN_FROM_FLOAT(WORD, NUMBER, _rz, TO_ZERO)                                                                           \
    MINIGAN_FROM_FLOAT(WORD, NUMBER, _rd, DOWN) MINIGAN_FROM_FLOAT(WORD, NUMBER, _ru, UP)                                    \
    MINIGAN_FROM_AND_TO(WORD, NUMBER, short, short, double, 0)                                                               \
    MINIGAN_FROM_AND_TO(WORD, NUMBER, ushort, unsigned short, double, 0)                                                     \
    MINIGAN_FROM_AND_TO(WORD, NUMBER, int, int, double, 0)                                                                   \
    MINIGAN_FROM_AND_TO(WORD, NUMBER, uint, unsigned int, double, 0)                                                         \
    MINIGAN_FROM_AND_TO(WORD, NUMBER, ll, long long, minigan::to_odd, LLONG_MIN)                                             \
    MINIGAN_FROM_AND_TO(WORD, NUMBER, ull, unsigned long long, minigan::to_odd, 1ull << 63)                                  \
    MINIGAN_OF_CALLER inline NUMBER __double2##WORD(double x) { return x; }                                                  \
    MINIGAN_OF_CALLER inline float __##WORD##2float(NUMBER x) { return x; }                                                  \
    MINIGAN_OF_CALLER inline signed char __##WORD##2char_rz(NUMBER x) { return x; }                                          \
    MINIGAN_OF_CALLER inline unsigned char __##WORD##2uchar_rz(NUMBER x) { return x; }                                       \
    MINIGAN_OF_CALLER inline short __##WORD##_as_short(NUMBER x) { return bits_of(x); }                                      \
    MINIGAN_OF_CALLER inline unsigned short __##WORD##_as_ushort(NUMBER x) { return bits_of(x); }                            \
    MINIGAN_OF_CALLER inline NUMBER __short_as_##WORD(short x) { return NUMBER::of_bits(x); }                                \
    MINIGAN_OF_CALLER inline NUMBER __ushort_as_##WORD(unsigned short x) { return NUMBER::of_bits(x); }                      \
                                                                                                                             \
    MINIGAN_OF_CALLER inline PAIR __float2##WORD##2_rn(float x) { return {x, x}; }                                           \
    MINIGAN_OF_CALLER inline PAIR __floats2##WORD##2_rn(float x, float y) { return {x, y}; }                                 \
    MINIGAN_OF_CALLER inline PAIR __float22##WORD##2_rn(float2 x) { return {x.x, x.y}; }                                     \
    MINIGAN_OF_CALLER inline float2 __##WORD##22float2(PAIR a) { return {float(a.x), float(a.y)}; }                          \
    MINIGAN_OF_CALLER inline PAIR __##WORD##2##WORD##2(NUMBER x) { return {x, x}; }                                          \
    MINIGAN_OF_CALLER inline PAIR __halves2##WORD##2(NUMBER x, NUMBER y) { return {x, y}; }                                  \
    MINIGAN_OF_CALLER inline PAIR make_##WORD##2(NUMBER x, NUMBER y) { return {x, y}; }                                      \
    MINIGAN_OF_CALLER inline NUMBER __low2##WORD(PAIR a) { return a.x; }                                                     \
    MINIGAN_OF_CALLER inline NUMBER __high2##WORD(PAIR a) { return a.y; }                                                    \
    MINIGAN_OF_CALLER inline PAIR __low2##WORD##2(PAIR a) { return {a.x, a.x}; }                                             \
    MINIGAN_OF_CALLER inline PAIR __high2##WORD##2(PAIR a) { return {a.y, a.y}; }                                            \
    MINIGAN_OF_CALLER inline PAIR __lows2##WORD##2(PAIR a, PAIR b) { return {a.x, b.x}; }                                    \
    MINIGAN_OF_CALLER inline PAIR __highs2##WORD##2(PAIR a, PAIR b) { return {a.y, b.y}; }
