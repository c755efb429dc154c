"""Operators and methods of Tensors are the operations of the same name."""

import operator

import numpy as np
import pytest
from compare import assert_close

import minigan as mg

X = np.array([[0.5, 1.5], [2.0, 0.25]])


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "pow"])
def test_an_operator_takes_tensors_and_numbers_on_either_side(name):
    function, x = getattr(operator, name), mg.tensor(X, dtype="float64")
    assert_close(function(x, x).numpy(), function(X, X))
    assert_close(function(x, 3).numpy(), function(X, 3))
    assert_close(function(3, x).numpy(), function(3, X))


def test_signs_products_and_methods():
    x = mg.tensor(X, dtype="float64")
    assert_close((-x).numpy(), -X)
    assert_close(abs(-x).numpy(), X)
    assert_close((x @ x).numpy(), X @ X)
    for name in ("exp", "log", "sqrt"):
        assert_close(getattr(x, name)().numpy(), getattr(np, name)(X))
    for name in ("sum", "mean"):
        assert_close(getattr(x, name)().numpy(), getattr(np, name)(X))
    assert_close(x.clip(0.5, 1).numpy(), X.clip(0.5, 1))
    assert x.reshape((4,)).shape == (4,)
