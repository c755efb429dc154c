"""Kernels on numbers of 16 bits and on complex ones: what the headers name, which accesses are seen, which arguments fit."""

import numpy as np
import pytest

import minigan as mg
from minigan import emulator
from minigan.cuda import nvrtc
from minigan.errors import LaunchError
from minigan.plan import bfloat16_bits

# With h = 1.5, p = (1, 2) and q = (3, −4); of pairs x + 10 y is shown. bfloat16's are spelt with its name in half's place.
NAMED = {
    "p + q": -16, "p - q": 58, "p * q": -77, "p / __float2half2_rn(2.0f)": 10.5, "-p": -21, "__hfma2(p, q, p)": -56,
    "__hfma2_relu(p, q, p)": 4, "__hadd2_sat(p, q)": 1, "__hmul2_rn(p, p)": 41, "__habs2(q)": 43, "__hneg2(q)": 37,
    "__hmin2(p, q)": -39, "__hmax2(p, q)": 23, "__hmin2_nan(p, q)": -39, "__heq2(p, p)": 11, "__hgt2(p, q)": 10,
    "__hltu2(p, q)": 1, "__hisnan2(p)": 0, "__hcmadd(p, q, p)": 52, "h2sqrt(__hmul2(p, p))": 21, "h2ceil(p)": 21,
    "h2exp2(p)": 42, "h2rcp(p)": 6, "__lowhigh2highlow(p)": 12, "__low2half2(p)": 11, "__high2half2(p)": 22,
    "__lows2half2(p, q)": 31, "__highs2half2(p, q)": -38, "__half2half2(h)": 16.5, "__halves2half2(h, h)": 16.5,
    "__floats2half2_rn(1.0f, 2.0f)": 21, "__float22half2_rn(make_float2(1.0f, 2.0f))": 21, "__half22float2(p).y": 2,
    "__low2float(p)": 1, "__high2float(q)": -4, "__low2half(p)": 1, "__high2half(p)": 2,
    "__half_as_ushort(__ushort_as_half(77))": 77, "__half_as_short(__short_as_half(-7))": -7, "__half2int_rn(h)": 2,
    "__half2uint_rz(h)": 1, "__half2ll_rd(-h)": -2, "__half2ull_ru(h)": 2, "__half2short_rd(h)": 1, "__half2ushort_ru(h)": 2,
    "__int2half_rn(7)": 7, "__uint2half_rd(7u)": 7, "__ushort2half_rz(7)": 7, "__short2half_ru(-7)": -7, "__ull2half_rn(7ull)": 7,
    "__float2half(1.5f)": 1.5, "__half2float(h)": 1.5, "p == q": 0, "p != q": 1, "p < q": 0, "__hbge2(p, p)": 1,
    "__hbneu2(p, q)": 1, "__hgt2_mask(p, q) / 65536": 65535, "hsin(h - h)": 0, "hlog2(h + h + h - half_(0.5f))": 2, "hrint(h)": 2,
    "htrunc(h)": 1, "h ? 1 : 0": 1, "int(h)": 1, "__ldg(x)": 1.5, "__ldcs(x)": 1.5, "__shfl_sync(1u, h, 0)": 1.5,
    "__shfl_xor_sync(1u, p, 0)": 21, "h++": 1.5, "++h": 3.5, "h -= half_(2.0)": 1.5, "p++": 21, "--p": 21, "p *= q": -77,
    "__half_raw(h).x == __half_as_ushort(h)": 1,
}  # fmt: skip


def kernel_of_names(word):
    """A kernel that computes all of them, names_half or names_bfloat16."""
    number, calls = "__half", NAMED
    if word == "bfloat16":
        number = "__nv_bfloat16"
        calls = [call.replace("__half_raw", "__nv_half_raw").replace("half", word) for call in NAMED]
    return f"""#include <cuda_fp16.h>
#include <cuda_bf16.h>
typedef {number} {word}_;
__device__ double shown_{word}(double value) {{ return value; }}
__device__ double shown_{word}({number} value) {{ return float(value); }}
__device__ double shown_{word}({number}2 value) {{ return float(value.x) + 10 * float(value.y); }}
__global__ void names_{word}(const {number}* x, double* out) {{
    {number} h = x[0];
    {number}2 p = __floats2{word}2_rn(1.0f, 2.0f), q = __floats2{word}2_rn(3.0f, -4.0f);
    {"".join(f"out[{i}] = shown_{word}({call});" for i, call in enumerate(calls))}
}}
"""


@pytest.mark.parametrize(
    ("word", "x"), [("half", np.float16([1.5])), ("bfloat16", np.uint16([0x3FC0]))], ids=["half", "bfloat16"]
)
def test_what_the_headers_name(word, x):
    out = np.zeros(len(NAMED))
    mg.kernel(source=kernel_of_names(word), name=f"names_{word}")(1, 1, (x, out))
    assert dict(zip(NAMED, out.tolist())) == NAMED


