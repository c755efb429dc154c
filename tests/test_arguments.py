"""What a kernel may be given: structs, vectors, null pointers, constants, options; and a kernel of CuPy."""

import re
from pathlib import Path

import numpy as np
import pytest
from command import minigan

import minigan as mg
from minigan import emulator
from minigan.cuda import nvrtc
from minigan.emulator import worker
from minigan.emulator.options import read_options
from minigan.emulator.variables import declared, names

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "kernels"

TEXT = """struct Settings { int count; float factor; };
enum class Mode : unsigned char { DARK, LIGHT };
struct Mixed {
    char tag; double d; short a[3]; Settings inner; const float* p; int f(int); static int s;
    private: int hidden;
};
class Row { float data[4]; public: __device__ float at(int i) const { return data[i]; } };
struct Later;
namespace ns { template <class T> struct Pair { T a, b; }; }
typedef float (*Step)(float);
__global__ void scale(Settings s, float* x) { if (threadIdx.x < s.count) x[threadIdx.x] *= s.factor; }
__global__ void every(
    Mixed m, ns::Pair<double> pair, Mode mode, Row row, float3 v, dim3 d, uchar4 c, float2 z,
    const Settings* each, Later* later, float (*rows)[4], const volatile int* n, float* out) {
    out[0] = m.tag, out[1] = m.d, out[2] = m.a[2], out[3] = m.inner.factor, out[4] = pair.b, out[5] = int(mode);
    out[6] = row.at(3), out[7] = v.z, out[8] = d.y, out[9] = c.w, out[10] = z.y;
    if (!later && !n) rows[1][3] = each[1].factor;
}
__global__ void biased(float* x, const float* bias, bool careless) {
    if (bias || careless) x[threadIdx.x] += bias[threadIdx.x];
}
__global__ void refused(ns::Pair<Row> a, Step step, float& y) { y = step(a.b.at(3)); }
"""
SETTINGS = np.dtype([("count", "i4"), ("factor", "f4")], align=True)
MIXED = np.dtype(
    [("tag", "i1"), ("d", "f8"), ("a", "i2", 3), ("inner", SETTINGS), ("p", "u8"), ("hidden", "i4")], align=True
)
PAIR = np.dtype([("a", "f8"), ("b", "f8")])
THREE = np.dtype([(name, "u4") for name in "xyz"])


def kernel(name):
    return mg.kernel(source=TEXT, name=name)


def test_a_struct_by_value():
    x = np.ones(64, np.float32)
    for record in (np.array((60, 3), SETTINGS), np.array((60, 3), SETTINGS)[()]):
        x[:] = 1
        kernel("scale")(1, 64, (record, x))
        assert x.tolist() == [3] * 60 + [1] * 4
    assert not emulator.check(kernel("scale"), 1, 64, (record, x)).findings


def arguments(**others):
    """Those of the kernel `every`, by name."""
    given = {
        "m": np.array((1, 2, [3, 4, 5], (6, 7), 0, 8), MIXED),
        "pair": np.array((9, 10), PAIR),
        "mode": 1,
        "row": np.array((np.float32([1, 2, 3, 4]).tobytes(),), "V16").reshape(()),
        "v": (1, 2, 3),
        "d": [4, 5, 6],
        "c": np.uint8([1, 2, 3, 255]),
        "z": 7 + 8j,
        "each": np.array([(1, 2), (3, 4)], SETTINGS),
        "later": None,
        "rows": np.zeros((2, 4), np.float32),
        "n": None,
        "out": np.zeros(11, np.float32),
    }
    return given | others


def test_what_a_parameter_may_be():
    for others in ({}, {"d": np.array((4, 5, 6), THREE), "v": np.float64([1, 2, 3]), "z": (7, 8)}):
        given = arguments(**others)
        kernel("every")(1, 1, list(given.values()))
        assert given["out"].tolist() == [1, 2, 5, 7, 10, 1, 4, 3, 5, 255, 8] and given["rows"][1, 3] == 4


