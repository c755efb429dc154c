"""Calls of every primitive on awkward and on random shapes, and how far each result is from the reference.

Awkward are: one element, primes, one more and one less than a tile or a block, long and thin, empty. Inputs are drawn from
a seed that changes from run to run.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np

from .. import reference, shapes

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
RANDOM_SHAPES = 25  # of each primitive

SIZES = (1, 2, 3, 5, 7, 13, 15, 16, 17, 31, 32, 33, 64, 67, 127, 255, 256, 257, 1031)
MOST = 6000  # elements of an array
SHAPES = ((), (1,), (7,), (255,), (256,), (257,), (3, 1, 5), (2, 3, 5, 7), (1031,), (0,), (4, 0, 3))
PRODUCTS = (
    (0, 3, 2), (2, 0, 3), (2, 3, 0), (1, 1, 1), (17, 33, 5), (40, 16, 48), (3, 100, 2), (1, 300, 1), (129, 1, 31),
    (16, 16, 16), (64, 64, 64),
)  # fmt: skip
PAIRS = (
    ((2, 1, 3, 4), (5, 1, 4)), ((6, 1), (1, 5)), ((3, 4, 5), (3, 4, 5)), ((), (7,)), ((1, 1031), (3, 1)), ((0, 3), (3,)),
)  # fmt: skip
REDUCTIONS = (
    ((3, 4, 5, 6), None), ((3, 4, 5, 6), 0), ((3, 4, 5, 6), (0, 2)), ((3, 4, 5, 6), (1, 3)), ((3, 4, 5, 6), (0, 2, 3)),
    ((3, 4, 5, 6), -1), ((7, 1000), 1), ((1300, 130), 0), ((1300, 13), 0), ((5003,), 0), ((1, 1), (0, 1)), ((2, 257), (1,)),
    ((9001,), 0), ((3, 9001), 1), ((2, 3, 8200), (0, 2)), ((20, 8, 64), (0, 2)),
)  # fmt: skip
CONVOLUTIONS = (  # (images, channels, outputs), size, window, stride, padding
    ((1, 1, 1), (1, 1), (1, 1), (1, 1), ((0, 0), (0, 0))),
    ((3, 2, 5), (7, 5), (7, 5), (1, 1), ((0, 0), (0, 0))),
    ((2, 3, 4), (2, 3), (5, 5), (2, 2), ((2, 2), (2, 1))),
    ((1, 1, 2), (1, 33), (1, 3), (1, 3), ((0, 0), (0, 5))),
    ((2, 1, 1), (9, 8), (2, 2), (3, 3), ((0, 0), (0, 0))),
    ((0, 2, 3), (4, 4), (3, 3), (1, 1), ((1, 1), (1, 1))),
    ((3, 2, 5), (16, 15), (3, 3), (1, 1), ((1, 1), (1, 1))),  # the weights' sums are cut into parts
    ((2, 9, 130), (12, 11), (3, 3), (1, 2), ((1, 1), (1, 1))),  # more than a tile either way
    ((3, 1, 2), (3, 2), (1, 1), (1, 1), ((3, 3), (3, 3))),  # windows that lie wholly outside of the image
    ((2, 3, 4), (4, 0), (3, 3), (1, 1), ((1, 1), (2, 2))),  # nothing but padding
    ((1, 2, 3), (10, 9), (9, 8), (2, 1), ((2, 2), (1, 1))),  # more taps than are brought into phases at once
    ((2, 3, 8), (8, 16), (3, 3), (1, 1), ((1, 1), (1, 1))),  # whole sectors, and off their boundaries
    ((2, 130, 3), (3, 7), (4, 4), (2, 2), ((1, 1), (1, 1))),  # several tiles of channels in several phases
    ((2, 3, 2), (9, 10), (1, 3), (1, 1), ((0, 0), (1, 1))),  # for Winograd eight rows of results, the most there are
)
SUMS_TO = (((3, 1), (2, 3, 4)), ((1, 3, 1, 5), (2, 3, 4, 5)), ((), (7,)), ((5,), (5,)), ((1,), (0,)), ((3,), (0, 3)))


@dataclass(frozen=True)
class Call:
    """A primitive on float64 arguments. Its result may differ from the reference by `factor` times the dtype's tolerance.

    `off_boundary`: its arrays begin one number behind a boundary of 16 bytes, as a slice x[1:] does.
    """

    primitive: str
    args: tuple
    factor: float = 1
    off_boundary: bool = False

    def rounded_to_tf32(self):
        """The same call on numbers that TF32 holds exactly: what is off then is not off for the rounding of the inputs."""
        rounded = (_to_tf32(arg) if isinstance(arg, np.ndarray) and arg.dtype.kind == "f" else arg for arg in self.args)
        return replace(self, args=tuple(rounded))

    def __str__(self):
        shown = (np.shape(arg) if isinstance(arg, np.ndarray) else arg for arg in self.args)
        return f"{self.primitive}({', '.join(map(str, shown))}){' off a boundary' if self.off_boundary else ''}"


def _to_tf32(x):
    """The nearest numbers of 10 bits behind the point, ties away from zero."""
    bits = x.astype(np.float32).view(np.uint32)
    return ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32).astype(x.dtype)


class Draw:
    """Fresh random inputs and shapes from a seed."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def __call__(self, *shape, low=-2.0, high=2.0):
        return self.random.uniform(low, high, shape)

    def sizes(self, rank):
        """`rank` sizes whose product is at most MOST."""
        while True:
            sizes = tuple(int(size) for size in self.random.choice(SIZES, rank))
            if np.prod(sizes) <= MOST:
                return sizes

    def shapes(self):
        return [*SHAPES, *(self.sizes(self.random.integers(1, 5)) for _ in range(RANDOM_SHAPES))]

    def narrowed(self, shape):
        """A shape that broadcasts to `shape`: some leading axes dropped, some of the others 1."""
        kept = shape[self.random.integers(0, len(shape) + 1) :]
        return tuple(1 if self.random.random() < 0.4 else size for size in kept)

    def convolution(self):
        """Random (images, channels, outputs), size, window, stride, padding of a convolution."""
        r = self.random
        many = tuple(int(each) for each in r.choice((1, 2, 3, 5, 7), 3))
        window, stride = (tuple(int(each) for each in r.integers(1, most + 1, 2)) for most in (7, 3))
        padding = tuple(tuple(int(each) for each in pads) for pads in r.integers(0, 4, (2, 2)))
        least = (max(1, k - sum(pads)) for k, pads in zip(window, padding))
        return many, tuple(int(each + r.integers(0, 9)) for each in least), window, stride, padding

    def pairs(self):
        whole = [self.sizes(self.random.integers(1, 5)) for _ in range(RANDOM_SHAPES)]
        return [*PAIRS, *((shape, self.narrowed(shape)) for shape in whole)]

    def reductions(self):
        whole = [self.sizes(self.random.integers(1, 5)) for _ in range(RANDOM_SHAPES)]
        axes = [tuple(axis for axis in range(len(shape)) if self.random.random() < 0.5) or None for shape in whole]
        return [*REDUCTIONS, *zip(whole, axes)]


