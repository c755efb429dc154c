import math

import numpy as np
import pytest
from compare import assert_close

from minigan import MiniganError, ops, reference, tensor
from minigan.check import CASES, check_gradient


@pytest.mark.parametrize("case", CASES["loss"], ids=lambda case: case.name)
def test_gradients(case):
    assert check_gradient(case) < 1e-6


@pytest.mark.parametrize("target", [0.0, 0.3, 0.9, 1.0])
def test_cross_entropy_is_its_definition(target):
    x = np.linspace(-8, 8, 33)
    p = [1 / (1 + math.exp(-v)) for v in x]
    expected = [-target * math.log(q) - (1 - target) * math.log(1 - q) for q in p]
    assert_close(reference.sigmoid_cross_entropy(x, target), expected, 1e-11)  # ln(1 − p) in the definition cancels


def test_cross_entropy_is_stable_where_the_definition_is_not():
    x = np.float32([-1000, 1000])
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        assert reference.sigmoid_cross_entropy(x, 1.0).tolist() == [1000, 0]
        assert reference.sigmoid_cross_entropy_backward(np.float32([1, 1]), x, 1.0).tolist() == [-1, 0]


def test_an_undecided_discriminator_costs_ln_2():
    assert_close(reference.sigmoid_cross_entropy(np.zeros(1), 1.0), [math.log(2)])


def test_least_squares():
    assert reference.least_squares(np.array([0.0, 1.0, 3.0]), 1.0).tolist() == [1, 0, 4]


def test_targets_are_probabilities():
    with pytest.raises(MiniganError, match="target 1.5, expected a probability"):
        ops.sigmoid_cross_entropy(tensor([0.0]), 1.5)
