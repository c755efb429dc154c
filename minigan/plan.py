"""A launch as data: a kernel, its geometry, its numbers, and the arrays that are bound to its parameters.

It is what `minigan.cuda`, which makes plans, and `minigan.emulator`, which carries them out, have in common. Every argument is
checked here against the kernel's declared parameters, before anything reaches a driver; a launch is carried out, or noted.
"""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite, prod
from numbers import Complex, Real

import numpy as np

from .devices import array_module
from .errors import DeviceError, LaunchError
from .records import Layout, mismatch, record, vector, vector_of

# What a C type is in NumPy. "real" is float or double, as the arrays are.
NUMBERS = {
    "float": np.float32, "double": np.float64, "bool": np.bool_,
    "char": np.int8, "signed char": np.int8, "short": np.int16, "int": np.int32, "long": np.int64, "long long": np.int64,
    "unsigned char": np.uint8, "unsigned short": np.uint16, "unsigned int": np.uint32, "unsigned long": np.uint64,
    "unsigned long long": np.uint64, "uint64": np.uint64, "__half": np.float16,
    "float2": np.complex64, "double2": np.complex128,  # by value, as cuComplex.h has it; a pointer may be to anything
    "__nv_bfloat16": np.uint16,  # its bits: NumPy has no such type. ml_dtypes has, named as BFLOAT16
}  # fmt: skip
BFLOAT16, MOST_BFLOAT16 = "bfloat16", 2.0**128 - 2.0**120

MAX_THREADS = 1024  # of a block, on every chip since compute capability 2.0
MOST_ELEMENTS = 2**31 - 2**14  # of an array: an int counts them, and has room for a stride beyond the last one
SHARED = 48 * 1024  # bytes of shared memory of a block, where its kernel asks for no more
# What it can ask for, by chip: the CUDA C++ Programming Guide, "Technical Specifications per Compute Capability".
MOST_SHARED = {75: 65_536, 80: 166_912, 86: 101_376, 89: 101_376, 90: 232_448, 100: 232_448, 120: 101_376}
MAX_GRID = (2**31 - 1, 65_535, 65_535)  # blocks along x, y and z


@dataclass(frozen=True)
class Parameter:
    """One kernel parameter: its C type as declared, its name, whether it may be a null pointer, whether what it points at may
    have more elements than an int can count; and what a compiler says of it, or of what it points at."""

    type: str
    name: str
    optional: bool
    long: bool = False
    layout: Layout | None = None

    @property
    def is_pointer(self):
        return self.type.endswith("*")

    @property
    def is_bfloat16(self):
        return self.type.removesuffix("*").endswith("__nv_bfloat16")

    def dtype(self, real):
        """The NumPy type of the number, or of the elements pointed at; None for pointers to anything else (float4*)."""
        name = self.type.removeprefix("volatile ").removeprefix("const ").removesuffix("*")
        kind = NUMBERS.get(real if name == "real" else name)
        if self.is_pointer and kind and issubclass(kind, np.complexfloating):
            return None
        if kind is None and not self.is_pointer:
            raise LaunchError(f"parameter {self.name} is a {self.type}: only pointers and numbers can be passed")
        return kind


