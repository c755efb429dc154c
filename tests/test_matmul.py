import numpy as np
import pytest
from compare import assert_close

import minigan as mg
from minigan import reference
from minigan.check import CASES, check_gradient
from minigan.cuda import launch
from minigan.cuda.matmul import plan


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


def test_plan_covers_every_element_and_transposes_by_strides():
    made = plan(33, 20, 17, False, False, 1.0)
    assert made.kernel.name == "matmul_v2" and made.grid == (2, 3, 1) and made.block == (16, 16, 1)
    assert [made.numbers[name] for name in ("a_row", "a_column", "b_row", "b_column")] == [20, 1, 17, 1]
    made = plan(33, 20, 17, True, True, 1.0)
    assert [made.numbers[name] for name in ("a_row", "a_column", "b_row", "b_column")] == [1, 33, 1, 20]


def test_a_row_needs_no_tile_and_a_choice_wins():
    assert plan(100, 128, 1, False, False, 1.0).kernel.name == "matmul_v1"
    launch.choose("matmul", "v1")
    try:
        assert plan(64, 64, 64, False, False, 1.0).kernel.name == "matmul_v1"
    finally:
        launch.choose("matmul", None)
    assert plan(64, 64, 64, False, False, 1.0).kernel.name == "matmul_v2"
