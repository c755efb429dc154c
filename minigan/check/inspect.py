"""`minigan inspect`: what a kernel asks of memory, line by line."""

from math import prod

import numpy as np

from .. import cuda, emulator
from ..cuda import source
from ..cuda.user import kernel
from ..errors import MiniganError
from .anybodys import argument
from .calls import CALLS, Call, Draw, calls, converted
from .kernels import chosen, versions_of

# A call that shows a stem's kernels well; where none stands here, the one with the most numbers of those that are checked.
TYPICAL = {"matmul": lambda draw: Call("matmul", (draw(64, 64), draw(64, 64)))}


def inspect_kernel(place, grid, block, arguments, shared=0):
    """The Profile of a kernel in a file. `arguments` are written as `argument` reads them."""
    random = np.random.default_rng(0)
    values = [argument(text, random) for text in arguments]
    return emulator.profile(kernel(place), grid, block, values, shared)


def inspect_stem(stem):
    """(version, Call, Profiles of the kernels that it launches) for every version of a stem of ours, one after the other.

    Raises MiniganError for an unknown stem.
    """
    if stem not in CALLS:
        raise MiniganError(
            f"unknown stem {stem!r}: choose from {', '.join(CALLS)}; or a kernel of yours, FILE.cu:KERNEL"
        )
    call = TYPICAL[stem](Draw(0)) if stem in TYPICAL else max(calls(stem, 0), key=_numbers)
    for version in versions_of(next(file for file in source.files() if file == f"{stem}.cu")):
        with chosen(version), emulator.profiling() as profiles:
            getattr(cuda, call.primitive)(*converted(call.args, "float32"))
        yield version, call, profiles


def _numbers(call):
    return sum(prod(np.shape(value)) for value in call.args if isinstance(value, np.ndarray))
