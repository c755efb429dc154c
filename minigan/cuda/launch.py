"""A plan and its arrays to the driver: a kernel's launch on the GPU or on the emulator."""

from functools import cache, partial
from math import prod

import numpy as np

from .. import emulator
from ..devices import array_module
from ..plan import bind, lies_on_host, perform
from . import source
from .versions import kernel_names

BLOCK = 256  # threads of a block, where a kernel does not say otherwise: 8 warps fill any chip since sm_75
WARP = 32  # lanes


def empty(shape, like, dtype=None):
    """An array, not yet written, beside `like`. For the emulator it is NaN all over, or the largest whole number: what a
    kernel forgets to write there must not look right by accident."""
    xp, dtype = array_module(like), np.dtype(dtype or like.dtype)
    if xp is not np:
        return xp.empty(shape, dtype)
    return np.full(shape, np.nan if dtype.kind == "f" else np.iinfo(dtype).max, dtype)


def launch(plan, **arrays):
    """Run a plan on arrays given by parameter name. Everything is checked before anything reaches the driver.

    Raises LaunchError for a missing or unknown argument, a wrong dtype, a non-contiguous array, an array on the wrong
    device, a None, or a number that its C type cannot hold.
    """
    real, arguments = bind(plan, arrays)
    if not prod(plan.grid):
        return  # an empty result needs no launch, and the driver would refuse the empty grid
    if lies_on_host(plan.kernel, arrays):
        perform(plan, arguments, partial(emulator.run, _program(plan.kernel.file, real), plan, arguments))
    else:
        function = source.function(plan.kernel.file, plan.kernel.name, real)
        perform(plan, arguments, partial(function, plan.grid, plan.block, arguments, shared_mem=plan.shared))


@cache
def _program(file, real):
    """A kernel file for the emulator."""
    return emulator.Program(source.text(file), tuple(kernel_names(file, real)), real)


def reload():
    """Forget everything compiled, for the GPU and for the emulator: the next launch reads the .cu files again."""
    _program.cache_clear()
    source.forget()
