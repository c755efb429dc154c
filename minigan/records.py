"""Structs by value: a NumPy record, or for CUDA's vectors as many numbers, against what the compiler says of the struct."""

import re
from dataclasses import dataclass

import numpy as np

from .errors import LaunchError

VECTOR = re.compile(r"(float|double|u?(?:char|short|int|longlong|long))([1-4])")
OF_VECTOR = {
    "float": np.float32, "double": np.float64, "char": np.int8, "short": np.int16, "int": np.int32, "long": np.int64,
    "longlong": np.int64, "uchar": np.uint8, "ushort": np.uint16, "uint": np.uint32, "ulong": np.uint64, "ulonglong": np.uint64,
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """A struct's field: its name, C type (a row's: that of its elements), where it begins, and its bytes."""

    name: str
    type: str
    offset: int
    size: int


@dataclass(frozen=True)
class Layout:
    """What a compiler knows of a type: its bytes and, if it is a struct, the fields that can be told (no private ones)."""

    size: int
    fields: tuple[Field, ...] = ()


def vector_of(type):
    """The (NumPy type, count) of a CUDA vector, float4 or dim3; None for another type."""
    name = "uint3" if type == "dim3" else type
    match = VECTOR.fullmatch(name)
    return (np.dtype(OF_VECTOR[match[1]]), int(match[2])) if match else None


def is_record(value):
    """Whether a value is a NumPy record, or an array of no axes that holds one; if need be one without names."""
    return getattr(value, "dtype", None) is not None and value.dtype.kind == "V" and value.ndim == 0


def vector(where, type, value):
    """A CUDA vector of as many numbers, or of a record, as a record. Raises LaunchError."""
    dtype, count = vector_of(type)
    made = np.dtype([(name, dtype) for name in "xyzw"[:count]])
    if is_record(value):
        fields = (Field(n, dtype.name, i * dtype.itemsize, dtype.itemsize) for i, n in enumerate(made.names))
        return record(where, type, Layout(made.itemsize, tuple(fields)), value, {dtype.name: dtype.type})
    try:
        numbers = np.asarray(value)
        with np.errstate(over="ignore"):
            as_they_are = numbers.astype(dtype)
        fits = numbers.shape == (count,) and numbers.dtype.kind in "biuf"
        fits = fits and (dtype.kind == "f" or bool((as_they_are == numbers).all()))
    except (TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise LaunchError(f"{where} is {value!r}, expected {count} numbers of {dtype} for {type}")
    return as_they_are.view(made)[0]


def record(where, type, layout, value, numbers):
    """A struct's record, which lies as the struct does. `numbers` are NumPy's types by C's names. Raises LaunchError."""
    if not is_record(value):
        of = "" if layout.fields else f" of {layout.size} bytes"
        raise LaunchError(f"{where} is {value!r}, expected a NumPy record{of} for {type}{_recipe(layout, numbers)}")
    if problem := mismatch(layout, value.dtype, numbers):
        raise LaunchError(f"{where}: {problem} in {type}{_recipe(layout, numbers)}")
    for field in layout.fields:
        if field.type.endswith("*") and np.any(value[field.name]):
            raise LaunchError(
                f"{where}: field {field.name} is a pointer ({field.type}), and the emulator knows no array of that address: pass "
                "the array as an argument of its own"
            )
    return value[()]


def mismatch(layout, dtype, numbers):
    """What is other in a structured type of NumPy than in a struct, in words; "" where nothing is."""
    for field in layout.fields:
        if field.name not in (dtype.names or ()):
            return f"the record has no field {field.name}, which is {field.type}"
        kind, offset = dtype.fields[field.name][:2]
        if offset != field.offset:
            return f"field {field.name} begins at byte {offset}, expected {field.offset}"
        expected = numbers.get(field.type)
        if kind.itemsize != field.size:
            return f"field {field.name} has {kind.itemsize} bytes, expected {field.size}"
        if expected and kind.base != expected:
            return f"field {field.name} is {kind.base}, expected {np.dtype(expected)}"
    if dtype.itemsize != layout.size:
        return f"the record has {dtype.itemsize} bytes, expected {layout.size}"
    return ""


def _recipe(layout, numbers):
    """How to make such a record; as far as its fields are numbers and known, word by word."""
    kinds = [numbers.get(field.type) for field in layout.fields]
    if not kinds or None in kinds:
        return ": make it with np.dtype({…}, align=True)" if layout.fields else ""
    parts = []
    for field, kind in zip(layout.fields, map(np.dtype, kinds)):
        count = field.size // kind.itemsize
        parts.append((field.name, kind.str.lstrip("<|="), *((count,) if count > 1 else ())))
    return f": make it with np.dtype({parts}, align=True)"
