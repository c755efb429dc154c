"""Pooling.

Max pooling chooses a pixel of each window: a gather, whose derivative is the scatter to the same pixels, whose derivative
is that gather again. (Where two pixels of a window are equal the maximum has a kink; the first one is taken.)

Averaging is linear, and nearest upsampling is its adjoint but for the factor: the derivative of each is the other.
"""

from .. import shapes
from ..errors import MiniganError
from ..tensor import Function, Tensor


class GatherPixels(Function):
    saves_inputs = False

    def __init__(self, where):
        self.where = where

    def forward(self, x):
        return self.primitives.gather_pixels(x, self.where)

    def backward(self, g):
        return (ScatterPixels(self.where, self.inputs[0].shape)(g),)


class ScatterPixels(Function):
    saves_inputs = False

    def __init__(self, where, shape):
        self.where, self.shape = where, shape

    def forward(self, g):
        return self.primitives.scatter_pixels(g, self.where, self.shape)

    def backward(self, h):
        return (GatherPixels(self.where)(h),)


class SumPool2d(Function):
    saves_inputs = False

    def __init__(self, window, stride, scale):
        self.window, self.stride, self.scale = window, stride, scale

    def forward(self, x):
        return self.primitives.sum_pool2d(x, self.window, self.stride, self.scale)

    def backward(self, g):
        return (SumPool2dBackward(self.inputs[0].shape, self.window, self.stride, self.scale)(g),)


class SumPool2dBackward(Function):
    saves_inputs = False

    def __init__(self, shape, window, stride, scale):
        self.shape, self.window, self.stride, self.scale = shape, window, stride, scale

    def forward(self, g):
        return self.primitives.sum_pool2d_backward(g, self.shape, self.window, self.stride, self.scale)

    def backward(self, h):
        return (SumPool2d(self.window, self.stride, self.scale)(h),)


def max_pool2d(x, window, stride=None):
    """The largest pixel of each window. Pixels at the right and below that fill no window are left out.

    Shapes: x (n, c, h, w) → (n, c, ⌊(h − kh) / s₀⌋ + 1, likewise). `window` and `stride` (default: `window`) are numbers or
    (down, right). Raises MiniganError where no window fits.
    """
    _check(x, "max_pool2d")
    window, stride = _windows("max_pool2d", window, stride)
    return GatherPixels(x.device.primitives.max_pool2d_where(x.data, window, stride))(x)


def avg_pool2d(x, window, stride=None):
    """The mean of each window. Pixels at the right and below that fill no window are left out.

    Shapes: x (n, c, h, w) → (n, c, ⌊(h − kh) / s₀⌋ + 1, likewise). `window` and `stride` (default: `window`) are numbers or
    (down, right). Raises MiniganError where no window fits.
    """
    _check(x, "avg_pool2d")
    window, stride = _windows("avg_pool2d", window, stride)
    return SumPool2d(window, stride, 1 / (window[0] * window[1]))(x)


def upsample2d(x, factor=2):
    """Every pixel repeated `factor` (a number, or (down, right)) times: nearest upsampling.

    Shapes: x (n, c, h, w) → (n, c, h · factor, w · factor).
    """
    _check(x, "upsample2d")
    factor = shapes.pair("upsample2d: factor", factor)
    shape = (*x.shape[:2], *(length * times for length, times in zip(x.shape[2:], factor)))
    return SumPool2dBackward(shape, factor, factor, 1.0)(x)


def _windows(name, window, stride):
    window = shapes.pair(f"{name}: window", window)
    return window, window if stride is None else shapes.pair(f"{name}: stride", stride)


def _check(x, name):
    if not isinstance(x, Tensor) or len(x.shape) != 4:
        got = f"shape {x.shape}" if isinstance(x, Tensor) else type(x).__name__
        raise MiniganError(f"{name} takes a Tensor of images (n, c, h, w), got {got}")
