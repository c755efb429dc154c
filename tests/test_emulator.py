"""The emulator: what CUDA C means, in every order of threads, and what becomes of kernels that go wrong."""

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from compare import assert_close
from launching import run

import minigan as mg
from minigan import check, emulator
from minigan.check import training
from minigan.cuda import source, versions
from minigan.emulator import KernelError, build, compiler, instrument, launch, profiler, sanitizer
from minigan.gans import find_recipe


def test_every_thread_knows_where_it_is(order):
    seen = np.zeros((2, 3, 2, 4, 5, 3), np.int32)
    run(
        """where(int* seen) {
            int block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
            int thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
            seen[block * blockDim.x * blockDim.y * blockDim.z + thread] += 1 + block * 1000 + thread;
        }""",
        (2, 3, 2), (3, 5, 4), seen,
    )  # fmt: skip
    assert_close(seen.reshape(12, 60), 1 + 1000 * np.arange(12)[:, None] + np.arange(60))


TILED = """sgemm(const float* A, const float* B, float* C, int M, int N, int K) {
    const int T = 16;
    __shared__ float As[T][T];
    __shared__ float Bs[T][T + 1];
    int row = blockIdx.y * T + threadIdx.y, col = blockIdx.x * T + threadIdx.x;
    float acc = 0.0f;
    for (int t = 0; t < (K + T - 1) / T; ++t) {
        As[threadIdx.y][threadIdx.x] = row < M && t * T + threadIdx.x < K ? A[row * K + t * T + threadIdx.x] : 0.0f;
        Bs[threadIdx.y][threadIdx.x] = col < N && t * T + threadIdx.y < K ? B[(t * T + threadIdx.y) * N + col] : 0.0f;
        __syncthreads();
        #pragma unroll
        for (int k = 0; k < T; ++k) acc += As[threadIdx.y][k] * Bs[k][threadIdx.x];
        __syncthreads();
    }
    if (row < M && col < N) C[row * N + col] = acc;
}"""


def test_a_tiled_sgemm_of_a_tutorial(order):
    random = np.random.default_rng(0)
    a, b = (random.standard_normal(shape).astype(np.float32) for shape in ((70, 45), (45, 33)))
    c = np.full((70, 33), np.nan, np.float32)
    run(TILED, (3, 5), (16, 16), a, b, c, 70, 33, 45)
    assert_close(c, a.astype(float) @ b, 1e-5)


def test_a_dropped_barrier_gives_wrong_results_in_some_order():
    """Both barriers matter: without either one, some order of threads computes something else."""
    random = np.random.default_rng(0)
    a, b = (random.standard_normal((64, 64)).astype(np.float32) for _ in range(2))
    parts = TILED.split("__syncthreads();")
    for broken in (
        parts[0] + parts[1] + "__syncthreads();" + parts[2],
        parts[0] + "__syncthreads();" + parts[1] + parts[2],
    ):
        worst = 0.0
        for order in emulator.ORDERS:
            c = np.zeros((64, 64), np.float32)
            with emulator.settings(order=order):
                run(broken, (4, 4), (16, 16), a, b, c, 64, 64, 64)
            worst = max(worst, np.abs(c - a @ b).max())
        assert worst > 0.1


def test_a_thread_that_has_returned_holds_up_nobody(order):
    y = np.zeros(50, np.int32)
    run(
        """early(int* y, int n) {
            __shared__ int total;
            if (threadIdx.x == 0) total = 0;
            __syncthreads();
            if (threadIdx.x >= n) return;
            atomicAdd(&total, 1);
            __syncthreads();
            y[threadIdx.x] = total + __shfl_sync(0xffffffffu, int(threadIdx.x), 1);
        }""",
        1, 64, y, 50,
    )  # fmt: skip
    assert y.tolist() == [50 + 1] * 32 + [50 + 33] * 18


