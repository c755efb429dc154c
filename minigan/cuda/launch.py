"""From a primitive's shapes to a kernel launch, in two steps.

A *plan* is a pure function's answer to the shapes: which kernel, which grid and block, which numbers go in. No GPU is
needed to make one, and tests look at them. `launch` then binds the arrays, checks every argument against the kernel's
declared parameters, and calls the driver.
"""

import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from math import isfinite, prod
from numbers import Real

import numpy as np

from ..devices import array_module
from ..errors import DeviceError, LaunchError, MiniganError
from . import emulator, source

BLOCK = 256  # threads of a block, where a kernel does not say otherwise: 8 warps fill any chip since sm_75
WARP = 32  # lanes

# What a C type is in NumPy. "real" is float or double, as the arrays are.
NUMBERS = {
    "float": np.float32, "double": np.float64, "bool": np.bool_,
    "char": np.int8, "signed char": np.int8, "short": np.int16, "int": np.int32, "long": np.int64, "long long": np.int64,
    "unsigned char": np.uint8, "unsigned short": np.uint16, "unsigned int": np.uint32, "unsigned long": np.uint64,
    "unsigned long long": np.uint64, "uint64": np.uint64,
}  # fmt: skip

MAX_THREADS = 1024  # of a block, on every chip since compute capability 2.0
MOST_ELEMENTS = 2**31 - 2**14  # of an array: an int counts them, and has room for a stride beyond the last one
MAX_GRID = (2**31 - 1, 65_535, 65_535)  # blocks along x, y and z


@dataclass(frozen=True)
class Parameter:
    """One kernel parameter: its C type as declared, its name, whether it may be a null pointer, and whether what it points at
    may have more elements than an int can count."""

    type: str
    name: str
    optional: bool
    long: bool = False

    @property
    def is_pointer(self):
        return self.type.endswith("*")

    def dtype(self, real):
        """The NumPy type of the number, or of the elements pointed at; None for pointers to anything else (float4*)."""
        name = self.type.removeprefix("volatile ").removeprefix("const ").removesuffix("*")
        kind = NUMBERS.get(real if name == "real" else name)
        if kind is None and not self.is_pointer:
            raise LaunchError(f"parameter {self.name} is a {self.type}: only pointers and numbers can be passed")
        return kind


@dataclass(frozen=True)
class Kernel:
    """A `__global__` function: its file, its name, its parameters in order; what `real` may be in it; and whether it rounds
    factors to TF32 for tensor cores, which chips have from sm_80 on."""

    file: str
    name: str
    parameters: tuple[Parameter, ...]
    reals: tuple[str, ...] = ("float", "double")
    tf32: bool = False

    @property
    def architecture(self):
        """The oldest that has its instructions, 80 for sm_80."""
        return 80 if self.tf32 else 75


@dataclass(frozen=True)
class Target:
    """Where a kernel is to run, and on what: "float" or "double", a chip's architecture, its multiprocessors.

    As it stands here: the emulator, which has the instructions of every chip; as few multiprocessors as a small chip has, so that
    its kernels are a small chip's.
    """

    real: str = "float"
    architecture: int = 120
    multiprocessors: int = 4

    @property
    def pack(self):
        """How many numbers 16 bytes hold, the most that one instruction of a thread moves."""
        return 4 if self.real == "float" else 2

    def can_run(self, kernel):
        return self.real in kernel.reals and self.architecture >= kernel.architecture


EMULATOR = Target()


@dataclass(frozen=True)
class Plan:
    """A launch without its arrays: the kernel, its geometry in blocks and threads, its numbers, its shared bytes."""

    kernel: Kernel
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    numbers: dict
    shared: int = 0


versions = {}  # {"matmul": {"v1": Kernel, "v2": Kernel}, …}: every kernel there is, filled by `declare`
_chosen = {}  # {"matmul": "v1"}: what `choose` has set


def declare(file, name, parameters, which=("v1",), reals=("float", "double"), tf32=False):
    """Enter the kernels name_v1 … of `file` into the version table; those named in one call take the same `parameters`.

    `parameters` is written as in C ("const real* a, int n"); a `?` behind a pointer's name lets it be null, a `+` lets it point
    at more than 2³¹ − 1 elements.
    """
    parsed = []
    for parameter in parameters.split(","):
        kind, _, label = parameter.strip().rpartition(" ")
        parsed.append(Parameter(kind, label.rstrip("?+"), "?" in label, "+" in label))
    for version in which:
        kernel = Kernel(file, f"{name}_{version}", tuple(parsed), reals, tf32)
        versions.setdefault(name, {})[version] = kernel


def choose(name, version):
    """Run this version of a kernel from now on ("v1", …), or the default for the shape again (None).

    Raises MiniganError for an unknown kernel or version; the message lists those there are.
    """
    if name not in versions:
        raise MiniganError(f"unknown kernel {name!r}: choose from {', '.join(sorted(versions))}")
    if version is not None and version not in versions[name]:
        raise MiniganError(f"kernel {name} has no version {version!r}: choose from {', '.join(versions[name])}")
    _chosen[name] = version


