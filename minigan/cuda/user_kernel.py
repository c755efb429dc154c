"""Anybody's CUDA kernel, from a file or a string, called from Python with its arguments checked."""

from functools import cache, partial

from ..emulator.kernel import HostKernel, read_kernel
from ..emulator.launch import is_checking
from ..errors import MiniganError
from ..plan import perform
from . import nvrtc
from .source import STANDARD

DEFAULT_SHARED = 48 * 1024  # bytes of dynamic shared memory that a kernel may have without asking for more


def kernel(place=None, *, source=None, name=None):
    """A CUDA C kernel as a callable: `kernel("mine.cu:name")`, or `kernel(source=text, name="name")`.

    A template's instance is named as in C++, "scale<float>". The text may be a whole program: its host functions are left
    out. Nothing is put before it. The result is called as k(grid, block, args, shared=0,
    cooperative=False): `grid` and `block` are a number or up to three, `args` arrays and plain numbers as the kernel takes them,
    `shared` bytes of dynamic shared memory, `cooperative` whether blocks may wait for each other, as `this_grid().sync()` does.
    CuPy arrays run on the GPU, NumPy arrays on the emulator. Numbers become the C types that the kernel declares. Raises
    MiniganError where the file or the kernel is missing, LaunchError for arguments that do not fit.
    """
    if (place is None) == (source is None) or (source is not None and not name):
        raise MiniganError('kernel: pass "file.cu:name", or source= and name=')
    if source is not None:
        return UserKernel(source, "source", name)
    return UserKernel(*read_kernel(place))


class UserKernel(HostKernel):
    """A kernel out of a text of its own, for NumPy arrays on the emulator and CuPy arrays on the GPU: see `kernel`."""

    def parameters(self, on_host=True):
        """The kernel's parameters as a compiler sees them: the host's, or NVIDIA's (which needs no GPU)."""
        return super().parameters() if on_host else self.named(_parameter_types(self.text, self.file, self.name))

    def run_on_gpu(self, plan, arguments):
        if is_checking():
            return super().run_on_gpu(plan, arguments)  # which says why not
        function = _function(self.text, self.name, plan.cooperative)
        if plan.shared > DEFAULT_SHARED:
            function.max_dynamic_shared_size_bytes = plan.shared
        perform(plan, arguments, partial(function, plan.grid, plan.block, arguments, shared_mem=plan.shared))


@cache
def _parameter_types(text, file, name):
    return nvrtc.parameter_types(text, file, (STANDARD,), [name])[name]


@cache
def _function(text, name, cooperative):
    import cupy

    module = cupy.RawModule(
        code=text, options=(STANDARD,), name_expressions=[name], enable_cooperative_groups=cooperative
    )
    return module.get_function(name)
