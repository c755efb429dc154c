"""Dropout: y = m x, with a random m of 0 or 1 / (1 − rate) for every element. ∂L/∂x = m g: the same op on the gradient.

No mask is kept: m comes from a counter-based generator, and whoever has the counter has m again.
"""

from math import prod

from ..errors import MiniganError
from ..tensor import Function


class Dropout(Function):
    saves_inputs = False

    def __init__(self, rate, seed, counter):
        self.rate, self.seed, self.counter = rate, seed, counter

    def forward(self, x):
        return self.primitives.dropout(x, self.seed, self.counter, self.rate)

    def backward(self, g):
        return (Dropout(self.rate, self.seed, self.counter)(g),)


def dropout(x, rate, generator):
    """x with each element set to 0 with probability `rate`, and the others divided by 1 − rate: the mean stays.

    Shapes: x any → x's. `generator` is a minigan.random.Generator on x's device, which moves on. Raises MiniganError for a
    rate that is not in [0, 1).
    """
    if not 0 <= rate < 1:
        raise MiniganError(f"dropout: rate {rate}, expected in [0, 1)")
    return Dropout(rate, generator.seed, generator.reserve(prod(x.shape)))(x)
