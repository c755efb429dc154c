"""What a library says of its kernels' parameters and of its variables (see types.h), and what is put into these."""

import ctypes
from contextlib import suppress
from dataclasses import dataclass

from ..records import Field, Layout
from .build import label

MOST_SAID = 2**16  # characters that describe the parameters of a kernel

_filled = {}  # {library: {variable: the number of the Fill that it had last}}


@dataclass(frozen=True)
class Fill:
    """What a variable of a text is to hold before the next launch; no two fills have one number."""

    name: str
    number: int
    data: bytes


def parameter_types(code, name):
    """[(C type, Layout of it or of what it points at), …] of a kernel's parameters, as the compiler sees them."""
    text, _ = _said(code, f"minigan_types_{label(name)}")
    return [_described(line) for line in text.splitlines()]


def variables(code, names):
    """{name: (C type, Layout)} of those variables that a library has after all: an `#if` may leave out some."""
    found = {}
    for name in names:
        with suppress(AttributeError):
            found[name] = _described(_said(code, f"minigan_variable_{label(name)}")[0])
    return found


def fill(code, fills):
    """Fill a library's variables with what it has not had yet."""
    had = _filled.setdefault(code, {})
    for one in fills:
        if had.get(one.name) != one.number:
            _, address = _said(code, f"minigan_variable_{label(one.name)}")
            ctypes.memmove(address, one.data, len(one.data))
            had[one.name] = one.number


def forget_fills(code):
    """A library's variables have the values again that they began with."""
    _filled.pop(code, None)


def _said(code, entry):
    """(What an entry writes, what it returns)."""
    text, function = ctypes.create_string_buffer(MOST_SAID), code[entry]
    function.restype = ctypes.c_void_p
    returned = function(text, ctypes.c_size_t(len(text)))
    return text.value.decode(), returned


def _described(line):
    name, size, *rest = line.rstrip("\n").split("\t")
    fields = (Field(rest[i], rest[i + 1], int(rest[i + 2]), int(rest[i + 3])) for i in range(0, len(rest), 4))
    return name, Layout(int(size), tuple(sorted(fields, key=lambda field: field.offset)))
