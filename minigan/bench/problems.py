"""What is benchmarked: calls of primitives on shapes that GANs have, or that show a kernel's limit."""

from dataclasses import dataclass
from math import prod

import numpy as np

from .. import devices
from ..check.calls import Call
from ..errors import MiniganError


@dataclass(frozen=True)
class Shape:
    """Stands for a float32 array of random numbers."""

    sizes: tuple

    def __str__(self):
        return "×".join(map(str, self.sizes))


def array(*sizes):
    return Shape(sizes)


@dataclass(frozen=True)
class Problem:
    """A call of a primitive; its arrays are drawn when it is made. `flops` are the direct formula's, whatever a kernel does."""

    primitive: str
    arguments: tuple
    flops: float
    note: str = ""
    low: float = 0.1  # of the random numbers, which go up to 1
    kept: int = 0  # elements of arguments that are read and stay, where a call changes its arguments

    def __str__(self):
        shown = [str(argument) for argument in self.arguments if isinstance(argument, Shape)]
        return f"{self.primitive} {', '.join(shown)}{self.note}"

    def call(self, seed=0):
        """The Call, on numbers that TF32 holds exactly: kernels that round to it are then as right as all others."""
        random = np.random.default_rng(seed)
        made = (
            random.uniform(self.low, 1, argument.sizes) if isinstance(argument, Shape) else argument
            for argument in self.arguments
        )
        return Call(self.primitive, tuple(made)).rounded_to_tf32()


def matmul(m, k, n, flops=2):
    return Problem("matmul", (array(m, k), array(k, n)), flops * m * k * n)


