"""The profiler against access patterns that were worked out by hand."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import minigan as mg
from minigan import check, emulator
from minigan.cuda import nvrtc
from minigan.emulator import compiler, profiler, worker
from minigan.errors import MiniganError


def profile(body, block=32, grid=1, floats=2048):
    source = f"__global__ void f(float* x, float* y, int n) {{\nint t = threadIdx.x, i = blockIdx.x * blockDim.x + t;\n{body}\n}}"
    kernel = mg.kernel(source=source, name="f")
    arrays = np.zeros(floats, np.float32), np.zeros(floats, np.float32)
    return emulator.profile(kernel, grid, block, (*arrays, floats))


GLOBAL = {  # what a warp reads: sectors of 32 bytes that it moves, and that would do if the bytes lay side by side
    "x[t]": (4, 4),  # 32 · 4 bytes = 128, and 128 / 32 = 4
    "x[31 - t]": (4, 4),  # the same ones
    "x[(t % 4) * 8 + t / 4]": (4, 4),  # in any order
    "x[t + 1]": (5, 4),  # bytes 4 to 131: sectors 0 to 4
    "x[2 * t]": (8, 4),  # bytes 0 to 251: all 8 sectors, of which half is used
    "x[8 * t]": (32, 4),  # 32 bytes apart: a sector each
    "x[32 * t]": (32, 4),  # a row apart
    "x[33 * t]": (32, 4),  # padding does not help here
    "x[0]": (1, 1),  # one word for all
    "x[t / 2]": (2, 2),  # 16 words
    "x[t % 8 * 8]": (8, 1),  # 8 words, 32 bytes apart; side by side one sector would hold them
    "x[t < 16 ? t : t + 4]": (5, 4),  # bytes 0 to 63 and 80 to 143: sectors 0, 1 and 2, 3, 4
    "((char*)x)[t]": (1, 1),  # 32 bytes
    "((short*)x)[t]": (2, 2),  # 64 bytes
    "((double*)x)[t]": (8, 8),  # 256 bytes
    "((float2*)x)[t].x": (8, 4),  # every other word of 256 bytes
    "((float4*)x)[t].x": (16, 4),  # every fourth of 512 bytes
    "((float4*)x)[t].w": (16, 4),  # likewise
}


@pytest.mark.parametrize("pattern", GLOBAL)
def test_sectors_of_a_request(pattern):
    found = profile(f"y[t] =\n{pattern};").lines
    (line,) = (line for line in found if line.line == 4 or line.loaded)
    assert (line.loaded > 0, line.lanes) == (True, 32)
    stored = 4 if line.stored else 0  # g++ may say of both that they stand in one line
    assert (line.sectors - stored, line.ideal_sectors - stored) == GLOBAL[pattern]


@pytest.mark.parametrize(("type", "sectors"), [("float2", 8), ("float4", 16), ("int4", 16), ("double2", 16)])
def test_sectors_of_vectors(type, sectors):
    """32 of 8 bytes are 256, of 16 bytes 512; they are copied, so as many are stored."""
    profiled = profile(f"(({type}*)y)[t] = (({type}*)x)[t];")
    assert profiled.total("sectors") == profiled.total("ideal_sectors") == 2 * sectors
    assert profiled.total("loaded") == profiled.total("stored") == 32 * sectors == profiled.least_loaded


SHARED = {  # array and element: how many turns a request takes, and how many it would without a conflict
    ("float s[1024]", "s[t]"): (1, 1),  # a bank each
    ("float s[1024]", "s[t ^ 5]"): (1, 1),  # likewise
    ("float s[1024]", "s[7]"): (1, 1),  # one word is handed to all
    ("float s[1024]", "s[2 * t]"): (2, 1),  # t and t + 16 meet in a bank
    ("float s[1024]", "s[3 * t]"): (1, 1),  # 3 and 32 have no divisor in common
    ("float s[1024]", "s[4 * t]"): (4, 1),  # t, t + 8, t + 16, t + 24
    ("float s[1024]", "s[t % 2 * 32]"): (2, 1),  # words 0 and 32, both of bank 0
    ("float s[32][32]", "s[t][0]"): (32, 1),  # a column: all in bank 0
    ("float s[32][33]", "s[t][0]"): (1, 1),  # padded: 33 t mod 32 = t
    ("float s[32][34]", "s[t][0]"): (2, 1),  # 34 t mod 32 = 2 t
    ("char s[1024]", "s[t]"): (1, 1),  # 8 words
    ("double s[1024]", "s[t]"): (2, 2),  # 16 lanes at a time fill the 32 banks
    ("double s[1024]", "s[2 * t]"): (4, 2),  # of 16 lanes, t and t + 8 meet: 4 t mod 32
}


@pytest.mark.parametrize(("array", "element"), SHARED)
def test_bank_conflicts(array, element):
    (line,) = (line for line in profile(f"__shared__ {array};\nx[0] = {element};").lines if line.shared_requests)
    assert (line.shared_requests, line.turns, line.ideal_turns) == (1, *SHARED[array, element])


def test_float4_in_shared_memory():
    """8 lanes at a time fill the 32 banks: 4 turns; every second one of them: 8."""
    if compiler.is_clang():
        pytest.skip("clang makes two accesses of 8 bytes of one that stores a whole new float4")
    for stride, turns in ((1, 4), (2, 8)):
        profiled = profile(f"__shared__ float4 s[64];\ns[{stride} * t] =\nmake_float4(1, 2, 3, 4);")
        assert (profiled.total("turns"), profiled.total("ideal_turns")) == (turns, 4)


def test_loops_lanes_barriers_and_atomics():
    profiled = profile(
        """for (int k = 0; k < 5; ++k)