RECORD = r"argument m is 3, expected a NumPy record for Mixed: make it with np.dtype\(\{…\}, align=True\)"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("m", 3, RECORD),
        ("m", np.zeros((), [("tag", "i1")]), "field d, which is double"),
        ("m", np.array((1, 2, [3, 4, 5], (6, 7), 99, 8), MIXED), r"field p is a pointer \(const float\*\)"),
        ("pair", 1.5, r"a NumPy record for ns::Pair<double>: make it with np.dtype\(\[\('a', 'f8'\), \('b', 'f8'\)\], "),
        ("pair", np.zeros((), "f8,f8"), "argument pair: the record has no field a, which is double in ns::Pair<double>"),
        ("pair", np.zeros((), [("b", "f8"), ("a", "f8")]), "field a begins at byte 8, expected 0 in ns::Pair<double>"),
        ("pair", np.zeros((), [("a", "f4"), ("b", "f8")]), "field a has 4 bytes, expected 8"),
        ("pair", np.zeros((), [("a", "i8"), ("b", "f8")]), "field a is int64, expected float64"),
        ("pair", np.zeros((), [("a", "f8"), ("b", "f8"), ("c", "f8")]), "the record has 24 bytes, expected 16"),
        ("mode", 256, "argument mode is 256, which unsigned char cannot hold"),
        ("row", 3.0, "argument row is 3.0, expected a NumPy record of 16 bytes for Row"),
        ("v", (1, 2), r"argument v is \(1, 2\), expected 3 numbers of float32 for float3"),
        ("d", (1, 2, -3), "expected 3 numbers of uint32 for dim3"),
        ("c", 7, "argument c is 7, expected 4 numbers of uint8 for uchar4"),
        ("each", np.zeros(2, PAIR), r"argument each: the record has no field count, which is int in const Settings\*"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_in_one_line(name, value, message):
    with pytest.raises(mg.LaunchError, match=message) as raised:
        kernel("every")(1, 1, list(arguments(**{name: value}).values()))
    assert "\n" not in str(raised.value)


def test_functions_and_references_are_refused():
    row = np.zeros((), np.dtype([("a", "V16"), ("b", "V16")]))
    for args, message in (
        ((3.0, None, 1), "argument a is 3.0, expected a NumPy record for ns::Pair<Row>"),
        (
            (row, None, 1),
            r"argument step is a function pointer \(float \(\*\)\(float\)\), which nothing that Python passes",
        ),
    ):
        with pytest.raises(mg.LaunchError, match=message):
            kernel("refused")(1, 1, args)
    assert kernel("refused").parameters()[2].type == "float&"


def test_null_pointers():
    x, bias = np.ones(64, np.float32), np.ones(64, np.float32)
    kernel("biased")(1, 64, (x, None, False))
    kernel("biased")(1, 64, (x, bias, False))
    assert x.tolist() == [2] * 64
    assert not emulator.check(kernel("biased"), 1, 64, (x, None, False)).findings
    assert emulator.check(kernel("biased"), 1, 64, (x, None, True)).findings[0].kind == "null-pointer"
    with pytest.raises(emulator.KernelError, match="biased: access to memory that is not there"):
        kernel("biased")(1, 64, (x, None, True))


VARIABLES = """
#define N 8
__constant__ float w[N] = {1, 2}, second;
static __device__ int counter;
struct P { float a; int b; };
namespace filters { __constant__ __align__(16) P pairs[3]; inline namespace deep { __managed__ int m; } }
namespace { __device__ double hidden; }
__constant__ const float fixed[2] = {1, 2};
extern __device__ int elsewhere;
template <class T> __device__ T of_template = T(1);
__device__ float times(float x) { static __device__ int inner; return x * w[1]; }
extern "C" {
__device__ unsigned char bytes[4]; __device__ float *chain;
#if 0
__constant__ int gone;
#endif
__global__ void sum(float* x) {
    x[threadIdx.x] = times(x[threadIdx.x]) + second + filters::pairs[1].b + filters::m + hidden + fixed[0] + bytes[1]
        + (chain != 0);
}
__global__ void count(int* out) { out[0] = ++counter; }
}
"""


def test_where_variables_are_declared():
    assert names(VARIABLES) == (
        "w", "second", "counter", "filters::pairs", "filters::deep::m", "hidden", "fixed", "bytes", "chain", "gone",
    )  # fmt: skip
    assert all(VARIABLES[end - 1] == ";" for end, _ in declared(VARIABLES))
    assert not declared("#define D __device__ int a;\n// __device__ int b;\n__device__ int f(int);")
    assert not declared("struct S { __device__ int x; }; __device__ int g() { return 1; }")


def test_constants_are_filled_before_the_next_launch():
    total, x = mg.kernel(source=VARIABLES, name="sum"), np.ones(4, np.float32)

    def run(how=lambda *launch: total(*launch)):
        x[:] = 1
        how(1, 4, (x,))
        return x[3]

    assert run() == 3
    mg.constant(total, "w", np.arange(8, dtype=np.float32) * 10)
    mg.constant(total, "second", 0.5)
    mg.constant(total, "filters::pairs", np.array([(1, 2), (3, 4)], [("a", "f4"), ("b", "i4")]))
    mg.constant(total, "filters::deep::m", 1000)
    mg.constant(total, "hidden", 1e5)
    mg.constant(total, "bytes", np.uint8([1, 7]))
    expected = 10 + 0.5 + 4 + 1000 + 1e5 + 1 + 7
    assert run() == expected
    assert run(lambda *launch: emulator.profile(total, *launch)) == expected
    for _ in range(2):  # each check begins with the first values, and then fills
        reports = []
        assert run(lambda *launch: reports.append(emulator.check(total, *launch))) == expected  # noqa: B023
        assert not reports[0].findings
    mg.constant(total, "w", np.float32([0, 5]))
    assert run() == expected - 5
    mg.constant(total, "w", np.float32([7]))  # its beginning; the rest is kept, for another process too
    worker.dismiss()
    assert run() == expected - 5


def test_a_variable_that_a_kernel_changes_is_filled_once():
    counted, out = mg.kernel(source=VARIABLES, name="count"), np.zeros(1, np.int32)
    seen = []
    for value in (41, None, 10):
        if value:
            mg.constant(counted, "counter", value)
        counted(1, 1, (out,))
        seen.append(int(out[0]))
    worker.dismiss()  # and with it go the values, but not the fills
    counted(1, 1, (out,))
    assert seen == [42, 43, 11] and out[0] == 11


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("gone", 3, "kernel sum uses no variable 'gone' that can be filled: it uses w, second, filters::pairs, "),
        ("inner", 3, "no variable 'inner'"),
        ("fixed", np.zeros(2, np.float32), "variable fixed is const float: what it holds stands in the text"),
        ("w", np.zeros(8), "variable w is of float, and the array is float64, expected float32"),
        ("w", np.zeros(9, np.float32), "variable w has 32 bytes, and the array has 36"),
        ("filters::deep::m", 2.5, "variable filters::deep::m is 2.5, which int cannot hold"),
        ("hidden", "a", "variable hidden is 'a', expected a number for double"),
        ("chain", 3, r"variable chain is a pointer \(float\*\)"),
    ],
)  # fmt: skip
def test_what_a_constant_cannot_be(name, value, message):
    with pytest.raises(mg.MiniganError, match=message):
        mg.constant(mg.kernel(source=VARIABLES, name="sum"), name, value)


