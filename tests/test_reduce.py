import itertools

import numpy as np
import pytest
from compare import assert_close

from minigan import MiniganError, reference
from minigan.check import CASES, check_gradient
from minigan.cuda.reduce import plan


@pytest.mark.parametrize("case", CASES["reduce"], ids=lambda case: case.name)
def test_gradients(case):
    assert check_gradient(case) < 1e-6


def test_sum_to_is_the_adjoint_of_broadcast_to():
    random = np.random.default_rng(0)
    for small, large in (((3, 1), (2, 3, 4)), ((1,), (5,)), ((), (2, 3)), ((2, 3), (2, 3))):
        x, y = random.standard_normal(small), random.standard_normal(large)
        assert_close(np.sum(reference.broadcast_to(x, large) * y), np.sum(x * reference.sum_to(y, small)))


def test_mean_of_nothing_raises():
    with pytest.raises(MiniganError, match="nothing to average"):
        reference.mean(np.zeros((0, 3)), 0)
    assert reference.sum(np.zeros((0, 3)), 0).tolist() == [0, 0, 0]


def walk(numbers):
    """The index in x of every term of every output, as the kernel walks them."""
    for output in range(numbers["outputs"]):
        start = output // numbers["k1"] * numbers["ks0"] + output % numbers["k1"] * numbers["ks1"]
        for term in range(numbers["terms"]):
            yield output, start + term // numbers["r1"] * numbers["rs0"] + term % numbers["r1"] * numbers["rs1"]


@pytest.mark.parametrize("axes", [axes for n in range(5) for axes in itertools.combinations(range(4), n)])
def test_plan_walks_every_term_of_every_output(axes):
    x = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    made = plan(x.shape, axes)
    sums = np.zeros(made.numbers["outputs"])
    for output, index in walk(made.numbers):
        sums[output] += x.reshape(-1)[index]
    assert_close(sums, x.sum(axes).reshape(-1))


def test_few_long_sums_get_a_block_each():
    assert plan((64, 10_000), (1,)).kernel.name == "sum_v2" and plan((64, 10_000), (1,)).grid == (64, 1, 1)
    assert plan((100, 784), (0,)).kernel.name == "sum_v1" and plan((100, 784), (0,)).grid == (4, 1, 1)
