"""What no GPU gives: more shared memory than a block may have, or more constant memory than there is.

A kernel's own variables are read from the symbols of its library. It is built for that kernel alone, so they are what it uses.
"""

import struct
from functools import cache
from pathlib import Path

from ..errors import LaunchError, MiniganError
from ..plan import MOST_SHARED, SHARED
from .instrument import TAG, name_of

MOST_CONSTANT = 64 * 1024  # bytes
SYMBOLS, OBJECT, THREADS_OWN = 2, 1, 6  # in ELF: the type of a table of symbols, and those of variables


def refuse_memory(plan, path, chip):
    """Raise MiniganError where a kernel, whose library lies at a path, needs more memory than this chip has for it."""
    kernel, memory = plan.kernel.name, _variables(path)
    for qualifier, most in (("shared", SHARED), ("constant", MOST_CONSTANT)):
        names, size = memory[qualifier]
        if size > most:
            more = ": more only at the launch" if qualifier == "shared" else ""
            raise MiniganError(
                f"kernel {kernel}: __{qualifier}__ {', '.join(names)} {'has' if len(names) == 1 else 'have'} "
                f"{size:,} bytes, at most {most:,}{more}"
            )
    refuse_shared(plan, memory["shared"][1], MOST_SHARED[chip], f"sm_{chip}")


def refuse_shared(plan, static=0, most=None, chip=""):
    """Raise LaunchError for more dynamic shared memory than a kernel has asked for, or than is left of what a chip has."""
    kernel, shared = plan.kernel.name, plan.shared
    beside = f", beside {static:,} of its __shared__ variables" if static else ""
    if shared < 0 or (most is not None and shared > most - static):
        raise LaunchError(
            f"kernel {kernel}: {shared} bytes of shared memory, expected 0 to {most - static} on {chip}{beside}"
        )
    allowed = SHARED - static if plan.asked is None else plan.asked
    if shared > allowed:
        raise LaunchError(
            f"kernel {kernel}: {shared} bytes of dynamic shared memory{beside}, at most {allowed} unless it asks for more: "
            f"set kernel.max_dynamic_shared_size_bytes = {shared} first"
        )


@cache
def _variables(path):
    """{"shared": (names, bytes of all), "constant": …} of a library."""
    memory = {"shared": {}, "constant": {}}
    for symbol, size in _symbols(Path(path).read_bytes()):
        if tag := TAG.search(symbol):
            memory[tag[1]][symbol] = size
    return {where: (sorted(map(name_of, sizes)), sum(sizes.values())) for where, sizes in memory.items()}


def _symbols(image):
    """(name, bytes) of the variables in an ELF file of 64 bits; none in any other."""
    if image[:5] != b"\x7fELF\x02":
        return
    begin, size, count = *struct.unpack_from("<Q", image, 40), *struct.unpack_from("<HH", image, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", image, begin + i * size) for i in range(count)]
    for _, kind, _, _, at, length, names, *_ in sections:
        if kind == SYMBOLS:
            text = sections[names][4]
            for name, info, _, _, _, size in struct.iter_unpack("<IBBHQQ", image[at : at + length]):
                if info & 15 in (OBJECT, THREADS_OWN):
                    yield image[text + name : image.index(b"\0", text + name)].decode(), size
