"""`minigan check`: are the derivatives right, and the kernels: in their results, their accesses and what they compile to?

No GPU is needed. CASES has every op for the derivatives, CALLS every primitive for the kernels; the tests use both.
"""

from .calls import CALLS, Call, calls, error_of, relative_error
from .compiled import check_compiled
from .gradients import CASES, Case, check_gradient
from .inspect import inspect_kernel, inspect_stem
from .installation import describe_installation
from .kernels import check_version, choices_of, chosen, fresh_seed, rounds, versions_of
from .run import run_checks
from .training import check_training
from .user_kernel import check_kernel, compiler_options, numbers

__all__ = [
    "CALLS",
    "CASES",
    "Call",
    "Case",
    "calls",
    "check_compiled",
    "check_gradient",
    "check_kernel",
    "check_training",
    "check_version",
    "choices_of",
    "chosen",
    "compiler_options",
    "describe_installation",
    "error_of",
    "fresh_seed",
    "inspect_kernel",
    "inspect_stem",
    "numbers",
    "relative_error",
    "rounds",
    "run_checks",
    "versions_of",
]
