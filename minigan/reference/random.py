"""Philox4x32-10, the counter-based random numbers: the truth.

Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3. A counter goes in, ten
rounds of multiply-and-xor mix it, four 32-bit words come out. There is no hidden state: whoever has the seed and the
counter has the numbers, on every device and in any order.
"""

from math import prod

import numpy as np

# The multipliers and the Weyl increments of the key, as Random123 has them.
MULTIPLIER_0, MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL_0, WEYL_1 = 0x9E3779B9, 0xBB67AE85
ROUNDS = 10
HALF, LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


def philox(counters, key):
    """Ten Philox rounds: four arrays of counter words and a key of two → four arrays of random words.

    Words have 32 bits, and lie in uint64 arrays, which hold a whole product of two.
    """
    x0, x1, x2, x3 = counters
    key0, key1 = key
    for _ in range(ROUNDS):
        product0, product1 = MULTIPLIER_0 * x0, MULTIPLIER_1 * x2
        x0, x1 = (product1 >> HALF) ^ x1 ^ np.uint64(key0), product1 & LOW
        x2, x3 = (product0 >> HALF) ^ x3 ^ np.uint64(key1), product0 & LOW
        key0, key1 = (key0 + WEYL_0) & 0xFFFFFFFF, (key1 + WEYL_1) & 0xFFFFFFFF
    return x0, x1, x2, x3


def _fractions(count, seed, counter, dtype):
    """`count` numbers k·2⁻²⁴, k from the upper 24 bits of each word: exact in float32 and in float64 alike.

    Number i is word i mod 4 of counter `counter[0]` + i div 4; the key is the seed's two halves.
    """
    blocks = -(-count // 4)
    number = np.uint64(counter[0]) + np.arange(blocks, dtype=np.uint64)
    zeros = np.zeros(blocks, np.uint64)
    words = philox((number & LOW, number >> HALF, zeros, zeros), (seed & 0xFFFFFFFF, seed >> 32))
    numbers = np.empty((blocks, 4), dtype)
    for place, word in enumerate(words):
        numbers[:, place] = word >> np.uint64(8)
    numbers *= numbers.dtype.type(2.0**-24)
    return numbers.reshape(-1)[:count]


def uniform(shape, seed, counter, low, high, dtype):
    """Uniform numbers in [low, high): low + (high − low)·u, u from Philox4x32-10 with 24 bits.

    Shapes: counter (1,) uint64, on the device → `shape`. Reads ⌈size / 4⌉ counters from counter[0] on and does not
    advance it. `seed`: 64 bits. u is the same on every device and in both dtypes; the range is up to rounding.
    """
    kind = np.dtype(dtype).type
    u = _fractions(prod(shape), seed, counter, dtype)
    return (kind(low) + kind(high - low) * u).reshape(shape)


def normal(shape, seed, counter, mean, deviation, dtype):
    """Normal numbers, mean + deviation·n, by Box and Muller 1958: n = √(−2 ln u₁)·(cos 2πu₂, sin 2πu₂).

    Shapes: counter (1,) uint64, on the device → `shape`. Reads ⌈size / 4⌉ counters from counter[0] on and does not
    advance it. `seed`: 64 bits. Equal on every device up to the rounding of ln, √, cos and sin.
    """
    count, kind = prod(shape), np.dtype(dtype).type
    u = _fractions(count + count % 2, seed, counter, dtype).reshape(-1, 2)
    radius = np.sqrt(-2 * np.log(u[:, 0] + kind(2.0**-24)))  # u₁ in (0, 1]: ln 0 cannot happen
    angle = kind(2 * np.pi) * u[:, 1]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return (kind(mean) + kind(deviation) * pairs.reshape(-1)[:count]).reshape(shape)


def advance(counter, by):
    """counter[0] += by, in place, on the device: the noise counter after a draw, Adam's step count before a step.

    Shapes: counter (1,) uint64. `by`: a non-negative integer.
    """
    counter += np.uint64(by)


def reserve(counter, by):
    """(1,): where the counter stands; then counter[0] += by, in place. Both on the device, for who draws these numbers later.

    Shapes: counter (1,) uint64 → (1,) uint64. `by`: a non-negative integer.
    """
    before = counter.copy()
    advance(counter, by)
    return before
