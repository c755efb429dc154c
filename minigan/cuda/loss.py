"""Losses element by element and their derivatives: the launches of kernels/loss.cu."""

from .elements import elementwise, map_elements
from .versions import enter

PARAMETERS = {
    "sigmoid_cross_entropy": "const real* x, real* y, int n, real target",
    "sigmoid_cross_entropy_backward": "const real* gradient, const real* x, real* y, int n, real target",
    "least_squares": "const real* x, real* y, int n, real target",
    "least_squares_backward": "const real* gradient, const real* x, real* y, int n, real target",
}
VERSIONS = enter("loss", elementwise("loss.cu", PARAMETERS))


def sigmoid_cross_entropy(x, target):
    """As `minigan.reference.sigmoid_cross_entropy`. A thread an element."""
    return map_elements("sigmoid_cross_entropy", dict(x=x), target=target)


def sigmoid_cross_entropy_backward(gradient, x, target):
    """As `minigan.reference.sigmoid_cross_entropy_backward`. A thread an element."""
    return map_elements("sigmoid_cross_entropy_backward", dict(gradient=gradient, x=x), target=target)


def least_squares(x, target):
    """As `minigan.reference.least_squares`. A thread an element."""
    return map_elements("least_squares", dict(x=x), target=target)


def least_squares_backward(gradient, x, target):
    """As `minigan.reference.least_squares_backward`. A thread an element."""
    return map_elements("least_squares_backward", dict(gradient=gradient, x=x), target=target)
