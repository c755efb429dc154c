"""Pooling: the launches of kernels/pool.cu."""

from math import prod

import numpy as np

from .. import shapes
from .elements import elementwise, launch_elements
from .launch import empty
from .versions import enter

_WINDOWS = (
    "int n, int height, int width, int rows, int columns, int window_height, int window_width, int down, int right"
)
PARAMETERS = {
    "max_pool2d_where": f"const real* x, int* where, {_WINDOWS}",
    "gather_pixels": "const real* x, const int* where, real* y, int n, int pixels, int places",
    "scatter_pixels": "const real* gradient, const int* where, real* x, int n, int pixels, int places",
    "sum_pool2d": f"const real* x, real* y, {_WINDOWS}, real scale",
    "sum_pool2d_backward": f"const real* gradient, real* x, {_WINDOWS}, real scale",
}
VERSIONS = enter("pool", elementwise("pool.cu", PARAMETERS))


def _windows(x, y, window, stride):
    """The numbers that describe windows, from the shapes of x and y."""
    return dict(
        height=x[2], width=x[3], rows=y[2], columns=y[3], window_height=window[0], window_width=window[1],
        down=stride[0], right=stride[1],
    )  # fmt: skip


def max_pool2d_where(x, window, stride):
    """As `minigan.reference.max_pool2d_where`. A thread a window."""
    shape = shapes.pool2d(x.shape, window, stride)
    where = empty(shape, like=x, dtype=np.int32)
    windows = _windows(x.shape, shape, window, stride)
    launch_elements("max_pool2d_where", prod(shape), dict(x=x, where=where), **windows)
    return where


def gather_pixels(x, where):
    """As `minigan.reference.gather_pixels`. A thread a pixel of y."""
    shapes.check_same_pixels("gather_pixels", where.shape, where.shape, x.shape)
    y = empty(where.shape, like=x)
    sizes = dict(pixels=prod(x.shape[2:]), places=prod(where.shape[2:]))
    launch_elements("gather_pixels", where.size, dict(x=x, where=where, y=y), **sizes)
    return y


def scatter_pixels(gradient, where, shape):
    """As `minigan.reference.scatter_pixels`. A thread a plane, so that no two write one pixel."""
    shapes.check_same_pixels("scatter_pixels", gradient.shape, where.shape, shape)
    x = empty(shape, like=gradient)
    sizes = dict(pixels=prod(shape[2:]), places=prod(where.shape[2:]))
    launch_elements("scatter_pixels", prod(shape[:2]), dict(gradient=gradient, where=where, x=x), **sizes)
    return x


def sum_pool2d(x, window, stride, scale=1.0):
    """As `minigan.reference.sum_pool2d`. A thread a window."""
    shape = shapes.pool2d(x.shape, window, stride)
    y = empty(shape, like=x)
    windows = _windows(x.shape, shape, window, stride)
    launch_elements("sum_pool2d", prod(shape), dict(x=x, y=y), **windows, scale=scale)
    return y


def sum_pool2d_backward(gradient, shape, window, stride, scale=1.0):
    """As `minigan.reference.sum_pool2d_backward`. A thread a pixel, which gathers from the windows that it lies in."""
    shapes.check_pool2d_adjoint(gradient.shape, shape, window, stride)
    x = empty(shape, like=gradient)
    windows = _windows(shape, gradient.shape, window, stride)
    launch_elements("sum_pool2d_backward", prod(shape), dict(gradient=gradient, x=x), **windows, scale=scale)
    return x
