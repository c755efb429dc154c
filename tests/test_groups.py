"""Cooperative groups and copies that are waited for: right in every order, silent under the sanitizer, and told where wrong."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import minigan as mg
from minigan import emulator
from minigan.cuda import nvrtc
from minigan.cuda.source import STANDARD
from minigan.emulator.launch import Program
from minigan.errors import LaunchError

TEXT = Path(__file__).with_name("groups.cu").read_text("utf-8")
WRONG = Path(__file__).with_name("groups_wrong.cu").read_text("utf-8")


@cache
def program(text):
    """All kernels of a text in one library."""
    names = tuple(re.findall(r"__global__ void (\w+)\(", text))
    return Program(f'#line 1 "source"\n{text}', names)


def kernel(name, text=TEXT):
    made = mg.kernel(source=text, name=name)
    made.program = program(text)
    return made


def ints(count, most=100):
    return np.random.default_rng(1).integers(0, most, count, dtype=np.int32)


def floats(count):
    return ints(count).astype(np.float32)


def zeros(count, dtype=np.int32):
    return np.zeros(count, dtype)


# name → (grid, block, arguments, shared, {argument: what it then is}); a function, as arguments are written to.
RIGHT = {}


def right(grid, block, shared=0, cooperative=False):
    def enter(case):
        RIGHT[case.__name__] = lambda: (grid, block, *case(), shared, cooperative)
        return case

    return enter


@right(1, 128)
def thread_groups():
    x = ints(128)
    sums = [x.sum(), *x.reshape(32, 4).sum(1), *x.reshape(8, 16).sum(1), *[2, 12] * 4]
    return (x, zeros(49)), {1: sums}


@right(1, 32)
def coalesced():
    x, y = ints(32), zeros(32)
    active = np.flatnonzero(x % 3 == 0)
    for rank, i in enumerate(active):
        pairs = 10 * (rank // 2) + min(2, len(active) - rank // 2 * 2)
        y[i] = rank * 10000 + x[active[0]] % 2 * 1000 + (x == 0).any() * 100 + pairs
    return (x, zeros(32), zeros(1), zeros(32)), {1: np.pad(x[active], (0, 32 - len(active))), 2: [len(active)], 3: y}


@right(1, 64)
def partitions():
    x = ints(64)
    warps = x.reshape(2, 32)
    labels = [warp[warp % 5 == value % 5].sum() for warp in warps for value in warp]
    signs = [warp[warp % 2 == value % 2].max() * 2 + (value % 2 == 0) for warp in warps for value in warp]
    return (x, zeros(64), zeros(64)), {1: labels, 2: signs}


@right(1, 128)
def scans():
    x, expected = ints(128), []
    for size in (8, 32, 64):
        for rank, tile in enumerate(x.reshape(-1, size)):
            sums, tops = np.cumsum(tile), np.maximum.accumulate(tile)
            every = [tile.sum(), tile.min(), tile.max(), np.bitwise_xor.reduce(tile)]
            last = tile[1] + 1000 * (tile == 0).any() + 2000 + 10000 * rank
            expected += [[*every, sums[i], sums[i] - tile[i], tops[i], last] for i in range(size)]
    return (x, zeros(3 * 8 * 128)), {1: np.ravel(expected)}


@right(1, 64)
def wide_values():
    x = ints(64)
    return (x, zeros(64, np.float64)), {1: np.repeat(x.reshape(2, 32).sum(1) * 6 + [0, 1], 32)}


@right(1, 256)
def large_tiles():
    x = ints(256)
    tiles = x.reshape(4, 64)[:, ::-1] * 3 + 3
    tiles[2:] = 0
    return (x, zeros(256)), {1: tiles.ravel()}


@right(1, 128)
def split_barrier():
    x = ints(128)
    return (x, zeros(128)), {1: x[::-1] + 2 * x}


@right(1, 128)
def barriers():
    x = ints(64)
    return (x, zeros(192), 5), {1: [*x[::-1] * 5 + 10, *x, *x[::-1]]}


@right(1, 96)
def producers():
    x = floats(64 * 5)
    sums = x.reshape(5, 64).sum(0)
    return (x, zeros(64, np.float32), 5), {1: sums + sums[::-1]}


@right(1, 64)
def unified():
    x = floats(64 * 5)
    return (x, zeros(64, np.float32), 5), {1: x.reshape(5, 64).sum(0)[::-1]}


@right(1, 32)
def primitives():
    x = floats(32 * 4 * 4)
    chunks = x.reshape(4, 32, 4).copy()
    chunks[2, :, 2:] = 0
    return (x, zeros(32, np.float32), 4), {1: (chunks[:, ::-1, 0] + chunks[:, ::-1, 3]).sum(0)}


@right(1, 50, shared=400)
def group_copies():
    x = floats(150)
    return (x, zeros(50, np.float32), 50), {1: x[49::-1] + x[99:49:-1]}


@right(3, 64)
def barrier_copies():
    x = floats(192)
    return (x, zeros(192, np.float32)), {1: x.reshape(3, 64)[:, ::-1].ravel()}


@right(4, 64, shared=256, cooperative=True)
def across():
    x, i = ints(256), np.arange(256)
    y = x.reshape(4, 64)[:, ::-1].ravel() * 1000 + i.reshape(4, 64)[:, ::-1].ravel() + i // 64 * 4
    after = x
    for _ in range(3):
        after = np.roll(np.roll(after, -64) + 1, -1)
    return (x, zeros(256), 3), {0: after, 1: y}


@pytest.mark.parametrize("order", emulator.ORDERS)
@pytest.mark.parametrize("name", RIGHT)
def test_right_in_every_order(name, order):
    grid, block, args, expected, shared, cooperative = RIGHT[name]()
    with emulator.settings(order, seed=3):
        kernel(name)(grid, block, args, shared, cooperative)
    for position, values in expected.items():
        assert args[position].tolist() == np.asarray(values, args[position].dtype).tolist()


@pytest.mark.parametrize("order", emulator.ORDERS)
@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_found_where_nothing_is_wrong(name, order):
    grid, block, args, expected, shared, cooperative = RIGHT[name]()
    assert not emulator.check(kernel(name), grid, block, args, shared, order, 3, cooperative).findings
    for position, values in expected.items():
        assert args[position].tolist() == np.asarray(values, args[position].dtype).tolist()


ON_A_GRID = {"block_barrier_for_grid", "grid_barrier_too_early", "block_that_returns", "shared_of_a_block_before"}
# Some are found as the one kind or as the other, by the order of the threads.
KINDS = r"race/(?:not-waited|uninitialised|same-value-race)|not-waited|race|misaligned|deadlock|uninitialised"


def wrong_kernels():
    """(text, name, kinds, arrays, line) of each kernel with a fault, as its faulty line says."""
    for text in (TEXT, WRONG):
        for number, line in enumerate(text.splitlines(), 1):
            if found := re.search(r"__global__ void (\w+)\(", line):
                name = found[1]
            if found := re.search(rf"// ({KINDS})\b(.*)", line):
                yield pytest.param(text, name, set(found[1].split("/")), set(found[2].split()), number, id=name)


@pytest.mark.parametrize("order", emulator.ORDERS)
@pytest.mark.parametrize("text, name, kinds, arrays, line", list(wrong_kernels()))
def test_a_fault_is_found(text, name, kinds, arrays, line, order):
    args = zeros(128, np.float32), zeros(128, np.float32)
    cooperative = name in ON_A_GRID
    grid, block = 1 + cooperative, 128 if name in ("tile_for_block", "a_later_reader") else 64
    found = emulator.check(kernel(name, text), grid, block, args, 0, order, 3, cooperative).findings
    found = [each for each in found if each.kind != "fault"]  # some end the launch
    assert found and {each.kind for each in found} <= kinds, found
    assert {each.array for each in found} == (arrays or {None}), found
    assert line in {at for each in found for at in (each.line, each.other_line)}, found


def test_a_plain_run_shows_what_was_not_waited_for():
    x, y = floats(64), zeros(64, np.float32)
    kernel("one_batch_too_few")(1, 64, (x, y))
    assert not np.array_equal(y, 2 * x)


def test_a_grids_sync_needs_a_cooperative_launch():
    args = zeros(256), zeros(256), 1
    with pytest.raises(LaunchError, match=r"across: a grid's sync of line \d+ needs a launch with cooperative=True"):
        kernel("across")(4, 64, args, shared=256)
    report = emulator.check(kernel("across"), 4, 64, args, 256)
    assert [each.code for each in report.findings] == ["grid.sync();"], report
    with pytest.raises(LaunchError, match="65 blocks of 64 threads, at most 64 blocks and 16,384 threads run at once"):
        kernel("across")(65, 64, (zeros(65 * 64), zeros(65 * 64), 1), 256, cooperative=True)


def test_a_block_that_others_wait_for_in_vain_ends_the_launch():
    with pytest.raises(LaunchError, match="deadlock: a block has returned for which others wait"):
        kernel("block_that_returns")(2, 64, (zeros(128, np.float32), zeros(128, np.float32)), cooperative=True)


@pytest.mark.skipif(nvrtc.why_missing() is not None, reason="needs NVRTC")
def test_cudas_own_headers_say_the_same():
    folders = tuple(f"-I{folder}" for folder in nvrtc.include_folders())
    nvrtc.compile_cubin(TEXT, "groups.cu", (STANDARD, *folders), 80)


def test_a_threads_own_pipeline_need_not_be_released():
    text = """#include <cuda/pipeline>
    __global__ void turns(const float* x, float* y) {
        __shared__ float t[32];
        cuda::pipeline<cuda::thread_scope_thread> pipe = cuda::make_pipeline();
        for (int turn = 0; turn < 3; ++turn) {
            pipe.producer_acquire();
            cuda::memcpy_async(&t[threadIdx.x], &x[32 * turn + threadIdx.x], sizeof(float), pipe);
            pipe.producer_commit();
            pipe.consumer_wait();
            __syncthreads();
            y[32 * turn + threadIdx.x] = t[31 - threadIdx.x];
            __syncthreads();
        }
    }"""
    x, y = floats(96), np.zeros(96, np.float32)
    made = mg.kernel(source=text, name="turns")
    made(1, 32, (x, y))
    assert (y.reshape(3, 32) == x.reshape(3, 32)[:, ::-1]).all()
    assert not emulator.check(made, 1, 32, (x, y)).findings
