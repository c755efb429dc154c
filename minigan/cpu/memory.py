"""Memory of device cpu: what is freed is kept for the next step."""

import ctypes
import platform

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
