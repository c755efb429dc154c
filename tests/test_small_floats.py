"""Numbers of 16 bits on the emulator: every conversion and every sum is the exact result, rounded once."""

from bisect import bisect_left
from fractions import Fraction

import numpy as np
import pytest

import minigan as mg

BITS = np.arange(65536, dtype=np.uint16)
MODES = ("_rn", "_rz", "_rd", "_ru")
NAN = 0x7FFF

# One kernel for all, as each build takes its time: `op` is a case of a switch. Numbers pass as their bits.
ARITHMETIC = ("a + b", "a - b", "a * b", "a / b", "__hfma(a, b, c)", "hsqrt(a)")
CHOICES = ("__hmin(a, b)", "__hmax(a, b)", "__hmin_nan(a, b)", "__hmax_nan(a, b)", "-a", "__habs(a)", "__hfma_relu(a, b, c)",
           "__hadd_sat(a, b)", "T(a < b)", "T(__hltu(a, b))", "T(a != b)", "T(__hne(a, b))", "T(__hisinf(a))")  # fmt: skip
EXPRESSIONS = (*ARITHMETIC, *CHOICES)
NUMBERS = """
#include <cuda_fp16.h>
#include <cuda_bf16.h>
#define OP(NUMBER, ...) case NUMBER: return __VA_ARGS__;
template <class T> __device__ T result(int op, T a, T b, T c) {
    switch (op) { EXPRESSIONS }
    return T(0);
}
template <class T> __device__ void compute_as(int op, const void* a, const void* b, const void* c, void* y, int i) {
    ((T*)y)[i] = result(op, ((const T*)a)[i], ((const T*)b)[i], ((const T*)c)[i]);
}
__global__ void compute(int op, bool half, const unsigned short* a, const unsigned short* b, const unsigned short* c,
                        unsigned short* y, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) half ? compute_as<__half>(op, a, b, c, y, i) : compute_as<__nv_bfloat16>(op, a, b, c, y, i);
}
#define IN_MODE(NUMBER, WORD, MODE)                                                                   \\
    case NUMBER: y[i] = __##WORD##_as_ushort(__float2##WORD##MODE(float(x[i]))); break;               \\
    case NUMBER + 10: y[i] = __##WORD##_as_ushort(__ll2##WORD##MODE((long long)x[i])); break;         \\
    case NUMBER + 20: z[i] = __##WORD##2int##MODE(__ushort_as_##WORD(bits[i])); break;
#define IN_MODES(NUMBER, WORD) IN_MODE(NUMBER, WORD, _rn) IN_MODE(NUMBER + 1, WORD, _rz) IN_MODE(NUMBER + 2, WORD, _rd)  \\
    IN_MODE(NUMBER + 3, WORD, _ru)                                                                    \\
    case NUMBER + 30: z[i] = __##WORD##2float(__ushort_as_##WORD(bits[i])); break;                    \\
    case NUMBER + 40: y[i] = __##WORD##_as_ushort(__double2##WORD(x[i])); break;                      \\
    case NUMBER + 50: y[i] = __##WORD##_as_ushort(__ll2##WORD##_rn((1ll << 62) + (1ll << 54) + (long long)x[i])); break;
__global__ void convert(int op, const double* x, const unsigned short* bits, unsigned short* y, double* z, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) switch (op) { IN_MODES(0, half) IN_MODES(4, bfloat16) }
}
""".replace("EXPRESSIONS", " ".join(f"OP({op}, {each})" for op, each in enumerate(EXPRESSIONS)))


class Format:
    """The truth on a format: its finite numbers, and what an exact number rounds to."""

    def __init__(self, name, fraction, widened):
        self.half, self.infinite = name == "half", 0x7FFF >> fraction << fraction
        self.first_op = 0 if self.half else 4
        with np.errstate(invalid="ignore"):
            self.value = widened.astype(np.float64)  # by bits
        above = 2 * Fraction(float(self.value[self.infinite - (1 << fraction)]))  # in the place of infinity
        self.finite = [Fraction(float(value)) for value in self.value[: self.infinite]] + [above]

    def nearest(self, exact):
        """The bits of a number above 0, ties to even."""
        up = bisect_left(self.finite, exact)
        if up > self.infinite or self.finite[up] == exact:
            return min(up, self.infinite)
        middle = (self.finite[up - 1] + self.finite[up]) / 2
        return up if exact > middle or (exact == middle and up % 2 == 0) else up - 1

    def of(self, value, exact):
        """The bits of an exact number, of which `value` is what float64 has: for its sign, where it is 0, and what is none."""
        if np.isnan(value):
            return NAN
        if np.isinf(value) or not exact:
            return self.infinite * bool(value) | 0x8000 * bool(np.signbit(value))
        return self.nearest(abs(exact)) | 0x8000 * (exact < 0)


