"""Rows put into their place in a larger array: the launch of kernels/rows.cu."""

from math import prod

from .. import shapes
from .launch import declare, launch, plan_elementwise

declare(
    "rows.cu",
    "copy_rows",
    "const real* x, real* y, const uint64* number?, int n, int start, int slots, int size",
)


def copy_rows(x, y, start, number=None):
    """In place: y[start : start + len(x)] ← x; with a `number`, into y[number[0] mod len(y)] instead of y.

    Shapes: x (n, …), y (m, …), or (k, m, …) with a number, which is (1,) uint64, on the device. Raises MiniganError where x
    does not fit.
    """
    shapes.check_copy_rows(x.shape, y.shape, start, number is not None)
    slots = 1 if number is None else len(y)
    sizes = dict(start=start * prod(x.shape[1:]), slots=slots, size=y.size // max(slots, 1))
    launch(plan_elementwise("copy_rows", x.size, **sizes), x=x, y=y, number=number)
