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

TEXT = """#include <array>
struct Settings { int count; float factor; };
enum class Mode : unsigned char { DARK, LIGHT };
struct Mixed { char tag; double d; short a[3]; Settings inner; const float* p; int f(int); static int s; private: int hidden; };
struct Later;
namespace ns { template <class T> struct Pair { T a, b; }; }
typedef float (*Step)(float);
__global__ void scale(Settings s, float* x) { if (threadIdx.x < s.count) x[threadIdx.x] *= s.factor; }
__global__ void mixed(Mixed m, ns::Pair<double> pair, Mode mode, float* out) {
    out[0] = m.tag, out[1] = m.d, out[2] = m.a[2], out[3] = m.inner.factor, out[4] = pair.b, out[5] = int(mode);
}
__global__ void vectors(float3 v, dim3 d, uchar4 c, float2 z, float* out) {
    out[0] = v.x, out[1] = v.z, out[2] = d.y, out[3] = c.w, out[4] = z.y;
}
__global__ void moved(const Settings* each, Later* later, float (*rows)[4], const volatile int* n) {
    if (!later && !n) rows[1][3] = each[1].factor;
}
__global__ void biased(float* x, const float* bias) { if (bias) x[threadIdx.x] += bias[threadIdx.x]; }
__global__ void careless(float* x, const float* bias) { x[threadIdx.x] += bias[threadIdx.x]; }
__global__ void array(std::array<float, 4> a, float* x) { x[0] = a[3]; }
__global__ void stepped(Step step, float* x) { x[0] = step(x[1]); }
__global__ void referred(float& x) { x = 1; }
"""
SETTINGS = np.dtype([("count", "i4"), ("factor", "f4")], align=True)
MIXED = np.dtype(
    [("tag", "i1"), ("d", "f8"), ("a", "i2", 3), ("inner", SETTINGS), ("p", "u8"), ("hidden", "i4")], align=True
)
PAIR = np.dtype([("a", "f8"), ("b", "f8")])


def kernel(name):
    return mg.kernel(source=TEXT, name=name)


def test_structs_by_value():
    x = np.ones(64, np.float32)
    for record in (np.array((60, 3), SETTINGS), np.array((60, 3), SETTINGS)[()]):
        x[:] = 1
        kernel("scale")(1, 64, (record, x))
        assert x.tolist() == [3] * 60 + [1] * 4
    assert not emulator.check(kernel("scale"), 1, 64, (record, x)).findings
    out = np.zeros(6, np.float32)
    kernel("mixed")(1, 1, (np.array((1, 2, [3, 4, 5], (6, 7), 0, 8), MIXED), np.array((9, 10), PAIR), 1, out))
    assert out.tolist() == [1, 2, 5, 7, 10, 1]


def test_vectors_by_value():
    out = np.zeros(5, np.float32)
    for v, d, z in (
        ((1, 2, 3), (4, 5, 6), (7, 8)),
        (np.float32([1, 2, 3]), np.array((4, 5, 6), "u4,u4,u4").astype([(n, "u4") for n in "xyz"]), 7 + 8j),
    ):
        out[:] = 0
        kernel("vectors")(1, 1, (v, d, [1, 2, 3, 255], z, out))
        assert out.tolist() == [1, 3, 5, 255, 8]


