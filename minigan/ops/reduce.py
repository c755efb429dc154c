"""Sums and means over axes.

    y = Σ x        ∂L/∂x = g, repeated along the axes that were summed
    y = Σ x / n    ∂L/∂x = g / n, likewise

`sum_to` and `broadcast_to` are each other's adjoint: what one repeats, the other adds up. That is the whole rule of
broadcasting gradients.
"""

from .. import shapes
from ..tensor import Function
from .reshape import reshape


class Sum(Function):
    saves_inputs = False

    def __init__(self, axis, keepdims):
        self.axis, self.keepdims = axis, keepdims

    def forward(self, x):
        return self.primitives.sum(x, self.axis, self.keepdims)

    def backward(self, g):
        shape = self.inputs[0].shape
        if self.axis is not None:  # a single number spreads without further ado
            g = reshape(g, shapes.reduced(shape, shapes.axes(shape, self.axis), keepdims=True))
        return broadcast_to(g, shape)


class Mean(Sum):
    def forward(self, x):
        return self.primitives.mean(x, self.axis, self.keepdims)

    def backward(self, g):
        return super().backward(g * (1 / shapes.mean_terms(self.inputs[0].shape, self.axis)))


class SumTo(Function):
    saves_inputs = False

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        return self.primitives.sum_to(x, self.shape)

    def backward(self, g):
        return broadcast_to(g, self.inputs[0].shape)


class BroadcastTo(Function):
    saves_inputs = False

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        return self.primitives.broadcast_to(x, self.shape)

    def backward(self, g):
        return sum_to(g, self.inputs[0].shape)


def sum(x, axis=None, keepdims=False):
    """Σ x over `axis` (None: all; an int or several).

    Shapes: x any → x's without those axes, or with them as 1 under `keepdims`. Raises MiniganError for an axis that x does not
    have.

    >>> import minigan as mg
    >>> mg.tensor([[1, 2], [3, 4]]).sum(axis=0).numpy()
    array([4., 6.], dtype=float32)
    """
    return Sum(axis, keepdims)(x)


def mean(x, axis=None, keepdims=False):
    """Σ x / n over `axis` (None: all; an int or several).

    Shapes: x any → x's without those axes, or with them as 1 under `keepdims`. Raises MiniganError for an axis that x does not
    have, and where there is nothing to average.
    """
    return Mean(axis, keepdims)(x)


def sum_to(x, shape):
    """x summed over every axis along which `shape` would be repeated to x's: the gradient of broadcasting.

    Shapes: x any, `shape` broadcasts to x's → shape. Raises MiniganError where it does not.
    """
    return x if x.data.shape == shape else SumTo(shape)(x)


def broadcast_to(x, shape):
    """x repeated to `shape` by NumPy's broadcasting rule, written out in full.

    Shapes: x broadcasts to `shape` → shape. Raises MiniganError where it does not.
    """
    return x if x.shape == shape else BroadcastTo(shape)(x)
