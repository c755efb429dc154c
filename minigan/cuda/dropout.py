"""Dropout with numbers from Philox: the launch of kernels/dropout.cu."""

from .launch import empty
from .random import by_fours, draw
from .versions import enter

PARAMETERS = "const uint64* counter, const real* x, real* y, int n, uint64 seed, real rate, real scale"
VERSIONS = enter("dropout", {"dropout": {"v1": by_fours("dropout.cu", "dropout_v1", PARAMETERS)}})


def dropout(x, seed, counter, rate):
    """As `minigan.reference.dropout`. A thread draws four numbers, of one counter."""
    y = empty(x.shape, like=x)
    return draw("dropout", dict(counter=counter, x=x, y=y), seed=seed, rate=rate, scale=1 / (1 - rate))
