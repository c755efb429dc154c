"""Activation functions and their derivatives, element by element: the truth."""

import numpy as np


def leaky_relu(x, slope):
    """y = x where x > 0, else slope·x, for a slope from 0 (ReLU) to 1 (the identity).

    Shapes: x any → y same. Source: Maas, Hannun and Ng 2013, "Rectifier nonlinearities improve neural network
    acoustic models"; slope 0.2 in GANs: Radford et al. 2016, section 4.
    """
    if not slope:
        return np.maximum(x, 0)  # 0·∞ would be NaN
    return np.maximum(x, x.dtype.type(slope) * x)


def leaky_relu_backward(gradient, x, slope):
    """∂L/∂x = g where x > 0, else slope·g. At the kink x = 0 the left derivative is taken.

    The output y will do for x: they have one sign.

    Shapes: gradient g and x equal → same.
    """
    return np.where(x > 0, gradient, x.dtype.type(slope) * gradient)


def tanh(x):
    """y = tanh x = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ), in (−1, 1).

    Shapes: x any → y same.
    """
    return np.tanh(x)


def tanh_backward(gradient, y):
    """∂L/∂x = g·(1 − y²), from the output y = tanh x.

    Shapes: gradient g and y equal → same.
    """
    return gradient * (1 - y * y)


def sigmoid(x):
    """y = 1 / (1 + e⁻ˣ), in (0, 1); no overflow for any finite x.

    Shapes: x any → y same.
    """
    e = np.exp(-np.abs(x))  # in (0, 1]: the exponential that cannot overflow
    return np.where(x >= 0, 1, e) / (1 + e)


def sigmoid_backward(gradient, y):
    """∂L/∂x = g·y·(1 − y), from the output y = sigmoid x.

    Shapes: gradient g and y equal → same.
    """
    return gradient * y * (1 - y)