x[i + 64 * k] += 1;
__syncthreads();
if (t % 4 == 0) atomicAdd(&y[0], 1.0f);
__syncthreads();""",
        block=64,
        grid=3,
    )
    by_line = {line.line: line for line in profiled.lines}
    assert (by_line[4].requests, by_line[4].loaded, by_line[4].stored) == (
        2 * 5 * 2 * 3,
        5 * 64 * 4 * 3,
        5 * 64 * 4 * 3,
    )
    assert by_line[5].barriers == by_line[7].barriers == 1 and by_line[5].code == "__syncthreads();"
    assert (by_line[6].requests, by_line[6].lanes, by_line[6].sectors) == (2 * 3, 8, 2 * 3)
    assert (profiled.blocks, profiled.of_blocks) == (3, 3)
    assert profiled.least_stored == 4 * (64 * 5 + 2 * 64) + 4  # blocks overlap, but for the last two's ends


def test_what_lies_across_two_sectors():
    """A struct of 12 bytes is copied at once, and begins 8 bytes before a sector's end."""
    profiled = profile("if (t == 0) ((float3*)y)[0] = *(float3*)(x + 6);")
    assert (profiled.total("loaded"), profiled.total("sectors"), profiled.total("ideal_sectors")) == (12, 2 + 1, 1 + 1)


def test_transposing_with_and_without_padding():
    for padding, turns in ((0, 32), (1, 1)):
        source = f"""__global__ void transpose(const float* x, float* y, int n) {{
            __shared__ float tile[32][32 + {padding}];
            tile[threadIdx.y][threadIdx.x] = x[threadIdx.y * n + threadIdx.x];
            __syncthreads();
            y[threadIdx.y * n + threadIdx.x] = tile[threadIdx.x][threadIdx.y];
        }}"""
        x = np.arange(1024, dtype=np.float32).reshape(32, 32)
        y = np.zeros_like(x)
        profiled = emulator.profile(mg.kernel(source=source, name="transpose"), 1, (32, 32), (x, y, 32))
        assert (y == x.T).all() and profiled.total("turns") == 32 + 32 * turns
        assert profiled.total("sectors") == profiled.total("ideal_sectors") == 2 * 128


def test_blocks_without_room_are_run_and_not_counted(monkeypatch):
    monkeypatch.setattr(profiler, "LIMIT", 200)  # each block makes 64 accesses
    worker.dismiss()  # one with another limit
    profiled = profile("y[i] = x[i];", grid=10)
    worker.dismiss()
    assert (profiled.blocks, profiled.of_blocks, profiled.total("loaded")) == (3, 10, 3 * 128)
    assert "f, 3 of 10 blocks" in str(profiled)


def test_a_kernel_that_touches_nothing():
    profiled = profile("if (n < 0) x[0] = 1;")
    assert profiled.lines == [] and str(profiled).startswith("f, 1 blocks")


@pytest.mark.parametrize(
    ("body", "by_line"),
    [
        # 64 threads, each a product and a sum for each of n = 10 steps; then a division.
        ("float s = 0;\nfor (int k = 0; k < n; ++k)\n  s += x[k] * 3;\nx[64 + t] = s / 7;", {5: 64 * 10 * 2, 6: 64}),
        # Of 64 threads 20 take the branch with three operations, 44 the one with one.
        ("if (t < 20)\n  x[t] = (x[t] + 1) * (x[t] - 2);\nelse\n  x[t] = -sqrtf(x[t]);", {4: 20 * 3, 6: 44}),
        # Whole numbers and comparisons are none; in double they are some.
        ("int k = t * n + 3;\nif (x[k % 64] > 0)\n  x[t] = k;\ndouble d = x[t];\nx[t] = d * d + d;", {7: 64 * 2}),
    ],
)
def test_arithmetic_is_counted(body, by_line):
    kernel = mg.kernel(
        source=f"__global__ void f(float* x, int n) {{\nconst int t = threadIdx.x;\n{body}\n}}", name="f"
    )
    profile = emulator.profile(kernel, 1, 64, (np.ones(128, np.float32), 10))
    assert {line.line: line.flops for line in profile.lines if line.flops} == by_line


