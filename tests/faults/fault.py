"""What a planted fault is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import minigan as mg
from minigan import emulator


@dataclass(frozen=True)
class Fault:
    """A kernel with a fault in the line marked //!, and what repairs it: `wrong` replaced by `right`.

    `body` is that of a kernel `f(float* x, int n)`, or a whole text with a kernel `f` that is launched with `args()`.
    """

    name: str
    kind: str
    array: str | None
    body: str
    wrong: str
    right: str
    block: object = 64
    grid: object = 2
    length: int = 128
    n: int = 128
    shared: int = 0
    output: bool = False
    args: Callable | None = None

    def text(self, body):
        if self.args:
            return body.strip()
        head = "const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;"
        return f"__global__ void f(float* x, int n) {{\n{head}\n{body}\n}}"

    @property
    def line(self):
        return next(number for number, line in enumerate(self.text(self.body).splitlines(), 1) if "//!" in line)

    def report(self, body, order):
        """What the sanitizer finds in this body."""
        x = np.zeros(self.length, np.float32)
        args = self.args() if self.args else (mg.out(x) if self.output else x, self.n)
        kernel = mg.kernel(source=self.text(body), name="f")
        return emulator.check(kernel, self.grid, self.block, args, self.shared, order, seed=3)


def zeros(*shape, dtype=np.float32):
    """An array that the host has cleared."""
    return np.zeros(shape, dtype)


def out(*shape, dtype=np.float32):
    """An array that nothing has written yet."""
    return mg.out(np.zeros(shape, dtype))
