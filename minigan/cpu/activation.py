"""Leaky ReLU of device cpu."""

import numpy as np


def leaky_relu(x, slope):
    """As `minigan.reference.leaky_relu`, with the result written over slope·x: one array less to go through memory."""
    if not slope:
        return np.maximum(x, 0)  # 0·∞ would be NaN
    y = np.asarray(x.dtype.type(slope) * x)  # an array also of no dimensions
    return np.maximum(x, y, out=y)


def leaky_relu_backward(gradient, x, slope):
    """As `minigan.reference.leaky_relu_backward`, by a factor of 1 or the slope, computed in place: several times as fast as
    np.where, which chooses number by number."""
    factor = np.asarray(x > 0, x.dtype)
    factor *= x.dtype.type(1 - slope)
    factor += x.dtype.type(slope)  # exactly 1, or exactly the slope
    factor *= gradient
    return factor
