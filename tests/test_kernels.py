"""Every kernel of every file through NVIDIA's own compiler, as the project really compiles it. Never skipped where
NVRTC can be installed: on Linux x86-64 its absence is a failure.
"""

import platform
import re

import numpy as np
import pytest

from minigan import MiniganError
from minigan.check import check_compiled
from minigan.cuda import nvrtc, source
from minigan.cuda.target import Target
from minigan.cuda.versions import KERNELS, kernel_names


@pytest.fixture(autouse=True)
def compiler():
    problem = nvrtc.why_missing()
    if problem and (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip(problem)
    assert not problem, problem
    assert nvrtc.disassembler()


@pytest.mark.parametrize("file", source.files())
def test_compiles_everywhere_without_spills_or_doubles(file):
    found = check_compiled(file)
    assert set(found) == {(each, real) for each in nvrtc.ARCHITECTURES for real in ("float", "double")}
    assert not any(found.values()), found


@pytest.mark.parametrize("file", source.files())
@pytest.mark.parametrize(("real", "architecture"), [("float", 90), ("float", 75), ("double", 90)])
def test_every_kernel_is_declared(file, real, architecture):
    _, log, _ = nvrtc.compile_cubin(source.text(file), file, source.options(real), architecture)
    target = Target(real, architecture)
    declared = {name for name, kernel in KERNELS.items() if kernel.file == file and target.can_run(kernel)}
    assert set(nvrtc.resources(log)) == declared


@pytest.mark.parametrize("file", source.files())
@pytest.mark.parametrize("real", ["float", "double"])
def test_declared_types_are_the_compilers(file, real):
    names = kernel_names(file, real)
    seen = nvrtc.parameter_types(source.text(file), file, source.options(real), names)
    for name in names:
        types = (each.type.replace("real", real) for each in KERNELS[name].parameters)
        assert seen[name] == [each.replace("uint64", "unsigned long long") for each in types]


def test_names_of_parameters_are_the_sources():
    """Types alone would not see two ints swapped."""
    for kernel in KERNELS.values():
        text = re.sub(r"NAME##", "", source.text(kernel.file))
        names = [re.search(rf"\b{each.name}\b", text) for each in kernel.parameters]
        assert all(names), kernel


def compiled(body, real="float"):
    text = f'typedef REAL real; extern "C" __global__ void f(real* x, int n) {{ {body} }}'
    cubin, log, _ = nvrtc.compile_cubin(text, "f.cu", source.options(real), 90)
    return nvrtc.resources(log)["f"], nvrtc.double_instructions(nvrtc.sass(cubin)["f"])


def test_a_double_literal_in_a_float_kernel_is_seen():
    assert compiled("x[n] = 0.2f * x[n];")[1] == []
    assert compiled("x[n] = 0.2 * x[n];")[1] != []


def test_local_memory_is_seen():
    assert compiled("real t[3] = {x[0], x[1], x[2]}; x[0] = t[2];")[0].local == 0
    assert (
        compiled("real t[64]; for (int i = 0; i < n; ++i) t[i * i % 64] = x[i]; x[0] = t[n] + t[n / 2];")[0].local
        >= 256
    )


def test_spills_are_seen():
    values = "".join(f"real a{i} = x[{i} * n];" for i in range(80))
    body = values + "__syncthreads();" + "".join(f"x[{i} + n] = a{i} * a{(i * 7) % 80};" for i in range(80))
    text = f'typedef REAL real; extern "C" __global__ void __launch_bounds__(1024, 2) f(real* x, int n) {{ {body} }}'
    _, log, _ = nvrtc.compile_cubin(text, "f.cu", source.options("double"), 90)
    assert nvrtc.resources(log)["f"].local > 0


def test_shared_memory_and_registers_are_reported():
    text = source.text("matmul.cu")
    _, log, _ = nvrtc.compile_cubin(text, "matmul.cu", source.options("float"), 90)
    used = nvrtc.resources(log)
    assert used["matmul_v2"].shared == 2 * 16 * 16 * np.dtype(np.float32).itemsize and used["matmul_v1"].registers > 8


def test_a_broken_kernel_fails_with_file_and_line():
    broken = source.text("matmul.cu").replace("__syncthreads();  // the tiles", "__syncthreads()  // the tiles")
    with pytest.raises(MiniganError, match=r"matmul\.cu\(\d+\): error: expected a"):
        nvrtc.compile_cubin(broken, "matmul.cu", source.options("float"), 90)
