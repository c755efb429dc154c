"""Noise for any device from one seed: a Generator holds the seed and a counter, and nothing else."""

from math import prod

import numpy as np

from .devices import device as get_device
from .errors import MiniganError
from .tensor import Tensor


class Generator:
    """A stream of random Tensors. One seed gives the same stream on every device and, rounded, in both dtypes.

    `seed`: 0 to 2⁶⁴ − 1. The counter is a one-element array on the device; every draw moves it on.

    >>> import minigan as mg
    >>> mg.random.Generator(seed=1).uniform((2,), -1, 1).shape
    (2,)
    """

    def __init__(self, seed, device="cpu", dtype="float32"):
        if not 0 <= seed < 2**64:
            raise MiniganError(f"seed {seed}: expected 0 to 2⁶⁴ − 1")
        self.seed, self.device, self.dtype = int(seed), get_device(device), np.dtype(dtype)
        self.counter = self.device.xp.zeros(1, np.uint64)

    def uniform(self, shape, low=0.0, high=1.0):
        """Uniform numbers in [low, high), up to rounding."""
        return self._draw("uniform", shape, low, high)

    def normal(self, shape, mean=0.0, deviation=1.0):
        """Normal numbers."""
        return self._draw("normal", shape, mean, deviation)

    def _draw(self, name, shape, *parameters):
        primitives = self.device.primitives
        array = getattr(primitives, name)(tuple(shape), self.seed, self.counter, *parameters, self.dtype)
        self.device.primitives.advance(self.counter, _counters(prod(shape)))
        return Tensor(array, self.device)

    def reserve(self, count):
        """Move on by so many numbers; returns the counter that they begin at, a one-element array on the device."""
        return self.device.primitives.reserve(self.counter, _counters(count))

    def state(self):
        """How many counters have been used up: all that resuming the stream needs besides the seed."""
        return {"counter": self.device.to_numpy(self.counter).copy()}

    def load_state(self, state):
        if np.shape(state.get("counter")) != (1,):
            raise MiniganError(f"generator state: expected a counter of shape (1,), got {state.get('counter')}")
        self.counter[...] = self.device.xp.asarray(state["counter"], np.uint64)


def _counters(count):
    """How many counters so many numbers take: each gives four."""
    return -(-count // 4)