@contextmanager
def chosen(version):
    """Within this block kernels run in this version, where they have it, else (and for None) in their default one."""
    global _chosen
    before, _chosen = _chosen, {name: version for name, table in versions.items() if version in table}
    try:
        yield
    finally:
        _chosen = before


def is_chosen(name):
    """Whether `choose` has set a version of this kernel."""
    return _chosen.get(name) is not None


def pick(name, default="v1", target=EMULATOR, unfit=()):
    """(version, Kernel): the chosen version, else the default one, which also runs where the chosen one is `unfit` for the shape,
    or cannot run on this target. The latter is said, once."""
    chosen = _chosen.get(name)
    if chosen and not target.can_run(versions[name][chosen]):
        _say_that_another_runs(versions[name][chosen])
        chosen = None
    version = default if chosen is None or chosen in unfit else chosen
    return version, versions[name][version]


@cache
def _say_that_another_runs(kernel):
    needs = f"{' or '.join(kernel.reals)} and sm_{kernel.architecture} or later"
    warnings.warn(f"kernel {kernel.name} needs {needs}: where it cannot run, the default does", stacklevel=4)


def target_of(array):
    """The Target of a kernel that takes this array."""
    real = "double" if array.dtype == np.float64 else "float"
    return Target(real) if array_module(array) is np else Target(real, *_gpu(array.device.id))


@cache
def _gpu(number):
    """(architecture, multiprocessors) of a GPU."""
    import cupy

    found = cupy.cuda.runtime.getDeviceProperties(number)
    return 10 * found["major"] + found["minor"], found["multiProcessorCount"]


_threads = BLOCK  # of a block, in the kernels that go element by element: see `blocks_of`


@contextmanager
def blocks_of(threads):
    """Within this block kernels that go element by element run in blocks of so many threads instead of 256."""
    global _threads
    before, _threads = _threads, threads
    try:
        yield
    finally:
        _threads = before


