"""CUDA's functions with a rounding mode in their name, and those of its mathematics that C++ has not."""

from fractions import Fraction
from math import erf, erfc, exp, isclose, sqrt

import numpy as np
import pytest
from launching import run

MODES = ("_rn", "_rz", "_rd", "_ru")
# What each gives exactly, of two or three numbers, which are float32 for the first ones. (A root of a float32 is exact in
# float64, or irrational, and then on the same side of every float32.)
OF_FLOATS = {
    "__fadd": lambda x, y, z: x + y, "__fsub": lambda x, y, z: x - y, "__fmul": lambda x, y, z: x * y,
    "__fdiv": lambda x, y, z: x / y, "__fmaf": lambda x, y, z: x * y + z, "__frcp": lambda x, y, z: 1 / x,
    "__fsqrt": lambda x, y, z: Fraction(sqrt(x)),
}  # fmt: skip
OF_DOUBLES = {
    "__dadd": lambda x, y, z: x + y, "__dsub": lambda x, y, z: x - y, "__dmul": lambda x, y, z: x * y,
    "__ddiv": lambda x, y, z: x / y, "__fma": lambda x, y, z: x * y + z, "__drcp": lambda x, y, z: 1 / x,
    "__double2float": lambda x, y, z: x,
}  # fmt: skip
OF_WHOLE = {
    "__int2float": lambda i: i % 2**32 - i % 2**32 // 2**31 * 2**32, "__uint2float": lambda i: i % 2**32,
    "__ll2float": lambda i: i, "__ull2float": lambda i: i % 2**64,
    "__ll2double": lambda i: i, "__ull2double": lambda i: i % 2**64,
}  # fmt: skip
TO_WHOLE = {"__double2int": (-(2**31), 2**31 - 1), "__double2uint": (0, 2**32 - 1), "__double2ll": (-(2**63), 2**63 - 1),
            "__double2ull": (0, 2**64 - 1)}  # fmt: skip
ARGUMENTS = {"rcp": "(x)", "sqrt": "(x)", "2float": "(x)", "fma": "(x, y, z)"}


def in_mode(exact, mode, dtype):
    """An exact number as a float32 or a float64, in a rounding mode."""
    middle = dtype(float(exact))
    near = [np.nextafter(middle, dtype(-np.inf)), middle, np.nextafter(middle, dtype(np.inf))]
    if mode == "_rn":
        return min(near, key=lambda one: (abs(Fraction(float(one)) - exact), int(one.view(f"u{one.nbytes}")) % 2))
    if mode == "_rd" or (mode == "_rz" and exact > 0):
        return max(one for one in near if Fraction(float(one)) <= exact)
    return min(one for one in near if Fraction(float(one)) >= exact)


def whole_in_mode(exact, mode, least, most):
    down = mode == "_rd" or (mode == "_rz" and exact > 0)
    return max(least, min(most, round(exact) if mode == "_rn" else exact.__floor__() if down else exact.__ceil__()))


def line_of(name, mode):
    arguments = next((text for part, text in ARGUMENTS.items() if part in name), "(x, y)")
    if name in OF_WHOLE:
        return f"out[t] = {name}{mode}(i[t]);"
    if name in TO_WHOLE:
        return f"whole[t] = {name}{mode}(a[t]);"
    numbers = (
        "const float x = a[t], y = b[t], z = c[t];"
        if name in OF_FLOATS
        else "const double x = a[t], y = b[t], z = c[t];"
    )
    return f"{{ {numbers} out[t] = {name}{mode}{arguments}; }}"


@pytest.fixture(scope="module")
def results():
    """(three rows of numbers, whole numbers, {(function, mode): what it gives of them})."""
    random = np.random.default_rng(0)
    numbers = random.uniform(1, 2, (3, 64)) * 2.0 ** random.integers(-30, 60, (3, 64)) * [[1], [-1], [1]]
    numbers[2, ::2] = -(numbers[0] * numbers[1])[::2] * (1 + 2.0**-30)  # a sum of products that nearly cancels
    numbers[0, :4] *= [-1, 1, -1, 1]
    whole = random.integers(-(2**63), 2**63 - 1, 64) >> random.integers(0, 40, 64)
    calls = [(name, mode) for names in (OF_FLOATS, OF_DOUBLES, OF_WHOLE, TO_WHOLE) for name in names for mode in MODES]
    text = "".join(f"out += 64, whole += 64;\n{line_of(name, mode)}\n" for name, mode in calls)
    out, of_whole = np.zeros((len(calls) + 1, 64)), np.zeros((len(calls) + 1, 64), np.int64)
    run(
        "in_modes(const double* a, const double* b, const double* c, const long long* i, double* out, long long* whole) {\n"
        f"const int t = threadIdx.x;\n{text}}}",
        1, 64, *numbers, whole, out, of_whole,
    )  # fmt: skip
    got = {call: (of_whole if call[0] in TO_WHOLE else out)[i + 1] for i, call in enumerate(calls)}
    return numbers, whole, got


