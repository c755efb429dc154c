"""Batches joined and cut along their first axis. Memory is only copied or looked at: no arithmetic.

    y = [a; b; …]       ∂L/∂a, ∂L/∂b, … = the rows of g that came from each
    y = x[start:stop]   ∂L/∂x = g in those rows, 0 in the others

Cutting and padding with zeros are each other's adjoint.
"""

from itertools import accumulate

from ..errors import MiniganError
from ..tensor import Function, Tensor


class Concat(Function):
    saves_inputs = False

    def forward(self, *arrays):
        result = self.device.xp.empty((sum(map(len, arrays)), *arrays[0].shape[1:]), arrays[0].dtype)
        for array, stop in zip(arrays, accumulate(map(len, arrays))):
            self.primitives.copy_rows(array, result, stop - len(array))
        return result

    def backward(self, g):
        stops = accumulate(map(len, self.inputs))
        return tuple(
            rows(g, stop - len(tensor), stop) if wanted else None
            for tensor, stop, wanted in zip(self.inputs, stops, self.wanted)
        )


class Rows(Function):
    saves_inputs = False
    is_view = True

    def __init__(self, start, stop):
        self.start, self.stop = start, stop

    def forward(self, x):
        return x[self.start : self.stop]

    def backward(self, g):
        return Pad(self.start, len(self.inputs[0]))(g)


class Pad(Function):
    saves_inputs = False

    def __init__(self, start, count):
        self.start, self.count = start, count

    def forward(self, x):
        result = self.device.xp.zeros((self.count, *x.shape[1:]), x.dtype)
        self.primitives.copy_rows(x, result, self.start)
        return result

    def backward(self, g):
        return rows(g, self.start, self.start + len(self.inputs[0]))


def concat(tensors):
    """Tensors of shapes (n₁, …), (n₂, …), … that are equal after the first axis → (n₁ + n₂ + …, …).

    Raises MiniganError where they differ.
    """
    tensors = tuple(tensors)
    if any(not isinstance(tensor, Tensor) for tensor in tensors):
        raise MiniganError(f"concat takes Tensors, got {', '.join(type(tensor).__name__ for tensor in tensors)}")
    if not tensors or any(not tensor.ndim or tensor.shape[1:] != tensors[0].shape[1:] for tensor in tensors):
        raise MiniganError(f"concat: shapes {[tensor.shape for tensor in tensors]} differ after the first axis")
    return Concat()(*tensors)


def rows(x, start, stop):
    """x[start:stop] along the first axis, for 0 ≤ start ≤ stop ≤ n; raises MiniganError for anything else."""
    if not (x.ndim and 0 <= start <= stop <= len(x)):
        raise MiniganError(f"rows {start} to {stop} of a tensor of shape {x.shape}")
    return Rows(start, stop)(x)
