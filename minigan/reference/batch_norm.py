"""Batch normalisation, each channel by itself: the truth."""

import numpy as np

from .. import shapes
from .activation import leaky_relu


def batch_norm_statistics(x):
    """(mean, variance) of each channel, over all axes but the second; the variance is biased: divided by the count.

    Shapes: x (n, c) or (n, c, h, w) → (c,), (c,). Raises MiniganError for another rank or an empty x.
    """
    shapes.check_batch_norm(x.shape)
    mean = x.mean(other_axes(x))
    # Two passes: squares are taken of what is left when the mean is gone, so a large mean costs no digits. What the mean
    # missed by rounding is then the mean of what is left.
    rest = x - along_channels(x, mean)
    missed = rest.mean(other_axes(x))
    return mean + missed, np.square(rest).mean(other_axes(x)) - np.square(missed)


def batch_norm(x, mean, variance, gamma, beta, epsilon):
    """y = γ (x − mean) / √(variance + ε) + β, channel by channel.

    Shapes: x (n, c) or (n, c, h, w), the others (c,) → x's. Raises MiniganError where they do not fit.
    Source: Ioffe and Szegedy 2015, Algorithm 1.
    """
    shapes.check_batch_norm(x.shape, mean.shape, variance.shape, gamma.shape, beta.shape)
    mean, variance, gamma, beta = (along_channels(x, values) for values in (mean, variance, gamma, beta))
    return gamma * (x - mean) / np.sqrt(variance + x.dtype.type(epsilon)) + beta


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
    shapes.check_batch_norm(x.shape, mean.shape, variance.shape, gamma.shape)
    mean, variance, gamma = (along_channels(x, values) for values in (mean, variance, gamma))
    deviation = np.sqrt(variance + x.dtype.type(epsilon))
    normal = (x - mean) / deviation
    grad_gamma, grad_beta = (gradient * normal).sum(other_axes(x)), gradient.sum(other_axes(x))
    # By way of the mean and of the variance each value moves all others: ∂L/∂x = γ/σ (g − (∂L/∂β + x̂ ∂L/∂γ) / count).
    count = x.dtype.type(x.size / x.shape[1])
    shared = (along_channels(x, grad_beta) + normal * along_channels(x, grad_gamma)) / count
    return gamma / deviation * (gradient - shared), grad_gamma, grad_beta


def other_axes(x):
    """All axes but the channels'."""
    return (0, *range(2, x.ndim))


def along_channels(x, values):
    """(c,) as it broadcasts over x."""
    return values.reshape(-1, *(1,) * (x.ndim - 2))
