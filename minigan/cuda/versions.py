"""Every version of every primitive, and which of them runs.

A version is a launcher: a function that takes what a primitive has checked and makes its launches. Each stem has a table of
them, {primitive: {"v1": Version, …}}, in which the default rules, `--kernels`, the bench and the checks choose by name.
"""

import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from ..errors import MiniganError
from ..plan import Kernel, Parameter

KERNELS = {}  # {"matmul_v1": Kernel, …}: every kernel there is, entered by `declare`
STEMS = {}  # {"matmul": {"matmul": {"v1": Version, …}}, …}: every stem's table, entered by `enter`
_chosen = {}  # {"matmul": "v1"}: what `choose` has set
_taken = set()  # the primitives whose chosen version has run, see `chosen`


@dataclass(frozen=True)
class Version:
    """A launcher, and the kernels that it launches: it runs where all of them can."""

    launcher: Callable
    kernels: tuple[Kernel, ...]

    def __call__(self, *arguments, **numbers):
        return self.launcher(*arguments, **numbers)

    @property
    def tf32(self):
        """Whether it rounds factors to TF32."""
        return any(kernel.tf32 for kernel in self.kernels)

    def runs_on(self, target):
        return all(target.can_run(kernel) for kernel in self.kernels)


def declare(file, name, parameters, reals=("float", "double"), tf32=False):
    """The Kernel `name` of `file`, entered where the emulator and the tests look for all there are.

    `parameters` is written as in C ("const real* a, int n"); a `?` behind a pointer's name lets it be null, a `+` lets it point
    at more than 2³¹ − 1 elements.
    """
    parsed = []
    for parameter in parameters.split(","):
        kind, _, label = parameter.strip().rpartition(" ")
        parsed.append(Parameter(kind, label.rstrip("?+"), "?" in label, "+" in label))
    KERNELS[name] = Kernel(file, name, tuple(parsed), reals, tf32)
    return KERNELS[name]


def kernel_names(file, real):
    """The names of the kernels in a file that are written for `real`."""
    return [kernel.name for kernel in KERNELS.values() if kernel.file == file and real in kernel.reals]


def enter(stem, table):
    """The table of a stem, {primitive: {"v1": Version, …}}, entered where all tables are."""
    STEMS[stem] = table
    return table


def versions_of(primitive):
    """{"v1": Version, …} of a primitive. Raises MiniganError for an unknown one; the message lists those there are."""
    tables = {name: versions for table in STEMS.values() for name, versions in table.items()}
    if primitive not in tables:
        raise MiniganError(f"unknown kernel {primitive!r}: choose from {', '.join(sorted(tables))}")
    return tables[primitive]


def choose(primitive, version):
    """Run this version of a primitive from now on ("v1", …), or the default for the shape again (None).

    Raises MiniganError for an unknown primitive or version; the message lists those there are.
    """
    versions = versions_of(primitive)
    if version is not None and version not in versions:
        raise MiniganError(f"kernel {primitive} has no version {version!r}: choose from {', '.join(versions)}")
    _chosen[primitive] = version


@contextmanager
def chosen(version):
    """Within this block primitives run in this version, where they have it, else (and for None) in their default one. The block's
    value is a set, which fills with the primitives that did run in it: for some shapes and on some chips another takes over."""
    global _chosen, _taken
    before = _chosen, _taken
    _chosen = {name: version for table in STEMS.values() for name, versions in table.items() if version in versions}
    _taken = set()
    try:
        yield _taken
    finally:
        _chosen, _taken = before


def pick(primitive, default, target, unfit=()):
    """The Version that is to run: the chosen one, else the default one, which also runs where the chosen one is `unfit` for the
    shape, or cannot run on this target. The latter is said, once."""
    versions, name = versions_of(primitive), _chosen.get(primitive)
    if name and not versions[name].runs_on(target):
        _say_that_another_runs(primitive, name)
        name = None
    if not name or name in unfit:
        return versions[default]
    _taken.add(primitive)
    return versions[name]


@cache
def _say_that_another_runs(primitive, name):
    kernel = max(versions_of(primitive)[name].kernels, key=lambda kernel: (kernel.architecture, -len(kernel.reals)))
    needs = f"{' or '.join(kernel.reals)} and sm_{kernel.architecture} or later"
    warnings.warn(f"kernel {kernel.name} needs {needs}: where it cannot run, the default does", stacklevel=4)
