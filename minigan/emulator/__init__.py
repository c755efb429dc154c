"""The emulator: any CUDA C text, compiled by the host's C++ compiler and run on the CPU, checked and profiled.

How it works, and what it takes for a race and why, is told in README.md beside this file.
"""

from .findings import Finding, Report
from .kernel import check, constant, profile
from .launch import KernelError, Program, run
from .modes import ORDERS, checking, profiling, settings
from .profiles import Profile
from .sanitizer import out

__all__ = [
    "ORDERS",
    "Finding",
    "KernelError",
    "Profile",
    "Program",
    "Report",
    "check",
    "checking",
    "constant",
    "out",
    "profile",
    "profiling",
    "run",
    "settings",
]
