"""Philox4x32-10, the counter-based random numbers: the launches of kernels/random.cu."""

from ..plan import Plan
from .launch import BLOCK, empty, launch
from .target import target_of
from .versions import Version, declare, enter, pick


def by_fours(file, name, parameters):
    """A version in which one thread makes one counter's four numbers."""
    kernel = declare(file, name, parameters)

    def launcher(arrays, numbers):
        n = arrays["y"].size
        launch(Plan(kernel, (-(-n // (4 * BLOCK)), 1, 1), (BLOCK, 1, 1), {"n": n, **numbers}), **arrays)

    return Version(launcher, (kernel,))


def _by_one(name, parameters):
    """A version in which a single thread moves the counter."""
    kernel = declare("random.cu", name, parameters)
    return Version(lambda arrays, by: launch(Plan(kernel, (1, 1, 1), (1, 1, 1), {"by": by}), **arrays), (kernel,))


_UNIFORM = "const uint64* counter, real* y, int n, uint64 seed, real low, real width"
_NORMAL = "const uint64* counter, real* y, int n, uint64 seed, real mean, real deviation"
VERSIONS = enter(
    "random",
    {
        "uniform": {"v1": by_fours("random.cu", "uniform_v1", _UNIFORM)},
        "normal": {"v1": by_fours("random.cu", "normal_v1", _NORMAL)},
        "advance": {"v1": _by_one("advance_v1", "uint64* counter, uint64 by")},
        "reserve": {"v1": _by_one("reserve_v1", "uint64* counter, uint64* before, uint64 by")},
    },
)


def draw(name, arrays, **numbers):
    """Launch a kernel that fills y with numbers drawn from a counter on."""
    pick(name, "v1", target_of(arrays["y"]))(arrays, numbers)
    return arrays["y"]


def uniform(shape, seed, counter, low, high, dtype):
    """As `minigan.reference.uniform`. A thread makes a counter's four numbers."""
    arrays = dict(counter=counter, y=empty(shape, counter, dtype))
    return draw("uniform", arrays, seed=seed, low=low, width=high - low)


def normal(shape, seed, counter, mean, deviation, dtype):
    """As `minigan.reference.normal`. A thread makes a counter's four numbers, two by each of two uniform ones."""
    arrays = dict(counter=counter, y=empty(shape, counter, dtype))
    return draw("normal", arrays, seed=seed, mean=mean, deviation=deviation)


def advance(counter, by):
    """As `minigan.reference.advance`. One thread."""
    pick("advance", "v1", target_of(counter))(dict(counter=counter), by)


def reserve(counter, by):
    """As `minigan.reference.reserve`. One thread."""
    before = empty((1,), like=counter)
    pick("reserve", "v1", target_of(counter))(dict(counter=counter, before=before), by)
    return before
