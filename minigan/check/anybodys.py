"""`minigan check my.cu:kernel --grid … --block … --arg …`: the sanitizer for anybody's kernel."""

import re
from math import prod

import numpy as np

from .. import emulator
from ..cuda.user import kernel
from ..errors import MiniganError

TYPES = {
    "f32": np.float32, "f64": np.float64, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
    "bool": np.bool_, "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64,
}  # fmt: skip
MOST_BYTES = 2**31  # of one array


def check_kernel(place, grid, block, arguments, shared=0):
    """The Report of a kernel in three orders of its threads. `arguments` are written as `argument` reads them."""
    made, report = kernel(place), emulator.Report()
    for order in emulator.ORDERS:
        random = np.random.default_rng(0)  # the same values in every order
        args = [argument(text, random) for text in arguments]
        for finding in emulator.check(made, grid, block, args, shared, order).findings:
            report.add(finding)
    return report


def argument(text, random):
    """An argument as the command line writes it.

    f32[100,50]     an array, of random numbers in [-1, 1) for f32 and f64, of zeros for i8 … u64
    i32[1000]=7     an array of sevens
    out:f32[1000]   an array that counts as not yet written
    i32=1000        a number
    """
    parts = re.fullmatch(r"(out:)?(\w+?)(?:\[([\d, ]+)\])?(?:=(.+))?", text.strip())
    if not parts or parts[2] not in TYPES or not (parts[3] or parts[4]) or (parts[1] and not parts[3]):
        known = ", ".join(TYPES)
        raise MiniganError(f"--arg {text}: expected f32[1000], out:f32[1000], i32[1000]=7 or i32=1000, of {known}")
    dtype = np.dtype(TYPES[parts[2]])
    value = _number(text, parts[4], dtype) if parts[4] else None
    if not parts[3]:
        return value.item()
    shape = numbers(f"--arg {text}", parts[3])
    if len(shape) > 32:
        raise MiniganError(f"--arg {text}: {len(shape)} axes, at most 32")
    if prod(shape) * dtype.itemsize > MOST_BYTES:
        raise MiniganError(f"--arg {text}: {prod(shape) * dtype.itemsize:,} bytes, at most {MOST_BYTES:,}")
    if value is None and dtype.kind == "f":
        array = random.uniform(-1, 1, shape).astype(dtype)
    else:
        array = np.full(shape, 0 if value is None else value, dtype)
    return emulator.out(array) if parts[1] else array


def _number(text, value, dtype):
    try:
        with np.errstate(over="ignore"):  # 1e39 is infinite in float32
            return dtype.type(float(value) if dtype.kind == "f" else int(value))
    except (ValueError, OverflowError):
        raise MiniganError(f"--arg {text}: {value!r} is not a number that {dtype} can hold") from None


def numbers(what, text):
    """The whole numbers of "4" or "4,2,1"."""
    try:
        return tuple(int(each) for each in text.split(","))
    except ValueError:
        raise MiniganError(f"{what}: expected whole numbers as 4 or 4,2") from None