OPTIONED = """#include "factor.cuh"
#include <inner/offset.cuh>
__global__ void k(float* x, float* unused) { x[threadIdx.x] = N * factor(x[threadIdx.x]) + OFFSET; }
"""


@pytest.fixture
def headers(tmp_path):
    (tmp_path / "include" / "inner").mkdir(parents=True)
    (tmp_path / "include" / "factor.cuh").write_text(
        '#pragma once\n#include "inner/offset.cuh"\n__device__ float factor(float x) { return F(x); }\n'
    )
    (tmp_path / "include" / "inner" / "offset.cuh").write_text("#pragma once\n#define OFFSET 5\n")
    (tmp_path / "mine.cu").write_text(OPTIONED)
    return tmp_path / "include"


def test_macros_and_folders_of_headers(headers):
    options = ("-DN=4", "-D", "F(x)=x * 2", f"-I{headers}", "--use_fast_math")
    for made in (
        mg.kernel(f"{headers.parent}/mine.cu:k", options=options),
        mg.kernel(source=OPTIONED, name="k", options=options),
    ):
        x = np.ones(4, np.float32)
        made(1, 2, (x, None))
        assert x.tolist() == [13, 13, 1, 1] and "--use_fast_math" in made.options
    (finding,) = emulator.check(made, 1, 5, (x, None)).findings[:1]
    assert (finding.line, finding.kind) == (3, "out-of-bounds")
    read = read_options(["--define-macro=A", "-UA", "--undefine-macro=B", "--include-path=here", "-I", "there"])
    assert read.lines == ("#define A 1", "#undef A", "#undef B")
    assert [folder.name for folder in read.folders] == ["here", "there"]
    with pytest.raises(mg.MiniganError, match="option -D: expected a name or a folder, as -DN=4"):
        read_options(["-D"])


