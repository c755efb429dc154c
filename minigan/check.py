"""`minigan check`: are the derivatives right, and do the kernels compile to what they should? No GPU is needed."""

import importlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from . import __version__, devices, ops
from .cuda import nvrtc, source
from .errors import MiniganError
from .gradcheck import GradientError, gradcheck
from .tensor import grad, tensor


@dataclass(frozen=True)
class Case:
    """An op on float64 inputs of these shapes, drawn uniformly from [low, high) but never within 0.1 of a kink."""

    name: str
    fn: Callable
    shapes: tuple
    low: float = -2.0
    high: float = 2.0
    kinks: tuple = ()

    def inputs(self, seed=0, device="cpu"):
        random = np.random.default_rng(seed)
        inputs = []
        for shape in self.shapes:
            values = random.uniform(self.low, self.high, shape)
            for kink in self.kinks:
                values = np.where(abs(values - kink) < 0.1, kink + 0.2, values)
            inputs.append(tensor(values, device, "float64", requires_grad=True))
        return inputs


def _case(name, fn, *shapes, **domain):
    return Case(name, fn, shapes, **domain)


def _matmul(transpose_a, transpose_b):
    return lambda a, b, bias: ops.matmul(a, b, bias, transpose_a, transpose_b)


CASES = {
    "matmul": (
        _case("A B + b", _matmul(False, False), (3, 5), (5, 2), (2,)),
        _case("Aᵀ B + b", _matmul(True, False), (5, 3), (5, 2), (2,)),
        _case("A Bᵀ + b", _matmul(False, True), (3, 5), (2, 5), (2,)),
        _case("Aᵀ Bᵀ + b", _matmul(True, True), (5, 3), (2, 5), (2,)),
        _case("A B", ops.matmul, (1, 7), (7, 1)),
    ),
    "activation": (
        _case("leaky_relu", lambda x: ops.leaky_relu(x, 0.2), (4, 3), kinks=(0,)),
        _case("relu", ops.relu, (4, 3), kinks=(0,)),
        _case("tanh", ops.tanh, (4, 3)),
        _case("sigmoid", ops.sigmoid, (4, 3)),
    ),
    "elementwise": (
        _case("a + b", ops.add, (2, 1, 3), (4, 1)),
        _case("a − b", ops.sub, (2, 1, 3), (4, 1)),
        _case("a · b", ops.mul, (2, 1, 3), (4, 1)),
        _case("a / b", ops.div, (2, 1, 3), (4, 1), low=0.5),
        _case("aᵇ", ops.pow, (2, 1, 3), (4, 1), low=0.5),
        _case("x³", lambda x: x**3, (5,)),
        _case("2ˣ", lambda x: 2.0**x, (5,)),
        _case("1 − x", lambda x: 1 - x, (5,)),
        _case("1 / x", lambda x: 1 / x, (5,), low=0.5),
        _case("−x", ops.neg, (5,)),
        _case("exp", ops.exp, (5,)),
        _case("log", ops.log, (5,), low=0.5),
        _case("sqrt", ops.sqrt, (5,), low=0.5),
        _case("abs", ops.abs, (5,), kinks=(0,)),
        _case("clip", lambda x: ops.clip(x, -1, 1), (9,), kinks=(-1, 1)),
        _case("softplus", ops.softplus, (5,)),
    ),
    "reduce": (
        _case("sum", ops.sum, (2, 3)),
        _case("sum over (0, 2)", lambda x: ops.sum(x, (0, 2)), (2, 3, 4)),
        _case("sum, dims kept", lambda x: ops.sum(x, 1, keepdims=True), (2, 3)),
        _case("mean over −1", lambda x: ops.mean(x, -1), (2, 3)),
        _case("sum_to", lambda x: ops.sum_to(x, (3, 1)), (2, 3, 4)),
        _case("broadcast_to", lambda x: ops.broadcast_to(x, (2, 3, 4)), (3, 1)),
    ),
    "reshape": (_case("reshape", lambda x: ops.reshape(x, (6,)), (2, 3)),),
    "rows": (
        _case("concat", lambda *parts: ops.concat(parts), (2, 3), (1, 3), (4, 3)),
        _case("rows", lambda x: ops.rows(x, 1, 3), (4, 3)),
    ),
    "loss": (
        _case("sigmoid_cross_entropy", lambda x: ops.sigmoid_cross_entropy(x, 0.9), (7, 1)),
        _case("least_squares", lambda x: ops.least_squares(x, 0.9), (7, 1)),
    ),
}


def check_gradient(case, device="cpu"):
    """The worst relative error of the case's first derivative, and of its derivative's derivative. Raises GradientError."""
    first = gradcheck(case.fn, case.inputs(0, device)).worst
    return max(first, gradcheck(lambda *inputs: _gradient_norm(case.fn, inputs), case.inputs(1, device)).worst)


