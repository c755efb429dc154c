// cuComplex.h for the emulator: complex numbers as float2 and double2, the real part first.
#pragma once

#include "small_floats.h"  // for MINIGAN_OF_CALLER

typedef float2 cuFloatComplex, cuComplex;
typedef double2 cuDoubleComplex;

// A quotient whose parts do not overflow on the way: both are divided by the size of the divisor first.
#define MINIGAN_COMPLEX(COMPLEX, T, make, real, imag, conj, add, sub, mul, div, abs, fma)                                    \
    MINIGAN_OF_CALLER inline T real(COMPLEX a) { return a.x; }                                                               \
    MINIGAN_OF_CALLER inline T imag(COMPLEX a) { return a.y; }                                                               \
    MINIGAN_OF_CALLER inline COMPLEX make(T x, T y) { return {x, y}; }                                                       \
    MINIGAN_OF_CALLER inline COMPLEX conj(COMPLEX a) { return {a.x, -a.y}; }                                                 \
    MINIGAN_OF_CALLER inline COMPLEX add(COMPLEX a, COMPLEX b) { return {a.x + b.x, a.y + b.y}; }                            \
    MINIGAN_OF_CALLER inline COMPLEX sub(COMPLEX a, COMPLEX b) { return {a.x - b.x, a.y - b.y}; }                            \
    MINIGAN_OF_CALLER inline COMPLEX mul(COMPLEX a, COMPLEX b) { return {a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x}; }    \
    MINIGAN_OF_CALLER inline COMPLEX div(COMPLEX a, COMPLEX b) {                                                             \
        const T size = ::fabs(b.x) + ::fabs(b.y), ax = a.x / size, ay = a.y / size, bx = b.x / size, by = b.y / size;        \
        const T square = bx * bx + by * by;                                                                                  \
        return {(ax * bx + ay * by) / square, (ay * bx - ax * by) / square};                                                 \
    }                                                                                                                        \
    MINIGAN_OF_CALLER inline COMPLEX fma(COMPLEX a, COMPLEX b, COMPLEX c) { return add(mul(a, b), c); }                      \
    MINIGAN_OF_CALLER inline T abs(COMPLEX a) { return ::hypot(a.x, a.y); }
MINIGAN_COMPLEX(cuFloatComplex, float, make_cuFloatComplex, cuCrealf, cuCimagf, cuConjf, cuCaddf, cuCsubf, cuCmulf, cuCdivf, cuCabsf,
                cuCfmaf)
MINIGAN_COMPLEX(cuDoubleComplex, double, make_cuDoubleComplex, cuCreal, cuCimag, cuConj, cuCadd, cuCsub, cuCmul, cuCdiv, cuCabs,
                cuCfma)
inline cuComplex make_cuComplex(float x, float y) { return {x, y}; }
inline cuDoubleComplex cuComplexFloatToDouble(cuFloatComplex a) { return {a.x, a.y}; }
inline cuFloatComplex cuComplexDoubleToFloat(cuDoubleComplex a) { return {float(a.x), float(a.y)}; }
