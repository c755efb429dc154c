"""A kernel out of a text of its own, run on NumPy arrays; and what the sanitizer and the profiler say of it."""

import re
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from itertools import count
from operator import index
from pathlib import Path

import numpy as np

from ..devices import array_module
from ..errors import LaunchError, MiniganError
from ..plan import Kernel, Parameter, Plan, bind, lies_on_host, perform
from . import program, worker
from .build import CUDAS_HEADERS
from .compiler import CompileError
from .interface import Fill
from .launch import KernelError, Program
from .modes import checking, profiling, settings
from .options import Options
from .parser import can_parse
from .reach import reach
from .sanitizer import Out
from .variables import data_of as variable_data
from .variables import names as names_of_variables

# How compilers say that they know nothing of a name.
UNDECLARED = "not declared|undeclared|not been declared|not a member|no member|no matches"
NO_OPTIONS = Options()
CANNOT_PARSE = "the whole file was compiled; with pip install 'minigan[emulator]' only what the kernel reaches is"


def read_kernel(place, options=NO_OPTIONS):
    """(text, file, name) of "mine.cu:name". Raises MiniganError for another form, and for a file that cannot be read."""
    parts = re.fullmatch(r"(.+\.cuh?):(.+)", str(place))
    if not parts:
        raise MiniganError(f'kernel: {place!r}, expected "file.cu:name"')
    path, name = parts.groups()
    try:
        return options.text_in(path), Path(path).name, name
    except OSError as error:
        raise MiniganError(f"kernel: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise MiniganError(f"kernel: {path} is not UTF-8 text ({error.reason} at byte {error.start})") from None


_numbers = count()  # of Fills


class HostKernel:
    """A kernel out of a text of its own, called as k(grid, block, args, shared=0, cooperative=False) with NumPy arrays: see
    `minigan.kernel`, whose kernels take CuPy's too."""

    def __init__(self, text, file, name):
        if not re.fullmatch(r"(?:\w+::)*\w+(?:<.+>)?", name):
            raise MiniganError(f"{file} has no kernel {name!r}")
        self.reached = reach(text, name, file) if can_parse() else None
        if self.reached and self.reached.is_template and not name.endswith(">"):
            raise MiniganError(f"{file}: kernel {name} is a template: name one of its instances, as {name}<float>")
        self.with_headers = self.reached.text if self.reached else text
        self.text, self.left_out = program.without_unknown_headers(self.with_headers, CUDAS_HEADERS)
        self.file, self.name = file, name
        self.fills = {}  # {variable: Fill}
        self.max_dynamic_shared_size_bytes = (
            None  # by CuPy's name: for how much a kernel asks, where 48 KB are not enough
        )

    @cached_property
    def program(self):
        """The kernel for the emulator."""
        text = self.reached.for_emulator() if self.reached else self.text
        text, _ = program.without_unknown_headers(text, CUDAS_HEADERS)
        fields = self.reached.fields if self.reached else ()
        return Program(f'#line 1 "{self.file}"\n{text}', (self.name,), fields=fields)

    def parameters(self, on_host=True):
        """The kernel's parameters as the host's compiler sees them."""
        return self.named(*zip(*self._types))

    @cached_property
    def _types(self):
        with self._explaining():
            return worker.parameter_types(self.program, self.name)

    def named(self, types=(), layouts=()):
        """Parameters of these C types, with the names that they have in the text; else their positions. Any pointer may be null:
        only the kernel knows which it uses."""
        names = [name for name, _ in self.reached.parameters] if self.reached else []
        if len(set(names)) != len(types) or not all(names):
            names = [str(position) for position in range(len(types))]
        layouts = layouts or [None] * len(types)
        return tuple(
            Parameter(kind, name, kind.endswith("*"), layout=layout)
            for kind, name, layout in zip(types, names, layouts)
        )

    @cached_property
    def variables(self):
        """{name: (C type, Layout)} of the variables that can be filled."""
        with self._explaining():
            return worker.variables(self.program, names_of_variables(self.program.text), self.name)

    def fill(self, name, value):
        """Have a variable hold a value from the next launch on: see `constant`."""
        data = variable_data(self, name, value)
        before = self.fills[name].data if name in self.fills else b""
        self.fills[name] = Fill(name, next(_numbers), data + before[len(data) :])

    @contextmanager
    def _explaining(self):
        """A text that does not compile is told with what was left out of it."""
        try:
            yield
        except CompileError as error:
            own = re.sub(r"<.*|\w+::", "", self.name)
            undeclared = re.search(rf"\b{own}\b.*(?:{UNDECLARED})", str(error))
            if undeclared and self.reached and self.reached.condition:
                line, condition = self.reached.condition
                place = list(program.numbered(f'#line 1 "{self.file}"\n{self.text}'))[line]
                raise MiniganError(
                    f"{self.file}: the file has a kernel {self.name}, and `{condition}` in line {place[1]} leaves it out"
                ) from None
            unknown = f"\n(unknown headers were left out: {', '.join(self.left_out)})" if self.left_out else ""
            whole = "" if self.reached else f"\n({CANNOT_PARSE})"
            raise CompileError(f"{error}{unknown}{whole}") from None

    def plan(self, grid, block, args, shared=0, cooperative=False):
        """(Plan, {parameter: array}, whether it is for the emulator)."""
        parameters = self.parameters(all(array_module(value) is np for value in args if hasattr(value, "flags")))
        if len(args) != len(parameters):
            types = ", ".join(parameter.type for parameter in parameters)
            raise LaunchError(f"kernel {self.name} takes {len(parameters)} arguments ({types}), got {len(args)}")
        arrays = {parameter.name: value for parameter, value in zip(parameters, args) if parameter.is_pointer}
        numbers = {parameter.name: value for parameter, value in zip(parameters, args) if not parameter.is_pointer}
        given = {name: value for name, value in arrays.items() if hasattr(value, "flags")}
        on_host = lies_on_host(self, given)
        made = Kernel(self.file, self.name, parameters)
        asked = self.max_dynamic_shared_size_bytes
        launch = Plan(made, _three(grid, "grid"), _three(block, "block"), numbers, shared, cooperative, asked)
        return launch, arrays, on_host

    def __call__(self, grid, block, args, shared=0, cooperative=False):
        outputs = {position for position, value in enumerate(args) if isinstance(value, Out)}
        args = [value.array if isinstance(value, Out) else value for value in args]
        plan, arrays, on_host = self.plan(grid, block, args, shared, cooperative)
        _, arguments = bind(plan, arrays)
        if on_host:
            names = {parameter.name for position, parameter in enumerate(plan.kernel.parameters) if position in outputs}
            fills = tuple(self.fills.values())
            perform(plan, arguments, partial(worker.run, self.program, plan, arguments, names, fills))
        else:
            self.run_on_gpu(plan, arguments)

    def run_on_gpu(self, plan, arguments):
        raise MiniganError(f"kernel {self.name}: the sanitizer runs on the emulator: pass NumPy arrays")


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
    worker.renew(kernel.program, kernel.name)
    with settings(order, seed), checking() as report, suppress(KernelError):
        kernel(grid, block, args, shared, cooperative)
    return report


def constant(kernel, name, value):
    """Fill a `__constant__`, `__device__` or `__managed__` variable of a kernel, before its next launch: an array, a record or a
    number. Whoever has a part of the variable's bytes fills its beginning.

    It is the kernel's own: another kernel of the same file has its own variables. Raises MiniganError where the kernel uses no
    such variable, LaunchError for what does not fit into it.
    """
    kernel.fill(name, value)


def profile(kernel, grid, block, args, shared=0):
    """Run a kernel once, as `kernel(grid, block, args, shared)` would, and return what it asked of memory: a Profile.

    `kernel` is "mine.cu:name" or what `minigan.kernel` returns.
    """
    kernel = _kernel_of(kernel)
    with profiling() as profiles:
        kernel(grid, block, args, shared)
    return profiles[0]