def test_atomics_from_many_blocks(order):
    counts, sums = np.array([0, 0, 5, 1000, -1, 0], np.int32), np.zeros(2)
    single = np.zeros(1, np.float32)
    run(
        """count(int* c, double* s, float* f) {
            int t = blockIdx.x * blockDim.x + threadIdx.x;
            atomicAdd(&c[0], 1); atomicSub(&c[1], 2); atomicMax(&c[2], t); atomicMin(&c[3], t);
            atomicCAS(&c[4], -1, 77); atomicOr(&c[5], 1 << t % 8);
            atomicAdd(&s[0], 0.5); atomicAdd(f, 1.0f);
        }""",
        200, 128, counts, sums, single,
    )  # fmt: skip
    assert counts.tolist() == [25600, -51200, 25599, 0, 77, 255] and sums[0] == 12800 and single[0] == 25600


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("f(int* p) { p[threadIdx.x * 100000000] = 1; }", "access to memory that is not there"),
        ("f(int* p) { *(int*)nullptr = 1; }", r"access to memory that is not there, address .* in block \(0, 0, 0\)"),
        ("f(int* p) { p[0] = 5 / p[1]; }", "integer division by zero"),
        ("f(int* p) { if (threadIdx.x == 5) *(volatile int*)0 = 1; }", "access to memory that is not there"),
        ("f(int* p) { assert(p[0] == 1); }", r"assert\(p\[0\] == 1\) of line 1 fails in block"),
        ("f(int* p) { __trap(); }", r"__trap\(\) of line 1 in block \(0, 0, 0\)"),
        ("f(int* p) { abort(); }", r"a trap, or a call of abort\(\), in block"),
        ("f(int* p) { while (*(volatile int*)p != 7) {} }", "stopped because it ran too long"),
        ("f(int* p) { while (*(volatile int*)p != 7) __syncthreads(); }", "stopped because it ran too long"),
        (
            "f(int* p) { if (threadIdx.x == 1) __shfl_sync(3u, 1, 0); else __syncthreads(); }",
            "deadlock: 31 threads wait at __syncthreads and 1 at a warp",
        ),
        (
            "f(int* p) { char big[1 << 20]; for (int i = 0; i < 1 << 20; i += 64) ((volatile char*)big)[i] = 1; }",
            "need more than 512 KiB",
        ),
    ],
)
def test_a_kernel_that_goes_wrong_is_reported_and_the_process_lives(source, message):
    for _ in range(3):
        with emulator.settings(limit=0.3), pytest.raises(KernelError, match=f"kernel f: .*{message}"):
            run(source, 2, 32, np.zeros(4, np.int32))
    y = np.zeros(32, np.int32)
    run("g(int* p) { __syncthreads(); p[threadIdx.x] = threadIdx.x; }", 1, 32, y)
    assert y.tolist() == list(range(32))


def test_a_fork_has_a_watchdog_of_its_own():
    kernel = mg.kernel(source="__global__ void f(volatile int* p) { while (*p != 7) {} }", name="f")
    child = os.fork()
    if not child:
        try:
            with emulator.settings(limit=0.3):
                kernel(1, 1, (np.zeros(1, np.int32),))
        except KernelError:
            os._exit(5)
        os._exit(6)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5


def test_a_compiler_that_is_not_there(monkeypatch):
    for value, message in (("no-such-compiler -x", "cannot be run"), ("g++ '", "No closing quotation")):
        monkeypatch.setenv("CXX", value)
        compiler.compiler.cache_clear()
        with pytest.raises(mg.MiniganError, match=message):
            compiler.compiler()
    compiler.compiler.cache_clear()


def test_a_thousand_faults(order):
    kernel = mg.kernel(source="__global__ void f(int* p) { __syncthreads(); p[1l << 40] = 1; }", name="f")
    for _ in range(1000):
        with pytest.raises(KernelError):
            kernel(1, 64, (np.zeros(1, np.int32),))


