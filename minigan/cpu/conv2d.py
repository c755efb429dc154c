"""The convolutions as device cpu runs them: the same sums as reference/conv2d.py, arranged as large matrix products.

Tests hold them equal to the textbook. Three arrangements, by what is cheap to copy:

    patches    every result's window as one row, pixel by pixel with all channels of each: long runs to copy where there
               are many channels. A data gradient of stride s is s² such convolutions, one for each phase of the pixels:
               those that meet the same weights
    planes     where there are few channels (images): one plane of pixels for each weight of the filter
    frequency  stride 1 and many channels: conv2d_frequency.py
"""

from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np

from .. import shapes
from ..reference.conv2d import pixels_at
from . import conv2d_frequency

FEW = 4  # channels, at most, that count as few: those of images
MANY = 64  # channels, at least, from which the frequency domain wins
ROWS = 1024  # of patches at a time, about: few enough for the cache, enough for the product
NUMBERS = 2**20  # of planes at a time


def conv2d(x, w, bias=None, stride=(1, 1), padding=((0, 0), (0, 0))):
    """As `minigan.reference.conv2d`, in the frequency domain, by planes or by patches."""
    shapes.conv2d(x.shape, w.shape, None if bias is None else bias.shape, stride, padding)
    if _in_frequency(w.shape, stride):
        y = conv2d_frequency.conv2d(x, w, padding)
    elif w.shape[1] <= FEW:
        y = _conv2d_by_planes(x, w, stride, padding)
    else:
        y = _conv2d_by_patches(x, w, stride, padding)
    return _with_bias(y, bias)


def conv2d_backward_data(gradient, w, shape, stride=(1, 1), padding=((0, 0), (0, 0)), bias=None):
    """As `minigan.reference.conv2d_backward_data`, in the frequency domain, by planes, or by patches phase by phase."""
    shapes.check_conv2d_adjoint(gradient.shape, w.shape, shape, stride, padding)
    shapes.check_channel_bias("conv2d_backward_data", None if bias is None else bias.shape, shape)
    if _in_frequency(w.shape, stride):
        x = conv2d_frequency.conv2d_backward_data(gradient, w, shape, padding)
    elif w.shape[1] <= FEW:
        x = _backward_data_by_planes(gradient, w, shape, stride, padding)
    else:
        x = _backward_data_by_phases(gradient, w, shape, stride, padding)
    return _with_bias(x, bias)


def conv2d_backward_weight(gradient, x, window, stride=(1, 1), padding=((0, 0), (0, 0))):
    """As `minigan.reference.conv2d_backward_weight`, in the frequency domain, by planes or by patches."""
    w_shape = gradient.shape[1:2] + x.shape[1:2] + tuple(window)
    shapes.check_conv2d_adjoint(gradient.shape, w_shape, x.shape, stride, padding)
    if _in_frequency(w_shape, stride):
        return conv2d_frequency.conv2d_backward_weight(gradient, x, window, padding)
    if w_shape[1] <= FEW:
        return _backward_weight_by_planes(gradient, x, w_shape, stride, padding)
    return _backward_weight_by_patches(gradient, x, w_shape, stride, padding)


def _in_frequency(w_shape, stride):
    return tuple(stride) == (1, 1) and min(w_shape[:2]) >= MANY and prod(w_shape[2:]) > 1


def _with_bias(y, bias):
    if bias is not None:
        y += bias[:, None, None]
    return y


