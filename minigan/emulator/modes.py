"""How launches run: in which order of their threads, for how long, on which chip, and who observes them."""

from contextlib import contextmanager

from ..errors import MiniganError
from ..plan import MOST_SHARED
from .compiler import blind_spots
from .findings import Report

ORDERS = ("forward", "reverse", "shuffle")

current = {"order": "forward", "seed": 0, "limit": 60.0, "chip": 80}
_profiles = None  # where the profiler enters what it counts; None: launches run without it
_report = None  # where the sanitizer enters what it finds; None: launches run without it


@contextmanager
def settings(order=None, seed=None, limit=None, chip=None):
    """Within this block kernels run their threads in this `order` ("forward", "reverse", or "shuffle" by `seed`), are stopped
    after `limit` seconds, and have as much memory as a `chip` gives (75 to 120, as in sm_75)."""
    if order is not None and order not in ORDERS:
        raise MiniganError(f"unknown order {order!r}: choose from {', '.join(ORDERS)}")
    if seed is not None and not 0 <= seed < 2**64:
        raise MiniganError(f"seed {seed}: expected a whole number from 0 to 2⁶⁴ − 1")
    if chip is not None and chip not in MOST_SHARED:
        known = ", ".join(f"sm_{number}" for number in MOST_SHARED)
        raise MiniganError(f"unknown chip sm_{chip}: choose from {known}")
    before = dict(current)
    changes = {"order": order, "seed": seed, "limit": limit, "chip": chip}
    current.update({name: value for name, value in changes.items() if value is not None})
    try:
        yield
    finally:
        current.update(before)


@contextmanager
def checking():
    """Within this block every launch, of any thread of Python, runs under the sanitizer; the block's value is a Report, which
    fills with findings."""
    global _report
    before, _report = _report, Report(note=blind_spots())
    try:
        yield _report
    finally:
        _report = before


@contextmanager
def profiling():
    """Within this block every launch is profiled; the block's value is a list, which fills with a Profile of each."""
    global _profiles
    before, _profiles = _profiles, []
    try:
        yield _profiles
    finally:
        _profiles = before


def is_checking():
    """Whether launches run under the sanitizer."""
    return _report is not None


def is_profiling():
    """Whether launches are profiled."""
    return _profiles is not None


def report(finding):
    """Enter a finding, where launches run under the sanitizer."""
    if _report is not None:
        _report.add(finding)


def enter_profile(profile):
    """Enter a Profile, where launches are profiled."""
    if _profiles is not None:
        _profiles.append(profile)


def state():
    """How launches run just now, for `restore` in another process."""
    return dict(current), is_checking(), is_profiling()


def restore(state, stack):
    """Have launches run so, and no other way, until an ExitStack ends; (the Report that fills, or None; the list of Profiles, or
    None)."""
    global _report, _profiles
    _report = _profiles = None  # a process that was forked within a check has one from there
    set_so, checked, profiled = state
    stack.enter_context(settings(**set_so))
    report = stack.enter_context(checking()) if checked else None
    return report, stack.enter_context(profiling()) if profiled else None