HALF = Format("half", 10, BITS.view(np.float16))
BFLOAT16 = Format("bfloat16", 7, (BITS.astype(np.uint32) << 16).view(np.float32))
FORMATS = {"half": HALF, "bfloat16": BFLOAT16}


@pytest.fixture(params=FORMATS)
def form(request):
    return FORMATS[request.param]


def launch(name, op, *args):
    n = args[-1].size
    mg.kernel(source=NUMBERS, name=name)(-(-n // 256), 256, (op, *args, n))


def compute(form, expression, a, b, c):
    y = np.empty_like(a)
    launch("compute", EXPRESSIONS.index(expression), form.half, a, b, c, y)
    return y


def convert(op, x=None, bits=None):
    x = np.zeros(bits.size) if x is None else x
    bits = np.zeros(x.size, np.uint16) if bits is None else bits
    y, z = np.zeros(x.size, np.uint16), np.zeros(x.size)
    launch("convert", op, x, bits, y, z)
    return z if op >= 20 and op < 40 else y


def directed(x, nearest, mode):
    """NumPy's nearest float16 of float64 numbers, moved to the neighbour on the side that a mode asks for."""
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        there = nearest.astype(np.float64)
        down = np.where(there > x, np.nextafter(nearest, np.float16(-np.inf)), nearest)
        up = np.where(there < x, np.nextafter(nearest, np.float16(np.inf)), nearest)
    return {"_rn": nearest, "_rd": down, "_ru": up, "_rz": np.where(x > 0, down, up)}[mode]


def upper_half(x, mode):
    """The bits of float32 numbers as bfloat16, by whole numbers alone."""
    bits = x.view(np.uint32).astype(np.uint64)
    kept, rest, negative = bits >> 16, bits & 0xFFFF, bits >> 31 == 1
    away = {
        "_rn": rest + (kept & 1) > 0x8000,
        "_rz": False,
        "_rd": (rest > 0) & negative,
        "_ru": (rest > 0) & ~negative,
    }
    infinite = np.isinf(x)
    return np.where(np.isnan(x), NAN, np.where(infinite, kept, kept + away[mode])).astype(np.uint16)


def floats_to_round(form):
    """Every number, the middle between it and the next one, that middle's neighbours in float32, and random bits."""
    with np.errstate(invalid="ignore", over="ignore"):
        numbers = form.value[: form.infinite + 1].copy()
        numbers[-1] = float(form.finite[-1])
        middles = ((numbers[:-1] + numbers[1:]) / 2).astype(np.float32)
        near = [np.nextafter(middles, np.float32(end)) for end in (0, np.inf)]
        positive = np.concatenate([numbers.astype(np.float32), middles, *near])
        random = np.random.default_rng(0).integers(0, 2**32, 50_000, np.uint32).view(np.float32)
    return np.concatenate([positive, -positive, random, np.float32([0, -0.0, np.inf, -np.inf, np.nan])])


def test_every_number_becomes_the_same_float(form):
    got, known = convert(form.first_op + 30, bits=BITS), ~np.isnan(form.value)
    assert (got[known].view(np.int64) == form.value[known].view(np.int64)).all() and np.isnan(got[~known]).all()


@pytest.mark.parametrize("mode", MODES)
def test_floats_are_rounded_once(form, mode):
    x = floats_to_round(form)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        got = convert(form.first_op + MODES.index(mode), x.astype(np.float64))
        if form is BFLOAT16:
            expected = upper_half(x, mode)
        else:
            expected = directed(x.astype(np.float64), x.astype(np.float16), mode).view(np.uint16)
            expected = np.where(np.isnan(x), NAN, expected)
    assert (got == expected).all()


@pytest.mark.parametrize("mode", MODES)
def test_to_and_from_whole_numbers(form, mode):
    whole = {"_rn": np.rint, "_rz": np.trunc, "_rd": np.floor, "_ru": np.ceil}[mode]
    with np.errstate(invalid="ignore"):
        expected = np.where(np.isnan(form.value), 0, np.clip(whole(form.value), -(2**31), 2**31 - 1))
    assert (convert(form.first_op + MODES.index(mode) + 20, bits=BITS) == expected).all()
    x = np.array([*range(-3000, 3000), 70_000, 65_519, -65_520, 2**62 + 2**54], np.float64)  # which floats hold
    in_mode = form.first_op + MODES.index(mode)
    assert (convert(in_mode + 10, x) == convert(in_mode, x)).all()


def test_rounded_once_where_a_float_or_a_double_lies_between():
    """Next to the middle of two numbers, closer than the type between has digits."""
    a_bit_more = np.array([1 + 2.0**-11 + 2.0**-40, 1 + 2.0**-8 + 2.0**-50, 1 + 2.0**-11, 1 + 2.0**-8])
    assert convert(HALF.first_op + 40, a_bit_more)[[0, 2]].tolist() == [0x3C01, 0x3C00]
    assert convert(BFLOAT16.first_op + 40, a_bit_more)[[1, 3]].tolist() == [0x3F81, 0x3F80]
    assert convert(BFLOAT16.first_op + 50, np.array([-1.0, 0.0, 1.0])).tolist() == [0x5E80, 0x5E80, 0x5E81]


def pairs(form, count):
    """Three columns of bits: random ones, and those of all special numbers against each other."""
    special = [0, 1, form.infinite - 1, form.infinite, NAN, 0x3C00, 0x3F80, 0x0400, 0x0080]
    special = np.uint16([*special, *(bits | 0x8000 for bits in special)])
    random = np.random.default_rng(1).integers(0, 65536, (2, count), np.uint16)
    close = random[0] ^ np.random.default_rng(2).integers(0, 2048, count, np.uint16)  # of much the same size
    a = np.concatenate([random[0], random[0], special.repeat(special.size)])
    b = np.concatenate([random[1], close, np.tile(special, special.size)])
    return a, b, np.roll(b, 5)


@pytest.mark.parametrize("expression", ARITHMETIC)
def test_arithmetic_is_the_exact_result_rounded_once(form, expression):
    a, b, c = pairs(form, 700)
    if "fma" in expression:
        a, b, c = (np.concatenate(columns) for columns in zip((a, b, c), close_to_a_middle(form)))
    if "sqrt" in expression:
        a = a & 0x7FFF
    if "c" not in expression:
        c = np.zeros_like(c)
    got = compute(form, expression, a, b, c)
    with np.errstate(all="ignore"):
        values = evaluate(expression, *form.value[np.array([a, b, c])])
    for i, bits in enumerate(got):
        numbers, exact = form.value[[a[i], b[i], c[i]]], None
        if "sqrt" in expression:
            exact = np.isfinite(values[i]) and Fraction(float(values[i]))  # has more than twice as many digits, and two
        elif np.isfinite([*numbers, values[i]]).all():
            exact = evaluate(expression, *map(Fraction, numbers.tolist()))
        assert bits == form.of(values[i], exact), (expression, a[i], b[i], c[i])


def evaluate(expression, a, b, c):
    return eval(expression, {"a": a, "b": b, "c": c, "hsqrt": np.sqrt, "__hfma": lambda a, b, c: a * b + c})


def close_to_a_middle(form):
    """Bits of a, b and c, where the product is the middle between two numbers and c decides, however small it is."""
    bits = {float(value): np.uint16(bits) for bits, value in enumerate(form.value.tolist()) if value == value}
    factors = (1 + 2.0**-5, 1 + 2.0**-6) if form.half else (1 + 2.0**-4, 1 + 2.0**-4)
    smallest = float(form.value[1])
    cases = [
        (sign * factors[0], factors[1], c)
        for sign in (1, -1)
        for c in (smallest, -smallest, 8 * smallest, -8 * smallest, 0.0)
    ]
    return np.array([[bits[number] for number in case] for case in cases], np.uint16).T


@pytest.mark.parametrize("expression", CHOICES)
def test_choices_and_comparisons(form, expression):
    a, b, c = pairs(form, 300)
    x, y = form.value[a], form.value[b]
    none, one = np.isnan(x) | np.isnan(y), np.uint16(0x3C00 if form.half else 0x3F80)
    less = (x < y) | ((x == y) & (a > b))  # −0 is below 0
    smaller = np.where(np.isnan(x), np.where(np.isnan(y), NAN, b), np.where(np.isnan(y) | less, a, b))
    larger = np.where(np.isnan(x), np.where(np.isnan(y), NAN, b), np.where(np.isnan(y) | ~less, a, b))
    fused, added = compute(form, "__hfma(a, b, c)", a, b, c), compute(form, "a + b", a, b, c)
    sum_ = form.value[added]
    expected = {
        "__hmin(a, b)": smaller, "__hmax(a, b)": larger,
        "__hmin_nan(a, b)": np.where(none, NAN, smaller), "__hmax_nan(a, b)": np.where(none, NAN, larger),
        "-a": a ^ 0x8000, "__habs(a)": a & 0x7FFF,
        "__hfma_relu(a, b, c)": np.where(np.isnan(form.value[fused]), NAN, np.where(fused >> 15, 0, fused)),
        "__hadd_sat(a, b)": np.where(sum_ > 0, np.where(sum_ < 1, added, one), 0),
        "T(a < b)": one * (x < y), "T(__hltu(a, b))": one * ((x < y) | none),
        "T(a != b)": one * (x != y), "T(__hne(a, b))": one * ((x != y) & ~none),
        "T(__hisinf(a))": np.where(np.isinf(x), one | (a & 0x8000), 0),
    }[expression]  # fmt: skip
    assert (compute(form, expression, a, b, c) == expected).all()
