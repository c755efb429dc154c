from contextlib import contextmanager

import numpy as np
import pytest
from compare import assert_close

import minigan as mg
from minigan import cuda, reference
from minigan.check import CASES, check_gradient
from minigan.cuda import versions
from minigan.cuda.matmul import VERSIONS, default, plan
from minigan.cuda.target import Target


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_reference_is_the_sum_it_says(transpose_a, transpose_b):
    random = np.random.default_rng(0)
    a, b, bias = random.standard_normal((5, 3)), random.standard_normal((3, 7)), random.standard_normal(7)
    expected = np.array([[sum(a[i, p] * b[p, j] for p in range(3)) + bias[j] for j in range(7)] for i in range(5)])
    a, b = a.T.copy() if transpose_a else a, b.T.copy() if transpose_b else b
    assert_close(reference.matmul(a, b, bias, transpose_a, transpose_b), expected)
    leaky = np.where(expected > 0, expected, 0.2 * expected)
    assert_close(reference.matmul(a, b, bias, transpose_a, transpose_b, ("leaky_relu", 0.2)), leaky)


@pytest.mark.parametrize("case", CASES["matmul"], ids=lambda case: case.name)
def test_gradients(case):
    assert check_gradient(case) < 1e-6


def test_only_wanted_gradients_are_computed(monkeypatch):
    x, w = mg.tensor(np.ones((2, 3))), mg.tensor(np.ones((3, 4)), requires_grad=True)
    y = (x @ w).sum()
    products = []
    monkeypatch.setattr(x.device.primitives, "matmul", lambda *args: products.append(args) or np.ones((3, 4)))
    y.backward()
    assert len(products) == 1  # of w; none of x


T4, H100 = Target("float", 75, 40), Target("float", 90, 132)


@contextmanager
def choice(version):
    versions.choose("matmul", version)
    try:
        yield
    finally:
        versions.choose("matmul", None)


@pytest.mark.parametrize(
    ("version", "grid", "block"),
    [
        ("v2", (2, 9, 1), (16, 16, 1)),
        ("v3", (1, 3, 1), (256, 1, 1)),
        ("v5", (1, 2, 1), (256, 1, 1)),
        ("v6", (1, 2, 1), (128, 1, 1)),
    ],
)
def test_plan_covers_every_element(version, grid, block):
    made = plan(version, 129, 20, 32, False, False, 1.0)
    assert (made.kernel.name, made.grid, made.block) == (f"matmul_{version}", grid, block)


def test_an_operand_is_transposed_by_its_steps():
    steps = "a_row", "a_column", "b_row", "b_column"
    assert [plan("v2", 33, 20, 17, False, False, 1.0).numbers[name] for name in steps] == [20, 1, 17, 1]
    assert [plan("v2", 33, 20, 17, True, True, 1.0).numbers[name] for name in steps] == [1, 33, 1, 20]


@pytest.mark.parametrize(
    ("shape", "target", "version"),
    [
        ((2048, 2048, 2048), H100, "v5"),
        ((2048, 2048, 2048), Target("double", 90, 132), "v3"),
        ((1024, 512, 1024), T4, "v5"),
        ((1024, 512, 1024), H100, "v3"),  # of 128 x 128 there would be 64 tiles for 132 multiprocessors
        ((100, 128, 784), H100, "v2"),
        ((100, 784, 1), T4, "v1"),
        ((100, 8, 100), Target(), "v1"),
    ],
)
def test_the_default_fills_the_chip(shape, target, version):
    m, k, n = shape
    assert default(m, n, k, target) == version


def test_a_choice_wins_where_it_can_run():
    of = VERSIONS["matmul"]

    def picked(target):
        return versions.pick("matmul", default(64, 64, 64, target), target)

    with choice("v1"):
        assert picked(H100) is of["v1"]
    with choice("v6"):
        assert picked(H100) is of["v6"]
        versions._say_that_another_runs.cache_clear()
        with pytest.warns(UserWarning, match="kernel matmul_v6 needs float and sm_80 or later: .* the default does"):
            assert picked(T4) is of["v2"]
        assert picked(Target("double", 90, 132)) is of["v2"]
    assert picked(H100) is of["v2"]


def test_tensor_cores_round_both_factors_and_nothing_else():
    """1 + 2⁻¹¹ lies between two numbers of TF32; a product of numbers that it holds is exact, and so is their sum."""
    a, b = np.zeros((16, 8), np.float32), np.zeros((8, 8), np.float32)
    a[0, :3], b[:3, 0] = (1 + 2**-11, -1 - 2**-11, 1 + 2**-10 - 2**-20), (2, 4, 8)
    with choice("v6"):
        y = cuda.matmul(a, b)
    up = 1 + 2**-10
    assert y[0, 0] == up * 2 - up * 4 + up * 8 and not y[1:].any() and not y[0, 1:].any()
