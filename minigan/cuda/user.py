"""Anybody's CUDA kernel, from a file or a string, called from Python with its arguments checked."""

import re
from functools import cache, cached_property, partial
from operator import index
from pathlib import Path

import numpy as np

from ..errors import LaunchError, MiniganError
from . import emulator, nvrtc, program, source
from .launch import Kernel, Parameter, Plan, bind, lies_on_host, perform

DEFAULT_SHARED = 48 * 1024  # bytes of dynamic shared memory that a kernel may have without asking for more


def kernel(place=None, *, source=None, name=None):
    """A CUDA C kernel as a callable: `kernel("mine.cu:name")`, or `kernel(source=text, name="name")`.

    A template's instance is named as in C++, "scale<float>". The text may be a whole program: its host functions are left
    out. Nothing is put before it. The result is called as k(grid, block, args, shared=0): `grid` and `block` are a
    number or up to three, `args` arrays and plain numbers in the kernel's order, `shared` bytes of dynamic shared memory.
    CuPy arrays run on the GPU, NumPy arrays on the emulator. Numbers become the C types that the kernel declares. Raises
    MiniganError where the file or the kernel is missing, LaunchError for arguments that do not fit.
    """
    if (place is None) == (source is None) or (source is not None and not name):
        raise MiniganError('kernel: pass "file.cu:name", or source= and name=')
    if source is not None:
        return UserKernel(source, "source", name)
    path, _, name = str(place).partition(".cu:")
    path += ".cu"
    if not name or path == ".cu":
        raise MiniganError(f'kernel: {place!r}, expected "file.cu:name"')
    try:
        return UserKernel(program.read(path), Path(path).name, name)
    except OSError as error:
        raise MiniganError(f"kernel: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise MiniganError(f"kernel: {path} is not UTF-8 text ({error.reason} at byte {error.start})") from None


class UserKernel:
    """A kernel out of a text of its own: see `kernel`."""

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
        return emulator.Program(f'#line 1 "{self.file}"\n{self.text}', (self.name,))

    def parameters(self, on_host=True):
        """The kernel's parameters as a compiler sees them: the host's, or NVIDIA's (which needs no GPU)."""
        if on_host:
            types = emulator.parameter_types(self.program, self.name)
        else:
            types = _parameter_types(self.text, self.file, self.name)
        names = _parameter_names(self.text, re.sub(r"<.*|\w+::", "", self.name), len(types))
        return tuple(Parameter(kind, name, optional=False) for kind, name in zip(types, names))

    def plan(self, grid, block, args, shared=0):
        """(Plan, {parameter: array}, whether it is for the emulator)."""
        arrays = ((position, value) for position, value in enumerate(args) if not isinstance(value, np.generic))
        given = {str(position): value for position, value in arrays if hasattr(value, "flags")}
        on_host = lies_on_host(self, given)
        parameters = self.parameters(on_host)
        if len(args) != len(parameters):
            types = ", ".join(parameter.type for parameter in parameters)
            raise LaunchError(f"kernel {self.name} takes {len(parameters)} arguments ({types}), got {len(args)}")
        arrays = {each.name: value for each, value in zip(parameters, args) if each.is_pointer}
        numbers = {each.name: value for each, value in zip(parameters, args) if not each.is_pointer}
        made = Kernel(self.file, self.name, parameters)
        return Plan(made, _three(grid, "grid"), _three(block, "block"), numbers, shared), arrays, on_host

    def __call__(self, grid, block, args, shared=0):
        outputs = {position for position, value in enumerate(args) if isinstance(value, emulator.Out)}
        args = [value.array if isinstance(value, emulator.Out) else value for value in args]
        plan, arrays, on_host = self.plan(grid, block, args, shared)
        _, arguments = bind(plan, arrays)
        if not on_host and emulator.is_checking():
            raise MiniganError(f"kernel {self.name}: the sanitizer runs on the emulator: pass NumPy arrays")
        if on_host:
            names = {parameter.name for position, parameter in enumerate(plan.kernel.parameters) if position in outputs}
            perform(plan, arguments, partial(emulator.run, self.program, plan, arguments, names))
        else:
            function = _function(self.text, self.name)
            if shared > DEFAULT_SHARED:
                function.max_dynamic_shared_size_bytes = shared
            perform(plan, arguments, partial(function, plan.grid, plan.block, arguments, shared_mem=shared))


def _parameter_names(text, kernel, count):
    """The parameters' names as the text has them, for messages; their positions where that cannot be told."""
    found = re.search(rf"\b{kernel}\s*\(([^()]*)\)\s*\{{", re.sub(r"//.*|/\*[\s\S]*?\*/", "", text))
    names = [re.search(r"(\w*)\W*$", each)[1] for each in found[1].split(",")] if found else []
    return names if len(set(names)) == count else [str(position) for position in range(count)]


@cache
def _parameter_types(text, file, name):
    return nvrtc.parameter_types(text, file, (source.STANDARD,), [name])[name]


@cache
def _function(text, name):
    import cupy

    module = cupy.RawModule(code=text, options=(source.STANDARD,), name_expressions=[name])
    return module.get_function(name)


def _three(size, what):
    """A grid or a block as three positive ints."""
    try:
        sizes = tuple(index(one) for one in (size if isinstance(size, (tuple, list)) else (size,)))
    except TypeError:
        sizes = ()
    if not 1 <= len(sizes) <= 3 or min(sizes) < 1:
        raise LaunchError(f"{what} {size!r}: expected one to three whole numbers above 0")
    return sizes + (1,) * (3 - len(sizes))
