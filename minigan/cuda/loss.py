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
    """y = −t·ln σ(x) − (1 − t)·ln(1 − σ(x)) for logits x and one target t in [0, 1], in nats.

    Shapes: x any → y same. As max(x, 0) − t·x + ln(1 + e^−|x|), which neither overflows nor takes ln 0.
    """
    return map_elements("sigmoid_cross_entropy", dict(x=x), target=target)


def sigmoid_cross_entropy_backward(gradient, x, target):
    """∂L/∂x = g·(σ(x) − t).

    Shapes: gradient g and x equal → same.
    """
    return map_elements("sigmoid_cross_entropy_backward", dict(gradient=gradient, x=x), target=target)


def least_squares(x, target):
    """y = (x − t)² for one target t.

    Shapes: x any → y same. Source: Mao et al. 2017, eq. 2, without its ½ and its mean.
    """
    return map_elements("least_squares", dict(x=x), target=target)


def least_squares_backward(gradient, x, target):
    """∂L/∂x = 2·g·(x − t).

    Shapes: gradient g and x equal → same.
    """
    return map_elements("least_squares_backward", dict(gradient=gradient, x=x), target=target)
