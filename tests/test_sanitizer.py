"""The sanitizer: every planted fault is found, with its kind, line and array, and its repaired twin is silent."""

import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from shutil import which

import numpy as np
import pytest
from faults import FAULTS, INNOCENT, Fault

import minigan as mg
from minigan import check, emulator
from minigan.cuda import source, versions
from minigan.cuda.target import EMULATOR
from minigan.emulator import compiler as host_compiler
from minigan.emulator import launch as runtime
from minigan.errors import LaunchError, MiniganError


@pytest.fixture(scope="module", autouse=True)
def built():
    """All kernels of the corpus, built side by side."""
    kernels = [Fault(name, "", None, INNOCENT[name], "", "") for name in INNOCENT]
    texts = [
        each.text(body)
        for each in (*FAULTS, *kernels)
        for body in (each.body, each.body.replace(each.wrong, each.right))
    ]
    programs = [mg.kernel(source=text, name="f").program for text in texts]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda program: runtime._sanitized(program, 80), programs))


@pytest.mark.parametrize("order", emulator.ORDERS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_found_and_its_repaired_twin_is_silent(fault, order):
    with emulator.settings(limit=0.5):
        findings = fault.report(fault.body, order).findings
    assert {each.kind for each in findings} == {fault.kind}, findings
    if "//!" in fault.body:
        assert fault.line in {line for each in findings for line in (each.line, each.other_line)}, findings
    assert {each.array for each in findings} == {fault.array}
    repaired = fault.body.replace(fault.wrong, fault.right)
    assert repaired != fault.body
    assert not fault.report(repaired, order).findings


@pytest.mark.parametrize("order", emulator.ORDERS)
@pytest.mark.parametrize("name", INNOCENT)
def test_an_innocent_kernel_is_not_accused(name, order):
    kernel = Fault(name, "", None, INNOCENT[name], "", "")
    assert not kernel.report(kernel.body, order).findings


COMPILERS = {"g++": "g++", "clang++": "clang++", "zig": f"{sys.executable} -m ziglang c++"}


@pytest.fixture(params=COMPILERS)
def compiler(request, monkeypatch):
    """Each C++ compiler that is here, in turn."""
    if not (find_spec("ziglang") if request.param == "zig" else which(request.param)):
        pytest.skip(f"needs {request.param}")
    known = (
        host_compiler.compiler,
        host_compiler.identity,
        host_compiler.is_clang,
        runtime._library,
        runtime._sanitized,
    )
    monkeypatch.setenv("CXX", COMPILERS[request.param])
    for each in known:
        each.cache_clear()
    yield request.param
    for each in known:
        each.cache_clear()


@pytest.mark.parametrize(
    "fault", [*FAULTS[::8], *{fault.kind: fault for fault in FAULTS}.values()], ids=lambda fault: fault.name
)
def test_every_compiler_announces_the_same(fault, compiler):
    test_a_fault_is_found_and_its_repaired_twin_is_silent(fault, "forward")


@pytest.mark.parametrize("name", INNOCENT)
def test_no_compiler_accuses_an_innocent_kernel(name, compiler):
    test_an_innocent_kernel_is_not_accused(name, "shuffle")


@pytest.mark.parametrize(
    ("body", "array", "index", "length"),
    [
        ("__shared__ float s[16][16];\nif (i == 3) s[40][t] = 1;", "s", 643, "256 elements"),
        ("__shared__ float s[16];\nif (i == 3) s[-5] = 1;", "s", -5, "16 elements"),
        ("__shared__ double s[64];\ns[t] = i;\nif (i == 3) s[t + 64] = 1;", "s", 67, "64 elements"),
        ("extern __shared__ int d[];\nif (i == 3) d[t + 100000] = 1;", None, None, "where no array lies"),
        ("extern __shared__ int d[];\nif (i == 3) d[t + 1000] = 1;", "d", 1003, "4 elements"),
    ],
)
def test_far_beyond_a_shared_array_nothing_is_hit(body, array, index, length):
    fault = Fault("far", "out-of-bounds", array, body, "", "", shared=16)
    (finding,) = fault.report(body, "forward").findings
    assert (finding.kind, finding.array, finding.index) == ("out-of-bounds", array, index) and length in str(finding)


def test_an_index_counts_elements_whatever_their_size():
    body = "__shared__ double s[64];\ns[t] = i;\nx[i] = s[t ^ 32];"
    (finding,) = Fault("", "", None, body, "", "").report(body, "forward").findings
    assert (finding.kind, finding.index) == ("race", 32) and finding.count == 2 * 64  # in two blocks


def test_an_array_that_may_not_be_written_to():
    x, y = np.frombuffer(bytes(400), np.float32), np.zeros(100, np.float32)
    copy = mg.kernel(
        source="__global__ void f(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x]; }", name="f"
    )
    assert not emulator.check(copy, 1, 100, (x, y)).findings
    with pytest.raises(LaunchError, match=r"argument y is read-only, and float\* may be written to: pass a copy"):
        copy(1, 100, (y, x))


def test_a_check_keeps_the_order_that_is_set():
    seen = []
    kernel = mg.kernel(source="__global__ void f(int* x) { x[atomicAdd(x + 8, 1)] = threadIdx.x; }", name="f")
    for order, expected in (("reverse", list(range(7, -1, -1))), ("forward", list(range(8)))):
        x = np.zeros(9, np.int32)
        with emulator.settings(order=order):
            emulator.check(kernel, 1, 8, (x,))
        seen.append(x[:8].tolist() == expected)
    assert seen == [True, True]


@pytest.mark.parametrize("stem", check.CALLS)
def test_our_own_kernels_are_silent_and_right(stem):
    """In three orders, each call in one of them; test_twins.py has all of them in all orders, without the sanitizer."""
    for version in check.choices_of(stem):
        *_, outcome = check.check_version(stem, version, check.fresh_seed(), in_turn=True)
        assert outcome.made > 10 and outcome.passed, f"{outcome.wrong[:3]} {outcome.report}"


def test_a_finding_says_it_all():
    x = np.zeros(100, np.float32)
    kernel = mg.kernel(
        source="__global__ void f(float* x, int n) {\n  x[threadIdx.x + blockIdx.x * 64] = n;\n}", name="f"
    )
    (finding,) = emulator.check(kernel, 2, 64, (x, 5)).findings
    assert (finding.kind, finding.file, finding.line) == ("out-of-bounds", "source", 2)
    assert finding.code == "x[threadIdx.x + blockIdx.x * 64] = n;"
    assert (finding.block, finding.threads, finding.array, finding.index) == ((1, 0, 0), ((36, 0, 0),), "x", 100)
    assert finding.address > 0 and finding.count == 28
    words = "in block (1, 0, 0), thread (36, 0, 0) writes x[100], which has 100 elements (28 times)"
    assert str(finding) == f"source:2: out-of-bounds: {words}"


def test_a_race_names_both_threads_and_lines():
    source = """__global__ void f(float* x, int n) {
        __shared__ float row[8][8];
        row[threadIdx.y][threadIdx.x] = n;
        x[threadIdx.y * 8 + threadIdx.x] = row[threadIdx.x][threadIdx.y];
    }"""
    report = emulator.check(mg.kernel(source=source, name="f"), 1, (8, 8), (np.zeros(64, np.float32), 5))
    (finding,) = report.findings
    assert (finding.kind, finding.array, {finding.line, finding.other_line}) == ("race", "row", {3, 4})
    (one, other), words = finding.threads, str(report)
    assert one != other and f"thread {one}" in words and f"thread {other}" in words
    assert "   3 | row[threadIdx.y][threadIdx.x] = n;" in words and "put a __syncthreads() between these two" in words


def test_a_check_computes_what_a_launch_computes():
    x = np.arange(200, dtype=np.float32)
    whole, alias = x.copy(), x[100:]
    source = "__global__ void f(const float* a, float* b, int n) { int i = threadIdx.x; if (i < n) b[i] += a[i]; }"
    kernel = mg.kernel(source=source, name="f")
    kernel(1, 128, (whole[:100], whole[100:], 100))
    assert not emulator.check(kernel, 1, 128, (x[:100], alias, 100)).findings
    assert x.tolist() == whole.tolist()
    assert not emulator.check(kernel, 1, 128, (x, x, 128)).findings  # one array twice
    (finding,) = emulator.check(kernel, 1, 128, (x, x[150:], 100)).findings  # two that overlap
    assert finding.kind == "out-of-bounds" and finding.array == "a/b"


@pytest.mark.parametrize("floats", [1, 2, 3])
def test_a_float4_lies_at_a_multiple_of_16_bytes(floats):
    """The reads are where compilers differ: clang announces only the member that is used."""
    if host_compiler.is_clang():
        pytest.skip("g++ announces whole vectors")
    source = (
        "__global__ void f(const float* x, float* y, int n) {\n  float4 v = *(const float4*)(x + n);\n  *y = v.x;\n}"
    )
    kernel = mg.kernel(source=source, name="f")
    x, y = np.zeros(16, np.float32), np.zeros(1, np.float32)
    (finding,) = emulator.check(kernel, 1, 1, (x, y, floats)).findings
    assert (finding.kind, finding.line, finding.array) == ("misaligned", 2, "x") and "is no multiple of 16" in str(
        finding
    )
    assert not emulator.check(kernel, 1, 1, (x, y, 4 * floats - 4)).findings
    (finding,) = emulator.check(kernel, 1, 1, (x[1:], y, 4)).findings  # it lies where the slice lies
    assert (finding.kind, finding.array, finding.index) == ("misaligned", "x", 4)


def test_faults_and_endless_loops_are_findings():
    for body, kind, words in (
        ("x[1] = 3 / (n - 5);", "fault", "integer division by zero"),
        ("while (*(volatile float*)x != 7) {}", "fault", "stopped because it ran too long"),
        ("x[1l << 40] = 1;", "out-of-bounds", "where no array lies"),
    ):
        kernel = mg.kernel(source=f"__global__ void f(float* x, int n) {{\n{body}\n}}", name="f")
        for _ in range(2):
            with emulator.settings(limit=0.3):
                (finding,) = emulator.check(kernel, 1, 1, (np.zeros(4, np.float32), 5)).findings
            assert (finding.kind, finding.line) == (kind, 2) and words in str(finding)


FUZZED = """__global__ void f(float* x, const int* at, int n, float* gone) {
    extern __shared__ float s[];
    const int t = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    switch (at[t % 8] % 7) {
        case 0: x[at[t % 8] * 7919L - n] = t; break;
        case 1: s[at[(t + 1) % 8] - 3] = x[t]; break;
        case 2: if (t % 3) __syncthreads(); break;
        case 3: x[0] = n / at[7]; break;
        case 4: *gone = s[t]; break;
        case 5: x[t] = __shfl_sync(at[t % 8], t, t - n); break;
        default: for (int k = n; k != at[6]; ++k) x[abs(k) % 64] += 1;
    }
}"""


def test_fuzzed_launches_end_in_findings_and_the_process_lives():
    random, seen = np.random.default_rng(), set()
    kernel = mg.kernel(source=FUZZED, name="f")
    for _ in range(40):
        x, at = np.zeros(random.integers(1, 100), np.float32), random.integers(-9, 30, 8).astype(np.int32)
        block = tuple(int(size) for size in random.integers(1, 11, 3))
        n, shared = int(random.integers(-100, 100)), int(random.integers(0, 300))
        with emulator.settings(limit=0.3):
            report = emulator.check(
                kernel, int(random.integers(1, 4)), block, (x, at, n, x[:0]), shared, "shuffle", seed=abs(n)
            )
        assert str(report)
        seen |= {each.kind for each in report.findings}
    assert {"out-of-bounds", "race"} <= seen
    assert not emulator.check(
        kernel, 1, 1, (np.zeros(9, np.float32), np.zeros(8, np.int32), 0, np.zeros(1, np.float32))
    ).findings


def test_a_third_reader_of_another_warp_is_remembered():
    """Two lanes of a warp read a word, then one of another warp: whichever comes first, the writer races with the last."""
    source = """__global__ void f(float* x) {
        __shared__ float s;
        const int t = threadIdx.x;
        if (t == 5) s = 1;
        __syncthreads();
        const float mine = t == 0 || t == 1 || t == 32 ? s : 0;
        __syncwarp();
        if (t == 0) s = mine + 1;
        x[t] = mine;
    }"""
    kernel = mg.kernel(source=source, name="f")
    for seed in range(12):
        findings = emulator.check(kernel, 1, 64, (np.zeros(64, np.float32),), order="shuffle", seed=seed).findings
        assert [each.kind for each in findings] == ["race"], seed


def test_a_null_pointer_is_named_and_the_process_lives():
    source = """struct Node { Node* next; int value; };
__global__ void f(int* x, long long start) {
    Node* node = (Node*)start;
    while (threadIdx.x == 3) {
        x[0] = node->value;
        node = node->next;
    }
}"""
    (finding,) = emulator.check(mg.kernel(source=source, name="f"), 1, 32, (np.zeros(1, np.int32), 0)).findings
    assert (finding.kind, finding.line, finding.threads) == ("null-pointer", 5, ((3, 0, 0),))
    assert "reads through a null pointer, at address 0x8" in str(finding)


def test_device_variables_begin_anew_in_every_check():
    source = """__device__ int started = 5;
__global__ void f(int* x) { if (threadIdx.x == 0) x[0] = atomicAdd(&started, 1); }"""
    x, kernel = np.zeros(1, np.int32), mg.kernel(source=source, name="f")
    for _ in range(3):
        assert not emulator.check(kernel, 1, 32, (x,)).findings and x[0] == 5
    with emulator.checking():  # within it they live on, as on a GPU
        for expected in (6, 7):
            kernel(1, 32, (x,))
            assert x[0] == expected


def test_what_a_compiler_does_not_announce_the_report_says(monkeypatch):
    kernel = mg.kernel(source="__global__ void f(int* x) { x[0] = 1; }", name="f")
    assert str(emulator.check(kernel, 1, 1, (np.zeros(1, np.int32),))) == "nothing found" or host_compiler.is_clang()
    monkeypatch.setattr(host_compiler, "is_clang", lambda: True)
    monkeypatch.setattr(host_compiler, "compiler", lambda: ("python", "-m", "ziglang", "c++"))
    assert "with this compiler, ziglang c++, of a float4 only the members" in host_compiler.blind_spots()


def test_without_a_sanitizer_it_says_so(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with emulator.checking(), pytest.raises(MiniganError, match="the sanitizer works on Linux"):
        runtime.parameter_types(emulator.Program("__global__ void f(float* x) {}", ("f",)), "f")


def test_atomics_that_are_not_cudas_are_refused_by_line():
    kernel = mg.kernel(source="__global__ void f(int* x) {\n__atomic_fetch_add(x, 1, 0);\n}", name="f")
    with pytest.raises(MiniganError, match="source:2: the sanitizer does not know this access"):
        emulator.check(kernel, 1, 1, (np.zeros(4, np.int32),))


def test_shared_memory_that_no_gpu_would_give():
    for declared, words in (
        ("__shared__ int a = 100;", "line 2: a __shared__ variable cannot have an initial value"),
        (
            "__shared__ float big[20000];\nbig[threadIdx.x] = 1;",
            "__shared__ big has 80,000 bytes, at most 49,152: more only at the launch",
        ),
    ):
        kernel = mg.kernel(source=f"__global__ void f(int* x) {{\n{declared}\nx[0] = 1;\n}}", name="f")
        with pytest.raises(MiniganError, match=words):
            emulator.check(kernel, 1, 1, (np.zeros(4, np.int32),))


def test_too_many_arrays():
    parameters = ", ".join(f"int* p{i}" for i in range(251))
    kernel = mg.kernel(source=f"__global__ void f({parameters}) {{}}", name="f")
    with pytest.raises(LaunchError, match="the sanitizer watches at most 250 arrays"):
        emulator.check(kernel, 1, 1, [np.zeros(4, np.int32) for _ in range(251)])


@pytest.fixture
def without_a_barrier(tmp_path, monkeypatch):
    """Our kernels, with one __syncthreads() of the tiled product deleted."""

    def delete(which_one):
        for path in source.folder().iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        parts = (tmp_path / "matmul.cu").read_text("utf-8").split("__syncthreads();")
        parts[which_one : which_one + 2] = [parts[which_one] + parts[which_one + 1]]
        (tmp_path / "matmul.cu").write_text("__syncthreads();".join(parts), "utf-8")
        monkeypatch.setattr(source, "folder", lambda: tmp_path)
        mg.reload()

    yield delete
    monkeypatch.undo()
    mg.reload()


@pytest.mark.parametrize("which_one", [0, 1])
def test_the_readmes_deleted_barrier_is_found(which_one, without_a_barrier, capsys, monkeypatch):
    monkeypatch.setattr(check.run.nvrtc, "why_missing", lambda: "not asked")
    monkeypatch.setattr(sys.modules["minigan.check.calls"], "RANDOM_SHAPES", 2)  # it shows on the first awkward ones
    without_a_barrier(which_one)
    assert check.run_checks("matmul") == 1
    printed = capsys.readouterr().out
    assert "matmul       v1" in printed and "matmul       v2" in printed and "FAIL" in printed
    assert "race: in block (0, 0, 0), thread" in printed and "a_tile[" in printed and "b_tile[" in printed
    assert " | a_tile[ty][tx] = " in printed and " | for (int p = 0; p < TILE; ++p) sum += a_tile[ty][p]" in printed
    assert (
        versions.pick("matmul", "v2", EMULATOR) is versions.versions_of("matmul")["v2"]
    )  # the choice of versions is what it was


TABLES = """
static const float weights[3] = {1, 2, 3};
__device__ const int steps[2] = {4, 5};
constexpr int more[2] = {6, 7};
extern "C" { const float outer[2] = {8, 9}; }
const char* const names[2] = {"ab", "cd"};
template <class T> struct Of { static constexpr T inner[2] = {10, 11}; };
template <class T> constexpr T both[2] = {T(12), T(13)};
namespace { const int hidden[2] = {14, 15}; }
template <class T> __device__ T at(const T* table, int i) { return table[i]; }
__global__ void f(float* x) {
    static const int own[2] = {16, 17};
    const int i = threadIdx.x % 2;
    x[threadIdx.x] = at(weights, i) + at(steps, i) + at(more, i) + at(outer, i) + at(names, i)[0] - 'a'
                   + at(Of<float>::inner, i) + at(both<int>, i) + at(hidden, i) + own[i];
}"""


def test_a_table_of_constants_is_read_wherever_the_compiler_puts_it():
    x, kernel = np.zeros(64, np.float32), mg.kernel(source=TABLES, name="f")
    assert not emulator.check(kernel, 1, 64, (mg.out(x),)).findings
    assert x[:2].tolist() == [1 + 4 + 6 + 8 + 10 + 12 + 14 + 16, 2 + 5 + 7 + 9 + 2 + 11 + 13 + 15 + 17]
    names = {name for name, _, memory in runtime._sanitized(kernel.program, 80).variables if memory == "constant"}
    assert {"weights", "steps", "more", "outer", "names", "inner", "both", "hidden"} <= names


def test_a_null_pointer_names_the_arguments_that_are_none():
    source = "__global__ void f(float* x, const float* bias, const float* scale) {\n{if}x[threadIdx.x] += bias[threadIdx.x];\n}"
    args = np.zeros(64, np.float32), None, None
    (finding,) = emulator.check(mg.kernel(source=source.replace("{if}", ""), name="f"), 1, 64, args).findings
    assert (finding.kind, finding.line) == ("null-pointer", 2)
    assert "reads through a null pointer, at address 0x0; None is passed for the arguments bias and scale" in str(
        finding
    )
    assert not emulator.check(mg.kernel(source=source.replace("{if}", "if (bias) "), name="f"), 1, 64, args).findings
