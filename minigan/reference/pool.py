"""Pooling: the truth. Max pooling is a choice of pixels; averaging and nearest upsampling are adjoint to each other."""

from math import prod

import numpy as np

from .. import shapes


def max_pool2d_where(x, window, stride):
    """The place of each window's largest pixel, counted from its image's upper left one row by row; the first of equals.

    Shapes: x (n, c, h, w) → int32 (n, c, ⌊(h − kh) / s₀⌋ + 1, likewise). Raises MiniganError where no window fits.
    """
    *_, rows, columns = shapes.pool2d(x.shape, window, stride)
    windows = windows_of(x, window, stride).reshape(*x.shape[:2], rows, columns, prod(window))
    p, q = np.divmod(windows.argmax(4), window[1])  # in the window; NaN counts as the largest
    row, column = stride[0] * np.arange(rows)[:, None] + p, stride[1] * np.arange(columns) + q
    return (row * x.shape[3] + column).astype(np.int32)


def gather_pixels(x, where):
    """y = the pixels of each image that `where` names. The adjoint of scatter_pixels.

    Shapes: x (n, c, h, w), where int32 (n, c, i, j) → (n, c, i, j). Raises MiniganError where they do not fit.
    """
    shapes.check_same_pixels("gather_pixels", where.shape, where.shape, x.shape)
    return x[_indices(where, x.shape)]


def scatter_pixels(gradient, where, shape):
    """x = 0, plus every gradient at the pixel that `where` names. The adjoint of gather_pixels.

    Shapes: gradient (n, c, i, j), where int32 (n, c, i, j) → shape (n, c, h, w). Raises MiniganError where they do not fit.
    """
    shapes.check_same_pixels("scatter_pixels", gradient.shape, where.shape, shape)
    x = np.zeros(shape, gradient.dtype)
    np.add.at(x, _indices(where, shape), gradient)  # and not x[…] += gradient: overlapping windows may name one pixel
    return x


def sum_pool2d(x, window, stride, scale=1.0):
    """y = scale · Σ over each window; scale 1 / (kh kw) makes it the average.

    Shapes: x (n, c, h, w) → (n, c, ⌊(h − kh) / s₀⌋ + 1, likewise). Raises MiniganError where no window fits.
    """
    shapes.pool2d(x.shape, window, stride)
    return np.ascontiguousarray(x.dtype.type(scale) * windows_of(x, window, stride).sum((4, 5)))


def sum_pool2d_backward(gradient, shape, window, stride, scale=1.0):
    """x = scale · (every gradient in all pixels of its window). With window = stride, nearest upsampling.

    Shapes: gradient (n, c, i, j) → shape (n, c, h, w). Raises MiniganError where they do not fit.
    """
    shapes.check_pool2d_adjoint(gradient.shape, shape, window, stride)
    x = np.zeros(shape, gradient.dtype)
    rows, columns = gradient.shape[2:]
    for p, q in np.ndindex(*window):
        x[:, :, p : p + rows * stride[0] : stride[0], q : q + columns * stride[1] : stride[1]] += gradient
    return x.dtype.type(scale) * x


def _indices(where, shape):
    """The image, channel, row and column of each pixel that `where` names among those of (n, c, h, w)."""
    n, c, _, width = shape
    return np.arange(n)[:, None, None, None], np.arange(c)[:, None, None], *np.divmod(where, width)


def windows_of(x, window, stride):
    """A view (n, c, i, j, kh, kw) of x."""
    return np.lib.stride_tricks.sliding_window_view(x, tuple(window), (2, 3))[:, :, :: stride[0], :: stride[1]]
