"""A launch on the emulator: the kernel's text, compiled by the host's C++ compiler and run on the CPU, or run and observed.

It runs a kernel's threads one after the other, in an order that can be chosen; a right kernel gives the right answer in
every order. It idealises the memory of a GPU: it can show that a kernel is wrong, it cannot prove one right on silicon.
"""

import ctypes
import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from math import prod

import numpy as np

from ..errors import LaunchError, MiniganError
from . import interface, profiler, sanitizer
from .build import PROFILER, label, library, observed_library, refuse_other_sizes
from .compiler import blind_spots
from .findings import Report
from .sanitizer import Watched

MAX_HOSTS = 16  # cores for a launch
MAX_BLOCKS_AT_ONCE, MAX_THREADS_AT_ONCE = 64, 16384  # of a cooperative launch
MANY = 16384  # threads of a launch from which more than one core is worth its start
MAX_SHARED = 227 * 1024  # bytes of dynamic shared memory that a block can ask for, on sm_90
ORDERS = ("forward", "reverse", "shuffle")

_settings = {"order": "forward", "seed": 0, "limit": 60.0}
_profiles = None  # where the profiler enters what it counts; None: launches run without it
_report = None  # where the sanitizer enters what it finds; None: launches run without it
running = threading.RLock()  # the runtime of a library holds one launch at a time
_stacks = (ctypes.c_void_p * MAX_BLOCKS_AT_ONCE)()  # the libraries' in common: see launch.h


class KernelError(LaunchError):
    """A kernel that faulted, waits for ever, or ran too long. The process lives."""


@contextmanager
def settings(order=None, seed=None, limit=None):
    """Within this block kernels run their threads in this `order` ("forward", "reverse", or "shuffle" by `seed`), and are
    stopped after `limit` seconds."""
    if order is not None and order not in ORDERS:
        raise MiniganError(f"unknown order {order!r}: choose from {', '.join(ORDERS)}")
    if seed is not None and not 0 <= seed < 2**64:
        raise MiniganError(f"seed {seed}: expected a whole number from 0 to 2⁶⁴ − 1")
    before = dict(_settings)
    changes = {"order": order, "seed": seed, "limit": limit}
    _settings.update({name: value for name, value in changes.items() if value is not None})
    try:
        yield
    finally:
        _settings.update(before)


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


def renew(program):
    """Give a program's variables in global memory the values that they began with, for the sanitizer's launches."""
    observed = _sanitized(program)
    observed.renew()
    interface.forget_fills(observed.code)


def is_checking():
    """Whether launches run under the sanitizer."""
    return _report is not None


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
    return dict(_settings), is_checking(), _profiles is not None


def restore(state, stack):
    """Have launches run so, and no other way, until an ExitStack ends; (the Report that fills, or None; the list of Profiles, or
    None)."""
    global _report, _profiles
    _report = _profiles = None  # a process that was forked within a check has one from there
    set_so, checked, profiled = state
    stack.enter_context(settings(**set_so))
    report = stack.enter_context(checking()) if checked else None
    return report, stack.enter_context(profiling()) if profiled else None


@dataclass(frozen=True)
class Program:
    """A CUDA text, the kernels in it that can be launched, what `real` is in the project's own files, and the names of structs'
    fields."""

    text: str
    names: tuple
    real: str | None = None
    fields: tuple = ()


@cache
def _library(program):
    return library(program.text, program.names, program.real, program.fields)


@cache
def _sanitized(program):
    built = observed_library(program.text, program.names, program.real, program.fields)
    refuse_other_sizes(built, sanitizer.MIRRORS)
    return built


@cache
def _profiled(program):
    built = observed_library(program.text, program.names, program.real, program.fields, PROFILER)
    refuse_other_sizes(built, profiler.MIRRORS)
    return built


def parameter_types(program, name):
    """`interface.parameter_types` of a program."""
    return interface.parameter_types(_code(program), name)


def variables(program, names):
    """`interface.variables` of a program."""
    return interface.variables(_code(program), names)


def _code(program):
    """The library that will be launched: another one would have to be built first."""
    if _profiles is not None:
        return _profiled(program).code
    return _sanitized(program).code if is_checking() else _library(program)


