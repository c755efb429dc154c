"""A kernel of yours in the place of one of ours."""

import re
from math import prod

import numpy as np

from .. import cuda
from ..check.kernels import chosen
from ..cuda.user_kernel import kernel
from ..errors import MiniganError
from ..plan import recording

ALSO = {"c": "y", "out": "y", "output": "y"}  # other names for what a kernel writes


def your_kernel(place, primitive, grid=None, block=(256,), shared=0, options=()):
    """A function that computes a primitive by the kernel "mine.cu:name", for `compare`; its `kernel` is the UserKernel.

    Its parameters are found by their names, capital letters or not: those of our v1, for matmul a, b, y (or c, out), m, n, k …
    `grid` is written as "n/16,m/16" or "m*n/256": numbers of the launch, each divided by a number and rounded up; by default a
    thread a result.
    `options` are those of a compiler. Raises MiniganError where a name is not known.
    """
    made = kernel(place, options=options)
    made.max_dynamic_shared_size_bytes = shared

    def function(*arguments):
        with chosen("v1"), recording() as launches:
            result = getattr(cuda, primitive)(*arguments)
        ours = launches[-1]
        values = {
            parameter.name.lower(): value for parameter, value in zip(ours.plan.kernel.parameters, ours.arguments)
        }
        on_host = any(isinstance(value, np.ndarray) for value in ours.arguments)
        args = [_find(place, parameter.name, values) for parameter in made.parameters(on_host)]
        made(_blocks(grid, block, values, result), block, args, shared)
        return result

    function.kernel = made
    return function


def _find(place, name, values):
    known = name.lower()
    known = known if known in values else ALSO.get(known)
    if known not in values:
        raise MiniganError(f"{place}: parameter {name} is none of {', '.join(values)}")
    return values[known]


def _blocks(grid, block, values, result):
    """The grid that a text like "n/16,m/16" describes; where there is none, a thread for each of the result's numbers."""
    if grid is None:
        sizes = result.shape[::-1] if len(block) == result.ndim > 1 else (result.size,)
        return tuple(-(-size // threads) for size, threads in zip(sizes, block))
    return tuple(_blocks_along(grid, part, values) for part in grid.split(","))


def _blocks_along(grid, part, values):
    parts = re.fullmatch(r"([\w*]+?)(?:/([1-9]\d*))?", part.replace(" ", ""))
    factors = (
        [int(factor) if factor.isdigit() else values.get(factor.lower()) for factor in parts[1].split("*")]
        if parts
        else [None]
    )
    if any(factor is None or isinstance(factor, np.ndarray) for factor in factors):
        raise MiniganError(
            f"--grid {grid}: expected one to three of the launch's numbers, as n/16,m/16 or m*n/256 or 4"
        )
    return -(-prod(map(int, factors)) // int(parts[2] or 1))
