"""From CUDA text to a shared library: the host's C++ compiler, and a cache of what it built."""

import ctypes
import hashlib
import inspect
import json
import os
import platform
import re
import sys
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ..errors import MiniganError
from ..paths import cache_folder
from . import compiler, instrument, program, variables

HERE = Path(__file__).parent
INCLUDE = HERE / "include"  # CUDA's headers, under their own names
HEADERS = (
    "cuda.h", "intrinsics.h", "rounding.h", "threads.h", "fibers.h", "async.h", "grid.h", "types.h", "launch.h",
    "runtime.h",
)  # fmt: skip
CUDAS_HEADERS = tuple(sorted(path.relative_to(INCLUDE).as_posix() for path in INCLUDE.rglob("*") if path.is_file()))
INCLUDED = (f"-I{HERE}", f"-I{INCLUDE}")
SANITIZER, PROFILER = ("sanitizer.cpp", "observer.h", "order.h"), ("profiler.cpp", "observer.h")  # who listens

MOST_BYTES_KEPT = 2**26
OWN_FILES = {Path(name).name for name in (*HEADERS, *CUDAS_HEADERS)}
# Headers whose functions read and write for the line that calls them: see instrument.py.
OF_CALLER = {"cuda_fp16.h", "cuda_bf16.h", "cuComplex.h", "small_floats.h", "small_pairs.h", "small_conversions.h"}
ENTRIES = "entries of the emulator"  # the name of what follows a kernel's text
OWN_NAMES = (*OWN_FILES, ENTRIES)


def library(text, names, real=None, fields=(), chip=80):
    """The loaded library of a CUDA text, with entries for the kernels `names`; built once, then taken from the cache.

    `real` is "float" or "double" for the project's own files; `fields` are the names of structs' fields; another's text
    sees the number of a `chip` in __CUDA_ARCH__. Raises CompileError with the compiler's words.
    """
    return _load(
        _built(_program(text, names, fields), (*compiler.FLAGS, *compiler.FAST, *_defines(real, chip)), ".so", _compile)
    )


@dataclass(frozen=True)
class Observed:
    """A library whose accesses are announced: by number the places they come from; (name, bytes, "shared", "constant" or
    "global") of every variable of the text that is no thread's own; and (counter, place, operations) of its arithmetic."""

    code: ctypes.CDLL
    places: list
    variables: list
    flops: list
    initial: dict = field(default_factory=dict)  # {address: bytes}

    def __post_init__(self):
        self.code.minigan_variable.restype = ctypes.c_void_p
        self.initial.update((at, ctypes.string_at(at, size)) for at, size in self._globals())

    def _globals(self):
        """(address, bytes) of every variable in global memory that is not too large to be kept twice."""
        for number, (_, size, memory) in enumerate(self.variables):
            if memory == "global" and size <= MOST_BYTES_KEPT:
                yield self.code.minigan_variable(number), size

    def renew(self):
        """Give the variables in global memory the values that they began with."""
        for at, data in self.initial.items():
            ctypes.memmove(at, data, len(data))

    def place(self, number):
        """(file, line) of a place. Those of barriers and atomics are known to the library alone."""
        if number < len(self.places):
            return tuple(self.places[number])
        file = ctypes.c_char_p()
        line = self.code.minigan_place(number, ctypes.byref(file))
        return file.value.decode().rpartition("/")[2], line


def observed_library(text, names, real=None, fields=(), chip=80, observer=SANITIZER):
    """The library as it is built for the sanitizer or the profiler. Raises CompileError, and MiniganError where there is none."""
    if sys.platform != "linux" or platform.machine() not in instrument.REGISTERS:
        raise MiniganError(
            f"the sanitizer works on Linux on {' and '.join(instrument.REGISTERS)}, not on {platform.platform()}"
        )
    flags = (
        *compiler.FLAGS,
        *(compiler.SANITIZED if observer is SANITIZER else compiler.PROFILED),
        *(compiler.OF_CLANG if compiler.is_clang() else compiler.OF_GCC),
        *_defines(real, chip),
    )
    path = _built(_program(text, names, fields), flags, ".json", partial(_compile_observed, observer), observer)
    return Observed(_load(path.with_suffix(".so")), **json.loads(path.read_text("utf-8")))


def refuse_other_sizes(observed, mirrors):
    """Compare each C struct that Python reads with its mirror: {its name: bytes of the mirror}. Raises MiniganError."""
    for name, size in mirrors.items():
        own = observed.code[f"minigan_size_of_{name}"]()
        if own != size:
            raise MiniganError(
                f"emulator: a C {name} has {own} bytes, its mirror in Python {size}: give both the same fields"
            )


def _load(path):
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise compiler.CompileError(f"the kernel does not run on the host: {str(error).partition(': ')[2]}") from None


def _defines(real, chip):
    return (f"-DREAL={real}",) if real else (f"-DMINIGAN_CHIP={chip}",)