def run(program, plan, arguments, outputs=(), fills=()):
    """Run a plan's kernel. `outputs` names the parameters whose arrays do not count as written, `fills` are Fills of variables.

    Raises KernelError where the kernel faults, deadlocks or exceeds the limit.
    """
    if not 0 <= plan.shared <= MAX_SHARED:
        raise LaunchError(
            f"kernel {plan.kernel.name}: {plan.shared} bytes of shared memory, expected 0 to {MAX_SHARED}"
        )
    if plan.cooperative:
        _refuse_too_many(plan)
    if _profiles is not None:
        with running:
            built = _profiled(program)
            interface.fill(built.code, fills)
            launch = partial(_run, built.code, plan, arguments, hosts=1)
            _profiles.append(profiler.count(built, plan, arguments, program.text, launch))
        return
    if _report is None:
        with running:
            interface.fill(_library(program), fills)
            _run(_library(program), plan, arguments, _hosts(plan))
        return
    with running:
        interface.fill(_sanitized(program).code, fills)
        _run_watched(program, plan, arguments, outputs)


def _run_watched(program, plan, arguments, outputs):
    with Watched(_sanitized(program), plan, arguments, outputs, program.text) as watched:
        failure = ""
        try:
            _run(watched.library.code, plan, watched.moved, hosts=1)
        except KernelError as error:
            failure = str(error)
            raise
        finally:
            for finding in watched.findings(failure):
                report(finding)


def _refuse_too_many(plan):
    blocks, threads = prod(plan.grid), prod(plan.block)
    if blocks > MAX_BLOCKS_AT_ONCE or blocks * threads > MAX_THREADS_AT_ONCE:
        raise LaunchError(
            f"kernel {plan.kernel.name}: a cooperative launch of {blocks:,} blocks of {threads:,} threads, at most"
            f" {MAX_BLOCKS_AT_ONCE} blocks and {MAX_THREADS_AT_ONCE:,} threads run at once here"
        )
    if _profiles is not None:
        raise LaunchError(f"kernel {plan.kernel.name}: a cooperative launch cannot be profiled")


def _hosts(plan):
    """How many cores a launch is worth."""
    blocks, threads = prod(plan.grid), prod(plan.block)
    return min(os.cpu_count() or 1, blocks, MAX_HOSTS) if blocks * threads >= MANY else 1


def _run(built, plan, arguments, hosts):
    """Run a plan's kernel out of a library."""
    kernel, hosts = plan.kernel, prod(plan.grid) if plan.cooperative else hosts
    held = [_as_c(value) for value in arguments]
    pointers = (ctypes.c_void_p * max(1, len(held)))(*(ctypes.addressof(value) for value in held))
    order = _order(prod(plan.block), _settings["order"], _settings["seed"])
    message = ctypes.create_string_buffer(600)
    three = ctypes.c_uint * 3
    with running, _watching(built):
        failed = built.minigan_launch(
            built[f"minigan_life_{label(kernel.name)}"], pointers, three(*plan.grid), three(*plan.block),
            order.ctypes.data_as(ctypes.c_void_p), hosts, plan.cooperative, _stacks, message, len(message),
        )  # fmt: skip
    if failed:
        raise KernelError(f"kernel {kernel.name}: {message.value.decode()}")


@cache
def _order(threads, order, seed):
    numbers = np.arange(threads, dtype=np.int32)
    if order == "shuffle":
        return np.random.default_rng(seed).permutation(numbers)
    return numbers[::-1].copy() if order == "reverse" else numbers


ALIGNMENT = 256  # more than any type asks for


def _as_c(value):
    """An argument as the C object that the kernel's parameter is read from."""
    if isinstance(value, np.ndarray):
        return ctypes.c_void_p(value.ctypes.data)
    room = ctypes.create_string_buffer(value.nbytes + ALIGNMENT)
    held = (ctypes.c_char * value.nbytes).from_buffer(room, -ctypes.addressof(room) % ALIGNMENT)
    held[:] = value.tobytes()
    return held


_watched = None  # (library, when to stop it) of the launch that is running


class _Watchdog(threading.Thread):
    """Looks every quarter of a second whether a launch has run beyond its limit, and stops it."""

    def run(self):
        while True:
            time.sleep(0.25)
            watched = _watched
            if watched and time.monotonic() > watched[1]:
                watched[0].minigan_stop()


@cache
def _start_watchdog():
    _Watchdog(daemon=True, name="minigan-watchdog").start()


os.register_at_fork(after_in_child=_start_watchdog.cache_clear)  # a fork takes no threads along


@contextmanager
def _watching(built):
    global _watched
    _start_watchdog()
    _watched = built, time.monotonic() + _settings["limit"]
    try:
        yield
    finally:
        _watched = None
