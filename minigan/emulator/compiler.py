"""The host's C++ compiler: which one it is, with which flags it is called, and what it says."""

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ..errors import MiniganError

# No contraction to fused multiply-adds: sums then round as NumPy's do. No interposition: without it the compiler may not
# inline a kernel into its loop over threads, which was 50 times slower. An access through a null pointer is kept, and
# faults. A stack that overflows does so page by page, whatever is put on it. Nothing of the C++ library is used or linked.
FLAGS = (
    "-std=c++17", "-fPIC", "-pthread", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-fstack-clash-protection",
    "-fvisibility=hidden",
    "-ffp-contract=off", "-fno-semantic-interposition", "-fno-delete-null-pointer-checks", "-w",
)  # fmt: skip
FAST = ("-O3", "-march=native") if platform.machine() == "x86_64" else ("-O3",)
# -O1: accesses stay as they are written, as far as nothing could tell the difference. -g1: the lines they come from.
# -fdata-sections: a __shared__ array stands where instrument.py can put something before and behind it.
OBSERVED = ("-O1", "-g1", "-fsanitize=thread", "-DMINIGAN_SANITIZE", "-fdata-sections")
SANITIZED = (*OBSERVED, "-fsanitize=alignment,bounds")
PROFILED = (*OBSERVED, "-fsanitize-coverage=trace-pc")
LINKED = ("-shared", "-pthread")
# Each compiler would read out of a loop what only some threads read in it, which looks like a race. And g++ would read a
# float4 as four floats, and not announce what memset writes; clang would leave out the read of x[i] += 1. Of a line that only
# calls a function that is inlined g++ would say nothing, but for the frontiers.
OF_GCC = (
    "--param=tsan-distinguish-volatile=1",
    "-gstatement-frontiers",
    "-ginline-points",
    "-fno-tree-loop-im",
    "-fno-tree-sra",
    "-fno-builtin-memset",
    "-fno-builtin-memcpy",
    "-fno-builtin-memmove",
)
OF_CLANG = (
    "-mllvm",
    "-tsan-distinguish-volatile=1",
    "-mllvm",
    "-disable-licm-promotion",
    "-mllvm",
    "-tsan-instrument-read-before-write=1",
    "-fsanitize-coverage=no-prune",  # what two branches meet in has a counter of its own
)


@cache
def compiler():
    """The command of the host's C++ compiler: $CXX, g++, clang++, else zig's. Raises MiniganError where there is none."""
    chosen = os.environ.get("CXX")
    if chosen:
        try:
            command = tuple(shlex.split(chosen))
        except ValueError as error:
            raise MiniganError(f"$CXX is {chosen!r}: {error}") from None
        if not command or not shutil.which(command[0]):
            raise MiniganError(f"$CXX is {chosen!r}, which cannot be run: name a C++ compiler, or unset it")
        return command
    for name in ("g++", "clang++"):
        if shutil.which(name):
            return (name,)
    if find_spec("ziglang"):
        return sys.executable, "-m", "ziglang", "c++"
    raise MiniganError("the emulator needs a C++ compiler: install g++ or clang++, or pip install 'minigan[emulator]'")


@cache
def identity():
    """What tells one compiler from another, and one processor: a home may be shared between machines."""
    path = Path(shutil.which(compiler()[0]))
    return compiler(), str(path), path.stat().st_mtime_ns, _processor()


def _processor():
    try:
        return next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags"))
    except (OSError, StopIteration):
        return platform.machine()


@cache
def is_clang():
    version = subprocess.run([*compiler(), "--version"], capture_output=True, text=True).stdout
    return "clang" in version


def blind_spots():
    """What this compiler does not announce to the sanitizer, in words; "" for g++."""
    if not is_clang():
        return ""
    vectors = "of a float4 only the members that are used are seen, and its halves as two accesses"
    own = "; an index beyond a thread's own array is not seen" if "ziglang" in compiler() else ""
    return f"with this compiler, {' '.join(compiler()[-2:])}, {vectors}{own}: g++ sees more"


class CompileError(MiniganError):
    """The host's compiler refused the source: the message is its words."""


def run(arguments, own_files):
    """Run the compiler. Raises CompileError with what it says of a text, or else of files of the emulator's own."""
    # Without -nostdlib++ zig would build its C++ library first, of which nothing is used.
    more = ["-nostdlib++"] if "ziglang" in compiler() and "-shared" in arguments else []
    done = subprocess.run([*compiler(), *more, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise CompileError(f"the kernel does not compile on the host:\n{_errors(done.stderr, own_files)}")


def _errors(words, own_files):
    """A compiler's errors in a text, and of those in the emulator's own files, if there is no other, what they say."""
    if "Assembler messages" in words:
        instruction = re.search(r"Error: .*?[`\x27\u2018](.*?)[\x27\u2019]", words)
        return f"inline PTX (asm) is not emulated: {instruction[1] if instruction else words.strip()}"
    errors = [line for line in words.splitlines() if re.search(r"\berror: |\bundefined\b", line)]
    in_text = [line for line in errors if not any(f"{name}:" in line for name in own_files)]
    said = dict.fromkeys(line.rpartition("error: ")[2] for line in errors)
    return "\n".join(in_text or said or [words.strip()])
