"""Where a kernel is to run, and on what: what the choice of a version depends on beside the shapes."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..devices import array_module


@dataclass(frozen=True)
class Target:
    """Where a kernel is to run, and on what: "float" or "double", a chip's architecture, its multiprocessors.

    As it stands here: the emulator, which has the instructions of every chip; as few multiprocessors as a small chip has, so that
    its kernels are a small chip's.
    """

    real: str = "float"
    architecture: int = 120
    multiprocessors: int = 4

    @property
    def pack(self):
        """How many numbers 16 bytes hold, the most that one instruction of a thread moves."""
        return 4 if self.real == "float" else 2

    def can_run(self, kernel):
        return self.real in kernel.reals and self.architecture >= kernel.architecture


EMULATOR = Target()


def target_of(array):
    """The Target of a kernel that takes this array."""
    real = "double" if array.dtype == np.float64 else "float"
    return Target(real) if array_module(array) is np else Target(real, *_gpu(array.device.id))


@cache
def _gpu(number):
    """(architecture, multiprocessors) of a GPU."""
    import cupy

    properties = cupy.cuda.runtime.getDeviceProperties(number)
    return 10 * properties["major"] + properties["minor"], properties["multiProcessorCount"]
