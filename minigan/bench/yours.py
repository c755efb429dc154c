"""A kernel of yours in the place of one of ours."""

import re

import numpy as np

from .. import cuda
from ..check.kernels import chosen
from ..cuda import launch
from ..cuda.user import kernel
from ..errors import MiniganError

ALSO = {"c": "y", "out": "y", "output": "y"}  # other names for what a kernel writes


def your_kernel(place, primitive, grid=None, block=(256,), shared=0):
    """A function that computes a primitive by the kernel "mine.cu:name", for `compare`.

    Its parameters are found by their names, capital letters or not: those of our v1, for matmul a, b, y (or c, out), m, n, k …
    `grid` is written as "n/16,m/16": numbers of the launch, each divided by a number and rounded up; by default a thread a
    result.
    Raises MiniganError where a name is not known.
    """
    made = kernel(place)

    def function(*arguments):
        with chosen("v1"), launch.recording() as launches:
            result = getattr(cuda, primitive)(*arguments)
        ours = launches[-1]
        values = {each.name.lower(): value for each, value in zip(ours.plan.kernel.parameters, ours.arguments)}
        on_host = any(isinstance(value, np.ndarray) for value in ours.arguments)
        args = [_find(place, parameter.name, values) for parameter in made.parameters(on_host)]
        made(_blocks(grid, block, values), block, args, shared)
        return result

    return function


def _find(place, name, values):
    found = name.lower()
    found = found if found in values else ALSO.get(found)
    if found not in values:
        raise MiniganError(f"{place}: parameter {name} is none of {', '.join(values)}")
    return values[found]


def _blocks(grid, block, values):
    """The grid that a text like "n/16,m/16" describes."""
    if grid is None:
        axes = [values[name] for name in ("n", "m") if name in values][: len(block)]
        return tuple(-(-int(size) // threads) for size, threads in zip(axes, block))
    return tuple(_blocks_along(grid, part, values) for part in grid.split(","))


def _blocks_along(grid, part, values):
    found = re.fullmatch(r"\s*(\w+)\s*(?:/\s*(\d+))?\s*", part)
    number = found and (found[1] if found[1].isdigit() else values.get(found[1].lower()))
    if number is None or isinstance(number, np.ndarray) or found[2] == "0":
        raise MiniganError(f"--grid {grid}: expected one to three of the launch's numbers, as n/16,m/16 or 4")
    return -(-int(number) // int(found[2] or 1))
