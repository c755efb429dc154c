"""Max pooling of device cpu: NumPy is quick along large arrays, and slow in windows of few pixels."""

import numpy as np

from .. import shapes
from ..reference.pool import windows_of


def max_pool2d_where(x, window, stride):
    """As `minigan.reference.max_pool2d_where`, for all windows at a time, one pixel of each after the other."""
    *_, rows, columns = shapes.pool2d(x.shape, window, stride)
    windows = windows_of(x, window, stride)
    largest = windows[..., 0, 0].copy()
    place = np.zeros(largest.shape, np.int32)  # from the window's upper left pixel
    for p, q in list(np.ndindex(*window))[1:]:
        pixel = windows[..., p, q].copy()
        larger = (largest == largest) & ~(pixel <= largest)  # of NaN, the first
        place += larger * (np.int32(p * x.shape[3] + q) - place)  # five times as fast as np.where
        largest = np.maximum(largest, pixel)
    corner = np.arange(rows)[:, None] * (stride[0] * x.shape[3]) + np.arange(columns) * stride[1]
    return place + corner.astype(np.int32)


def gather_pixels(x, where):
    """As `minigan.reference.gather_pixels`, by one index into all pixels, which NumPy follows faster than four."""
    shapes.check_same_pixels("gather_pixels", where.shape, where.shape, x.shape)
    return x.reshape(-1)[_places(where, x.shape)]


def scatter_pixels(gradient, where, shape):
    """As `minigan.reference.scatter_pixels`, by one index into all pixels, which NumPy follows faster than four."""
    shapes.check_same_pixels("scatter_pixels", gradient.shape, where.shape, shape)
    x = np.zeros(shape, gradient.dtype)
    np.add.at(x.reshape(-1), _places(where, shape).reshape(-1), gradient.reshape(-1))
    return x


def _places(where, shape):
    """Indices into all the pixels of (n, c, h, w), from those into the pixels of each image's channel."""
    n, c, height, width = shape
    planes = np.arange(0, n * c * height * width, height * width) if height * width else np.zeros(n * c, int)
    return where + planes.reshape(n, c, 1, 1)
