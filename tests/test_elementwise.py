import math

import numpy as np
import pytest
from compare import assert_close

import minigan as mg
from minigan import reference
from minigan.check import CASES, check_gradient
from minigan.cuda.elementwise import broadcast_numbers


@pytest.mark.parametrize("case", CASES["elementwise"], ids=lambda case: case.name)
def test_gradients(case):
    assert check_gradient(case) < 1e-6


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("neg", lambda v: -v), ("exp", math.exp), ("log", math.log), ("sqrt", math.sqrt), ("abs", abs),
        ("sign", lambda v: math.copysign(1, v)), ("softplus", lambda v: math.log(1 + math.exp(v))),
    ],
)  # fmt: skip
def test_reference_of_one_operand(name, formula):
    x = np.linspace(0.1, 5, 20) if name in ("log", "sqrt") else np.linspace(-5, 5, 20)
    assert_close(getattr(reference, name)(x), [formula(v) for v in x])


def test_reference_of_two_operands():
    a, b = np.array([[1.5], [2.5]]), np.array([2.0, 4.0, 5.0])
    for name, formula in (
        ("add", lambda p, q: p + q),
        ("sub", lambda p, q: p - q),
        ("mul", lambda p, q: p * q),
        ("div", lambda p, q: p / q),
        ("pow", lambda p, q: p**q),
    ):
        assert_close(getattr(reference, name)(a, b), [[formula(p, q) for q in b] for p in a[:, 0]])


def test_softplus_does_not_overflow():
    with np.errstate(over="raise"):
        assert reference.softplus(np.float32([-1000, 1000])).tolist() == [0.0, 1000.0]


def test_clip_and_its_mask():
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0, np.nan])
    assert reference.clip(x, -1, 1).tolist()[:5] == [-1, -1, 0, 1, 1] and np.isnan(reference.clip(x, -1, 1)[5])
    assert reference.clip_backward(np.full(6, 3.0), x, -1, 1).tolist() == [0, 3, 3, 3, 0, 0]


def test_float32_stays_float32_beside_numbers():
    x = mg.tensor([1.0, 2.0])
    for y in (x + 1, 1 / x, x**2, 2**x, x.clip(0, 1), mg.ops.softplus(x), abs(x)):
        assert y.dtype == np.float32


def test_axes_that_are_walked_as_one_are_merged():
    equal = broadcast_numbers("add", (2, 3, 4), {"a": (2, 3, 4), "b": (2, 3, 4)})
    assert [equal[name] for name in ("d1", "d2", "d3", "a0", "b0")] == [1, 1, 1, 1, 1]
    row = broadcast_numbers("add", (5, 7), {"a": (5, 7), "b": (7,)})
    assert [row[name] for name in ("d1", "d2", "d3", "a0", "a1", "b0", "b1")] == [7, 1, 1, 7, 1, 0, 1]


def test_too_many_axes_are_refused():
    a, b = (2, 1, 2, 1, 2), (1, 2, 1, 2, 1)
    with pytest.raises(mg.LaunchError, match="walks 5 axes, at most 4"):
        broadcast_numbers("add", (2,) * 5, {"a": a, "b": b})
