"""Sums over axes: the truth."""

import numpy as np

from .. import shapes


def sum(x, axes=None, keepdims=False):
    """y = Σ x over `axes` (None: all of them); 0 where nothing is summed.

    Shapes: x any → x's shape without the axes, or with them as 1 under `keepdims`. Raises MiniganError for an axis
    that x does not have.
    """
    return np.asarray(x.sum(shapes.axes(x.shape, axes), keepdims=keepdims))


def mean(x, axes=None, keepdims=False):
    """y = Σ x / (number of terms) over `axes` (None: all of them).

    Shapes: x any → x's shape without the axes, or with them as 1 under `keepdims`. Raises MiniganError for an axis
    that x does not have, or an empty x.
    """
    terms = shapes.mean_terms(x.shape, axes)
    return np.asarray(sum(x, axes, keepdims) / x.dtype.type(terms))


def sum_to(x, shape):
    """y = x summed over every axis along which `shape` would be repeated to x's. The adjoint of broadcast_to.

    Shapes: x any, `shape` broadcasts to x's → shape. Raises MiniganError where it does not.
    """
    return x.sum(shapes.broadcast_axes(shape, x.shape), keepdims=True).reshape(shape)
