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

from ..errors import LaunchError
from . import interface, modes, profiler, sanitizer
from .build import PROFILER, label, library, observed_library, refuse_other_sizes
from .limits import refuse_memory
from .sanitizer import Watched

MAX_HOSTS = 16  # cores for a launch
MAX_BLOCKS_AT_ONCE, MAX_THREADS_AT_ONCE = 64, 16384  # of a cooperative launch
MANY = 16384  # threads of a launch from which more than one core is worth its start

running = threading.RLock()  # the runtime of a library holds one launch at a time
_stacks = (ctypes.c_void_p * MAX_BLOCKS_AT_ONCE)()  # the libraries' in common: see launch.h


class KernelError(LaunchError):
    """A kernel that faulted, waits for ever, or ran too long. The process lives."""


def renew(program):
    """Give a program's variables in global memory the values that they began with, for the sanitizer's launches."""
    observed = _sanitized(program, modes.current["chip"])
    observed.renew()
    interface.forget_fills(observed.code)


@dataclass(frozen=True)
class Program:
    """A CUDA text, the kernels in it that can be launched, what `real` is in the project's own files, and the names of structs'
    fields."""

    text: str
    names: tuple
    real: str | None = None
    fields: tuple = ()


@cache
def _library(program, chip):
    return library(program.text, program.names, program.real, program.fields, chip)


@cache
def _sanitized(program, chip):
    built = observed_library(program.text, program.names, program.real, program.fields, chip)
    refuse_other_sizes(built, sanitizer.MIRRORS)
    return built


@cache
def _profiled(program, chip):
    built = observed_library(program.text, program.names, program.real, program.fields, chip, PROFILER)
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
    if modes.is_profiling():
        return _profiled(program, modes.current["chip"]).code
    return (
        _sanitized(program, modes.current["chip"]).code
        if modes.is_checking()
        else _library(program, modes.current["chip"])
    )


def run(program, plan, arguments, outputs=(), fills=()):
    """Run a plan's kernel. `outputs` names the parameters whose arrays do not count as written, `fills` are Fills of variables.

    Raises KernelError where the kernel faults, deadlocks or exceeds the limit.
    """
    if not program.real:  # our own kernels go by the chip themselves
        refuse_memory(plan, _code(program)._name, modes.current["chip"])
    if plan.cooperative:
        _refuse_too_many(plan)
    if modes.is_profiling():
        with running:
            built = _profiled(program, modes.current["chip"])
            interface.fill(built.code, fills)
            launch = partial(_run, built.code, plan, arguments, hosts=1)
            modes.enter_profile(profiler.count(built, plan, arguments, program.text, launch))
        return
    if not modes.is_checking():
        with running:
            interface.fill(_library(program, modes.current["chip"]), fills)
            _run(_library(program, modes.current["chip"]), plan, arguments, _hosts(plan))
        return
    with running:
        interface.fill(_sanitized(program, modes.current["chip"]).code, fills)
        _run_watched(program, plan, arguments, outputs)


def _run_watched(program, plan, arguments, outputs):
    with Watched(_sanitized(program, modes.current["chip"]), plan, arguments, outputs, program.text) as watched:
        failure = ""
        try:
            _run(watched.library.code, plan, watched.moved, hosts=1)
        except KernelError as error:
            failure = str(error)
            raise
        finally:
            for finding in watched.findings(failure):
                modes.report(finding)


def _refuse_too_many(plan):
    blocks, threads = prod(plan.grid), prod(plan.block)
    if blocks > MAX_BLOCKS_AT_ONCE or blocks * threads > MAX_THREADS_AT_ONCE:
        raise LaunchError(
            f"kernel {plan.kernel.name}: a cooperative launch of {blocks:,} blocks of {threads:,} threads, at most"
            f" {MAX_BLOCKS_AT_ONCE} blocks and {MAX_THREADS_AT_ONCE:,} threads run at once here"
        )
    if modes.is_profiling():
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
    order = _order(prod(plan.block), modes.current["order"], modes.current["seed"])
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
    _watched = built, time.monotonic() + modes.current["limit"]
    try:
        yield
    finally:
        _watched = None