@pytest.mark.parametrize("mode", MODES)
def test_arithmetic_in_a_mode(results, mode):
    numbers, _, got = results
    for name, exact in {**OF_FLOATS, **OF_DOUBLES}.items():
        rows = numbers.astype(np.float32) if name in OF_FLOATS else numbers
        kind = np.float32 if name in OF_FLOATS or name == "__double2float" else np.float64
        for column, result in zip(rows.T.tolist(), got[name, mode]):
            if "sqrt" not in name or column[0] > 0:
                assert result == in_mode(exact(*map(Fraction, column)), mode, kind), name


@pytest.mark.parametrize("mode", MODES)
def test_whole_numbers_in_a_mode(results, mode):
    numbers, whole, got = results
    for name, value in OF_WHOLE.items():
        kind = np.float64 if "double" in name else np.float32
        expected = [in_mode(Fraction(value(int(one))), mode, kind) for one in whole]
        assert got[name, mode].tolist() == expected, name
    for name, ends in TO_WHOLE.items():
        expected = [whole_in_mode(Fraction(one), mode, *ends) for one in numbers[0].tolist()]
        assert (got[name, mode].astype(np.uint64) == np.array([one % 2**64 for one in expected], np.uint64)).all(), name


def test_functions_of_mathematics():
    expected = {
        "erfinv(0.3)": lambda x: isclose(erf(x), 0.3, rel_tol=1e-15),
        "erfinvf(-0.9f)": lambda x: isclose(erf(x), -0.9, rel_tol=1e-6),
        "erfcinv(1e-200)": lambda x: isclose(erfc(x), 1e-200, rel_tol=1e-12), "erfcinv(1.75)": lambda x: isclose(erfc(x), 1.75),
        "normcdfinv(0.975)": lambda x: isclose(x, 1.959963984540054), "normcdf(-1.959963984540054)": lambda x: isclose(x, 0.025),
        "erfinv(1.0)": np.isposinf, "erfinv(1.5)": np.isnan, "erfcx(2.0)": lambda x: isclose(x, exp(4) * erfc(2)),
        "erfcx(30.0)": lambda x: isclose(x, 0.018795888861416751), "cyl_bessel_i0(1.0)": lambda x: isclose(x, 1.2660658777520084),
        "cyl_bessel_i1f(1.0f)": lambda x: isclose(x, 0.5651591039924851, rel_tol=1e-6), "rcbrt(8.0)": lambda x: x == 0.5,
        "exp10f(3.0f)": lambda x: isclose(x, 1000, rel_tol=1e-6), "rnorm3d(2, 3, 6)": lambda x: isclose(x, 1 / 7),
        "__saturatef(CUDART_NAN_F)": lambda x: x == 0, "__sad(-5, 7, 1)": lambda x: x == 13, "__hadd(7, -2)": lambda x: x == 2,
        "__urhadd(7u, 4294967295u)": lambda x: x == 2**31 + 3, "__mul64hi(-(1ll << 62), 8)": lambda x: x == -2,
        "__umul64hi(1ull << 63, 6)": lambda x: x == 3, "__funnelshift_lc(1u, 9u, 40)": lambda x: x == 1,
        "__vadd2(0x0001ffffu, 0x00010001u)": lambda x: x == 0x20000,
        "__vmaxs4(0x80017f05u, 0x7f02ff04u)": lambda x: x == 0x7F027F05,
        "__vcmpgtu4(0x80017f05u, 0x7f02ff04u)": lambda x: x == 0xFF0000FF, "__vsadu4(0x01020304u, 0x04030201u)": lambda x: x == 8,
        "__vavgs2(0x0003ffffu, 0x00000000u)": lambda x: x == 0x20000, "__dp4a(0x80000002u, 0x02000003u, 1u)": lambda x: x == 263,
        "__float2int_rn(CUDART_NAN_F)": lambda x: x == 0, "__double2int_rn(CUDART_NAN)": lambda x: x == -(2**31),
        "__float2int_rz(3e9f)": lambda x: x == 2**31 - 1, "__float2uint_rn(-2.0f)": lambda x: x == 0,
        "__float2ll_rn(CUDART_NAN_F)": lambda x: x == -(2**63),
    }  # fmt: skip
    out = np.zeros(len(expected))
    run("math(double* out) {" + "".join(f"out[{i}] = {each};" for i, each in enumerate(expected)) + "}", 1, 1, out)
    assert [each for each, value in zip(expected, out.tolist()) if not expected[each](value)] == []