def test_options_on_the_command_line(headers):
    launch = ["--block", "4", "--arg", "f32[4]", "--arg", "None", "-D", "N=4", "-DF(x)=x", "-I", "include"]
    done = minigan("check", "mine.cu:k", *launch, cwd=headers.parent)
    assert done.returncode == 0 and done.stdout.startswith("nothing found, in 3 orders of the threads\n"), done.stderr


def test_kernels_of_cupy():
    cupy = pytest.importorskip("cupy")
    text = 'extern "C" __global__ void k(float* x) { x[threadIdx.x] *= N; }'
    x = np.ones(4, np.float32)
    for made in (
        mg.kernel(cupy.RawKernel(text, "k", options=("-DN=3",))),
        mg.kernel(cupy.RawModule(code=text, options=("-DN=3", "-std=c++14")), name="k"),
    ):
        x[:] = 1
        made(1, 4, (x,))
        assert x.tolist() == [3] * 4
    assert emulator.check(made, 1, 8, (x,)).findings
    assert "-std=c++14" in made.options and "--std=c++17" not in made.options
    with pytest.raises(mg.MiniganError, match="kernel: the RawKernel is k, not other"):
        mg.kernel(cupy.RawKernel(text, "k"), name="other")
    with pytest.raises(mg.MiniganError, match="a RawModule of compiled code has no text"):
        mg.kernel(cupy.RawModule(path="mine.cubin"), name="k")


@pytest.fixture
def nvrtc_here():
    if problem := nvrtc.why_missing():
        pytest.skip(problem)


def compile_for_gpu(made):
    return nvrtc.compile_cubin(made.cuda_text, made.file, made.options, 80, (made.name,))


def test_nvidias_compiler_sees_the_same_parameters(nvrtc_here):
    ours, theirs = kernel("every").parameters(), kernel("every").parameters(on_host=False)
    assert [one.name for one in ours] == [one.name for one in theirs]
    assert [one.type.replace("volatile const", "const volatile") for one in theirs] == [one.type for one in ours]
    assert all(one.layout.size == two.layout.size for one, two in zip(ours, theirs) if not one.is_pointer)
    text = """namespace ns { template <class T, int N> struct Row { T x[N]; }; struct S { int x; }; }
        __global__ void k(int (*f)(ns::S, float), ns::S* s, ns::Row<ns::S, 3> r, const ns::Row<ns::S, 3>* again, float& x) {}"""
    seen = [one.type for one in mg.kernel(source=text, name="k").parameters(on_host=False)]
    assert seen == ["int (*)(ns::S, float)", "ns::S*", "ns::Row<ns::S, 3>", "const ns::Row<ns::S, 3>*", "float&"]


def test_a_text_with_cudas_own_headers_compiles_for_a_gpu(nvrtc_here):
    made = mg.kernel(
        source="""#include <cuda_fp16.h>
        #include <stdint.h>
        struct Settings { __half factor; uint32_t count; };
        namespace filters { __constant__ float w[4]; }
        __global__ void k(Settings s, const __half* x, float* y) {
            if (threadIdx.x < s.count) y[threadIdx.x] = __half2float(__hmul(x[threadIdx.x], s.factor)) * filters::w[1];
        }""",
        name="k",
    )
    cubin, *_ = compile_for_gpu(made)
    assert made._lowered("filters::w") == "_ZN7filters1wE" and b"_ZN7filters1wE" in cubin
    x, y = np.arange(4, dtype=np.float16), np.zeros(4, np.float32)
    mg.constant(made, "filters::w", np.float32([0, 10]))
    made(1, 4, (np.array((2, 3), np.dtype([("factor", "f2"), ("count", "u4")], align=True)), x, y))
    assert y.tolist() == [0, 20, 40, 0]


def test_every_case_compiles_for_a_gpu(nvrtc_here):
    if not CASES.is_dir():
        pytest.skip("needs ../shared/cases/kernels")
    refused = {}
    for path in sorted(CASES.glob("*.cu")):
        name = re.match(r"// (\S+),", path.read_text("utf-8"))[1]
        try:
            compile_for_gpu(mg.kernel(f"{path}:{name}"))
        except nvrtc.CompileError as error:
            refused[path.name] = str(error)
    # The programming guide has it; the header of CUDA 12.9 has sync() alone.
    assert list(refused) in ([], ["free_synchronize.cu"])
    assert all('has no member "synchronize"' in error for error in refused.values())