@dataclass(frozen=True)
class Kernel:
    """A `__global__` function: its file, its name, its parameters, first to last; what `real` may be in it; and whether it rounds
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
class Plan:
    """A launch without its arrays: the kernel, its geometry in blocks and threads, its numbers, its shared bytes."""

    kernel: Kernel
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    numbers: dict
    shared: int = 0
    cooperative: bool = False  # its blocks may wait for each other
    asked: int | None = None  # for how much dynamic shared memory the kernel has asked: see HostKernel


def bind(plan, arrays):
    """("float" or "double", the arguments as the kernel takes them, checked and of its C types)."""
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
            arguments.append(_by_value(kernel, parameter, plan.numbers[parameter.name], real))
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
    if expected and array.dtype != expected and not (parameter.is_bfloat16 and array.dtype.name == BFLOAT16):
        either = " (their bits) or bfloat16 (of ml_dtypes)" if parameter.is_bfloat16 else ""
        raise LaunchError(f"{where} is {array.dtype}, expected {np.dtype(expected)}{either}")
    if parameter.layout and array.dtype.names and (problem := mismatch(parameter.layout, array.dtype, NUMBERS)):
        raise LaunchError(f"{where}: {problem} in {parameter.type}")
    if array.size > MOST_ELEMENTS and not parameter.long:
        raise LaunchError(
            f"{where} has {array.size} elements, and kernels count them in int: at most {MOST_ELEMENTS:,}"
        )
    if not parameter.type.startswith("const ") and not getattr(array.flags, "writeable", True):
        raise LaunchError(f"{where} is read-only, and {parameter.type} may be written to: pass a copy")
    if not array.flags.c_contiguous:
        raise LaunchError(f"{where} of shape {array.shape} is not C-contiguous: pass a contiguous copy")
    return array


def _by_value(kernel, parameter, value, real):
    where = f"kernel {kernel.name}: argument {parameter.name}"
    if "(*)(" in parameter.type or parameter.type.endswith("&"):
        kind = "function pointer" if "(" in parameter.type else "reference"
        raise LaunchError(f"{where} is a {kind} ({parameter.type}), which nothing that Python passes can be")
    is_number = isinstance(value, (Complex, np.bool_)) and parameter.type in NUMBERS
    if vector_of(parameter.type) and not is_number:
        return vector(where, parameter.type, value)
    if parameter.layout and parameter.type not in NUMBERS:
        return record(where, parameter.type, parameter.layout, value, NUMBERS)
    return number(where, parameter, value, real)


def number(where, parameter, value, real="float"):
    """A number as the C type of a parameter or of a variable. Raises LaunchError where it does not fit."""
    kind = parameter.dtype(real)
    if parameter.is_bfloat16 and getattr(value, "dtype", None) and value.dtype.name == BFLOAT16:
        value = float(value)
    if not isinstance(value, (Complex if issubclass(kind, np.complexfloating) else Real, np.bool_)):
        raise LaunchError(f"{where} is {value!r}, expected a number for {parameter.type}")
    if not _fits(value, kind, parameter.is_bfloat16):
        raise LaunchError(f"{where} is {value!r}, which {parameter.type} cannot hold")
    return bfloat16_bits(value)[()] if parameter.is_bfloat16 else kind(value)


def _fits(value, kind, is_bfloat16):
    """Whether a number is in a type's range: whole, for integers; but for them, infinite or none at all is too."""
    if issubclass(kind, np.complexfloating):
        part = type(kind().real)
        return _fits(value.real, part, False) and _fits(value.imag, part, False)
    if issubclass(kind, np.integer) and not is_bfloat16:
        return isfinite(value) and int(value) == value and np.iinfo(kind).min <= value <= np.iinfo(kind).max
    most = MOST_BFLOAT16 if is_bfloat16 else kind is not np.bool_ and float(np.finfo(kind).max)
    return not isfinite(value) or kind is np.bool_ or abs(value) <= most


def bfloat16_bits(numbers):
    """Numbers as bfloat16, rounded to the nearest, ties to even: the upper half of a float32's bits."""
    bits = np.asarray(numbers, np.float32).view(np.uint32)
    upper = ((bits + (np.uint32(0x7FFF) + (bits >> 16 & 1))) >> 16).astype(np.uint16)
    return np.where(np.isnan(numbers), np.uint16(0x7FFF), upper)


def lies_on_host(kernel, arrays):
    """Whether the arrays are NumPy's, for the emulator, or CuPy's, for the current GPU. Raises DeviceError for a mixture."""
    places = {}
    for name, array in arrays.items():
        if array is not None:
            places["host" if array_module(array) is np else f"GPU {array.device.id}"] = name
    if len(places) > 1:
        where = " and ".join(f"argument {name} lies on {place}" for place, name in places.items())
        raise DeviceError(f"kernel {kernel.name}: {where}: bring them together")
    if not places or "host" in places:
        return True
    (place,) = places
    import cupy

    if place != f"GPU {cupy.cuda.Device().id}":
        raise DeviceError(
            f"kernel {kernel.name}: its arrays lie on {place}, the current one is GPU {cupy.cuda.Device().id}"
        )
    return False


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