ACCESSES = """#include <cuda_fp16.h>
#include <cuda_bf16.h>
#include <cuComplex.h>
__global__ void k(const __half* x, __half* y, __half* z, half2* pairs, nv_bfloat16* b, nv_bfloat162* sum, cuComplex* c,
                  half factor, cuComplex turn) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] += x[i];
    if (i % 2)
        z[i] *= factor;
    else
        z[i] = -x[i];
    pairs[i] += __float2half2_rn(2.0f);
    float twice = 2.0f * float(x[i]);
    b[i] = __float2bfloat16_rn(twice);
    if (i % 32 == 0) atomicAdd(sum, __floats2bfloat162_rn(1.0f, 2.0f));
    c[i] = cuCdivf(cuCmulf(c[i], turn), make_cuFloatComplex(0.5f, 0.0f));
    c[i].x += cuCabsf(c[i]);
}
__global__ void races(half* x, half2* y) {
    x[0] += half(1.0f);
    y[threadIdx.x / 2] *= __float2half2_rn(1.0f);
}
"""


def arrays():
    x = np.linspace(-2, 2, 64).astype(np.float16)
    c = (np.arange(64) + 1j).astype(np.complex64)
    y, z, pairs = np.ones(64, np.float16), np.ones(64, np.float16), np.ones(128, np.float16)
    return [x, y, z, pairs, np.zeros(64, np.uint16), np.zeros(2, np.uint16), c, 3.0, 1j]


def test_kernels_on_small_and_complex_numbers(order):
    x, y, z, pairs, b, total, c, factor, turn = args = arrays()
    before = c.copy()
    mg.kernel(source=ACCESSES, name="k")(2, 32, args)
    assert (y == x + np.float16(1)).all() and (z == np.where(np.arange(64) % 2, factor, -x)).all()
    assert (pairs == 3).all() and (b == bfloat16_bits(2 * x.astype(np.float32))).all()
    assert total.tolist() == [0x4000, 0x4080]
    expected = before * turn * 2
    assert np.allclose(c, expected + abs(expected), rtol=1e-6)


def test_accesses_are_seen_in_the_line_that_makes_them_and_have_two_bytes():
    profile = emulator.profile(mg.kernel(source=ACCESSES, name="k"), 2, 32, arrays())
    lines = {line.line: line for line in profile.lines}
    seen = {
        number: (line.loaded, line.stored, line.sectors, line.flops) for number, line in lines.items() if number < 15
    }
    assert seen == {  # two warps, each with 2 sectors of two bytes a lane, 4 of four
        7: (64 * 4, 64 * 2, 3 * 4, 64),
        9: (32 * 2, 32 * 2, 2 * 4, 32),
        11: (32 * 2, 32 * 2, 2 * 4, 0),
        12: (64 * 4, 64 * 4, 2 * 8, 128),
        13: (64 * 2, 0, 4, 64),
        14: (0, 64 * 2, 4, 0),
    }


def test_the_sanitizer_sees_what_operators_do():
    x, y = np.zeros(1, np.float16), np.zeros(4, np.float16)
    findings = emulator.check(mg.kernel(source=ACCESSES, name="races"), 1, 8, (x, y)).findings
    kinds = {(finding.kind, finding.line) for finding in findings}
    assert kinds == {("race", 20), ("race", 21), ("out-of-bounds", 21)}


def test_arguments_have_the_kernels_types():
    kernel = mg.kernel(source=ACCESSES, name="k")

    def refused(position, value, message):
        with pytest.raises(LaunchError, match=message):
            kernel(2, 32, [*arrays()[:position], value, *arrays()[position + 1 :]])

    refused(0, np.zeros(64, np.float32), "argument x is float32, expected float16")
    refused(
        4,
        np.zeros(64, np.float16),
        r"argument b is float16, expected uint16 \(their bits\) or bfloat16 \(of ml_dtypes\)",
    )
    refused(7, 1e5, "argument factor is 100000.0, which __half cannot hold")
    refused(7, 1j, "argument factor is 1j, expected a number for __half")
    refused(8, 1e39j, "argument turn is 1e[+]39j, which float2 cannot hold")


def test_an_array_of_ml_dtypes_bfloat16():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    args = arrays()
    args[4], args[5] = np.zeros(64, ml_dtypes.bfloat16), np.zeros(2, ml_dtypes.bfloat16)
    mg.kernel(source=ACCESSES, name="k")(2, 32, args)
    assert (args[4] == (2 * args[0].astype(np.float32)).astype(ml_dtypes.bfloat16)).all() and args[5].tolist() == [2, 4]


@pytest.mark.skipif(
    nvrtc.why_missing() is not None or not nvrtc.include_folders(), reason="takes NVRTC and CUDA's headers"
)
def test_nvidias_compiler_takes_the_same_texts():
    text = ACCESSES + kernel_of_names("half") + kernel_of_names("bfloat16")
    options = ("--std=c++17", *(f"-I{folder}" for folder in nvrtc.include_folders()))
    types = nvrtc.parameter_types(text, "small_floats.cu", options, ["k", "names_half", "names_bfloat16"], 80)
    assert types["names_bfloat16"] == ["const __nv_bfloat16*", "double*"]
    assert types["k"] == [parameter.type for parameter in mg.kernel(source=ACCESSES, name="k").parameters()]
