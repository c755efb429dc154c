"""Every kernel of a stem on the emulator: its results against the reference, and every access under the sanitizer."""

from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from .. import cuda, emulator
from ..cuda.target import Target
from ..cuda.versions import STEMS, chosen
from ..emulator import KernelError, Report
from .calls import calls, error_of


@dataclass
class Outcome:
    """Of one version of a stem's kernels: how many calls were made, which were wrong, the worst error of the others."""

    made: int = 0
    wrong: list = field(default_factory=list)  # one sentence each
    worst: float = 0.0
    report: Report = field(default_factory=Report)

    @property
    def passed(self):
        return not self.wrong and not self.report.findings


def versions_of(stem, real="float"):
    """The versions that some primitive of a stem has where `real` is this: ("v1", "v2", …)."""
    tables = STEMS[stem].values()
    runs = {name for versions in tables for name, version in versions.items() if version.runs_on(Target(real))}
    return tuple(name for name in dict.fromkeys(name for versions in tables for name in versions) if name in runs)


def choices_of(stem):
    """What there is to check of a stem: its versions, and where those are several what runs if none is chosen (None)."""
    versions = versions_of(stem)
    return versions if len(versions) == 1 else (None, *versions)


def rounds(stem, version):
    """Whether some primitive of a stem rounds factors to TF32 in this version."""
    return any(versions[version].tf32 for versions in STEMS[stem].values() if version in versions)


def check_version(stem, version, seed, in_turn=False):
    """Make every call of a stem in float32 in three orders of threads, or `in_turn` each in one of them, under the sanitizer; a
    generator of the Outcome so far, one for each call."""
    with chosen(version), emulator.checking() as report:
        outcome = Outcome(report=report)
        for turn, order in enumerate(emulator.ORDERS):
            made = calls(stem, seed, rounds(stem, version))
            with emulator.settings(order=order, seed=seed):
                for call in islice(made, turn, None, len(emulator.ORDERS)) if in_turn else made:
                    _try(call, order, outcome)
                    yield outcome


def _try(call, order, outcome):
    outcome.made += 1
    try:
        error, allowed = error_of(call, cuda, "float32")
    except KernelError as failure:
        outcome.wrong.append(f"{call}, {order}: {failure}")
        return
    if error <= allowed:
        outcome.worst = max(outcome.worst, error)
    else:
        outcome.wrong.append(f"{call}, {order}: off by {error:.2g}, allowed is {allowed:.2g}")


def fresh_seed():
    """A seed that is new in every run."""
    return int(np.random.SeedSequence().entropy % 2**32)
