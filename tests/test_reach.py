"""What a kernel reaches is kept, and nothing else has to be right: no compiler would take the host's half of these texts."""

import sys

import numpy as np
import pytest

import minigan as mg
from minigan.emulator import parser, reach

pytestmark = pytest.mark.skipif(
    not parser.can_parse(), reason="tree-sitter is missing: pip install 'minigan[emulator]'"
)


def kept(text, name="k"):
    """The lines of a text that are left of it for a kernel, without the empty ones."""
    left = reach.reach(text, name, "text.cu").text
    assert left.count("\n") == text.count("\n") and len(left.encode()) == len(text.encode())
    return [line.strip() for line in left.splitlines() if line.strip()]


KERNEL = "__global__ void k(float* x) { x[threadIdx.x] = 1; }"

# Each before or behind the kernel, and gone.
HOSTS = [
    "int main(int argc, char** argv) { k<<<1, 64>>>(nullptr); return Unknown(argc); }",
    "void launch(float* x) { k<<<1, 64>>>(x); }",
    "void dispatch(int which, float* x) { if (which) launch(x); CHECK(unknown()); }",
    "template <class T> void start(T* x) { k<<<dim3(1), 64>>>(x); }",
    "template void start<float>(float*);",
    "static cublasHandle_t handle;",
    "int side = atoi(getenv(\"SIDE\"));",
    "struct Timer { cudaEvent_t begin; Timer() : begin(make()) {} } timer;",
    "class Net : public Module { std::vector<Tensor> layers; void forward() { k<<<1, 1>>>(0); } };",
    "typedef std::map<std::string, Unknown> Table;",
    "using std::string;",
    "namespace host { Unknown u; void f() { k<<<1, 2>>>(0); } }",
    "template <> void start<int>(int* x) { x.unknown(); }",
    "static_assert(sizeof(Unknown) == 4, \"\");",
    "PYBIND11_MODULE(name, m) { m.def(\"k\", &dispatch); }",
    "extern \"C\" void c_launch(Unknown* x) { k<<<1, 1>>>(x); }",
    "auto lambda = [](Unknown x) { return x; };",
    "__host__ Unknown only_here(float* x) { return x; }",
    "Unknown k2(float* x);",
    "#define HD __host__ __device__\nHD inline Unknown of_both(float x);",
    "#ifdef __CUDACC__\n__host__ __device__\n#endif\nUnknown of_both(float x);",
    "using namespace unknown;",
    "using namespace std::chrono;",
    "#ifdef __cplusplus\nextern \"C\" {\n#endif\nvoid c_launch(Unknown* x);\n#ifdef __cplusplus\n}\n#endif",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS, ids=range(len(HOSTS)))
def test_the_hosts_half_is_left_out(host):
    for text in (f"{host}\n{KERNEL}\n", f"{KERNEL}\n{host}\n"):
        left = [
            line
            for line in kept(text)
            if line.strip("; }") and not line.startswith(("#", "extern", "namespace host {"))
        ]
        assert left == [KERNEL]


def test_all_that_a_kernel_reaches_is_kept():
    needed = [
        "#define TWICE(x) helper(2 * (x))",
        "enum { LEFT, RIGHT = 4 };",
        "typedef float real;",
        "using vec = float4;",
        "static const int table[2] = {1, 2};",
        "__constant__ real weights[32], bias;",
        "template <class T, int N = 4> struct Box { T v[N]; };",
        "struct __align__(8) Pair { real a; int b; };",
        "HD real helper(real x) { return x + bias; }",
        "__device__ real later(int i);",
        "__device__ real later(int i) { return weights[i]; }",
        "real unmarked(real x) { return -x; }",
        "extern __shared__ real dynamic[];",
    ]
    text = "#define HD __host__ __device__ inline\n" + "\n".join(needed)
    text += """
__global__ void k(real* x, Pair p) {
    Box<real> box; vec v;
    dynamic[0] = TWICE(table[RIGHT - 4]) + later(LEFT) + unmarked(p.a) + box.v[0] + v.x;
}
int host(Box<Unknown>& b) { return k<<<1, 1>>>(b); }
"""
    lines = kept(text)
    for line in needed:
        assert line in lines
    assert not any("Unknown" in line for line in lines)


def test_of_a_class_only_its_device_functions_are_kept():
    lines = kept("""
struct View {
    float* p;
    View(Unknown& tensor) : p(tensor.data<float>()) { cudaMalloc(&p, 4); }
    void fill() { k<<<1, 1>>>(*this); }
    std_string name() const;
    __device__ float& operator[](int i) const { return p[i]; }
    __device__ void unused() { unknown(); }
    __host__ int size() { return unknown; }
};
__device__ float operator*(View a, View b) { return a[0] * b[0]; }
__device__ Other operator*(Other a, Other b) { return a; }
__global__ void k(View v) { v[threadIdx.x] = v * v; }
struct Other { Unknown u; };
""")
    assert [line.split("(")[0] for line in lines if line != ";"] == [
        "struct View {",
        "float* p;",
        "__device__ float& operator[]",
        "};",
        "__device__ float operator*",
        "__global__ void k",
    ]


def test_a_name_of_the_host_does_not_reach_the_kernels():
    """The kernel's parameters and members hide what has the same name outside; a function has to be called."""
    text = "float* handle(Unknown u);\nUnknown n = 4, size;\n"
    text += (
        "struct S { int size; };\n__global__ void k(int n, S s, float* x) { int handle = n + s.size; x[handle] = 1; }\n"
    )
    assert len(kept(text)) == 2