def convolutions(x, w, stride, padding):
    """The three of a layer whose x is (n, c, h, w) and whose weights are (o, c, kh, kw)."""
    rows, columns = ((size + sum(pads) - k) // step + 1 for size, pads, k, step in zip(x[2:], padding, w[2:], stride))
    y, flops, note = (x[0], w[0], rows, columns), 2 * x[0] * prod(w) * rows * columns, f", stride {stride[0]}"
    return [
        Problem("conv2d", (array(*x), array(*w), None, stride, padding), flops, note),
        Problem("conv2d_backward_data", (array(*y), array(*w), x, stride, padding), flops, note),
        Problem("conv2d_backward_weight", (array(*y), array(*x), w[2:], stride, padding), flops, note),
    ]


SAME3, SAME5, SAME5S2, SAME7 = ((1, 1), (1, 1)), ((2, 2), (2, 2)), ((1, 2), (1, 2)), ((3, 3), (3, 3))


def dcgan_layers(n):
    """The convolutions of `dcgan` on CIFAR-10, with batches of n; a transposed one is another's data gradient."""
    return [
        problem
        for x, w, stride, padding in (
            ((n, 3, 32, 32), (64, 3, 5, 5), (2, 2), SAME5S2),
            ((n, 64, 16, 16), (128, 64, 5, 5), (2, 2), SAME5S2),
            ((n, 128, 8, 8), (256, 128, 5, 5), (1, 1), SAME5),
            ((n, 256, 16, 16), (128, 256, 5, 5), (2, 2), SAME5S2),
            ((n, 256, 32, 32), (256, 256, 5, 5), (2, 2), SAME5S2),
            ((n, 256, 32, 32), (256, 256, 5, 5), (1, 1), SAME5),
            ((n, 3, 32, 32), (256, 3, 7, 7), (1, 1), SAME7),
        )
        for problem in convolutions(x, w, stride, padding)
    ]


def batch_norms(n, c, size):
    x, channels = array(n, c, size, size), array(c)
    elements = n * c * size * size
    return [
        Problem("batch_norm_statistics", (x,), 4 * elements),
        Problem("batch_norm_forward", (x, channels, channels, 1e-5, ("leaky_relu", 0.2)), 9 * elements),
        Problem("batch_norm_backward", (x, x, channels, channels, channels, 1e-5), 13 * elements),
    ]


def activations(n):
    x = array(n)
    return [
        Problem("leaky_relu", (x, 0.2), 2 * n),
        Problem("leaky_relu_backward", (x, x, 0.2), 2 * n),
        Problem("tanh", (x,), 10 * n),
        Problem("sigmoid", (x,), 10 * n),
    ]


def sums(n, rows):
    """Of numbers around zero: where all have one sign, a float that has grown to 2²⁴ does not notice the next one any more."""
    return [
        Problem("sum", arguments, n, note, low=-1.0)
        for arguments, note in (
            ((array(n),), ""),
            ((array(rows, n // rows), 1), ", along the rows"),
            ((array(rows, n // rows), 0), ", down the columns"),
            ((array(n // rows, rows), 0), ", down the columns"),
        )
    ]


def optimizers(n):
    state, rate = array(n), np.array([1e-3])
    step = np.array([7], np.uint64)
    return [
        Problem("adam", (state, state, state, state, step, rate, 0.5, 0.999, 1e-8), 15 * n, kept=n),
        Problem("rmsprop", (state, state, state, rate, 0.99, 1e-8), 8 * n, kept=n),
    ]


# Large ones, for a GPU: past its L2, and enough to fill it.
ON_GPU = {
    "matmul": [matmul(2048, 2048, 2048), matmul(4096, 4096, 4096), matmul(100, 128, 784), matmul(100, 784, 128)],
    "conv2d": dcgan_layers(100),
    "batch_norm": [*batch_norms(100, 256, 32), *batch_norms(100, 128, 8)],
    "reduce": [*sums(2**26, 256), *sums(2**20, 128)],
    "activation": activations(2**26),
    "optim": optimizers(2**25),
}
# The same kinds, for two cores.
ON_CPU = {
    "matmul": [matmul(512, 512, 512), matmul(100, 128, 784), matmul(100, 784, 128)],
    "conv2d": dcgan_layers(8),
    "batch_norm": batch_norms(16, 64, 32),
    "reduce": sums(2**22, 128),
    "activation": activations(2**22),
    "optim": optimizers(2**21),
}
# Few whole tiles, for the emulator to count in.
COUNTED = {
    "matmul": [matmul(256, 64, 256)],
    "conv2d": [
        convolutions((2, 16, 16, 16), (128, 16, 3, 3), (1, 1), SAME3)[0],
        convolutions((2, 128, 16, 16), (16, 128, 3, 3), (1, 1), SAME3)[1],
        convolutions((2, 16, 16, 16), (128, 16, 3, 3), (1, 1), SAME3)[2],
        convolutions((2, 128, 16, 16), (16, 128, 5, 5), (2, 2), SAME5S2)[1],
    ],
    "batch_norm": batch_norms(8, 4, 32),
    "reduce": sums(2**15, 8),
    "activation": activations(2**14),
    "optim": optimizers(2**14),
}
# The same kinds, of sizes that no tile and no block divides: a kernel without its guards goes out of bounds here.
RAGGED = {
    "matmul": [matmul(100, 20, 120)],
    "conv2d": convolutions((3, 5, 13, 11), (7, 5, 3, 3), (2, 2), SAME3),
    "batch_norm": batch_norms(3, 5, 7),
    "reduce": sums(1001, 7),
    "activation": activations(1001),
    "optim": optimizers(1001),
}


def problems_of(what, table=None):
    """The problems of a stem, or of one primitive, for this machine. Raises MiniganError for any other name."""
    table = table or (ON_CPU if devices.why_no_cuda() else ON_GPU)
    if what in table:
        return table[what]
    named = [problem for of_stem in table.values() for problem in of_stem if problem.primitive == what]
    if not named:
        primitives = sorted({problem.primitive for of_stem in table.values() for problem in of_stem} - table.keys())
        raise MiniganError(
            f"unknown {what!r}: choose from {', '.join(table)}; or one of {', '.join(primitives)}; or step RECIPE"
        )
    return named


def stem_of(primitive):
    """The stem that a primitive's kernels lie in."""
    return next(stem for stem, of_stem in COUNTED.items() if any(problem.primitive == primitive for problem in of_stem))