def _built(program, flags, suffix, make, observer=()):
    """The path of what `make` builds of a program, with an observer or without, in the cache."""
    own = [HERE / name for name in (*HEADERS, *observer)] + [INCLUDE / name for name in CUDAS_HEADERS]
    headers = [path.read_text("utf-8") for path in own]
    key = hashlib.sha256(repr((program, headers, flags, inspect.getsource(instrument), compiler.identity())).encode())
    path = cache_folder() / "emulator" / f"{key.hexdigest()[:32]}{suffix}"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            source = Path(folder, "kernel.cpp")
            source.write_text(program, "utf-8")
            make(source, flags, path)
    return path


def _program(text, names, fields=()):
    """The text behind the headers, with an entry for each of its variables in it and for each kernel behind it."""
    told = "\n".join(f"MINIGAN_FIELD({name})" for name in fields)
    told += f"\nusing minigan_fields = minigan::AnyOf<{', '.join(f'minigan_field_{name}' for name in fields)}>;"
    exports = "\n".join(f"MINIGAN_EXPORT({label(name)}, {name})" for name in names)
    text = _rewritten(variables.with_entries(text))
    return f'#include "cuda.h"\n#include "launch.h"\n{text}\n#line 1 "{ENTRIES}"\n{told}\n{exports}\n'


def label(name):
    """What a kernel's entries are called by: its name, as an identifier."""
    return re.sub(r"\W", "_", name)


def _rewritten(text):
    """The text with what no header can give a meaning, and with as many lines: dynamic shared memory, the `static` before
    a qualifier that has its own, and those of CUDA's headers of which nothing is needed."""

    if initial := re.search(r"__shared__\b[^;(){}=]*=", program.plain(text)):
        line = text[: initial.end()].rsplit("#line 1 ", 1)[-1].count("\n")
        raise compiler.CompileError(
            f"line {line}: a __shared__ variable cannot have an initial value: write it in the kernel"
        )
    outside = set()  # names of those that no function has to itself

    def dynamic(array):
        kind, name, lines = (array["type"] + array["more"]).strip(), array["name"], "\n" * array[0].count("\n")
        inside = text.count("{", 0, array.start()) > text.count("}", 0, array.start())
        if inside:
            return f"{kind}* {name} = ({kind}*)minigan_dynamic_shared();{lines}"
        outside.add(name)
        return f"static const MiniganDynamic<{kind}> {name};{lines}"

    attribute = r"(?:(?:volatile|__align__\s*\(\s*\w+\s*\)|alignas\s*\(\s*\w+\s*\))\s+)*"
    rewritten = re.sub(
        rf"extern\s+{attribute}(?=[^;]*\b__shared__\b)(?P<type>(?:(?!__shared__)[\w:]+\s+)*)__shared__\s+{attribute}"
        rf"(?P<more>[\w:\s]*?)\s*\b(?P<name>\w+)\s*\[\s*\]\s*;",
        dynamic,
        text,
    )
    for name in outside:
        rewritten = re.sub(rf"\breinterpret_cast(?=\s*<[^<>]*>\s*\(\s*{name}\b)", "minigan_cast", rewritten)
    # alignas stands before all other words of a declaration in C++.
    rewritten = re.sub(r"(\b__shared__\s+)(alignas\s*\((?:[^()]|\([^()]*\))*\)\s*)", r"\2\1", rewritten)
    rewritten = re.sub(r"\bstatic[ \t]+(?=__(?:shared|constant|managed)__\b)", "", rewritten)
    headers = "cuda|cuda_runtime|cuda_runtime_api|device_launch_parameters|math_constants|assert"
    return re.sub(rf"(?m)^[ \t]*#[ \t]*include[ \t]*[<\"](?:(?:{headers})\.h|cassert)[>\"]", "", rewritten)


def _compile(source, flags, path):
    built = source.with_suffix(".so")
    compiler.run([*flags, *compiler.LINKED, *INCLUDED, "-o", str(built), str(source)], OWN_NAMES)
    os.replace(built, path)  # in one move: another process may be building the same


def _compile_observed(observer, source, flags, path):
    """To assembly, with places put in, to a library; what the places are lies beside it."""
    assembly, built, facts = (source.with_suffix(suffix) for suffix in (".s", ".so", ".json"))
    compiler.run([*flags, "-S", *INCLUDED, "-o", str(assembly), str(source)], OWN_NAMES)
    text, *tables = instrument.instrument(assembly.read_text("utf-8"), OWN_NAMES, OF_CALLER, platform.machine())
    assembly.write_text(text, "utf-8")
    facts.write_text(json.dumps(dict(zip(("places", "variables", "flops"), tables))), "utf-8")
    text = (HERE / observer[0]).read_text("utf-8")
    watcher = _built(text, (*compiler.FLAGS, *compiler.FAST, "-DMINIGAN_SANITIZE"), ".o", _compile_object, observer)
    # compiler.FAST: without -O3 zig would link, and first build, what it thinks a debugger needs.
    compiler.run([*compiler.LINKED, *compiler.FAST, "-o", str(built), str(assembly), str(watcher)], OWN_NAMES)
    os.replace(built, path.with_suffix(".so"))
    os.replace(facts, path)


def _compile_object(source, flags, path):
    built = source.with_suffix(".o")
    compiler.run([*flags, "-c", *INCLUDED, "-o", str(built), str(source)], OWN_NAMES)
    os.replace(built, path)
