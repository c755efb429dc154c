"""minigan: GANs from the theorem down to the CUDA line.

Every operation exists three times under one name: its calculus (minigan.ops), its NumPy truth (minigan.reference) and
its hand-written CUDA kernels (kernels/*.cu, launched by minigan.cuda).
"""

__version__ = "0.1.0"

from importlib import import_module

from . import emulator, init, nn, ops, optim, random
from .cuda.launch import reload
from .cuda.user_kernel import kernel
from .emulator import constant, out
from .errors import DeviceError, LaunchError, MiniganError
from .gradcheck import GradientError, gradcheck
from .tensor import Function, Tensor, grad, no_grad, tensor

__all__ = [
    "DeviceError",
    "Function",
    "GradientError",
    "LaunchError",
    "MiniganError",
    "Tensor",
    "constant",
    "emulator",
    "grad",
    "gradcheck",
    "init",
    "kernel",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "out",
    "random",
    "reload",
    "tensor",
]


def __getattr__(name):
    """minigan.bench, imported when it is first asked for: it brings the recipes and their data with it."""
    if name == "bench":
        return import_module(".bench", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
