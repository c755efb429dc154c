"""Dropout with numbers from Philox: the launch of kernels/dropout.cu."""

from .launch import empty
from .random import by_fours, draw
from .versions import enter

PARAMETERS = "const uint64* counter, const real* x, real* y, int n, uint64 seed, real rate, real scale"
VERSIONS = enter("dropout", {"dropout": {"v1": by_fours("dropout.cu", "dropout_v1", PARAMETERS)}})


def dropout(x, seed, counter, rate):
    """y = x / (1 − rate) where the element's number u ≥ rate, else 0; u from Philox4x32-10, as in uniform.

    Shapes: x any, counter (1,) uint64, on the device → x's. Reads ⌈size / 4⌉ counters from counter[0] on and does not
    advance it: the same call on a gradient drops the same elements. Source: Srivastava et al. 2014, section 10.
    """
    y = empty(x.shape, like=x)
    return draw("dropout", dict(counter=counter, x=x, y=y), seed=seed, rate=rate, scale=1 / (1 - rate))