def test_a_macro_makes_kernels_and_an_if_cuts_one_in_halves():
    made = """#define DEFINE(name, op) \\
    __global__ void name##_kernel(float* x) { x[0] = x[0] op 2; }
DEFINE(plus, +)
DEFINE(minus, -)
#ifdef WIDE
__global__ void halves(double* x) {
#else
__global__ void halves(float* x) {
#endif
    x[0] = 3;
}
int main() { return unknown(); }
"""
    for name, expected in (("minus_kernel", 3), ("halves", 3)):
        x = np.full(1, 5, np.float32)
        mg.kernel(source=made, name=name)(1, 1, (x,))
        assert x[0] == expected


def test_a_kernel_that_is_not_there_is_named_with_those_that_are():
    text = (
        f"{KERNEL}\nnamespace a {{ template <class T> __global__ void fill(T* x) {{}} }}\nvoid launch(float* x) {{}}\n"
    )
    with pytest.raises(mg.MiniganError, match=r"source has no kernel 'j'; it has fill, k$"):
        mg.kernel(source=text, name="j")
    with pytest.raises(mg.MiniganError, match=r"source: launch is no kernel: it lacks __global__; it has fill, k$"):
        mg.kernel(source=text, name="launch")
    with pytest.raises(mg.MiniganError, match=r"source: kernel a::fill is a template: name one .* as a::fill<float>$"):
        mg.kernel(source=text, name="a::fill")


def test_a_kernel_that_an_if_leaves_out_is_told_with_its_line():
    text = f"#if CUDART_VERSION < 9000 \n\n{KERNEL}\n#endif\n"
    with pytest.raises(
        mg.MiniganError, match=r"source: the file has a kernel k, and `#if CUDART_VERSION < 9000` in line 1 leaves"
    ):
        mg.kernel(source=text, name="k").parameters()


def test_the_chip_is_known_to_the_text():
    text = "__global__ void k(int* x) {\n#if __CUDA_ARCH__ >= 900\nx[0] = 9;\n#else\nx[0] = __CUDA_ARCH__;\n#endif\n}\n"
    kernel, x = mg.kernel(source=text, name="k"), np.zeros(1, np.int32)
    for chip, expected in ((None, 800), (75, 750), (90, 9)):
        with mg.emulator.settings(chip=chip):
            kernel(1, 1, (x,))
        assert x[0] == expected


def test_no_message_shows_the_emulators_own_files():
    for text, name in (
        ("template <class T, int N> __global__ void k(T* x) {}", "k<float>"),
        ("__global__ void k(float* x) { __unknown(x); }", "k"),
        ("__global__ void k(float* x) { atomicAdd(x, x); __shfl_sync(1); }", "k"),
    ):
        with pytest.raises(mg.MiniganError) as error:
            mg.kernel(source=text, name=name).parameters()
        assert (
            ".h:" not in str(error.value) and "minigan_" not in str(error.value) and "MINIGAN" not in str(error.value)
        )


def test_a_value_that_code_would_have_to_compute_is_refused_in_its_line():
    text = "int side();\n__device__ int area = side() * 2;\n__global__ void k(int* x) { x[0] = area; }\n"
    with pytest.raises(mg.MiniganError, match=r"source:2:.*area.* does not have a constant initializer"):
        mg.kernel(source=text, name="k").parameters()


def test_a_function_that_is_nowhere_defined_says_so_when_it_is_called():
    text = "__device__ int later(int);\n__global__ void k(int* x) { x[0] = x[1] ? later(1) : 2; }\n"
    kernel, x = mg.kernel(source=text, name="k"), np.zeros(2, np.int32)
    kernel(1, 1, (x,))
    assert x[0] == 2
    with pytest.raises(
        mg.emulator.KernelError, match=r"kernel k: later\(\) of line 1 is declared and not defined, and it was called"
    ):
        kernel(1, 1, (np.ones(2, np.int32),))


def test_braces_for_cxx_alone_stay_in_pairs():
    opening, closing = '#ifdef __cplusplus\nextern "C"\n{\n#endif', "#ifdef __cplusplus\n}  // of C\n#endif"
    lines = kept(f"{opening}\nUnknown first(float x);\n{KERNEL}\nUnknown last;\n{closing}\n")
    assert lines == [*opening.splitlines(), KERNEL, *closing.splitlines()]


def test_text_that_is_not_ascii_stays_in_its_place():
    lines = kept("// ×2 → “twice”\nint host(Unknown ü);\n__global__ void k(float* x) { x[0] = 1; /* ½ */ }\n")
    assert lines == ["// ×2 → “twice”", "__global__ void k(float* x) { x[0] = 1; /* ½ */ }"]


def test_without_the_parser_files_of_kernels_alone_run(monkeypatch):
    monkeypatch.setitem(sys.modules, "tree_sitter", None)
    parser._parser.cache_clear()
    x = np.zeros(2, np.float32)
    mg.kernel(source=KERNEL, name="k")(1, 2, (x,))
    assert x.tolist() == [1, 1]
    with pytest.raises(
        mg.MiniganError, match=r"(?s)does not compile.*with pip install 'minigan\[emulator\]' only what"
    ):
        mg.kernel(source=f"{KERNEL}\nUnknown n;\n", name="k").parameters()
    parser._parser.cache_clear()