def test_bad_launches_are_refused():
    kernel = mg.kernel(source="__global__ void f(float* p, int n) {}", name="f")
    p = np.zeros(3, np.float32)
    for grid, block, args, shared, message in (
        (1, 1025, (p, 3), 0, "1025 threads, at most 1024"),
        (1, 0, (p, 3), 0, "block 0"),
        (1, 32, (p, 3), 228 * 1024, "233472 bytes of shared memory, expected 0 to 166912 on sm_80"),
        (
            1,
            32,
            (p, 3),
            50_000,
            "at most 49152 unless it asks for more: set kernel.max_dynamic_shared_size_bytes = 50000 first",
        ),
        (1, 32, (p,), 0, r"takes 2 arguments \(float\*, int\), got 1"),
        (1, 32, (p.astype(float), 3), 0, "argument p is float64, expected float32"),
        (1, 32, (p[::2], 3), 0, "not C-contiguous"),
    ):
        with pytest.raises(mg.LaunchError, match=message):
            kernel(grid, block, args, shared=shared)


LOCAL = """__global__ void f(const float* y, float* x, int n) {
    float own[SIZE / 4];
    for (int k = 0; k < SIZE / 4; ++k) own[k] = k + y[k % 64];
    if (n) __syncthreads();
    x[threadIdx.x] = own[(threadIdx.x * 997 + n) % (SIZE / 4)];
}"""


@pytest.mark.parametrize("waits", [0, 1])
def test_a_thread_has_512_kb_of_its_own(waits):
    """As arrays that are begun at their upper or their lower end, whether threads run one after the other or in turns."""
    x, y = np.zeros((2, 64), np.float32)
    for size in (400_000, 512 * 1024):
        kernel = mg.kernel(source=LOCAL.replace("SIZE", str(size)), name="f")
        kernel(1, 64, (y, x, waits))
        assert x[3] == 3 * 997 + waits
        assert not emulator.check(kernel, 1, 64, (y, x, waits)).findings
    for size in (700_000, 5_000_000):
        kernel = mg.kernel(source=LOCAL.replace("SIZE", str(size)), name="f")
        with pytest.raises(KernelError, match="its local variables need more than 512 KiB;"):
            kernel(1, 64, (y, x, waits))


def test_a_kernel_has_the_memory_of_a_chip():
    """48 KB of shared memory, more of the dynamic kind where it asks for it and the chip has it, and 64 KB of constants."""
    source = """__constant__ float table[SIZE];
    __global__ void f(float* x) {
        __shared__ float a[6000], b[6000];
        extern __shared__ float d[];
        const int t = threadIdx.x;
        a[t] = b[2 * t] = d[t] = x[t];
        __syncthreads();
        x[t] = a[31 - t] + b[2 * (31 - t)] + d[31 - t] + table[t];
    }"""

    def launch(size, shared, asked=None, chip=None):
        kernel = mg.kernel(source=source.replace("SIZE", str(size)), name="f")
        kernel.max_dynamic_shared_size_bytes = asked
        with emulator.settings(chip=chip):
            kernel(1, 32, (np.ones(32, np.float32),), shared)

    launch(9000, 1152)
    launch(9000, 118_000, asked=118_000)
    launch(9000, 180_000, asked=190_000, chip=90)
    for arguments, message in (
        (
            (9000, 1153),
            "1153 bytes of dynamic shared memory, beside 48,000 of its __shared__ variables, at most 1152 unless",
        ),
        (
            (9000, 2000, 1900),
            "at most 1900 unless it asks for more: set kernel.max_dynamic_shared_size_bytes = 2000 first",
        ),
        ((9000, 20_000, 20_000, 75), "expected 0 to 17536 on sm_75, beside 48,000 of its __shared__ variables"),
        ((20_000, 0), "kernel f: __constant__ table has 80,000 bytes, at most 65,536"),
    ):
        with pytest.raises(mg.MiniganError, match=message):
            launch(*arguments)
    with pytest.raises(mg.MiniganError, match="unknown chip sm_70: choose from sm_75"), emulator.settings(chip=70):
        pass


