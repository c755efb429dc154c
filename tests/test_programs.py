"""Whole CUDA programs as people bring them, with a host's half and headers that are not here (programs/).

Each kernel runs as its file stands, is right against NumPy in three orders of its threads, and clean under the sanitizer.
"""

from pathlib import Path

import numpy as np
import pytest
from compare import assert_close

import minigan as mg
from minigan import emulator
from minigan.emulator import parser

pytestmark = pytest.mark.skipif(
    not parser.can_parse(), reason="tree-sitter is missing: pip install 'minigan[emulator]'"
)
HERE = Path(__file__).parent / "programs"
CLOSE = 3e-6  # for sums of some hundred numbers in single precision, relative to the largest


@pytest.fixture
def rng():
    return np.random.default_rng(17)


def run(name, grid, block, args, shared=0, constants=None):
    """Run a kernel of a program in three orders, and under the sanitizer; what it wrote, each time."""
    kernel = mg.kernel(HERE / name)
    for constant, value in (constants or {}).items():
        mg.constant(kernel, constant, value)
    results = []
    for order in emulator.ORDERS:
        given = [value.copy() if isinstance(value, np.ndarray) else value for value in args]
        with emulator.settings(order=order):
            kernel(grid, block, given, shared)
        results.append(given)
    assert str(emulator.check(kernel, grid, block, args, shared)) == "nothing found"
    return [*results, args]


def test_transpose(rng):
    a = rng.random((70, 33), np.float32)
    for out, *_ in run(
        "transpose.cu:transposeNoBankConflicts", (2, 3), (32, 8), (np.zeros((33, 70), np.float32), a, 33, 70)
    ):
        assert (out == a.T).all()


def test_scan(rng):
    a = rng.integers(-9, 9, 128).astype(np.int32)
    for out, *_ in run("scan.cu:prescan<int>", 1, 64, (np.zeros(128, np.int32), a, 128), 4 * 136):
        assert (out == np.cumsum(a) - a).all()


def test_histogram(rng):
    data = rng.integers(0, 256, 4 * 333).astype(np.uint8)
    for bins, *_ in run("histogram.cu:histogram256", 3, 96, (np.zeros(256, np.uint32), data, 333)):
        assert (bins == np.bincount(data, minlength=256)).all()


def test_reduction(rng):
    a = rng.random(1003, np.float32)
    for _, out, _ in run("reduction.cu:deviceReduceKernel", 2, 128, (a, np.zeros(1, np.float32), 1003)):
        assert_close(out[0], a.sum(dtype=np.float64), CLOSE)


def test_softmax(rng):
    x = rng.normal(0, 3, (7, 77)).astype(np.float32)
    e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    for out, *_ in run("softmax.cu:online_softmax", 2, 128, (np.zeros_like(x), x, 7, 77)):
        assert_close(out, e / e.sum(1, keepdims=True), CLOSE)


def test_layer_norm(rng):
    x, g, b = rng.normal(1, 2, (3, 200)).astype(np.float16), *rng.random((2, 200), np.float32)
    wide = x.astype(np.float64)
    expected = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-5) * g + b
    for out, *_ in run("layernorm.cu:layernorm<128>", 3, 128, (np.zeros_like(x), x, g, b, 200)):
        assert np.abs(out - expected).max() < 2e-3  # half a unit of the last place of 4


def test_attention(rng):
    q, k, v = rng.normal(0, 1, (3, 2, 64, 16)).astype(np.float32)
    s = np.einsum("hqd,hkd->hqk", q, k).astype(np.float64) / 4
    p = np.exp(s - s.max(2, keepdims=True))
    expected = np.einsum("hqk,hkd->hqd", p / p.sum(2, keepdims=True), v)
    args = (q, k, v, 64, 16, 32, 0.25, np.zeros_like(q))
    for *_, out in run("attention.cu:flash_attention<16>", 2, 32, args, 4 * (2 * 16 * 16 + 16 * 32)):
        assert_close(out, expected, CLOSE)


def test_stencil(rng):
    a = rng.random((5, 19, 21), np.float32)
    wide, expected = np.pad(a.astype(np.float64), 2), np.zeros(a.shape)
    for axis in range(3):
        for step, weight in zip(range(-2, 3), (-1 / 12, 4 / 3, -2.5, 4 / 3, -1 / 12)):
            expected += weight * np.roll(wide, step, axis)[2:-2, 2:-2, 2:-2]
    for out, *_ in run("stencil.cu:FiniteDifferences3D", (2, 3), (16, 8), (np.zeros_like(a), a, 21, 19, 5)):
        assert_close(out, expected, CLOSE)


def test_bitonic_sort(rng):
    keys, values = rng.integers(0, 99, 512).astype(np.uint32), np.arange(512, dtype=np.uint32)
    args = (np.zeros(512, np.uint32), np.zeros(512, np.uint32), keys, values, 1)
    for sorted_keys, sorted_values, *_ in run("bitonic.cu:bitonicSortShared", 2, 128, args):
        assert (sorted_keys.reshape(2, -1) == np.sort(keys.reshape(2, -1), axis=1)).all()
        assert (keys[sorted_values] == sorted_keys).all()


def test_n_body(rng):
    p, v = rng.random((2, 96, 4), np.float32)
    d = p[None, :, :3].astype(np.float64) - p[:, None, :3]
    pull = (d * (p[None, :, 3:] / ((d**2).sum(2, keepdims=True) + 0.01) ** 1.5)).sum(1)
    moved = p[:, :3] + 0.01 * (v[:, :3] + 0.01 * pull)
    args = (np.zeros_like(p), p, v, 96, 0.01, 3)
    for out, *_ in run("nbody.cu:integrateBodies<float>", 3, 32, args, 32 * 16, {"softeningSquared": 0.01}):
        assert_close(out[:, :3], moved, CLOSE)
