import math

import numpy as np
import pytest
from compare import assert_close

from minigan import MiniganError, ops, reference, tensor
from minigan.check import CASES, check_gradient


@pytest.mark.parametrize("case", CASES["activation"], ids=lambda case: case.name)
def test_gradients(case):
    assert check_gradient(case) < 1e-6


def test_reference_against_the_standard_library():
    x = np.linspace(-5, 5, 41)
    assert_close(reference.tanh(x), [math.tanh(v) for v in x])
    assert_close(reference.sigmoid(x), [1 / (1 + math.exp(-v)) for v in x])
    for slope in (0.0, 0.2, 1.0):
        assert_close(reference.leaky_relu(x, slope), [v if v > 0 else slope * v for v in x])
        assert_close(reference.leaky_relu_backward(x, x, slope), [v if v > 0 else slope * v for v in x])


def test_sigmoid_does_not_overflow():
    with np.errstate(all="raise"):
        for dtype in ("float32", "float64"):
            assert_close(reference.sigmoid(np.array([-80.0, 80.0], dtype)), [math.exp(-80), 1.0], 1e-6)
    assert reference.sigmoid(np.float32([-1e30, 1e30])).tolist() == [0.0, 1.0]


def test_nan_stays_nan():
    x = np.array([np.nan])
    for y in (reference.leaky_relu(x, 0.2), reference.tanh(x), reference.sigmoid(x)):
        assert np.isnan(y).all()


def test_dtype_is_kept():
    x = np.ones(3, np.float32)
    for y in (
        reference.leaky_relu(x, 0.2),
        reference.leaky_relu_backward(x, x, 0.2),
        reference.sigmoid(x),
        reference.tanh_backward(x, x),
        reference.sigmoid_backward(x, x),
    ):
        assert y.dtype == np.float32


def test_slopes_are_from_0_to_1_and_relu_of_infinity_is_infinity():
    for slope in (-0.1, 1.5, float("nan")):
        with pytest.raises(MiniganError, match="expected 0"):
            ops.leaky_relu(tensor([1.0]), slope)
    assert reference.leaky_relu(np.array([np.inf, -np.inf]), 0.0).tolist() == [np.inf, 0.0]