@pytest.mark.parametrize(
    ("name", "position", "value", "message"),
    [
        ("scale", 0, 3, r"argument s is 3, expected a NumPy record for Settings: make it with np.dtype\(\[\('count', 'i4'\), "),
        ("scale", 0, np.zeros((), "f4,i4"), "the record has no field count, which is int in Settings"),
        ("scale", 0, np.zeros((), [("factor", "f4"), ("count", "i4")]), "field count begins at byte 4, expected 0 in Settings"),
        ("scale", 0, np.zeros((), [("count", "i2"), ("factor", "f4")]), "field count has 2 bytes, expected 4"),
        ("scale", 0, np.zeros((), [("count", "f4"), ("factor", "f4")]), "field count is float32, expected int32"),
        ("scale", 0, np.zeros((), [("count", "i4"), ("factor", "f4"), ("z", "i4")]), "has 12 bytes, expected 8"),
        ("mixed", 0, np.array((1, 2, [3, 4, 5], (6, 7), 99, 8), MIXED), r"field p is a pointer \(const float\*\)"),
        ("mixed", 2, 256, "argument mode is 256, which unsigned char cannot hold"),
        ("vectors", 0, (1, 2), r"argument v is \(1, 2\), expected 3 numbers of float32 for float3"),
        ("vectors", 1, (1, 2, -3), "expected 3 numbers of uint32 for dim3"),
        ("vectors", 2, 7, "expected 4 numbers of uint8 for uchar4"),
        ("moved", 0, np.zeros(2, PAIR), r"argument each: the record has no field count, which is int in const Settings\*"),
        ("array", 0, 3.0, "argument a is 3.0, expected a NumPy record of 16 bytes for std::array<float, 4>"),
        ("stepped", 0, 3, r"argument step is a function pointer \(float \(\*\)\(float\)\), which nothing"),
        ("referred", 0, 3, r"argument x is a reference \(float&\)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_in_one_line(name, position, value, message):
    x = np.zeros((2, 4), np.float32)
    args = {
        "scale": [np.array((1, 2), SETTINGS), x],
        "mixed": [np.zeros((), MIXED), np.zeros((), PAIR), 0, x],
        "vectors": [(1, 2, 3), (1, 2, 3), (1, 2, 3, 4), (1, 2), x],
        "moved": [np.zeros(2, SETTINGS), None, x, None],
        "array": [np.zeros((), "V16"), x],
        "stepped": [None, x],
        "referred": [x],
    }[name]
    if name not in ("stepped", "referred"):
        kernel(name)(1, 1, args)
    args[position] = value
    with pytest.raises(mg.LaunchError, match=message) as raised:
        kernel(name)(1, 1, args)
    assert "\n" not in str(raised.value)


def test_null_pointers(tmp_path):
    x, bias = np.ones(64, np.float32), np.ones(64, np.float32)
    kernel("biased")(1, 64, (x, None))
    kernel("biased")(1, 64, (x, bias))
    assert x.tolist() == [2] * 64
    assert not emulator.check(kernel("biased"), 1, 64, (x, None)).findings
    assert emulator.check(kernel("careless"), 1, 64, (x, None)).findings[0].kind == "null-pointer"
    with pytest.raises(emulator.KernelError, match="careless: access to memory that is not there"):
        kernel("careless")(1, 64, (x, None))
    rows = np.zeros((2, 4), np.float32)
    kernel("moved")(1, 1, (np.array([(1, 2), (3, 4)], SETTINGS), None, rows, None))
    assert rows[1].tolist() == [0, 0, 0, 4]


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
    assert not declared(
        "#define D __device__ int a;\n// __device__ int b;\n__device__ int f(int); struct S { __device__ int x(); };"
    )


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
__global__ void k(float* x) { x[threadIdx.x] = N * factor(x[threadIdx.x]) + OFFSET; }
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
    x = np.ones(4, np.float32)
    options = ("-DN=4", "-D", "F(x)=x * 2", f"-I{headers}", "--use_fast_math")
    for made in (
        mg.kernel(f"{headers.parent}/mine.cu:k", options=options),
        mg.kernel(source=OPTIONED, name="k", options=options),
    ):
        made(1, 2, (x,))
        assert x.tolist() == [13, 13, 1, 1] and "--use_fast_math" in made.options
        (finding,) = emulator.check(made, 1, 5, (x,)).findings[:1]
        assert (finding.line, finding.kind) == (3, "out-of-bounds")
        x[:] = 1
    read = read_options(["--define-macro=A", "-UA", "--undefine-macro=B", "--include-path=here", "-I", "there"])
    assert read.lines == ("#define A 1", "#undef A", "#undef B")
    assert [folder.name for folder in read.folders] == ["here", "there"]
    with pytest.raises(mg.MiniganError, match="option -D: expected a name or a folder, as -DN=4"):
        read_options(["-D"])


def test_options_on_the_command_line(headers):
    launch = ["mine.cu:k", "--block", "4", "--arg", "f32[4]", "-D", "N=4", "-DF(x)=x", "-I", "include"]
    done = minigan("check", *launch, cwd=headers.parent)
    assert (done.returncode, done.stdout) == (0, "nothing found, in 3 orders of the threads\n"), done.stderr
    (headers.parent / "null.cu").write_text(TEXT)
    done = minigan("check", "null.cu:biased", "--block", "4", "--arg", "f32[4]", "--arg", "None", cwd=headers.parent)
    assert done.returncode == 0, done.stderr


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
    for name in ("scale", "mixed", "vectors", "moved"):
        ours, theirs = kernel(name).parameters(), kernel(name).parameters(on_host=False)
        assert [one.name for one in ours] == [one.name for one in theirs]
        plain = [one.type.replace("volatile const", "const volatile") for one in theirs]
        assert plain == [one.type for one in ours]
        sizes = [(one.layout.size, two.layout.size) for one, two in zip(ours, theirs) if not one.is_pointer]
        assert all(one == two for one, two in sizes)


def test_a_text_with_cudas_own_headers_compiles_for_a_gpu(nvrtc_here):
    made = mg.kernel(
        source="""#include <cuda_fp16.h>
        #include <cooperative_groups.h>
        #include <stdint.h>
        namespace cg = cooperative_groups;
        struct Settings { __half factor; uint32_t count; };
        namespace filters { __constant__ float w[4]; }
        static __device__ int counter;
        __global__ void k(Settings s, const __half* x, float* y) {
            cg::this_thread_block().sync();
            if (threadIdx.x < s.count) y[threadIdx.x] = __half2float(__hmul(x[threadIdx.x], s.factor)) * filters::w[1];
            counter += 1;
        }""",
        name="k",
    )
    cubin, *_ = compile_for_gpu(made)
    for variable, lowered in (("filters::w", "_ZN7filters1wE"), ("counter", "counter")):
        assert made._lowered(variable) == lowered and lowered.encode() in cubin
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
