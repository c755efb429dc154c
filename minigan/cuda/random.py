"""Philox4x32-10, the counter-based random numbers: the launches of kernels/random.cu."""

from math import prod

from .launch import BLOCK, Plan, declare, empty, launch, pick

declare("random.cu", "uniform", "const uint64* counter, real* y, int n, uint64 seed, real low, real width")
declare("random.cu", "normal", "const uint64* counter, real* y, int n, uint64 seed, real mean, real deviation")
declare("random.cu", "advance", "uint64* counter, uint64 by")
declare("random.cu", "reserve", "uint64* counter, uint64* before, uint64 by")


def plan(name, n, **numbers):
    """One thread makes one counter's four numbers."""
    return Plan(pick(name)[1], (-(-n // (4 * BLOCK)), 1, 1), (BLOCK, 1, 1), {"n": n, **numbers})


def _draw(name, shape, counter, dtype, **numbers):
    y = empty(shape, counter, dtype)
    launch(plan(name, prod(shape), **numbers), counter=counter, y=y)
    return y


def uniform(shape, seed, counter, low, high, dtype):
    """Uniform numbers in [low, high): low + (high − low)·u, u from Philox4x32-10 with 24 bits.

    Shapes: counter (1,) uint64, on the device → `shape`. Reads ⌈size / 4⌉ counters from counter[0] on and does not
    advance it. `seed`: 64 bits. u is the same on every device and in both dtypes; the range is up to rounding.
    """
    return _draw("uniform", shape, counter, dtype, seed=seed, low=low, width=high - low)


def normal(shape, seed, counter, mean, deviation, dtype):
    """Normal numbers, mean + deviation·n, by Box and Muller 1958: n = √(−2 ln u₁)·(cos 2πu₂, sin 2πu₂).

    Shapes: counter (1,) uint64, on the device → `shape`. Reads ⌈size / 4⌉ counters from counter[0] on and does not
    advance it. `seed`: 64 bits. Equal on every device up to the rounding of ln, √, cos and sin.
    """
    return _draw("normal", shape, counter, dtype, seed=seed, mean=mean, deviation=deviation)


def advance(counter, by):
    """counter[0] += by, in place, on the device: the noise counter after a draw, Adam's step count before a step.

    Shapes: counter (1,) uint64. `by`: a non-negative integer.
    """
    launch(_plan_one("advance", by), counter=counter)


def reserve(counter, by):
    """(1,): where the counter stands; then counter[0] += by, in place. Both on the device, for who draws these numbers later.

    Shapes: counter (1,) uint64 → (1,) uint64. `by`: a non-negative integer.
    """
    before = empty((1,), like=counter)
    launch(_plan_one("reserve", by), counter=counter, before=before)
    return before


def _plan_one(name, by):
    return Plan(pick(name)[1], (1, 1, 1), (1, 1, 1), {"by": by})
