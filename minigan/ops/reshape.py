"""The same values under another shape. No arithmetic, so no kernel: memory is only looked at differently.

y[j] = x[i(j)]     ∂L/∂x = g under x's shape
"""

from ..errors import MiniganError
from ..tensor import Function


class Reshape(Function):
    saves_inputs = False
    is_view = True

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        try:
            return x.reshape(self.shape)
        except ValueError:
            raise MiniganError(f"reshape: {x.shape} has {x.size} numbers, which do not make {self.shape}") from None

    def backward(self, g):
        return reshape(g, self.inputs[0].shape)


def reshape(x, shape):
    """x under another shape of the same size; one length may be −1. Raises MiniganError where the sizes differ."""
    return x if x.shape == shape else Reshape(shape)(x)