def plan_elementwise(name, n, **numbers):
    """One thread an element, in blocks of 256: the plan of every kernel that takes `n` and some numbers."""
    return Plan(pick(name)[1], (-(-n // _threads), 1, 1), (_threads, 1, 1), {"n": n, **numbers})


def plan_packed(name, n, target=EMULATOR, /, **numbers):  # a kernel may have a number called target
    """The plan of an elementwise kernel that may have a v2, by packs of 16 bytes a thread.

    By default that runs where it fills the chip: with 1,024 threads, half of what a multiprocessor holds, for each of them.
    Below, the many threads of v1 have more of the little there is on its way.
    """
    fills = n >= 1024 * target.pack * target.multiprocessors
    version, kernel = pick(name, "v2" if fills and "v2" in versions[name] else "v1", target)
    of_block = _threads * (target.pack if version == "v2" else 1)
    return Plan(kernel, (-(-n // of_block), 1, 1), (_threads, 1, 1), {"n": n, **numbers})


def map_elements(name, arrays, **numbers):
    """y = f(arrays…), element by element: launch a kernel that takes equally shaped arrays, y, n and some numbers."""
    first = next(iter(arrays.values()))
    if any(array.shape != first.shape for array in arrays.values()):
        named = ", ".join(f"{label} {array.shape}" for label, array in arrays.items())
        raise MiniganError(f"{name}: arrays of different shapes: {named}")
    y = empty(first.shape, like=first)
    launch(plan_packed(name, first.size, target_of(first), **numbers), **arrays, y=y)
    return y


def empty(shape, like, dtype=None):
    """An array, not yet written, beside `like`. For the emulator it is NaN all over, or the largest whole number: what a
    kernel forgets to write there must not look right by accident."""
    xp, dtype = array_module(like), np.dtype(dtype or like.dtype)
    if xp is not np:
        return xp.empty(shape, dtype)
    return np.full(shape, np.nan if dtype.kind == "f" else np.iinfo(dtype).max, dtype)


def launch(plan, **arrays):
    """Run a plan on arrays given by parameter name. Everything is checked before anything reaches the driver.

    Raises LaunchError for a missing or unknown argument, a wrong dtype, a non-contiguous array, an array on the wrong
    device, a None, or a number that its C type cannot hold.
    """
    real, arguments = bind(plan, arrays)
    if not prod(plan.grid):
        return  # an empty result needs no launch, and the driver would refuse the empty grid
    if lies_on_host(plan.kernel, arrays):
        perform(plan, arguments, partial(emulator.run, _program(plan.kernel.file, real), plan, arguments))
    else:
        function = source.function(plan.kernel.file, plan.kernel.name, real)
        perform(plan, arguments, partial(function, plan.grid, plan.block, arguments, shared_mem=plan.shared))


@dataclass(frozen=True)
class Launch:
    """A launch with its arguments, which `run` carries out."""

    plan: Plan
    arguments: tuple
    run: Callable


_recorded = None  # where launches are noted instead of carried out; None: they are carried out


@contextmanager
def recording():
    """Within this block launches are noted and not carried out; the block's value is a list, which fills with them."""
    global _recorded
    before, _recorded = _recorded, []
    try:
        yield _recorded
    finally:
        _recorded = before


def perform(plan, arguments, run):
    """Carry out a launch, by run(), or note it."""
    if _recorded is None:
        run()
    else:
        _recorded.append(Launch(plan, arguments, run))


@cache
def _program(file, real):
    """A kernel file for the emulator."""
    return emulator.Program(source.text(file), tuple(kernel_names(file, real)), real)


def kernel_names(file, real):
    """The names of the kernels in a file that are written for `real`, as the version table has them."""
    kernels = (kernel for table in versions.values() for kernel in table.values())
    return list(dict.fromkeys(kernel.name for kernel in kernels if kernel.file == file and real in kernel.reals))


def reload():
    """Forget everything compiled, for the GPU and for the emulator: the next launch reads the .cu files again."""
    _program.cache_clear()
    source.forget()


def bind(plan, arrays):
    """("float" or "double", the arguments in the kernel's order, each checked and of its C type)."""
    kernel = plan.kernel
    _check_geometry(plan)
    given, declared = arrays.keys() | plan.numbers.keys(), {parameter.name for parameter in kernel.parameters}
    if given != declared:
        wrong = [f"{name} is missing" for name in sorted(declared - given)]
        wrong += [f"{name} is unknown" for name in sorted(given - declared)]
        raise LaunchError(f"kernel {kernel.name}: argument {', '.join(wrong)}")
    real = _real_of(plan, arrays)
    arguments = []
    for parameter in kernel.parameters:
        if parameter.is_pointer:
            arguments.append(_pointer(kernel, parameter, arrays[parameter.name], real))
        else:
            arguments.append(_number(kernel, parameter, plan.numbers[parameter.name], real))
    return real, tuple(arguments)


def _check_geometry(plan):
    if any(blocks > most for blocks, most in zip(plan.grid, MAX_GRID)):
        raise LaunchError(f"kernel {plan.kernel.name}: grid {plan.grid}, at most {MAX_GRID} blocks")
    if not 1 <= prod(plan.block) <= MAX_THREADS:
        threads = prod(plan.block)
        raise LaunchError(f"kernel {plan.kernel.name}: block {plan.block} has {threads} threads, at most {MAX_THREADS}")


def _real_of(plan, arrays):
    """Whether `real` is float or double in this launch: as the first array says that is passed for a real*."""
    for parameter in plan.kernel.parameters:
        array = arrays.get(parameter.name)
        if parameter.type.endswith("real*") and array is not None and hasattr(array, "dtype"):
            return "double" if array.dtype == np.float64 else "float"
    return "float"


def _pointer(kernel, parameter, array, real):
    if array is None and parameter.optional:
        return np.uintp(0)  # CuPy would pass a None as a bad pointer
    where = f"kernel {kernel.name}: argument {parameter.name}"
    if not hasattr(array, "flags") or isinstance(array, np.generic):
        raise LaunchError(f"{where} is {array!r}, expected an array for {parameter.type}")
    expected = parameter.dtype(real)
    if expected and array.dtype != expected:
        raise LaunchError(f"{where} is {array.dtype}, expected {np.dtype(expected)}")
    if array.size > MOST_ELEMENTS and not parameter.long:
        raise LaunchError(
            f"{where} has {array.size} elements, and kernels count them in int: at most {MOST_ELEMENTS:,}"
        )
    if not parameter.type.startswith("const ") and not getattr(array.flags, "writeable", True):
        raise LaunchError(f"{where} is read-only, and {parameter.type} may be written to: pass a copy")
    if not array.flags.c_contiguous:
        raise LaunchError(f"{where} of shape {array.shape} is not C-contiguous: pass a contiguous copy")
    return array


def _number(kernel, parameter, value, real):
    kind = parameter.dtype(real)
    where = f"kernel {kernel.name}: argument {parameter.name}"
    if not isinstance(value, (Real, np.bool_)):
        raise LaunchError(f"{where} is {value!r}, expected a number for {parameter.type}")
    if issubclass(kind, np.integer):
        fits = isfinite(value) and int(value) == value and np.iinfo(kind).min <= value <= np.iinfo(kind).max
    else:
        fits = not isfinite(value) or kind is np.bool_ or abs(value) <= float(np.finfo(kind).max)
    if not fits:
        raise LaunchError(f"{where} is {value!r}, which {parameter.type} cannot hold")
    return kind(value)


def lies_on_host(kernel, arrays):
    """Whether the arrays are NumPy's, for the emulator, or CuPy's, for the current GPU. Raises DeviceError for a mixture."""
    places = {}
    for name, array in arrays.items():
        if array is not None:
            places["host" if array_module(array) is np else f"GPU {array.device.id}"] = name
    if len(places) > 1:
        found = " and ".join(f"argument {name} lies on {place}" for place, name in places.items())
        raise DeviceError(f"kernel {kernel.name}: {found}: bring them together")
    if not places or "host" in places:
        return True
    (place,) = places
    import cupy

    if place != f"GPU {cupy.cuda.Device().id}":
        raise DeviceError(
            f"kernel {kernel.name}: its arrays lie on {place}, the current one is GPU {cupy.cuda.Device().id}"
        )
    return False
