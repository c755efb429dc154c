"""Matrix product with a bias and an activation, the dense layer's arithmetic: the truth."""

from .. import shapes
from .activation import leaky_relu


def matmul(a, b, bias=None, transpose_a=False, transpose_b=False, activation=None):
    """y = activation(op(a) op(b) + bias), where op transposes if asked to; y[i, j] = Σₚ op(a)[i, p] op(b)[p, j].

    Shapes: op(a) (m, k), op(b) (k, n), bias (n,) → (m, n). `activation`: None or ("leaky_relu", slope).
    Raises MiniganError where shapes do not fit or the activation is another.
    """
    shapes.matmul(a.shape, b.shape, None if bias is None else bias.shape, transpose_a, transpose_b)
    slope = shapes.leaky_slope(activation)
    a, b = a.T if transpose_a else a, b.T if transpose_b else b
    y = a @ b if bias is None else a @ b + bias
    return y if activation is None else leaky_relu(y, slope)
