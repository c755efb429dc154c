"""Arithmetic element by element, with NumPy's broadcasting: the truth.

The two-operand primitives take arrays or plain numbers; at least one operand is an array.
"""

import numpy as np

from .. import shapes


def _broadcasting(ufunc, a, b):
    """ufunc(a, b). Where the shapes do not fit, the error is the one that shapes.py gives on every device."""
    try:
        return ufunc(a, b)
    except ValueError:
        shapes.broadcast(np.shape(a), np.shape(b))
        raise


def add(a, b):
    """y = a + b.

    Shapes: a and b broadcast together → y; either may be a number. Raises MiniganError where they do not fit.
    """
    return _broadcasting(np.add, a, b)


def sub(a, b):
    """y = a − b.

    Shapes: a and b broadcast together → y; either may be a number. Raises MiniganError where they do not fit.
    """
    return _broadcasting(np.subtract, a, b)


def mul(a, b):
    """y = a · b.

    Shapes: a and b broadcast together → y; either may be a number. Raises MiniganError where they do not fit.
    """
    return _broadcasting(np.multiply, a, b)


def div(a, b):
    """y = a / b, infinite or NaN where b = 0, as IEEE 754 has it.

    Shapes: a and b broadcast together → y; either may be a number. Raises MiniganError where they do not fit.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return _broadcasting(np.divide, a, b)


def pow(a, b):
    """y = aᵇ, NaN where a < 0 and b is no integer.

    Shapes: a and b broadcast together → y; either may be a number. Raises MiniganError where they do not fit.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return _broadcasting(np.power, a, b)


def neg(x):
    """y = −x.

    Shapes: x any → y same.
    """
    return -x


def exp(x):
    """y = eˣ.

    Shapes: x any → y same.
    """
    return np.exp(x)


def log(x):
    """y = ln x; −∞ at 0 and NaN below.

    Shapes: x any → y same.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(x)


def sqrt(x):
    """y = √x, NaN below 0.

    Shapes: x any → y same.
    """
    with np.errstate(invalid="ignore"):
        return np.sqrt(x)


def abs(x):
    """y = |x|.

    Shapes: x any → y same.
    """
    return np.abs(x)


def sign(x):
    """y = −1, 0 or 1: the derivative of |x| (0 at the kink).

    Shapes: x any → y same.
    """
    return np.sign(x)


def clip(x, low, high):
    """y = x, but at least low and at most high; NaN stays NaN.

    Shapes: x any → y same.
    """
    return np.clip(x, low, high)


def clip_backward(gradient, x, low, high):
    """∂L/∂x = g where low ≤ x ≤ high, else 0.

    Shapes: gradient g and x equal → same.
    """
    return np.where((x >= low) & (x <= high), gradient, x.dtype.type(0))


def softplus(x):
    """y = ln(1 + eˣ), as max(x, 0) + ln(1 + e^−|x|), which cannot overflow.

    Shapes: x any → y same.
    """
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def broadcast_to(x, shape):
    """y = x repeated to `shape`, written out in full. The adjoint of sum_to.

    Shapes: x broadcasts to `shape` → shape. Raises MiniganError where it does not.
    """
    shapes.broadcast_axes(x.shape, shape)
    y = np.empty(shape, x.dtype)
    y[...] = x
    return y
