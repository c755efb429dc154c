"""Batch normalisation, each channel by itself: the truth."""

import numpy as np

from .. import shapes
from .activation import leaky_relu


def batch_norm_statistics(x):
    """(mean, variance) of each channel, over all axes but the second; the variance is biased: divided by the count.

    Shapes: x (n, c) or (n, c, h, w) → (c,), (c,). Raises MiniganError for another rank or an empty x.
    """
    shapes.batch_norm(x.shape)
    mean = x.mean(_others(x), keepdims=True)
    # Two passes: squares are taken of what is left when the mean is gone, so a large mean costs no digits. What the mean
    # missed by rounding is then the mean of what is left.
    left = x - mean
    missed = left.mean(_others(x))
    variance = np.square(left, out=left).mean(_others(x)) - missed * missed
    return mean.reshape(-1) + missed, variance


def batch_norm(x, mean, variance, gamma, beta, epsilon):
    """y = γ (x − mean) / √(variance + ε) + β, channel by channel.

    Shapes: x (n, c) or (n, c, h, w), the others (c,) → x's. Raises MiniganError where they do not fit.
    Source: Ioffe and Szegedy 2015, Algorithm 1.
    """
    shapes.batch_norm(x.shape, mean.shape, variance.shape, gamma.shape, beta.shape)
    mean, variance, gamma, beta = (_along(x, each) for each in (mean, variance, gamma, beta))
    y = x - mean
    y *= gamma / np.sqrt(variance + x.dtype.type(epsilon))
    y += beta
    return y


def batch_norm_forward(x, gamma, beta, epsilon, activation=None):
    """(y, mean, variance): activation(γ (x − mean) / √(variance + ε) + β), with the statistics of x itself.

    Shapes: x (n, c) or (n, c, h, w), gamma and beta (c,) → x's, (c,), (c,). `activation`: None or ("leaky_relu", slope).
    Raises MiniganError where they do not fit or the activation is another. Source: Ioffe and Szegedy 2015, Algorithm 1.
    """
    slope = shapes.leaky_slope(activation)
    mean, variance = batch_norm_statistics(x)
    y = batch_norm(x, mean, variance, gamma, beta, epsilon)
    return (y if activation is None else leaky_relu(y, slope)), mean, variance


def batch_norm_backward(gradient, x, mean, variance, gamma, epsilon):
    """(∂L/∂x, ∂L/∂γ, ∂L/∂β) of batch_norm where mean and variance are those of x, and move with it.

    Shapes: gradient and x (n, c) or (n, c, h, w), the others (c,) → x's, (c,), (c,). Raises MiniganError where they do not
    fit. Source: Ioffe and Szegedy 2015, section 3.
    """
    shapes.batch_norm(x.shape, mean.shape, variance.shape, gamma.shape)
    scale = 1 / np.sqrt(_along(x, variance) + x.dtype.type(epsilon))
    normal = x - _along(x, mean)
    normal *= scale
    grad_gamma, grad_beta = (gradient * normal).sum(_others(x)), gradient.sum(_others(x))
    share = x.dtype.type(grad_beta.size / x.size)
    normal *= share * _along(x, grad_gamma)  # from here on, in place, what is taken off the gradient
    normal += share * _along(x, grad_beta)
    grad_x = gradient - normal
    grad_x *= _along(x, gamma) * scale
    return grad_x, grad_gamma, grad_beta


def running_average(running, value, momentum, scale=1.0):
    """In place: running ← running + momentum (scale · value − running).

    Shapes: running and value (c,).
    """
    kind = running.dtype.type
    running += kind(momentum) * (kind(scale) * value - running)


def _others(x):
    """All axes but the channels'."""
    return (0, *range(2, x.ndim))


def _along(x, values):
    """(c,) as it broadcasts over x."""
    return values.reshape(-1, *(1,) * (x.ndim - 2))
