"""Batch normalisation of device cpu: the reference's steps in as few arrays of x's size as they need.

Each new array goes through memory once more, and memory is what a pass over x waits for.
"""

import numpy as np

from .. import shapes
from ..reference.batch_norm import along_channels, other_axes
from .activation import leaky_relu


def batch_norm_statistics(x):
    """As `minigan.reference.batch_norm_statistics`, with the squares written over what they are squares of."""
    shapes.check_batch_norm(x.shape)
    mean = x.mean(other_axes(x), keepdims=True)
    rest = x - mean
    missed = rest.mean(other_axes(x))
    variance = np.square(rest, out=rest).mean(other_axes(x)) - missed * missed
    return mean.reshape(-1) + missed, variance


def batch_norm(x, mean, variance, gamma, beta, epsilon):
    """As `minigan.reference.batch_norm`, in place, with one factor γ / √(variance + ε) for each channel."""
    shapes.check_batch_norm(x.shape, mean.shape, variance.shape, gamma.shape, beta.shape)
    mean, variance, gamma, beta = (along_channels(x, values) for values in (mean, variance, gamma, beta))
    y = x - mean
    y *= gamma / np.sqrt(variance + x.dtype.type(epsilon))
    y += beta
    return y


def batch_norm_forward(x, gamma, beta, epsilon, activation=None):
    """As `minigan.reference.batch_norm_forward`, of the faster parts."""
    slope = shapes.leaky_slope(activation)
    mean, variance = batch_norm_statistics(x)
    y = batch_norm(x, mean, variance, gamma, beta, epsilon)
    return (y if activation is None else leaky_relu(y, slope)), mean, variance


def batch_norm_backward(gradient, x, mean, variance, gamma, epsilon):
    """As `minigan.reference.batch_norm_backward`, in place, with what is one number for each channel multiplied first."""
    shapes.check_batch_norm(x.shape, mean.shape, variance.shape, gamma.shape)
    scale = 1 / np.sqrt(along_channels(x, variance) + x.dtype.type(epsilon))
    normal = x - along_channels(x, mean)
    normal *= scale
    grad_gamma, grad_beta = (gradient * normal).sum(other_axes(x)), gradient.sum(other_axes(x))
    share = x.dtype.type(grad_beta.size / x.size)
    normal *= share * along_channels(x, grad_gamma)  # from here on, in place, what is taken off the gradient
    normal += share * along_channels(x, grad_beta)
    grad_x = gradient - normal
    grad_x *= along_channels(x, gamma) * scale
    return grad_x, grad_gamma, grad_beta
