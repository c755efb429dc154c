"""The emulator as a user sees it: how kernels run on NumPy arrays, and what the sanitizer finds in them."""

from contextlib import suppress

from .cuda import user
from .cuda.emulator import ORDERS, Finding, KernelError, Report, checking, out, profiling, renew, settings
from .cuda.emulator.profiler import Profile

__all__ = [
    "ORDERS",
    "Finding",
    "KernelError",
    "Profile",
    "Report",
    "check",
    "checking",
    "out",
    "profile",
    "profiling",
    "settings",
]


def check(kernel, grid, block, args, shared=0, order=None, seed=None):
    """Run a kernel once, as `kernel(grid, block, args, shared)` would, and return the sanitizer's Report.

    `kernel` is "mine.cu:name" or what `minigan.kernel` returns; an argument may be `minigan.out(array)`, of which nothing
    counts as written yet; `__device__` variables begin anew. A launch that faults, waits for ever or runs too long is a finding
    too. Raises MiniganError where the launch is not possible at all. `order` and `seed` are those of `settings`.
    """
    kernel = kernel if isinstance(kernel, user.UserKernel) else user.kernel(kernel)
    renew(kernel.program)
    with settings(order, seed), checking() as report, suppress(KernelError):
        kernel(grid, block, args, shared)
    return report


def profile(kernel, grid, block, args, shared=0):
    """Run a kernel once, as `kernel(grid, block, args, shared)` would, and return what it asked of memory: a Profile.

    `kernel` is "mine.cu:name" or what `minigan.kernel` returns.
    """
    kernel = kernel if isinstance(kernel, user.UserKernel) else user.kernel(kernel)
    with profiling() as profiles:
        kernel(grid, block, args, shared)
    return profiles[0]
