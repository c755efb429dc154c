"""Every op on small inputs, for checking its first and second derivative against central differences in float64."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import ops, random
from ..gradcheck import gradcheck
from ..tensor import grad, tensor


@dataclass(frozen=True)
class Case:
    """An op on float64 inputs of these shapes, drawn uniformly from [low, high) but never within 0.1 of a kink.

    `once`: a fused op that refuses a second derivative by name.
    """

    name: str
    fn: Callable
    shapes: tuple
    low: float = -2.0
    high: float = 2.0
    kinks: tuple = ()
    once: bool = False

    def inputs(self, seed=0, device="cpu"):
        random = np.random.default_rng(seed)
        inputs = []
        for shape in self.shapes:
            values = random.uniform(self.low, self.high, shape)
            for kink in self.kinks:
                values = np.where(abs(values - kink) < 0.1, kink + 0.2, values)
            inputs.append(tensor(values, device, "float64", requires_grad=True))
        return inputs


def _case(name, fn, *shapes, **domain):
    return Case(name, fn, shapes, **domain)


def _matmul(transpose_a, transpose_b):
    return lambda a, b, bias: ops.matmul(a, b, bias, transpose_a, transpose_b)


CASES = {
    "matmul": (
        _case("A B + b", _matmul(False, False), (3, 5), (5, 2), (2,)),
        _case("Aᵀ B + b", _matmul(True, False), (5, 3), (5, 2), (2,)),
        _case("A Bᵀ + b", _matmul(False, True), (3, 5), (2, 5), (2,)),
        _case("Aᵀ Bᵀ + b", _matmul(True, True), (5, 3), (2, 5), (2,)),
        _case("A B", ops.matmul, (1, 7), (7, 1)),
    ),
    "batch_norm": (
        _case("batch_norm", lambda *xgb: ops.batch_norm(*xgb)[0], (5, 3), (3,), (3,), once=True),
        _case("batch_norm of images", lambda *xgb: ops.batch_norm(*xgb)[0], (2, 3, 2, 4), (3,), (3,), once=True),
    ),
    "conv2d": (
        _case("x ∗ w + b", ops.conv2d, (2, 3, 5, 4), (2, 3, 3, 2), (2,)),
        _case("stride 2", lambda *xwb: ops.conv2d(*xwb, 2, "same"), (1, 2, 5, 4), (3, 2, 3, 3), (3,)),
        _case(
            "uneven padding", lambda x, w: ops.conv2d(x, w, None, (1, 3), ((0, 2), (3, 1))), (2, 1, 4, 5), (2, 1, 4, 3)
        ),
        _case("transposed + b", ops.conv_transpose2d, (2, 3, 3, 4), (3, 2, 3, 2), (2,)),
        _case(
            "transposed, stride 2", lambda *xwb: ops.conv_transpose2d(*xwb, 2, "same"), (1, 2, 3, 2), (2, 3, 5, 3), (3,)
        ),
    ),
    "activation": (
        _case("leaky_relu", lambda x: ops.leaky_relu(x, 0.2), (4, 3), kinks=(0,)),
        _case("relu", ops.relu, (4, 3), kinks=(0,)),
        _case("tanh", ops.tanh, (4, 3)),
        _case("sigmoid", ops.sigmoid, (4, 3)),
    ),
    "dropout": (_case("dropout", lambda x: ops.dropout(x, 0.4, random.Generator(7, x.device, x.dtype)), (5, 3)),),
    "elementwise": (
        _case("a + b", ops.add, (2, 1, 3), (4, 1)),
        _case("a − b", ops.sub, (2, 1, 3), (4, 1)),
        _case("a · b", ops.mul, (2, 1, 3), (4, 1)),
        _case("a / b", ops.div, (2, 1, 3), (4, 1), low=0.5),
        _case("aᵇ", ops.pow, (2, 1, 3), (4, 1), low=0.5),
        _case("x³", lambda x: x**3, (5,)),
        _case("2ˣ", lambda x: 2.0**x, (5,)),
        _case("1 − x", lambda x: 1 - x, (5,)),
        _case("1 / x", lambda x: 1 / x, (5,), low=0.5),
        _case("−x", ops.neg, (5,)),
        _case("exp", ops.exp, (5,)),
        _case("log", ops.log, (5,), low=0.5),
        _case("sqrt", ops.sqrt, (5,), low=0.5),
        _case("abs", ops.abs, (5,), kinks=(0,)),
        _case("clip", lambda x: ops.clip(x, -1, 1), (9,), kinks=(-1, 1)),
        _case("softplus", ops.softplus, (5,)),
    ),
    "pool": (
        _case("max_pool2d", lambda x: ops.max_pool2d(x, 2), (2, 2, 4, 5)),
        _case("max_pool2d, overlapping", lambda x: ops.max_pool2d(x, 3, 2), (1, 2, 5, 7)),
        _case("avg_pool2d", lambda x: ops.avg_pool2d(x, (2, 3), (1, 2)), (2, 1, 4, 5)),
        _case("upsample2d", lambda x: ops.upsample2d(x, (2, 3)), (2, 1, 3, 2)),
    ),
    "reduce": (
        _case("sum", ops.sum, (2, 3)),
        _case("sum over (0, 2)", lambda x: ops.sum(x, (0, 2)), (2, 3, 4)),
        _case("sum, dims kept", lambda x: ops.sum(x, 1, keepdims=True), (2, 3)),
        _case("mean over −1", lambda x: ops.mean(x, -1), (2, 3)),
        _case("sum_to", lambda x: ops.sum_to(x, (3, 1)), (2, 3, 4)),
        _case("broadcast_to", lambda x: ops.broadcast_to(x, (2, 3, 4)), (3, 1)),
    ),
    "reshape": (_case("reshape", lambda x: ops.reshape(x, (6,)), (2, 3)),),
    "rows": (
        _case("concat", lambda *parts: ops.concat(parts), (2, 3), (1, 3), (4, 3)),
        _case("rows", lambda x: ops.rows(x, 1, 3), (4, 3)),
    ),
    "loss": (
        _case("sigmoid_cross_entropy", lambda x: ops.sigmoid_cross_entropy(x, 0.9), (7, 1)),
        _case("least_squares", lambda x: ops.least_squares(x, 0.9), (7, 1)),
    ),
}


def check_gradient(case, device="cpu"):
    """The worst relative error of the case's first derivative, and of its derivative's derivative where it has one.

    Raises GradientError.
    """
    first = gradcheck(case.fn, case.inputs(0, device)).worst
    if case.once:
        return first
    return max(first, gradcheck(lambda *inputs: _gradient_norm(case.fn, inputs), case.inputs(1, device)).worst)


def _gradient_norm(fn, inputs):
    """Σ ‖∂L/∂x‖² for L = Σ f(x)²: a function whose derivative needs every second derivative of f."""
    inputs = [value if value.requires_grad else _requiring(value) for value in inputs]
    output = fn(*inputs)
    total = None
    for part in grad((output * output).sum(), inputs, create_graph=True):
        total = (part * part).sum() if total is None else total + (part * part).sum()
    return total


def _requiring(value):
    value.requires_grad = True
    return value
