"""minigan: GANs from the theorem down to the CUDA line.

Every operation exists three times under one name: its calculus (minigan.ops), its NumPy truth (minigan.reference) and
its hand-written CUDA kernels (kernels/*.cu, launched by minigan.cuda).
"""

__version__ = "0.1.0"

from . import emulator, init, nn, ops, optim, random
from .cuda.launch import reload
from .cuda.user import kernel
from .emulator import out
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
