"""Losses element by element, before any mean, and their derivatives: the truth."""

import numpy as np

from .activation import sigmoid


def sigmoid_cross_entropy(x, target):
    """y = −t·ln σ(x) − (1 − t)·ln(1 − σ(x)) for logits x and one target t in [0, 1], in nats.

    Shapes: x any → y same. As max(x, 0) − t·x + ln(1 + e^−|x|), which neither overflows nor takes ln 0.
    """
    t = x.dtype.type(target)
    return np.maximum(x, 0) - t * x + np.log1p(np.exp(-np.abs(x)))


def sigmoid_cross_entropy_backward(gradient, x, target):
    """∂L/∂x = g·(σ(x) − t).

    Shapes: gradient g and x equal → same.
    """
    return gradient * (sigmoid(x) - x.dtype.type(target))


def least_squares(x, target):
    """y = (x − t)² for one target t.

    Shapes: x any → y same. Source: Mao et al. 2017, eq. 2, without its ½ and its mean.
    """
    difference = x - x.dtype.type(target)
    return difference * difference


def least_squares_backward(gradient, x, target):
    """∂L/∂x = 2·g·(x − t).

    Shapes: gradient g and x equal → same.
    """
    return 2 * gradient * (x - x.dtype.type(target))
