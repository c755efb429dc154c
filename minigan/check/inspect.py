"""`minigan inspect`: what a kernel asks of memory, line by line."""

from functools import cache
from math import prod

import numpy as np

from .. import cuda, emulator
from ..cuda import nvrtc, source
from ..cuda.occupancy import chip_of, occupancy
from ..cuda.user_kernel import kernel
from ..cuda.versions import KERNELS
from ..errors import MiniganError
from .calls import CALLS, Call, Draw, calls, converted
from .kernels import chosen, versions_of
from .user_kernel import argument, asking_for_shared

# A call that shows a stem's kernels well; where none stands here, the one with the most numbers of those that are checked.
TYPICAL = {
    "matmul": lambda draw: Call("matmul", (draw(128, 64), draw(64, 128))),
    "conv2d": lambda draw: Call("conv2d", (draw(1, 8, 16, 16), draw(64, 8, 3, 3), None, (1, 1), ((1, 1), (1, 1)))),
}


def inspect_kernel(place, grid, block, arguments, shared=0, options=(), chip=None):
    """The Profile of a kernel in a file. `arguments` are written as `argument` reads them, `options` are those of a compiler; of
    a `chip`, 75 to 120, it has the occupancy, which takes NVIDIA's compiler."""
    if chip:
        chip_of(chip)
    random, made = np.random.default_rng(0), kernel(place, options=options)
    values = [argument(text, random) for text in arguments]
    with asking_for_shared(made, shared):
        profile = emulator.profile(made, grid, block, values, shared)
    if chip:
        _, log, names = nvrtc.compile_cubin(made.cuda_text, made.file, made.options, chip, (made.name,))
        profile.occupancy = _occupancy(chip, nvrtc.resources(log)[names[made.name]], profile)
    return profile


def _occupancy(chip, resources, profile):
    shared = resources.shared + profile.shared
    fits = occupancy(chip, profile.block, resources.registers, shared)
    return f"on sm_{chip} {fits}: {resources.registers} registers a thread, {shared:,} bytes of shared memory a block"


def inspect_stem(stem, chip=None):
    """(version, Call, Profiles of the kernels that it launches) for every version of a stem of ours, one after the other.

    Raises MiniganError for an unknown stem.
    """
    if stem not in CALLS:
        raise MiniganError(
            f"unknown stem {stem!r}: choose from {', '.join(CALLS)}; or a kernel of yours, FILE.cu:KERNEL"
        )
    call = TYPICAL[stem](Draw(0)) if stem in TYPICAL else max(calls(stem, 0), key=_numbers)
    if chip:
        chip_of(chip)
    for version in versions_of(stem):
        with chosen(version), emulator.profiling() as profiles:
            getattr(cuda, call.primitive)(*converted(call.args, "float32"))
        for profile in profiles if chip else ():
            resources = _resources(KERNELS[profile.kernel].file, chip)[profile.kernel]
            profile.occupancy = _occupancy(chip, resources, profile)
        yield version, call, profiles


@cache
def _resources(file, chip):
    return nvrtc.resources(nvrtc.compile_cubin(source.text(file), file, source.options("float"), chip)[1])


def _numbers(call):
    return sum(prod(np.shape(value)) for value in call.args if isinstance(value, np.ndarray))
