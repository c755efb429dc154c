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
    """y = x where x > 0, else slope·x, for a slope from 0 (ReLU) to 1 (the identity).

    Shapes: x any → y same. Source: Maas, Hannun and Ng 2013, "Rectifier nonlinearities improve neural network
    acoustic models"; slope 0.2 in GANs: Radford et al. 2016, section 4.
    """
    return map_elements("leaky_relu", dict(x=x), slope=slope)


def leaky_relu_backward(gradient, x, slope):
    """∂L/∂x = g where x > 0, else slope·g. At the kink x = 0 the left derivative is taken.

    The output y will do for x: they have one sign.

    Shapes: gradient g and x equal → same.
    """
    return map_elements("leaky_relu_backward", dict(gradient=gradient, x=x), slope=slope)


def tanh(x):
    """y = tanh x = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ), in (−1, 1).

    Shapes: x any → y same.
    """
    return map_elements("tanh", dict(x=x))


def tanh_backward(gradient, y):
    """∂L/∂x = g·(1 − y²), from the output y = tanh x.

    Shapes: gradient g and y equal → same.
    """
    return map_elements("tanh_backward", dict(gradient=gradient, output=y))


def sigmoid(x):
    """y = 1 / (1 + e⁻ˣ), in (0, 1); no overflow for any finite x.

    Shapes: x any → y same.
    """
    return map_elements("sigmoid", dict(x=x))


def sigmoid_backward(gradient, y):
    """∂L/∂x = g·y·(1 − y), from the output y = sigmoid x.

    Shapes: gradient g and y equal → same.
    """
    return map_elements("sigmoid_backward", dict(gradient=gradient, output=y))