def test_a_product_takes_two_operations_a_term():
    for version, _, (profile,) in check.inspect_stem("matmul"):
        assert max(line.flops for line in profile.lines) == 2 * 128 * 128 * 64, version


def test_tiles_load_less():
    """In 128×64 times 64×128 the naive kernel loads 2 · 128² · 64 numbers; a tile of n × n loads each row and column 128 / n
    times."""
    loaded = {version: profiles[0].total("loaded") for version, _, profiles in check.inspect_stem("matmul")}
    naive = 2 * 128**2 * 64 * 4
    assert loaded == {"v1": naive, "v2": naive / 16, "v3": naive / 64, **dict.fromkeys(("v4", "v5", "v6"), naive / 128)}


@pytest.mark.parametrize("stem", check.CALLS)
def test_every_kernel_of_ours_can_be_inspected(stem):
    for _, _, profiles in check.inspect_stem(stem):
        for profile in profiles:
            files = [line.file for line in profile.lines]
            assert [f"{file}:" in str(profile).splitlines() for file in files] == [len(set(files)) > 1] * len(files)
        assert profiles and all(profiled.lines and str(profiled) for profiled in profiles)


def test_inspect_on_the_command_line(tmp_path):
    (tmp_path / "mine.cu").write_text("__global__ void twice(float* x) { x[threadIdx.x * 2] *= 2; }")
    command = [sys.executable, "-m", "minigan", "inspect"]
    launch = ["mine.cu:twice", "--block", "64", "--arg", "f32[128]"]

    def run(*more):
        return subprocess.run([*command, *more], capture_output=True, text=True, cwd=tmp_path, timeout=60)

    done = run(*launch)
    assert done.returncode == 0 and "twice, 1 blocks" in done.stdout and "x[threadIdx.x * 2] *= 2;" in done.stdout, (
        done.stderr
    )
    (found,) = json.loads(run(*launch, "--json").stdout)
    assert found["kernel"] == "twice" and found["lines"][0]["sectors"] == 2 * 2 * 8
    assert run(*launch, "--figure", "figure.png").returncode == 0
    with Image.open(tmp_path / "figure.png") as picture:
        assert picture.size == (640, 232)  # the line reads and writes one array: the first request is shown
    for arguments, message in (
        (["nosuch"], "unknown stem 'nosuch': choose from activation"),
        (["matmul", "--grid", "2"], "--grid goes with a kernel, FILE.cu:KERNEL"),
        (["mine.cu:thrice"], "mine.cu has no kernel 'thrice'"),
        (["mine.cu:twice", "--arg", "f8[3]"], "--arg f8[3]: expected"),
        (["mine.cu:twice", "--chip", "hopper"], "--chip hopper: expected sm_75, sm_80"),
    ):
        done = run(*arguments)
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(nvrtc.why_missing() is not None, reason="needs NVRTC")
def test_a_chip_is_named_for_its_occupancy(tmp_path):
    (tmp_path / "mine.cu").write_text(
        "template <class T> __global__ void sum(T* x) {\n"
        "extern __shared__ T own[];\n__shared__ T s[1024];\n"
        "s[threadIdx.x] = own[threadIdx.x] = x[threadIdx.x];\n__syncthreads();\nx[threadIdx.x] = s[255 - threadIdx.x];\n}"
    )
    # 4,096 bytes of its own and 40,960 that the launch asks for, with the system's 1,024: 5 blocks of 8 warps in 228 KiB.
    profile = check.inspect_kernel(f"{tmp_path}/mine.cu:sum<float>", 1, 256, ["f32[256]"], 40960, chip=90)
    assert "on sm_90 40 of 64 warps (62%), limited by shared memory: " in profile.occupancy
    assert "45,056 bytes of shared memory a block" in str(profile)
    with pytest.raises(MiniganError, match="unknown chip sm_91"):
        check.inspect_kernel(f"{tmp_path}/mine.cu:sum<float>", 1, 256, ["f32[256]"], 40960, chip=91)


def test_requests_are_kept_for_the_figure():
    profiled = profile("__shared__ float2 s[32];\ns[t] = ((float2*)x)[31 - t];\nif (t < 3) y[5 * t] = 1;")
    found = {(each.array, each.is_shared): each for each in profiled.requests}
    assert set(found) == {("x", False), ("s", True), ("y", False)}
    assert found["x", False].offsets == [8 * (31 - t) for t in range(32)] and found["x", False].size == 8
    assert found["s", True].lanes == list(range(32)) and found["y", False].offsets == [0, 20, 40]
