"""Dropout with numbers from Philox: the truth."""

import numpy as np

from .random import uniform


def dropout(x, seed, counter, rate):
    """y = x / (1 − rate) where the element's number u ≥ rate, else 0; u from Philox4x32-10, as in uniform.

    Shapes: x any, counter (1,) uint64, on the device → x's. Reads ⌈size / 4⌉ counters from counter[0] on and does not
    advance it: the same call on a gradient drops the same elements. Source: Srivastava et al. 2014, section 10.
    """
    kept = uniform(x.shape, seed, counter, 0.0, 1.0, x.dtype) >= x.dtype.type(rate)
    return np.where(kept, x * x.dtype.type(1 / (1 - rate)), x.dtype.type(0))
