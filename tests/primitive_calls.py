"""Calls of every primitive on awkward shapes: one, primes, non-multiples of every tile, long and thin, empty.

Whoever implements the primitives (kernels on a GPU, say) is held against the float64 reference on each of them.
"""

import itertools

import numpy as np

SHAPES = [(), (1,), (7,), (255,), (256,), (257,), (3, 1, 5), (2, 3, 5, 7), (1031,), (0,), (4, 0, 3)]
SIZES = [
    (0, 3, 2),
    (2, 0, 3),
    (2, 3, 0),
    (1, 1, 1),
    (17, 33, 5),
    (40, 16, 48),
    (3, 100, 2),
    (1, 300, 1),
    (129, 1, 31),
    (16, 16, 16),
    (64, 64, 64),
]
PAIRS = [
    ((2, 1, 3, 4), (5, 1, 4)),
    ((6, 1), (1, 5)),
    ((3, 4, 5), (3, 4, 5)),
    ((), (7,)),
    ((1, 1031), (3, 1)),
    ((0, 3), (3,)),
]
REDUCTIONS = [
    ((3, 4, 5, 6), None), ((3, 4, 5, 6), 0), ((3, 4, 5, 6), (0, 2)), ((3, 4, 5, 6), (1, 3)), ((3, 4, 5, 6), (0, 2, 3)),
    ((3, 4, 5, 6), -1), ((7, 1000), 1), ((1300, 130), 0), ((5003,), 0), ((1, 1), (0, 1)), ((2, 257), (1,)),
]  # fmt: skip


class Draw:
    """Fresh random inputs from a seed."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def __call__(self, *shape, low=-2.0, high=2.0):
        return self.random.uniform(low, high, shape)


def calls(seed=0):
    """(primitive, positional arguments, keyword arguments, tolerance factor) of every call; arrays are float64."""
    f = Draw(seed)
    yield from _matmul(f)
    for shape in SHAPES:
        x, g = f(*shape), f(*shape)
        for name in ("tanh", "sigmoid", "exp", "neg", "abs", "sign", "softplus"):
            yield name, (x,), {}, 1
        for name in ("log", "sqrt"):
            yield name, (f(*shape, low=0.1),), {}, 1
        for slope in (0.0, 0.2, 1.0):
            yield "leaky_relu", (x, slope), {}, 1
            yield "leaky_relu_backward", (g, x, slope), {}, 1
        yield "tanh_backward", (g, np.asarray(np.tanh(x))), {}, 4  # 1 − y² loses digits where |y| is near 1
        yield "sigmoid_backward", (g, np.asarray(1 / (1 + np.exp(-x)))), {}, 4
        yield "clip", (x, -0.5, 0.7), {}, 1
        yield "clip_backward", (g, x, -0.5, 0.7), {}, 1
        yield "sigmoid_cross_entropy", (np.asarray(10 * x), 0.9), {}, 1
        yield "sigmoid_cross_entropy_backward", (g, np.asarray(10 * x), 0.9), {}, 1
        yield "least_squares", (x, 0.9), {}, 1
        yield "least_squares_backward", (g, x, 0.9), {}, 1
    for name, (a, b) in itertools.product(("add", "sub", "mul", "div", "pow"), PAIRS):
        low = 0.5 if name in ("div", "pow") else -2.0
        yield name, (f(*a, low=low), f(*b, low=low)), {}, 4
        yield name, (f(*a, low=low), 1.5), {}, 4
        yield name, (1.5, f(*b, low=low)), {}, 4
    for (shape, axes), keepdims, name in itertools.product(REDUCTIONS, (False, True), ("sum", "mean")):
        yield name, (f(*shape, low=0.0), axes, keepdims), {}, 4
    for shape, target in (((3, 1), (2, 3, 4)), ((1, 3, 1, 5), (2, 3, 4, 5)), ((), (7,)), ((5,), (5,)), ((1,), (0,))):
        yield "broadcast_to", (f(*shape), target), {}, 1
        yield "sum_to", (f(*target, low=0.0), shape), {}, 1
    yield from _optim(f)
    yield from _random()


def _matmul(f):
    for (m, k, n), ta, tb in itertools.product(SIZES, (False, True), (False, True)):
        a, b = f(*((k, m) if ta else (m, k))), f(*((n, k) if tb else (k, n)))
        for bias, activation in ((None, None), (f(n), None), (f(n), ("leaky_relu", 0.2))):
            yield "matmul", (a, b, bias, ta, tb, activation), {}, 4


def _optim(f):
    for n, t, beta1 in itertools.product((1, 255, 1031), (1, 2, 1000), (0.0, 0.5, 0.9)):
        step, rate = np.array([t], np.uint64), np.array([1e-3])
        state = f(n), f(n), f(n), f(n, low=0.1)
        yield "adam", (*state, step, rate, beta1, 0.999, 1e-8), {}, 4
        yield "sgd", (*state[:2], rate), {}, 1


def _random():
    for counter, shape, dtype in itertools.product(
        (0, 2**32 - 3, 2**40 + 5), ((1,), (7, 43), (3, 4), (0,)), ("float32", "float64")
    ):
        start = np.array([counter], np.uint64)
        yield "uniform", (shape, 2**40 + 123, start, -1.0, 1.0, dtype), {}, 1
        yield "normal", (shape, 2**40 + 123, start, 0.5, 2.0, dtype), {}, 4
        yield "advance", (start, 7), {}, 1


def size_of_terms(name, args):
    """The size of the terms that a result is the sum of, where they may cancel; 0 where nothing does."""
    if name == "matmul":
        a, b, bias, transpose_a, transpose_b, _ = args
        products = np.abs(a.T if transpose_a else a) @ np.abs(b.T if transpose_b else b)
        return products.max(initial=0.0) + (0.0 if bias is None else np.abs(bias).max(initial=0.0))
    # σ(x) − t, x − t, and β₁m + (1 − β₁)g, of inputs that are of the order of 1
    cancelling = ("sigmoid_cross_entropy_backward", "least_squares", "least_squares_backward", "adam", "sgd")
    return 1.0 if name in cancelling else 0.0


def converted(values, dtype, make=np.array):
    """The arguments with every float array copied to `dtype` by `make`, and the others copied as they are."""
    return [
        make(value, dtype=dtype if value.dtype.kind == "f" else value.dtype) if isinstance(value, np.ndarray) else value
        for value in values
    ]
