"""2-D convolution and its two adjoints: the truth. As everywhere in deep learning, no filter is flipped.

A transposed convolution is conv2d_backward_data: the same numbers under another name.
"""

import numpy as np

from .. import shapes


def conv2d(x, w, bias=None, stride=(1, 1), padding=((0, 0), (0, 0))):
    """y[n, o, i, j] = Σ x[n, c, i s₀ + p − top, j s₁ + q − left] w[o, c, p, q] + bias[o] over c, p, q; x is 0 outside.

    Shapes: x (n, c, h, w), w (o, c, kh, kw), bias (o,) → (n, o, ⌊(h + top + bottom − kh) / s₀⌋ + 1, likewise).
    `padding` is ((top, bottom), (left, right)). Raises MiniganError where shapes do not fit.
    """
    shapes.conv2d(x.shape, w.shape, None if bias is None else bias.shape, stride, padding)
    y = np.tensordot(_windows(x, w.shape[2:], stride, padding), w, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(y if bias is None else y + bias[:, None, None])


def conv2d_backward_data(gradient, w, shape, stride=(1, 1), padding=((0, 0), (0, 0)), bias=None):
    """∂L/∂x of conv2d for x of `shape`, and + bias[c]: what a transposed convolution adds.

    Every gradient[n, o, i, j] goes back to the pixels it was made from, each time with that pixel's weight.
    Shapes: gradient (n, o, i, j), w (o, c, kh, kw), bias (c,) → shape (n, c, h, w).
    Raises MiniganError where shapes do not fit.
    """
    shapes.check_conv2d_adjoint(gradient.shape, w.shape, shape, stride, padding)
    shapes.check_channel_bias("conv2d_backward_data", None if bias is None else bias.shape, shape)
    (top, bottom), (left, right) = padding
    n, c, height, width = shape
    padded = np.zeros((n, c, height + top + bottom, width + left + right), gradient.dtype)
    for p, q in np.ndindex(*w.shape[2:]):
        pixels = pixels_at(padded, p, q, gradient.shape[2:], stride)
        pixels += np.tensordot(gradient, w[:, :, p, q], (1, 0)).transpose(0, 3, 1, 2)
    x = padded[:, :, top : top + height, left : left + width]
    return np.ascontiguousarray(x if bias is None else x + bias[:, None, None])


def conv2d_backward_weight(gradient, x, window, stride=(1, 1), padding=((0, 0), (0, 0))):
    """∂L/∂w of conv2d for w whose height and width are `window`.

    Shapes: gradient (n, o, i, j), x (n, c, h, w), `window` (kh, kw) → (o, c, kh, kw).
    Raises MiniganError where shapes do not fit.
    """
    w_shape = gradient.shape[1:2] + x.shape[1:2] + tuple(window)
    shapes.check_conv2d_adjoint(gradient.shape, w_shape, x.shape, stride, padding)
    return np.ascontiguousarray(np.tensordot(gradient, _windows(x, window, stride, padding), ((0, 2, 3), (0, 2, 3))))


def _windows(x, window, stride, padding):
    """A view (n, c, i, j, kh, kw) of the padded x: the window that each result is made from."""
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    return np.lib.stride_tricks.sliding_window_view(padded, tuple(window), (2, 3))[:, :, :: stride[0], :: stride[1]]


def pixels_at(padded, p, q, size, stride):
    """The view of all pixels that meet the weight at (p, q) of the filter."""
    return padded[:, :, p : p + stride[0] * size[0] : stride[0], q : q + stride[1] * size[1] : stride[1]]
