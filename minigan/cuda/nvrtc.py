"""What NVIDIA's compiler says of a kernel: its machine code, its resources, its parameters. No GPU is needed.

CuPy brings a binding of NVRTC, the run-time compiler, and NVRTC compiles for any architecture it is told. Only loading
the result takes a driver. So every kernel is compiled wherever the tests run, with the options CuPy really uses.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from ..errors import MiniganError
from ..paths import cache_folder
from . import mangling

ARCHITECTURES = (75, 80, 86, 89, 90, 100, 120)  # Turing to Blackwell: T4, A100, RTX 30, RTX 40, H100/H200, B200, RTX 50

# cupy.cuda.compiler adds these to a RawModule's own options.
OPTIONS_OF_CUPY = ("-ftz=true", "--device-as-default-execution-space")

# SASS instructions that compute in double precision, on any of the architectures.
FP64 = re.compile(r"\b(DADD|DMUL|DFMA|DSETP|DMNMX|DMMA|F2F\.F64|F2F\.F32\.F64|I2F\.F64|F2I\.\S*F64|MUFU\.\S*64H)\b")


@dataclass(frozen=True)
class Resources:
    """What one kernel takes: registers and bytes of local memory (stack and spills) a thread, shared bytes a block."""

    registers: int
    local: int
    shared: int


class CompileError(MiniganError):
    """The compiler refused the source: the message is its log."""


def why_missing():
    """One line that says why NVRTC cannot be used here, or None where it can."""
    try:
        from cupy.cuda import nvrtc

        nvrtc.getVersion()
    except (ImportError, RuntimeError) as error:
        return f'NVRTC is not available ({error}): pip install "minigan[cuda12]" or "minigan[cuda13]"'
    return None


@cache  # the same file is asked for its resources, its machine code and its types
def compile_cubin(text, file, options, architecture, expressions=()):
    """(machine code as an ELF image, the compiler's log, {expression: its mangled name}); compiled once, and then
    taken from the cache.

    Raises CompileError with the compiler's log, MiniganError where NVRTC is missing.
    """
    if problem := why_missing():
        raise MiniganError(problem)
    from cupy.cuda import nvrtc

    flags = [*options, *OPTIONS_OF_CUPY, f"-arch=sm_{architecture}", "--ptxas-options=-v"]
    key = hashlib.sha256(repr((text, file, flags, expressions, nvrtc.getVersion())).encode()).hexdigest()
    path = cache_folder() / "nvrtc" / f"{key[:32]}.json"
    if not path.is_file():
        cubin, log, names = _compile(text, file, flags, expressions)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as part:
            json.dump({"cubin": base64.b64encode(cubin).decode(), "log": log, "names": names}, part)
        os.replace(part.name, path)  # in one move: another process may be compiling the same
    kept = json.loads(path.read_text("utf-8"))
    return base64.b64decode(kept["cubin"]), kept["log"], kept["names"]


def _compile(text, file, flags, expressions):
    from cupy.cuda import nvrtc

    program = nvrtc.createProgram(text, file, [], [])
    try:
        for expression in expressions:
            nvrtc.addNameExpression(program, expression)
        try:
            nvrtc.compileProgram(program, flags)
        except nvrtc.NVRTCError:
            log = nvrtc.getProgramLog(program).strip()
            chip = flags[-2].removeprefix("-arch=")
            raise CompileError(f"{file} does not compile for {chip}:\n{log}") from None
        names = {expression: nvrtc.getLoweredName(program, expression) for expression in expressions}
        # The binding takes the image for a C string and drops its last byte, a zero.
        return nvrtc.getCUBIN(program) + b"\0", nvrtc.getProgramLog(program), names
    finally:
        nvrtc.destroyProgram(program)


def resources(log):
    """{kernel name: Resources} out of the assembler's log."""
    kernels = {}
    for part in log.split("Compiling entry function '")[1:]:
        numbers = {}
        for key, pattern in (
            ("registers", r"Used (\d+) registers"),
            ("stack", r"(\d+) bytes stack frame"),
            ("stores", r"(\d+) bytes spill stores"),
            ("loads", r"(\d+) bytes spill loads"),
            ("local", r"(\d+) bytes lmem"),
            ("shared", r"(\d+) bytes smem"),
        ):
            match = re.search(pattern, part)
            numbers[key] = int(match[1]) if match else 0
        local = max(numbers["stack"], numbers["stores"], numbers["loads"], numbers["local"])
        kernels[part[: part.index("'")]] = Resources(numbers["registers"], local, numbers["shared"])
    return kernels


def disassembler():
    """The path of nvdisasm: on $PATH, or from the wheel nvidia-cuda-nvdisasm. None where it is missing."""
    return shutil.which("nvdisasm") or next(
        (str(path) for folder in sys.path for path in Path(folder or ".").glob("nvidia/*/bin/nvdisasm")), None
    )


@cache
def include_folders():
    """Where CUDA's own headers lie: those of the toolkit (cuda_fp16.h), from the wheel of NVRTC's release, and libcu++
    (cuda/barrier), which CuPy brings along. What is not installed is left out."""
    if why_missing():
        return ()
    from cupy.cuda import nvrtc

    release, _ = nvrtc.getVersion()
    toolkit = "nvidia/cuda_runtime/include" if release < 13 else f"nvidia/cu{release}/include"
    wanted = {toolkit: "cuda_fp16.h", "cupy/_core/include/cupy/_cccl/libcudacxx": "cuda/barrier"}
    places = ((Path(packages or ".", folder), header) for folder, header in wanted.items() for packages in sys.path)
    return tuple(str(folder) for folder, header in places if (folder / header).is_file())


def header_options():
    """The options with which a text finds CUDA's own headers."""
    return tuple(f"-I{folder}" for folder in include_folders())


class Headers:
    """The names of all headers that a text finds by `header_options`."""

    def __contains__(self, name):
        return any(Path(folder, name).is_file() for folder in include_folders())


@lru_cache(64)
def sass(cubin):
    """{kernel name: its machine code as text, an instruction a line} of a cubin. Raises MiniganError without nvdisasm."""
    if not disassembler():
        raise MiniganError("nvdisasm is missing: pip install nvidia-cuda-nvdisasm")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.cubin"
        path.write_bytes(cubin)
        result = subprocess.run([disassembler(), "-c", str(path)], capture_output=True, text=True)
    if result.returncode:
        raise MiniganError(f"nvdisasm failed: {result.stderr.strip()}")
    sections = re.split(r"^\s*\.section\s+\.text\.([^,\s]+).*$", result.stdout, flags=re.MULTILINE)
    return dict(zip(sections[1::2], sections[2::2]))


def double_instructions(code):
    """The FP64 instructions in one kernel's machine code, without the control code that compares predicates."""
    return sorted({match[0] for match in FP64.finditer(code)})


PROBE = """
template <class Function> __global__ void minigan_probe() {}
template <unsigned long...> struct minigan_sizes;
template <class T, bool = __is_enum(T)> struct minigan_plain { using type = T; };
template <class T> struct minigan_plain<T, true> { using type = __underlying_type(T); };
template <class> struct minigan_kernel;
template <class... A> struct minigan_kernel<void (*)(A...)> {
    using plain = void (*)(typename minigan_plain<A>::type...);
    using sizes = minigan_sizes<sizeof(A)...>;
};
"""


def parameter_types(text, file, options, names, architecture=90):
    """{name: the C types of a kernel's parameters, as the compiler sees them: ["const float*", "int", …]}.

    A template over the kernel's function type is instantiated; its mangled name spells the parameters. A regular
    expression over the source would not survive a macro, a comment or launch bounds.
    """
    mangled = _probed(text, file, options, names, "plain", architecture)
    return {name: mangling.parameter_types(one) for name, one in mangled.items()}


def parameter_sizes(text, file, options, name, architecture=90):
    """How many bytes each of a kernel's parameters has."""
    mangled = _probed(text, file, options, [name], "sizes", architecture)[name]
    return [int(size) for size in re.findall(r"Lm(\d+)E", mangled)]


def _probed(text, file, options, names, what, architecture):
    """{name: the mangled name of minigan_probe over what minigan_kernel says of a kernel}."""
    expressions = {  # both at once: it is the compiling that takes time
        (name, kind): f"minigan_probe<minigan_kernel<decltype(&{name})>::{kind}>"
        for name in names
        for kind in ("plain", "sizes")
    }
    try:
        _, _, mangled = compile_cubin(text + PROBE, file, options, architecture, tuple(expressions.values()))
    except CompileError as error:
        for name in names:
            if f'"{name}" is undefined' in str(error):
                raise MiniganError(f"{file} has no kernel {name!r}") from None
        raise
    return {name: mangled[expressions[name, what]] for name in names}