def test_unknown_order():
    message = "unknown order 'sideways': choose from forward, reverse, shuffle"
    with pytest.raises(mg.MiniganError, match=message), emulator.settings(order="sideways"):
        pass


def test_a_library_is_built_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    built = []
    really = build._compile
    monkeypatch.setattr(build, "_compile", lambda *args: built.append(args) or really(*args))
    text = "__global__ void once(int* p) { *p = 5; }"
    for _ in range(2):
        build.library(text, ["once"])
    assert len(built) == 1
    build.library(text + " ", ["once"])
    assert len(built) == 2


@pytest.mark.parametrize("stem", sorted(check.CASES))
def test_gradients_through_the_kernels(stem):
    """First and second derivatives in double, computed by the kernels themselves, against central differences."""
    for case in check.CASES[stem]:
        assert check.check_gradient(case, "emulator") < 1e-6


def test_twenty_steps_of_gan_follow_the_cpu():
    """The recipe at its full size: what `minigan check gan` shows."""
    cpu, emulated = training.losses_of(find_recipe("gan"), "float64", 20)
    assert_close(emulated, cpu, 1e-9)


@pytest.mark.skipif(not find_spec("ziglang"), reason="needs ziglang, which compiles for other machines")
@pytest.mark.parametrize("target", ["aarch64-linux-gnu", "aarch64-macos", "x86_64-macos"])
def test_it_compiles_for_machines_that_are_not_here(target, tmp_path):
    """Untested there, but it compiles: the switch of fibers, the entries, and with the sanitizer the places put in."""
    zig = (sys.executable, "-m", "ziglang", "c++", "-target", target)
    program = tmp_path / "kernel.cpp"
    program.write_text(build._program(source.text("matmul.cu"), versions.kernel_names("matmul.cu", "float"), ()))
    flags = [*compiler.FLAGS, "-DREAL=float", *build.INCLUDED]

    def compiled(*arguments):
        done = subprocess.run([*zig, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    compiled(*flags, "-O3", "-c", "-o", str(tmp_path / "fast.o"), str(program))
    if target == "aarch64-linux-gnu":
        assembly = tmp_path / "kernel.s"
        compiled(*flags, *compiler.SANITIZED, *compiler.OF_CLANG, "-S", "-o", str(assembly), str(program))
        text, places, variables, _ = instrument.instrument(
            assembly.read_text(), build.OWN_NAMES, build.OF_CALLER, "aarch64"
        )
        assert {("a_tile", 1024, "shared"), ("b_tile", 1024, "shared")} < set(variables)
        assert "bl\tminigan_read4" in text
        lines = (source.folder() / "matmul.cu").read_text().splitlines()
        assert {n for n, line in enumerate(lines, 1) if "_tile[ty][tx] =" in line} <= {line for _, line in places}
        assembly.write_text(text)
        compiled("-c", "-o", str(tmp_path / "kernel.o"), str(assembly))
        compiled(
            *flags,
            "-O3",
            "-DMINIGAN_SANITIZE",
            "-c",
            "-o",
            str(tmp_path / "watch.o"),
            str(build.HERE / build.SANITIZER[0]),
        )


@pytest.mark.parametrize(("room", "observe"), [(sanitizer, emulator.checking), (profiler, emulator.profiling)])
def test_a_mirror_of_another_size_is_refused(room, observe, monkeypatch):
    """A field that was added to one side only would shift all others: what is then read would be no error, but wrong."""
    ((name, size),) = room.MIRRORS.items()
    monkeypatch.setitem(room.MIRRORS, name, size + 8)
    mirrored = emulator.Program("__global__ void mirrored(int* x) { x[0] = 1; }", ("mirrored",))
    words = rf"emulator: a C {name} has {size} bytes, its mirror in Python {size + 8}: give both the same fields"
    with observe(), pytest.raises(mg.MiniganError, match=words):
        launch.parameter_types(mirrored, "mirrored")
    monkeypatch.undo()
    with observe():
        launch.parameter_types(mirrored, "mirrored")
