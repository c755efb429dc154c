"""Rows put into their place in a larger array: the truth."""

from .. import shapes


def copy_rows(x, y, start, number=None):
    """In place: y[start : start + len(x)] ← x; with a `number`, into y[number[0] mod len(y)] instead of y.

    Shapes: x (n, …), y (m, …), or (k, m, …) with a number, which is (1,) uint64, on the device. Raises MiniganError where x
    does not fit.
    """
    shapes.check_copy_rows(x.shape, y.shape, start, number is not None)
    target = y if number is None else y[int(number[0]) % len(y)]
    target[start : start + len(x)] = x
