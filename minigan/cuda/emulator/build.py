"""From CUDA text to a shared library: the host's C++ compiler, and a cache of what it built."""

import ctypes
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ...data.download import cache_folder
from ...errors import MiniganError

HERE = Path(__file__).parent
HEADERS = ("cuda.h", "threads.h", "fibers.h", "launch.h")

# No contraction to fused multiply-adds: sums then round as NumPy's do. No interposition: without it the compiler may not
# inline a kernel into its loop over threads, which was 50 times slower. Nothing of the C++ library is used or linked.
FLAGS = (
    "-std=c++17", "-O3", "-shared", "-fPIC", "-pthread", "-fno-exceptions", "-fno-rtti",
    "-fno-semantic-interposition", "-fno-threadsafe-statics",
    "-ffp-contract=off", "-fvisibility=hidden", "-w",
)  # fmt: skip


@cache
def compiler():
    """The command of the host's C++ compiler: $CXX, g++, clang++, else zig's. Raises MiniganError where there is none."""
    for name in (os.environ.get("CXX"), "g++", "clang++"):
        if name and shutil.which(shlex.split(name)[0]):
            return tuple(shlex.split(name))
    if find_spec("ziglang"):
        return sys.executable, "-m", "ziglang", "c++"
    raise MiniganError("the emulator needs a C++ compiler: install g++ or clang++, or pip install 'minigan[emulator]'")


@cache
def _identity(command):
    """What tells one compiler from another: its path and when it was changed."""
    path = Path(shutil.which(command[0]))
    return str(path), path.stat().st_mtime_ns


class CompileError(MiniganError):
    """The host's compiler refused the source: the message is its words."""


def library(text, names, real=None):
    """The loaded library of a CUDA text, with entries for the kernels `names`; built once, then taken from the cache.

    `real` is "float" or "double" for the project's own files. Raises CompileError with the compiler's words.
    """
    defines = (f"-DREAL={real}",) if real else ()
    program = _program(text, names)
    headers = [(HERE / name).read_text("utf-8") for name in HEADERS]
    key = hashlib.sha256(repr((program, headers, FLAGS, defines, _identity(compiler()), compiler())).encode())
    path = cache_folder() / "emulator" / f"{key.hexdigest()[:32]}.so"
    if not path.is_file():
        _build(program, [*FLAGS, *defines], path)
    return ctypes.CDLL(str(path))


def _program(text, names):
    """The text behind the headers, with an entry for each kernel behind it. One rewrite: dynamic shared memory."""
    shared = re.compile(r"extern\s+__shared__\s+((?:__align__\(\d+\)\s*)?)([\w:\s]+?)\s*(\w+)\s*\[\s*\]\s*;")
    text = shared.sub(r"\2* \3 = (\2*)minigan_dynamic_shared();", text)
    exports = "\n".join(f"MINIGAN_EXPORT({name})" for name in names)
    return f'#include "cuda.h"\n#include "launch.h"\n{text}\n#line 1 "entries of the emulator"\n{exports}\n'


def _build(program, flags, path):
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        source, built = Path(folder, "kernel.cpp"), Path(folder, "kernel.so")
        source.write_text(program, "utf-8")
        if "ziglang" in compiler():
            flags = [*flags, "-nostdlib++"]  # or it would build its C++ library first, of which nothing is used
        command = [*compiler(), *flags, f"-I{HERE}", "-o", str(built), str(source)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if "error" in line]
            raise CompileError(
                "the kernel does not compile on the host:\n" + "\n".join(errors or [done.stderr.strip()])
            )
        os.replace(built, path)  # in one move: another process may be building the same