def calls(stem, seed, tf32=False):
    """The calls of a stem's primitives, made from a seed; on numbers that TF32 holds, where kernels round to it."""
    made = CALLS[stem](Draw(seed))
    return (call.rounded_to_tf32() for call in made) if tf32 else made


def _activation(f):
    for i, shape in enumerate(f.shapes()):
        x, g, off = f(*shape), f(*shape), i % 2 == 1
        yield Call("tanh", (x,), off_boundary=off)
        yield Call("sigmoid", (x,), off_boundary=off)
        for slope in (0.0, 0.2, 1.0):
            yield Call("leaky_relu", (x, slope), off_boundary=off)
            yield Call("leaky_relu_backward", (g, x, slope), off_boundary=off)
        # 1 − y² loses digits where |y| is near 1
        yield Call("tanh_backward", (g, np.asarray(np.tanh(x))), 4, off)
        yield Call("sigmoid_backward", (g, np.asarray(1 / (1 + np.exp(-x)))), 4, off)


def _average(f):
    sizes = [0, 1, 7, 1031, 2048, 4099, 2048, *(f.sizes(1)[0] for _ in range(RANDOM_SHAPES))]
    for i, n in enumerate(sizes):
        momentum, scale = ((0.1, 1.5), (1e-3, 1.0))[i // 2 % 2]
        yield Call("running_average", (f(n), f(n), momentum, scale), 4, off_boundary=i % 2 == 1)
        step = np.array([(0, 7, 2**40)[i % 3]], np.uint64)
        yield Call("moving_average", (f(n), f(n), step, 0.999), 4, off_boundary=i % 2 == 1)


def _batch(f):
    for count, samples, batches, shape in (
        (1, 1, 1, (1,)),
        (300, 7, 3, (5, 3)),
        (9, 0, 2, (4,)),
        (40, 20, 2, (1, 9, 7)),
    ):
        number = f.random.integers(2**40, size=1, dtype=np.uint64)
        schedule = f.random.integers(count, size=(batches, samples), dtype=np.int32)
        yield Call("point_batch", (f(count, *shape), schedule, number))
        for dtype in ("float32", "float64"):
            pixels = f.random.integers(256, size=(count, *shape), dtype=np.uint8)
            yield Call("image_batch", (pixels, schedule, number, dtype))


def _batch_norm(f):
    ranks = [f.random.choice((2, 4)) for _ in range(RANDOM_SHAPES)]
    awkward = (1, 1), (2, 1), (257, 3), (1, 2, 1, 1), (3, 5, 7, 9), (2, 1, 31, 33), (3, 2, 8, 6), (5, 2, 32, 34)
    for i, shape in enumerate((*awkward, *map(f.sizes, ranks))):
        c, off = shape[1], i % 2 == 1
        for offset in (0.0, 1000.0):
            x, g = f(*shape) + offset, f(*shape)
            mean, variance = reference.batch_norm_statistics(x)
            yield Call("batch_norm_statistics", (x,), 4, off)
            yield Call("batch_norm", (x, mean, variance, f(c), f(c), 1e-5), 4, off)
            yield Call("batch_norm_backward", (g, x, mean, variance, f(c), 1e-5), 4, off)
            if (
                not offset or x.size >= 8 * c
            ):  # few numbers may all be so close that only the mean's last bits are left of y
                factor = (
                    50 if offset else 4
                )  # of a sum of 1,000s, and of their mean, a float has few digits behind the point
                activation = (None, ("leaky_relu", 0.2))[i // 2 % 2]
                yield Call("batch_norm_forward", (x, f(c), f(c), 1e-5, activation), factor, off)


def _conv2d(f):
    drawn = (f.convolution() for _ in range(RANDOM_SHAPES))
    for i, ((n, c, o), size, window, stride, padding) in enumerate((*CONVOLUTIONS, *drawn)):
        off = i % 2 == 1
        shape = (n, c, *size)
        x, w = f(*shape), f(o, c, *window)
        g = f(*shapes.conv2d(shape, w.shape, None, stride, padding))
        for bias in (False, True):
            yield Call("conv2d", (x, w, f(o) if bias else None, stride, padding), 4, off)
            yield Call("conv2d_backward_data", (g, w, shape, stride, padding, f(c) if bias else None), 4, off)
        yield Call("conv2d_backward_weight", (g, x, window, stride, padding), 4, off)


def _dropout(f):
    for i, shape in enumerate(f.shapes()):
        start = np.array([(0, 2**32 - 3, 2**40 + 5)[i % 3]], np.uint64)
        yield Call("dropout", (f(*shape), 2**40 + 123, start, (0.0, 0.3, 0.9)[i % 3]))


def _elementwise(f):
    for shape in f.shapes():
        x, g = f(*shape), f(*shape)
        for name in ("exp", "neg", "abs", "sign", "softplus"):
            yield Call(name, (x,))
        for name in ("log", "sqrt"):
            yield Call(name, (f(*shape, low=0.1),))
        yield Call("clip", (x, -0.5, 0.7))
        yield Call("clip_backward", (g, x, -0.5, 0.7))
    for name in ("add", "sub", "mul", "div", "pow"):
        low = 0.5 if name in ("div", "pow") else -2.0
        for a, b in f.pairs():
            yield Call(name, (f(*a, low=low), f(*b, low=low)), 4)
            yield Call(name, (f(*b, low=low), f(*a, low=low)), 4)
        for a, b in PAIRS:
            yield Call(name, (f(*a, low=low), 1.5), 4)
            yield Call(name, (1.5, f(*b, low=low)), 4)
    for whole, narrow in f.pairs()[len(PAIRS) :]:
        yield Call("broadcast_to", (f(*narrow), whole))
    for narrow, whole in SUMS_TO:
        yield Call("broadcast_to", (f(*narrow), whole))


def _loss(f):
    for shape in f.shapes():
        x, g = f(*shape), f(*shape)
        yield Call("sigmoid_cross_entropy", (np.asarray(10 * x), 0.9))
        yield Call("sigmoid_cross_entropy_backward", (g, np.asarray(10 * x), 0.9))
        yield Call("least_squares", (x, 0.9))
        yield Call("least_squares_backward", (g, x, 0.9))


def _matmul(f):
    products = [*PRODUCTS, *(f.sizes(3) for _ in range(RANDOM_SHAPES))]
    for (m, k, n), ta, tb in itertools.product(products, (False, True), (False, True)):
        a, b = f(*((k, m) if ta else (m, k))), f(*((n, k) if tb else (k, n)))
        bias, activation = ((None, None), (f(n), None), (f(n), ("leaky_relu", 0.2)))[f.random.integers(3)]
        yield Call("matmul", (a, b, bias, ta, tb, activation), 4)


def _pool(f):
    drawn = (f.convolution() for _ in range(RANDOM_SHAPES))
    for (n, c, _), size, window, stride, padding in (*CONVOLUTIONS, *drawn):
        shape = (n, c, *(length + sum(pads) for length, pads in zip(size, padding)))
        x, g = f(*shape), f(*shapes.pool2d(shape, window, stride))
        where = reference.max_pool2d_where(x.astype(np.float32), window, stride)
        yield Call("max_pool2d_where", (x, window, stride))
        yield Call("gather_pixels", (x, where))
        yield Call("scatter_pixels", (g, where, shape), 4)
        yield Call("sum_pool2d", (np.abs(x), window, stride, 0.3), 4)
        yield Call("sum_pool2d_backward", (np.abs(g), shape, window, stride, 0.3), 4)


def _reduce(f):
    for (shape, axes), keepdims, name in itertools.product(f.reductions(), (False, True), ("sum", "mean")):
        yield Call(name, (f(*shape, low=0.0), axes, keepdims), 4, off_boundary=keepdims)
    for whole, narrow in f.pairs()[len(PAIRS) :]:
        yield Call("sum_to", (f(*whole, low=0.0), narrow), 4)
    for narrow, whole in SUMS_TO:
        yield Call("sum_to", (f(*whole, low=0.0), narrow), 4)


def _rows(f):
    for rows, more, shape in ((1, 0, ()), (3, 4, (5,)), (0, 2, (3,)), (7, 1, (2, 0)), (5, 300, (1, 3)), (257, 2, (3,))):
        x, start = f(rows, *shape), int(f.random.integers(more + 1))
        yield Call("copy_rows", (x, f(rows + more, *shape), start))
        number = f.random.integers(2**40, size=1, dtype=np.uint64)
        yield Call("copy_rows", (x, f(3, rows + more, *shape), start, number))


def _optim(f):
    sizes = [1, 255, 1031, 2048, 4099, 2048, *(f.sizes(1)[0] for _ in range(RANDOM_SHAPES))]
    for i, n in enumerate(sizes):
        off = i % 2 == 1
        step, rate = np.array([(1, 2, 1000)[i % 3]], np.uint64), np.array([1e-3])
        state = f(n), f(n), f(n), f(n, low=0.1)
        yield Call("sgd", (*state[:2], rate), off_boundary=off)
        yield Call("clamp", (state[0], 0.5), off_boundary=off)
        yield Call("momentum", (*state[:3], rate, 0.9), 4, off)
        yield Call("rmsprop", (state[0], state[1], state[3], rate, 0.99, 1e-8), 4, off)
        for beta1 in (0.0, 0.5, 0.9):
            yield Call("adam", (*state, step, rate, beta1, 0.999, 1e-8), 4, off)


def _random(f):
    shapes = [(1,), (7, 43), (3, 4), (0,), *(f.sizes(2) for _ in range(RANDOM_SHAPES))]
    for i, (shape, dtype) in enumerate(itertools.product(shapes, ("float32", "float64"))):
        start = np.array([(0, 2**32 - 3, 2**40 + 5)[i % 3]], np.uint64)
        yield Call("uniform", (shape, 2**40 + 123, start, -1.0, 1.0, dtype))
        yield Call("normal", (shape, 2**40 + 123, start, 0.5, 2.0, dtype), 4)
        yield Call("advance", (start, 7))
        yield Call("reserve", (start, 7))


CALLS = {
    "activation": _activation,
    "average": _average,
    "batch": _batch,
    "batch_norm": _batch_norm,
    "conv2d": _conv2d,
    "dropout": _dropout,
    "elementwise": _elementwise,
    "loss": _loss,
    "matmul": _matmul,
    "optim": _optim,
    "pool": _pool,
    "random": _random,
    "reduce": _reduce,
    "rows": _rows,
}


def error_of(call, primitives, dtype, make=np.array, to_numpy=np.asarray):
    """(the error relative to the float64 reference, the error allowed) of a call with float arguments of `dtype`.

    `make` makes the implementation's arrays, `to_numpy` brings them back.
    """
    found = results_of(call, getattr(primitives, call.primitive), dtype, make, to_numpy)
    rounded = replace(call, args=tuple(converted(call.args, dtype)), off_boundary=False)
    truth = results_of(rounded, getattr(reference, call.primitive), "float64")
    terms = size_of_terms(call)
    errors = [relative_error(mine, right, terms) for mine, right in zip(found, truth)]
    # The noise names its own dtype, and is the same in both to single precision.
    own_dtype = isinstance(call.args[-1], str)
    return max(errors), TOLERANCE["float32"] if own_dtype else TOLERANCE[dtype] * call.factor


def results_of(call, function, dtype, make=np.array, to_numpy=np.asarray):
    """What a function makes of the call's arguments, as a list of NumPy arrays: what it returns; or where that is nothing the
    arrays among its arguments, which it has changed."""
    arguments = converted(call.args, dtype, make, call.off_boundary)
    found = function(*arguments)
    if found is None:
        found = tuple(mine for mine, given in zip(arguments, call.args) if isinstance(given, np.ndarray))
    return [to_numpy(each) for each in (found if isinstance(found, tuple) else (found,))]


def relative_error(found, truth, terms=0.0):
    """max|found − truth| / max|truth|; infinite where shapes differ or anything is not finite.

    Where the truth is a sum whose terms may cancel, `terms` is their size, and the error is relative to that if larger:
    no arithmetic can do better.
    """
    found, truth = np.asarray(found, np.float64), np.asarray(truth, np.float64)
    if found.shape != truth.shape or not np.isfinite(found).all() or not np.isfinite(truth).all():
        return np.inf
    if not truth.size:
        return 0.0
    return np.abs(found - truth).max() / max(np.abs(truth).max(), terms, np.finfo(float).tiny)


def size_of_terms(call):
    """The size of the terms that a result is the sum of, where they may cancel; 0 where nothing does."""
    if call.primitive.startswith("conv2d"):
        magnitudes = (np.abs(arg) if isinstance(arg, np.ndarray) else arg for arg in call.args)
        return getattr(reference, call.primitive)(*magnitudes).max(initial=0.0)
    if call.primitive == "matmul":
        a, b, bias, transpose_a, transpose_b, _ = call.args
        products = np.abs(a.T if transpose_a else a) @ np.abs(b.T if transpose_b else b)
        return products.max(initial=0.0) + (0.0 if bias is None else np.abs(bias).max(initial=0.0))
    if call.primitive == "sum":
        return reference.sum(np.abs(call.args[0]), *call.args[1:]).max(initial=0.0)
    if call.primitive == "batch_norm_backward":
        gradient, _, _, variance, gamma, epsilon = call.args
        return (np.abs(gamma) / np.sqrt(variance + epsilon)).max() * np.abs(gradient).max()
    if call.primitive in ("batch_norm_statistics", "batch_norm_forward"):  # a mean may be 0 by chance
        return np.sqrt(reference.batch_norm_statistics(call.args[0])[1].max())
    # σ(x) − t, x − t, and β₁m + (1 − β₁)g, of inputs of around 1
    cancelling = (
        "sigmoid_cross_entropy_backward",
        "least_squares",
        "least_squares_backward",
        "adam",
        "sgd",
        "running_average",
        "moving_average",
        "scatter_pixels",
        "momentum",
        "rmsprop",
    )
    return 1.0 if call.primitive in cancelling else 0.0


def converted(values, dtype, make=np.array, off_boundary=False):
    """The arguments with every float array copied to `dtype` by `make`, and the others copied as they are."""

    def copy(array):
        if array.dtype.kind != "f":
            return make(array, dtype=array.dtype)
        if not off_boundary:
            return make(array, dtype=dtype)
        one_more = np.concatenate((np.zeros(1), array.reshape(-1)))
        return make(one_more, dtype=dtype)[1:].reshape(array.shape)

    return [copy(value) if isinstance(value, np.ndarray) else value for value in values]
