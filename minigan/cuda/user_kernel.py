"""Anybody's CUDA kernel, from a file, a string or CuPy, called from Python with its arguments checked."""

import re
from functools import cache, cached_property, partial

import numpy as np

from ..emulator import program
from ..emulator.kernel import HostKernel, read_kernel
from ..emulator.limits import refuse_shared
from ..emulator.modes import is_checking
from ..emulator.options import read_options
from ..errors import MiniganError
from ..plan import perform
from ..records import Layout
from . import nvrtc
from .source import STANDARD

HEADERS = nvrtc.Headers()
SIZED = re.compile(r"\bu?int(?:8|16|32|64|ptr)_t\b")


def kernel(place=None, *, source=None, name=None, options=()):
    """A CUDA C kernel as a callable: `kernel("mine.cu:name")`, `kernel(source=text, name="name")`, or, of CuPy,
    `kernel(raw_kernel)` and `kernel(raw_module, name="name")`, which needs no GPU.

    A template's instance is named as in C++, "scale<float>". The text may be a whole program: its host functions are left
    out. Of a compiler's `options` macros and folders of headers (-DN=4, -Ifolder) hold everywhere, the others on the GPU.

    The result is called as k(grid, block, args, shared=0, cooperative=False): `grid` and `block` are a number or up to three,
    `shared` bytes of dynamic shared memory (for more than 48 KB set the kernel's `max_dynamic_shared_size_bytes` first, as with
    CuPy), `cooperative` whether blocks may wait for each other (`this_grid().sync()`).
    `args` are as the kernel takes them: arrays, None for a null pointer, plain numbers, which become its C types, NumPy records
    for structs, as many numbers for CUDA's vectors (a tuple for float3). CuPy arrays run on the GPU, NumPy arrays on the
    emulator. Raises MiniganError where the file or the kernel is missing, LaunchError for arguments that do not fit.
    """
    if hasattr(place, "code") and hasattr(place, "options"):
        source, name, options, place = *_of_cupy(place, name), None
    if (place is None) == (source is None) or (source is not None and not name):
        raise MiniganError('kernel: pass "file.cu:name", source= and name=, or a kernel of CuPy')
    read = read_options(options)
    if source is not None:
        return UserKernel(read.text_of(source, "source"), "source", name, read.others)
    return UserKernel(*read_kernel(place, read), read.others)


def _of_cupy(raw, name):
    """(code, name, options) of a cupy.RawKernel, or of a cupy.RawModule and a name."""
    own = getattr(raw, "name", None)
    if raw.code is None:
        raise MiniganError(f"kernel: a {type(raw).__name__} of compiled code has no text that could be read")
    if name and own and name != own:
        raise MiniganError(f"kernel: the {type(raw).__name__} is {own}, not {name}")
    return raw.code, name or own, raw.options


class UserKernel(HostKernel):
    """A kernel out of a text of its own, for NumPy arrays on the emulator and CuPy arrays on the GPU: see `kernel`."""

    def __init__(self, text, file, name, options=()):
        super().__init__(text, file, name)
        self._options = options

    @cached_property
    def cuda_text(self):
        """The text for NVIDIA's compiler, with those of the headers that it can find; it has C's uint32_t in one of its own."""
        text = program.without_unknown_headers(self.with_headers, HEADERS)[0]
        needs = SIZED.search(text) and "cuda/std/cstdint" in HEADERS
        return f'#include <cuda/std/cstdint>\n#line 1 "{self.file}"\n{text}' if needs else text

    @cached_property
    def options(self):
        """The options for NVIDIA's compiler."""
        has_standard = any(option.lstrip("-").startswith("std=") for option in self._options)
        return (*(() if has_standard else (STANDARD,)), *nvrtc.header_options(), *self._options)

    def parameters(self, on_host=True):
        """The kernel's parameters as a compiler sees them: the host's, or NVIDIA's (which needs no GPU)."""
        if on_host:
            return super().parameters()
        return self.named(*_parameters(self.cuda_text, self.file, self.options, self.name))

    def run_on_gpu(self, plan, arguments):
        if is_checking():
            return super().run_on_gpu(plan, arguments)  # which says why not
        # CuPy passes an array of NumPy's as its bytes.
        arguments = tuple(np.asarray(value) if isinstance(value, np.void) else value for value in arguments)
        perform(plan, arguments, partial(self._launch, plan, arguments))

    def _launch(self, plan, arguments):
        module, function = _loaded(self.cuda_text, self.options, self.name, plan.cooperative)
        for fill in self.fills.values():
            _fill(module, fill, partial(self._lowered, fill.name))
        refuse_shared(plan)
        if plan.asked is not None:
            function.max_dynamic_shared_size_bytes = plan.asked
        function(plan.grid, plan.block, arguments, shared_mem=plan.shared)

    def _lowered(self, variable):
        """A variable's name in machine code."""
        expression = f"&{variable}"
        _, _, names = nvrtc.compile_cubin(self.cuda_text, self.file, self.options, 80, (self.name, expression))
        return names[expression]


@cache
def _parameters(text, file, options, name):
    """(C types, Layouts) of a kernel's parameters. Where a struct's fields lie, only the emulator asks."""
    types = nvrtc.parameter_types(text, file, options, [name])[name]
    sizes = nvrtc.parameter_sizes(text, file, options, name)
    return types, [None if kind.endswith("*") else Layout(size) for kind, size in zip(types, sizes)]


@cache
def _loaded(text, options, name, cooperative):
    """(CuPy's module, the kernel in it)."""
    import cupy

    module = cupy.RawModule(code=text, options=options, name_expressions=[name], enable_cooperative_groups=cooperative)
    return module, module.get_function(name)


_filled = {}  # {(module, GPU, variable): number of the Fill that it had last}


def _fill(module, fill, lowered):
    """Fill a variable of a module on the current GPU, if it has not had this Fill yet."""
    import cupy

    key = module, cupy.cuda.Device().id, fill.name
    if _filled.get(key) != fill.number:
        data = np.frombuffer(fill.data, np.uint8)
        module.get_global(lowered()).copy_from_host_async(data.ctypes.data, data.nbytes)
        _filled[key] = fill.number
