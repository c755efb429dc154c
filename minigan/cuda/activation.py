"""Activation functions and their derivatives: the launches of kernels/activation.cu."""

from .elements import elementwise, map_elements
from .versions import enter

PARAMETERS = {
    "leaky_relu": "const real* x, real* y, int n, real slope",
    "leaky_relu_backward": "const real* gradient, const real* x, real* y, int n, real slope",
    "tanh": "const real* x, real* y, int n",
    "tanh_backward": "const real* gradient, const real* output, real* y, int n",
    "sigmoid": "const real* x, real* y, int n",
    "sigmoid_backward": "const real* gradient, const real* output, real* y, int n",
}
VERSIONS = enter("activation", elementwise("activation.cu", PARAMETERS, ("v1", "v2")))


def leaky_relu(x, slope):
    """As `minigan.reference.leaky_relu`. v1: a thread an element. v2: 16 bytes a thread, where that fills the chip."""
    return map_elements("leaky_relu", dict(x=x), slope=slope)


def leaky_relu_backward(gradient, x, slope):
    """As `minigan.reference.leaky_relu_backward`. v1: a thread an element. v2: 16 bytes a thread, where that fills the
    chip."""
    return map_elements("leaky_relu_backward", dict(gradient=gradient, x=x), slope=slope)


def tanh(x):
    """As `minigan.reference.tanh`. v1: a thread an element. v2: 16 bytes a thread, where that fills the chip."""
    return map_elements("tanh", dict(x=x))


def tanh_backward(gradient, y):
    """As `minigan.reference.tanh_backward`. v1: a thread an element. v2: 16 bytes a thread, where that fills the chip."""
    return map_elements("tanh_backward", dict(gradient=gradient, output=y))


def sigmoid(x):
    """As `minigan.reference.sigmoid`. v1: a thread an element. v2: 16 bytes a thread, where that fills the chip."""
    return map_elements("sigmoid", dict(x=x))


def sigmoid_backward(gradient, y):
    """As `minigan.reference.sigmoid_backward`. v1: a thread an element. v2: 16 bytes a thread, where that fills the chip."""
    return map_elements("sigmoid_backward", dict(gradient=gradient, output=y))