def _gradient_norm(fn, inputs):
    """Σ ‖∂L/∂x‖² for L = Σ f(x)²: a function whose derivative needs every second derivative of f."""
    inputs = [value if value.requires_grad else _requiring(value) for value in inputs]
    output = fn(*inputs)
    total = None
    for part in grad((output * output).sum(), inputs, create_graph=True):
        total = (part * part).sum() if total is None else total + (part * part).sum()
    return total


def _requiring(value):
    value.requires_grad = True
    return value


def check_kernels(file):
    """{(architecture, real): [(kernel, problem), …]} of compiling a kernel file every way the project uses.

    A problem is a spill, local memory, or a double-precision instruction in a float build.
    """
    found = {}
    for real in ("float", "double"):
        for architecture in nvrtc.ARCHITECTURES:
            cubin, log, _ = nvrtc.compile_cubin(source.text(file), file, source.options(real), architecture)
            problems = [
                (name, f"{used.local} bytes of local memory")
                for name, used in nvrtc.resources(log).items()
                if used.local
            ]
            if real == "float" and nvrtc.disassembler():
                for name, code in nvrtc.sass(cubin).items():
                    problems += [(name, f"FP64 instruction {each}") for each in nvrtc.double_instructions(code)]
            found[architecture, real] = problems
    return found


def run_checks(stem=None):
    """Run every check of one stem, or of all, and print a table; returns 0, or 1 where something failed.

    Raises MiniganError for an unknown stem.
    """
    files = {Path(file).stem: file for file in source.files()}
    stems = sorted(CASES.keys() | files.keys())
    if stem and stem not in stems:
        raise MiniganError(f"unknown stem {stem!r}: choose from {', '.join(stems)}")
    checked = [stem] if stem else stems
    failures = _print_gradients([name for name in checked if name in CASES])
    problem = nvrtc.why_missing()
    if not problem:
        failures += _print_kernels([files[name] for name in checked if name in files])
    verdict = f"{failures} failed" if failures else "all gradients passed" if problem else "all passed"
    print(f"\n{verdict}" + (f"; kernels were not compiled: {problem}" if problem else ""))
    return 1 if failures else 0


def _print_gradients(stems):
    print("gradients, first and second, against central differences in float64")
    failures = 0
    for stem in stems:
        for case in CASES[stem]:
            try:
                verdict = f"ok    {check_gradient(case):.1e}"
            except GradientError as error:
                failures += 1
                verdict = f"FAIL  {str(error).splitlines()[0]}"
            print(f"  {stem:12} {case.name:22} {verdict}")
    return failures


def _print_kernels(files):
    names = " ".join(f"sm_{architecture}" for architecture in nvrtc.ARCHITECTURES)
    print(f"\nkernels, compiled for {names}, float and double: no local memory, no FP64 in float")
    if not nvrtc.disassembler():
        print("  FP64 instructions are not looked for: pip install nvidia-cuda-nvdisasm")
    failures = 0
    for file in tqdm(files, unit="file", leave=False, disable=None):
        problems = [(build, each) for build, found in check_kernels(file).items() for each in found]
        failures += bool(problems)
        tqdm.write(f"  {file:20} {'FAIL' if problems else 'ok'}")
        for (architecture, real), (kernel, problem) in problems:
            tqdm.write(f"    {kernel} for sm_{architecture} in {real}: {problem}")
    return failures


def describe_installation():
    """The text of `minigan --version`: what is installed, and which devices and compilers work here."""
    compiler = next((name for name in (os.environ.get("CXX"), "g++", "clang++") if name and shutil.which(name)), None)
    if not compiler and importlib.util.find_spec("ziglang"):
        compiler = f"{Path(sys.executable).name} -m ziglang c++"
    no_cuda = devices.why_no_cuda()
    lines = {
        "minigan": __version__,
        "Python": sys.version.split()[0],
        "NumPy": np.__version__,
        "CuPy": _version_of("cupy"),
        "NVRTC": _nvrtc_version(),
        "device": no_cuda or _gpu(),
        "host C++": compiler or "none found (g++, clang++ or pip install ziglang)",
    }
    return "\n".join(f"{name:10} {value}" for name, value in lines.items())


def _version_of(package):
    try:
        return importlib.import_module(package).__version__
    except ImportError:
        return 'not installed (pip install "minigan[cuda12]" or "minigan[cuda13]")'


def _nvrtc_version():
    if nvrtc.why_missing():
        return "not available"
    from cupy.cuda import nvrtc as binding

    return ".".join(map(str, binding.getVersion()))


def _gpu():
    import cupy

    properties = cupy.cuda.runtime.getDeviceProperties(0)
    driver = cupy.cuda.runtime.driverGetVersion()
    capability = f"compute capability {properties['major']}.{properties['minor']}"
    return f"cuda: {properties['name'].decode()}, {capability}, driver for CUDA {driver // 1000}.{driver % 1000 // 10}"