def _chunks(images, per_image, limit):
    """(first, last) of as many images at a time as keep within the limit when an image has `per_image`, or of one."""
    step = max(1, limit // max(per_image, 1))
    return [(first, min(first + step, images)) for first in range(0, images, step)]


def _channels_last(x, padding):
    """x (n, c, h, w) as (n, h, w, c), with zeros around the pixels."""
    n, c, height, width = x.shape
    (top, bottom), (left, right) = padding
    padded = np.zeros((n, height + top + bottom, width + left + right, c), x.dtype)
    padded[:, top : top + height, left : left + width] = x.transpose(0, 2, 3, 1)
    return padded


def _patches(padded, window, stride=(1, 1)):
    """The window of every result as a row: (n · rows · columns, kh kw c) of images (n, h, w, c)."""
    windows = np.lib.stride_tricks.sliding_window_view(padded, window, (1, 2))[:, :: stride[0], :: stride[1]]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(prod(windows.shape[:3]), -1)


def _conv2d_by_patches(x, w, stride, padding):
    y = np.empty(shapes.conv2d(x.shape, w.shape, None, stride, padding), x.dtype)
    rows, size = _as_rows(w), y.shape[2:]
    for first, last in _chunks(len(x), prod(size), ROWS):
        results = _patches(_channels_last(x[first:last], padding), w.shape[2:], stride) @ rows
        y[first:last] = results.reshape(last - first, *size, len(w)).transpose(0, 3, 1, 2)
    return y


def _as_rows(w):
    """Weights (o, c, kh, kw) as what patches are multiplied by: (kh kw c, o)."""
    return np.ascontiguousarray(w.transpose(2, 3, 1, 0)).reshape(-1, len(w))


def _backward_weight_by_patches(gradient, x, w_shape, stride, padding):
    o, c, *window = w_shape
    w = np.zeros((o, prod(window) * c), x.dtype)
    for first, last in _chunks(len(x), prod(gradient.shape[2:]), ROWS):
        patches = _patches(_channels_last(x[first:last], padding), tuple(window), stride)
        w += gradient[first:last].transpose(1, 0, 2, 3).reshape(o, -1) @ patches
    return np.ascontiguousarray(w.reshape(o, *window, c).transpose(0, 3, 1, 2))


class _Phase(NamedTuple):
    """Along one axis: the pixels a, a + stride, …; the weights that they meet; from which to which result they meet them."""

    pixels: slice
    weights: slice
    taps: int
    start: int
    stop: int


def _phases(pixels, weights, stride, padding):
    """The phases that meet any weight. Pixel a + stride · u meets weight p + stride · t at result u + offset − t."""
    phases = []
    for a in range(min(stride, pixels)):
        offset, p = divmod(a + padding[0], stride)
        count, taps = len(range(a, pixels, stride)), len(range(p, weights, stride))
        if taps:
            start, stop = offset - taps + 1, offset + count
            phases.append(_Phase(slice(a, None, stride), slice(p, None, stride), taps, start, stop))
    return phases


def _backward_data_by_phases(gradient, w, shape, stride, padding):
    x = np.empty(shape, gradient.dtype)
    along = [_phases(*axis) for axis in zip(shape[2:], w.shape[2:], stride, padding)]
    before = [max([0, *(-phase.start for phase in phases)]) for phases in along]
    behind = [max([0, *(phase.stop - n for phase in phases)]) for phases, n in zip(along, gradient.shape[2:])]
    for first, last in _chunks(len(x), prod(shape[2:]) // prod(stride), ROWS):
        padded = _channels_last(gradient[first:last], tuple(zip(before, behind)))
        pixels = np.zeros((last - first, *shape[2:], shape[1]), x.dtype)  # 0 where no weight is met
        for rows, columns in product(*along):
            met = padded[
                :, before[0] + rows.start : before[0] + rows.stop, before[1] + columns.start : before[1] + columns.stop
            ]
            weights = w[:, :, rows.weights, columns.weights][:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
            part = pixels[:, rows.pixels, columns.pixels]
            part[...] = (_patches(met, (rows.taps, columns.taps)) @ _as_rows(weights)).reshape(part.shape)
        x[first:last] = pixels.transpose(0, 3, 1, 2)
    return x


def _planes(x, window, stride, padding, size):
    """Chunks (first, last, planes (last − first, c kh kw, rows · columns)) of the images of x."""
    n, c = x.shape[:2]
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    for first, last in _chunks(n, c * prod(window) * prod(size), NUMBERS):
        planes = np.empty((last - first, c, *window, *size), x.dtype)
        for p, q in np.ndindex(*window):
            planes[:, :, p, q] = pixels_at(padded[first:last], p, q, size, stride)
        yield first, last, planes.reshape(last - first, -1, prod(size))


def _conv2d_by_planes(x, w, stride, padding):
    y = np.empty(shapes.conv2d(x.shape, w.shape, None, stride, padding), x.dtype)
    for first, last, planes in _planes(x, w.shape[2:], stride, padding, y.shape[2:]):
        np.matmul(w.reshape(len(w), -1), planes, out=y[first:last].reshape(last - first, len(w), -1))
    return y


def _backward_weight_by_planes(gradient, x, w_shape, stride, padding):
    w = np.zeros((w_shape[0], prod(w_shape[1:])), x.dtype)
    for first, last, planes in _planes(x, w_shape[2:], stride, padding, gradient.shape[2:]):
        w += (gradient[first:last].reshape(last - first, len(w), -1) @ planes.transpose(0, 2, 1)).sum(0)
    return w.reshape(w_shape)


def _backward_data_by_planes(gradient, w, shape, stride, padding):
    (top, bottom), (left, right) = padding
    n, c, height, width = shape
    padded = np.zeros((n, c, height + top + bottom, width + left + right), gradient.dtype)
    rows, size = w.reshape(len(w), -1).T, gradient.shape[2:]
    for first, last in _chunks(n, len(rows) * prod(size), NUMBERS):
        planes = rows @ gradient[first:last].reshape(last - first, len(w), -1)
        planes = planes.reshape(last - first, *w.shape[1:], *size)
        for p, q in np.ndindex(*w.shape[2:]):
            pixels_at(padded[first:last], p, q, size, stride)[...] += planes[:, :, p, q]
    return np.ascontiguousarray(padded[:, :, top : top + height, left : left + width])
