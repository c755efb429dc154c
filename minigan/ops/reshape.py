"""The same values under another shape. No arithmetic, so no kernel: memory is only looked at differently.

y[j] = x[i(j)]     ∂L/∂x = g under x's shape
"""

from ..tensor import Function


class Reshape(Function):
    saves_inputs = False
    is_view = True

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        return x.reshape(self.shape)

    def backward(self, g):
        return reshape(g, self.inputs[0].shape)


def reshape(x, shape):
    """x under another shape of the same size; one length may be −1. Raises ValueError where the sizes differ."""
    return x if x.shape == shape else Reshape(shape)(x)
