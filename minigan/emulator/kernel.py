"""A kernel out of a text of its own, run on NumPy arrays; and what the sanitizer and the profiler say of it."""

import re
from contextlib import suppress
from functools import cached_property, partial
from operator import index
from pathlib import Path

import numpy as np

from ..errors import LaunchError, MiniganError
from ..plan import Kernel, Parameter, Plan, bind, lies_on_host, perform
from . import program
from .launch import KernelError, Program, checking, parameter_types, profiling, renew, run, settings
from .sanitizer import Out


def read_kernel(place):
    """(text, file, name) of "mine.cu:name". Raises MiniganError for another form, and for a file that cannot be read."""
    path, _, name = str(place).partition(".cu:")
    path += ".cu"
    if not name or path == ".cu":
        raise MiniganError(f'kernel: {place!r}, expected "file.cu:name"')
    try:
        return program.read(path), Path(path).name, name
    except OSError as error:
        raise MiniganError(f"kernel: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise MiniganError(f"kernel: {path} is not UTF-8 text ({error.reason} at byte {error.start})") from None


class HostKernel:
    """A kernel out of a text of its own, called as k(grid, block, args, shared=0, cooperative=False) with NumPy arrays: see
    `minigan.kernel`, whose kernels take CuPy's too."""

    def __init__(self, text, file, name):
        spelt = re.fullmatch(r"((?:\w+::)*(\w+))(?:<.+>)?", name)
        if not spelt or not re.search(rf"\b{spelt[2]}\b", text):
            raise MiniganError(f"{file} has no kernel {name!r}")
        template = re.search(rf"\btemplate\s*<[^;{{}}()]*>\s*(?:[\w\s]|\([^()]*\))*\b{spelt[2]}\s*\(", text)
        if template and spelt[0] == spelt[1]:
            raise MiniganError(f"{file}: kernel {name} is a template: name one of its instances, as {name}<float>")
        self.text, self.file, self.name = program.device_code(text), file, name

    @cached_property
    def program(self):
        """The kernel for the emulator."""
        return Program(f'#line 1 "{self.file}"\n{self.text}', (self.name,))

    def parameters(self, on_host=True):
        """The kernel's parameters as the host's compiler sees them."""
        return self.named(parameter_types(self.program, self.name))

    def named(self, types):
        """Parameters of these C types, with the names that they have in the text."""
        names = _names_of_parameters(self.text, re.sub(r"<.*|\w+::", "", self.name), len(types))
        return tuple(Parameter(kind, name, optional=False) for kind, name in zip(types, names))

    def plan(self, grid, block, args, shared=0, cooperative=False):
        """(Plan, {parameter: array}, whether it is for the emulator)."""
        arrays = ((position, value) for position, value in enumerate(args) if not isinstance(value, np.generic))
        given = {str(position): value for position, value in arrays if hasattr(value, "flags")}
        on_host = lies_on_host(self, given)
        parameters = self.parameters(on_host)
        if len(args) != len(parameters):
            types = ", ".join(parameter.type for parameter in parameters)
            raise LaunchError(f"kernel {self.name} takes {len(parameters)} arguments ({types}), got {len(args)}")
        arrays = {parameter.name: value for parameter, value in zip(parameters, args) if parameter.is_pointer}
        numbers = {parameter.name: value for parameter, value in zip(parameters, args) if not parameter.is_pointer}
        made = Kernel(self.file, self.name, parameters)
        return Plan(made, _three(grid, "grid"), _three(block, "block"), numbers, shared, cooperative), arrays, on_host

    def __call__(self, grid, block, args, shared=0, cooperative=False):
        outputs = {position for position, value in enumerate(args) if isinstance(value, Out)}
        args = [value.array if isinstance(value, Out) else value for value in args]
        plan, arrays, on_host = self.plan(grid, block, args, shared, cooperative)
        _, arguments = bind(plan, arrays)
        if on_host:
            names = {parameter.name for position, parameter in enumerate(plan.kernel.parameters) if position in outputs}
            perform(plan, arguments, partial(run, self.program, plan, arguments, names))
        else:
            self.run_on_gpu(plan, arguments)

    def run_on_gpu(self, plan, arguments):
        raise MiniganError(f"kernel {self.name}: the sanitizer runs on the emulator: pass NumPy arrays")


def _names_of_parameters(text, kernel, count):
    """The parameters' names as the text has them, for messages; their positions where that cannot be told."""
    head = re.search(rf"\b{kernel}\s*\(([^()]*)\)\s*\{{", re.sub(r"//.*|/\*[\s\S]*?\*/", "", text))
    names = [re.search(r"(\w*)\W*$", parameter)[1] for parameter in head[1].split(",")] if head else []
    return names if len(set(names)) == count else [str(position) for position in range(count)]


def _three(size, what):
    """A grid or a block as three positive ints."""
    try:
        sizes = tuple(index(one) for one in (size if isinstance(size, (tuple, list)) else (size,)))
    except TypeError:
        sizes = ()
    if not 1 <= len(sizes) <= 3 or min(sizes) < 1:
        raise LaunchError(f"{what} {size!r}: expected one to three whole numbers above 0")
    return sizes + (1,) * (3 - len(sizes))


def _kernel_of(kernel):
    return kernel if isinstance(kernel, HostKernel) else HostKernel(*read_kernel(kernel))


def check(kernel, grid, block, args, shared=0, order=None, seed=None, cooperative=False):
    """Run a kernel once, as `kernel(grid, block, args, shared)` would, and return the sanitizer's Report.

    `kernel` is "mine.cu:name" or what `minigan.kernel` returns; an argument may be `minigan.out(array)`, of which nothing
    counts as written yet; `__device__` variables begin anew. A launch that faults, waits for ever or runs too long is a finding
    too. Raises MiniganError where the launch is not possible at all. `order` and `seed` are those of `settings`.
    """
    kernel = _kernel_of(kernel)
    renew(kernel.program)
    with settings(order, seed), checking() as report, suppress(KernelError):
        kernel(grid, block, args, shared, cooperative)
    return report


def profile(kernel, grid, block, args, shared=0):
    """Run a kernel once, as `kernel(grid, block, args, shared)` would, and return what it asked of memory: a Profile.

    `kernel` is "mine.cu:name" or what `minigan.kernel` returns.
    """
    kernel = _kernel_of(kernel)
    with profiling() as profiles:
        kernel(grid, block, args, shared)
    return profiles[0]
