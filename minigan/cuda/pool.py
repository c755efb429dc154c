"""Pooling: the launches of kernels/pool.cu."""

from math import prod

import numpy as np

from .. import shapes
from .launch import declare, empty, launch, plan_elementwise

_WINDOWS = (
    "int n, int height, int width, int rows, int columns, int kernel_height, int kernel_width, int down, int right"
)
declare("pool.cu", "max_pool2d_where", f"const real* x, int* where, {_WINDOWS}")
declare("pool.cu", "gather_pixels", "const real* x, const int* where, real* y, int n, int pixels, int places")
declare("pool.cu", "scatter_pixels", "const real* gradient, const int* where, real* x, int n, int pixels, int places")
declare("pool.cu", "sum_pool2d", f"const real* x, real* y, {_WINDOWS}, real scale")
declare("pool.cu", "sum_pool2d_backward", f"const real* gradient, real* x, {_WINDOWS}, real scale")


def _windows(x, y, kernel, stride):
    """The numbers that describe windows, from the shapes of x and y."""
    return dict(
        height=x[2], width=x[3], rows=y[2], columns=y[3], kernel_height=kernel[0], kernel_width=kernel[1],
        down=stride[0], right=stride[1],
    )  # fmt: skip


def max_pool2d_where(x, kernel, stride):
    """The place of each window's largest pixel, counted from its image's upper left one row by row; the first of equals.

    Shapes: x (n, c, h, w) → int32 (n, c, ⌊(h − kh) / s₀⌋ + 1, likewise). Raises MiniganError where no window fits.
    """
    shape = shapes.pool2d(x.shape, kernel, stride)
    where = empty(shape, like=x, dtype=np.int32)
    launch(
        plan_elementwise("max_pool2d_where", prod(shape), **_windows(x.shape, shape, kernel, stride)), x=x, where=where
    )
    return where


def gather_pixels(x, where):
    """y = the pixels of each image that `where` names. The adjoint of scatter_pixels.

    Shapes: x (n, c, h, w), where int32 (n, c, i, j) → (n, c, i, j). Raises MiniganError where they do not fit.
    """
    shapes.check_same_pixels("gather_pixels", where.shape, where.shape, x.shape)
    y = empty(where.shape, like=x)
    sizes = dict(pixels=prod(x.shape[2:]), places=prod(where.shape[2:]))
    launch(plan_elementwise("gather_pixels", where.size, **sizes), x=x, where=where, y=y)
    return y


def scatter_pixels(gradient, where, shape):
    """x = 0, plus every gradient at the pixel that `where` names. The adjoint of gather_pixels.

    Shapes: gradient (n, c, i, j), where int32 (n, c, i, j) → shape (n, c, h, w). Raises MiniganError where they do not fit.
    """
    shapes.check_same_pixels("scatter_pixels", gradient.shape, where.shape, shape)
    x = empty(shape, like=gradient)
    sizes = dict(pixels=prod(shape[2:]), places=prod(where.shape[2:]))
    launch(plan_elementwise("scatter_pixels", prod(shape[:2]), **sizes), gradient=gradient, where=where, x=x)
    return x


def sum_pool2d(x, kernel, stride, scale=1.0):
    """y = scale · Σ over each window; scale 1 / (kh kw) makes it the average.

    Shapes: x (n, c, h, w) → (n, c, ⌊(h − kh) / s₀⌋ + 1, likewise). Raises MiniganError where no window fits.
    """
    shape = shapes.pool2d(x.shape, kernel, stride)
    y = empty(shape, like=x)
    windows = _windows(x.shape, shape, kernel, stride)
    launch(plan_elementwise("sum_pool2d", prod(shape), **windows, scale=scale), x=x, y=y)
    return y


def sum_pool2d_backward(gradient, shape, kernel, stride, scale=1.0):
    """x = scale · (every gradient in all pixels of its window). With kernel = stride, nearest upsampling.

    Shapes: gradient (n, c, i, j) → shape (n, c, h, w). Raises MiniganError where they do not fit.
    """
    shapes.check_pool2d_adjoint(gradient.shape, shape, kernel, stride)
    x = empty(shape, like=gradient)
    windows = _windows(shape, gradient.shape, kernel, stride)
    launch(plan_elementwise("sum_pool2d_backward", prod(shape), **windows, scale=scale), gradient=gradient, x=x)
    return x
