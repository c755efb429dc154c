"""Kernels that go element by element: a thread an element, or 16 bytes a thread."""

from contextlib import contextmanager
from functools import partial

from ..errors import MiniganError
from ..plan import Plan
from .launch import BLOCK, empty, launch
from .target import target_of
from .versions import Version, declare, pick, versions_of

_threads = BLOCK  # of a block: see `blocks_of`


@contextmanager
def blocks_of(threads):
    """Within this block kernels that go element by element run in blocks of so many threads instead of 256."""
    global _threads
    before, _threads = _threads, threads
    try:
        yield
    finally:
        _threads = before


def elementwise(file, parameters, which=("v1",)):
    """The table of the primitives whose kernels take `n` and go element by element: "v1" with a thread an element, "v2" with 16
    bytes a thread, or the first alone. `parameters` are {primitive: its kernels' parameters}."""
    return {
        name: {version: _version(file, name, version, parameters[name]) for version in which} for name in parameters
    }


def _version(file, name, version, parameters):
    kernel = declare(file, f"{name}_{version}", parameters)
    return Version(partial(_launch, kernel, version == "v2"), (kernel,))


def _launch(kernel, by_packs, target, n, arrays, numbers):
    launch(plan(kernel, n, target.pack if by_packs else 1, **numbers), **arrays)


def plan(kernel, n, of_thread=1, /, **numbers):  # a kernel may have a number called n, or kernel
    """The launch for n elements, `of_thread` of them a thread."""
    blocks = -(-n // (_threads * of_thread))
    return Plan(kernel, (blocks, 1, 1), (_threads, 1, 1), {"n": n, **numbers})


def default(versions, n, target):
    """v2 where there is one and it fills the chip: with 1,024 threads, half of what a multiprocessor holds, for each of them.
    Below, the many threads of v1 have more of the little there is on its way."""
    fills = n >= 1024 * target.pack * target.multiprocessors
    return "v2" if fills and "v2" in versions else "v1"


def launch_elements(name, n, arrays, /, **numbers):
    """Launch a primitive's kernel for n elements. `arrays` and `numbers` are named as its parameters are; the first array says
    where, and whether `real` is double."""
    target = target_of(next(array for array in arrays.values() if array is not None))
    pick(name, default(versions_of(name), n, target), target)(target, n, arrays, numbers)


def map_elements(name, arrays, **numbers):
    """y = f(arrays…), element by element: launch a kernel that takes equally shaped arrays, y, n and some numbers."""
    first = next(iter(arrays.values()))
    if any(array.shape != first.shape for array in arrays.values()):
        named = ", ".join(f"{label} {array.shape}" for label, array in arrays.items())
        raise MiniganError(f"{name}: arrays of different shapes: {named}")
    y = empty(first.shape, like=first)
    launch_elements(name, first.size, {**arrays, "y": y}, **numbers)
    return y
