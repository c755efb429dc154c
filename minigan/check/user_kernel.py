"""`minigan check my.cu:kernel --grid … --block … --arg …`: the sanitizer for anybody's kernel."""

import re
import sys
from contextlib import contextmanager
from math import prod

import numpy as np

from .. import emulator
from ..cuda.user_kernel import kernel
from ..errors import MiniganError
from ..plan import SHARED, bfloat16_bits

TYPES = {  # NumPy has no bf16: it is rounded to its bits at the end
    "f16": np.float16, "bf16": np.float32, "f32": np.float32, "f64": np.float64, "c64": np.complex64, "c128": np.complex128,
    "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
    "bool": np.bool_, "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64,
}  # fmt: skip
PYTHONS = {"f": float, "c": complex}  # types of numbers; int is that of others
MOST_BYTES = 2**31  # of one array


def check_kernel(place, grid, block, arguments, shared=0, options=(), cooperative=False):
    """The Report of a kernel in three orders of its threads. `arguments` are written as `argument` reads them, `options` are
    those of a compiler."""
    made, report = kernel(place, options=options), emulator.Report(orders=len(emulator.ORDERS))
    with asking_for_shared(made, shared):
        _check_orders(made, report, grid, block, arguments, shared, cooperative)
    return report


def _check_orders(made, report, grid, block, arguments, shared, cooperative):
    for order in emulator.ORDERS:
        random = np.random.default_rng(0)  # the same values in every order
        args = [argument(text, random) for text in arguments]
        checked = emulator.check(made, grid, block, args, shared, order, cooperative=cooperative)
        report.note = checked.note
        for finding in checked.findings:
            report.add(finding)
        if any(finding.kind == "fault" for finding in checked.findings):
            break  # the other orders would end, or not end, as this one


@contextmanager
def asking_for_shared(made, shared):
    """Within this block a kernel has asked for the dynamic shared memory that a command line gives it; a line on stderr then says
    how a program does."""
    made.max_dynamic_shared_size_bytes = shared
    yield
    if shared > SHARED:
        print(f"a program asks for that first: kernel.max_dynamic_shared_size_bytes = {shared}", file=sys.stderr)


def argument(text, random):
    """An argument as the command line writes it.

    f32[100,50]     an array, of random numbers in [-1, 1) for f16, bf16 (as its bits), f32, f64, c64 and c128 (both parts), of
                    zeros for i8 … u64
    i32[1000]=7     an array of sevens
    i32[1000]=0..9  an array of random whole numbers from 0 to 9
    out:f32[1000]   an array that counts as not yet written
    i32=1000        a number
    None            a null pointer (null too)
    """
    if text.strip() in ("None", "null"):
        return None
    parts = re.fullmatch(r"(out:)?(\w+?)(?:\[([\d, ]+)\])?(?:=(.+))?", text.strip())
    if not parts or parts[2] not in TYPES or not (parts[3] or parts[4]) or (parts[1] and not parts[3]):
        known = ", ".join(TYPES)
        raise MiniganError(
            f"--arg {text}: expected f32[1000], out:f32[1000], i32[1000]=7, i32[1000]=0..9, i32=1000 or None, of {known}"
        )
    dtype = np.dtype(TYPES[parts[2]])
    span = re.fullmatch(r"(-?\d+)\.\.(-?\d+)", parts[4] or "")
    value = _number(text, parts[4], dtype) if parts[4] and not span else None
    if not parts[3]:
        if span:
            raise MiniganError(f"--arg {text}: a range is for an array, as i32[1000]={parts[4]}")
        return value.item()
    shape = numbers(f"--arg {text}", parts[3])
    if len(shape) > 32:
        raise MiniganError(f"--arg {text}: {len(shape)} axes, at most 32")
    if prod(shape) * dtype.itemsize > MOST_BYTES:
        raise MiniganError(f"--arg {text}: {prod(shape) * dtype.itemsize:,} bytes, at most {MOST_BYTES:,}")
    if span:
        array = random.integers(*_range(text, span, dtype), shape, endpoint=True).astype(dtype)
    elif value is None and dtype.kind == "f":
        array = random.uniform(-1, 1, shape).astype(dtype)
    elif value is None and dtype.kind == "c":
        array = (random.uniform(-1, 1, shape) + 1j * random.uniform(-1, 1, shape)).astype(dtype)
    else:
        array = np.full(shape, 0 if value is None else value, dtype)
    if parts[2] == "bf16":
        array = bfloat16_bits(array)
    return emulator.out(array) if parts[1] else array


def _range(text, span, dtype):
    """(the smallest, the largest) of a range."""
    first, last = (int(_number(text, end, np.dtype(np.int64))) for end in span.groups())
    if first > last:
        raise MiniganError(f"--arg {text}: the range ends before it begins")
    for end in (first, last):
        _number(text, str(end), dtype)
    return first, last


def _number(text, value, dtype):
    if dtype.kind == "b" and value in ("true", "false"):
        return dtype.type(value == "true")
    try:
        with np.errstate(over="ignore"):  # 1e39 is infinite in float32
            return dtype.type(PYTHONS.get(dtype.kind, int)(value))
    except (ValueError, OverflowError):
        raise MiniganError(f"--arg {text}: {value!r} is not a number that {dtype} can hold") from None


def compiler_options(options):
    """What the command line's -D and -I say to a compiler."""
    return (*(f"-D{macro}" for macro in options.define), *(f"-I{folder}" for folder in options.include))


def numbers(what, text):
    """The whole numbers of "4" or "4,2,1"."""
    try:
        return tuple(map(int, text.split(",")))
    except ValueError:
        raise MiniganError(f"{what} {text}: expected whole numbers as 4 or 4,2") from None
