"""Where arrays live. A device is its name, plus the array module and the primitives that work there."""

import functools
import importlib
import sys

from .errors import DeviceError

NAMES = ("auto", "cpu", "cuda", "emulator")


class Device(str):
    """A device's name ("cpu", "cuda", "emulator") that also knows its array module `xp` and its `primitives`.

    `xp` makes, copies and moves arrays; every computation goes through `primitives`: minigan.cpu for "cpu" (NumPy arrays);
    minigan.cuda for "cuda" (CuPy arrays) and "emulator" (NumPy arrays: the same kernels, compiled for and run by the CPU).
    Both export the same functions. `graph` makes a function into one that is captured and replayed (see
    minigan.cuda.graph.Graph); None on "cpu", which has no launches.
    """

    def __new__(cls, name, xp, primitives, graph=None):
        device = super().__new__(cls, name)
        device.xp = xp
        device.primitives = primitives
        device.graph = graph
        return device

    def to_numpy(self, array):
        """A NumPy array with the same values: a read-only view on cpu, a copy from anywhere else."""
        if self == "cuda":
            return self.xp.asnumpy(array)
        view = array.view()
        view.flags.writeable = False
        return view


def device(name):
    """The Device called `name`: "cpu", "cuda", "emulator", or "auto" (cuda where a GPU answers, else cpu).

    Raises DeviceError for an unknown name, and for "cuda" where CuPy or a driver is missing (it says which).
    """
    if isinstance(name, Device):
        return name
    if name not in NAMES:
        raise DeviceError(f"unknown device {name!r}: choose from {', '.join(NAMES)}")
    if name == "auto":
        name = "cpu" if why_no_cuda() else "cuda"
    return _load(name)


@functools.cache
def _load(name):
    """Imports happen here and not at the top: CuPy is imported only once a device asks for it."""
    if name == "cpu":
        importlib.import_module("minigan.cpu.memory").keep_freed_memory()
        return Device(name, importlib.import_module("numpy"), importlib.import_module("minigan.cpu"))
    if name == "cuda" and (problem := why_no_cuda()):
        raise DeviceError(problem)
    primitives, graph = (importlib.import_module(f"minigan.cuda{part}") for part in ("", ".graph"))
    if name == "emulator":
        return Device(name, importlib.import_module("numpy"), primitives, graph.LaunchList)
    return Device(name, importlib.import_module("cupy"), primitives, graph.CudaGraph)


def array_module(array):
    """NumPy or CuPy: the module the array comes from."""
    return sys.modules[type(array).__module__.partition(".")[0]]


@functools.cache
def why_no_cuda():
    """One line that says why the device "cuda" cannot be used here, or None where it can."""
    install = 'pip install "minigan[cuda12]" (CUDA 12) or "minigan[cuda13]" (CUDA 13)'
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        return f"device cuda needs CuPy, which cannot be imported ({error}): {install}, or use --device cpu"
    try:
        gpus = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        reason = str(error).split(":")[0]
        return f"device cuda needs an NVIDIA GPU and its driver, and none answers ({reason}): use --device cpu"
    return None if gpus else "device cuda needs an NVIDIA GPU, and the driver finds none: use --device cpu"
