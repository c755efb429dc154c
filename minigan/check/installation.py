"""The text of `minigan --version`."""

import importlib
import sys
from pathlib import Path

import numpy as np

from .. import __version__, devices
from ..cuda import nvrtc
from ..emulator.compiler import compiler
from ..errors import MiniganError


def describe_installation():
    """The text of `minigan --version`: what is installed, and which devices and compilers work here."""
    no_cuda = devices.why_no_cuda()
    lines = {
        "minigan": __version__,
        "Python": sys.version.split()[0],
        "NumPy": np.__version__,
        "CuPy": _version_of("cupy"),
        "NVRTC": _nvrtc_version(),
        "device": no_cuda or _gpu(),
        "host C++": _host_compiler(),
    }
    return "\n".join(f"{name:10} {value}" for name, value in lines.items())


def _host_compiler():
    try:
        return " ".join(Path(part).name for part in compiler())
    except MiniganError as error:
        return f"none: {error}"


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
