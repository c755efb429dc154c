"""What device cpu runs: the reference, with the faster arrangements of its convolutions."""

import ctypes
import platform
from types import SimpleNamespace

from . import reference
from .reference import conv2d_fast

PRIMITIVES = SimpleNamespace(
    **{name: getattr(conv2d_fast, name, None) or getattr(reference, name) for name in reference.__all__}
)

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
GIBIBYTE = 2**30


def keep_freed_memory():
    """Have glibc reuse freed arrays instead of giving them back to the system.

    Every training step makes the same arrays anew. By default each large one would be fresh memory, whose pages the system
    has to clear one by one: a third of a small GAN's step.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, GIBIBYTE)
        libc.mallopt(M_TRIM_THRESHOLD, GIBIBYTE)
