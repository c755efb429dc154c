"""Kernel source: where it lies, how it becomes one text, and its compiled form, kept per file and dtype."""

from functools import cache
from pathlib import Path

from ..emulator import program
from ..errors import MiniganError

STANDARD = "--std=c++17"


def folder():
    """The folder of the .cu files: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for place in (package / "kernels", package.parent / "kernels"):
        if (place / "common.cuh").is_file():
            return place
    raise MiniganError(f"no kernel sources: neither {package / 'kernels'} nor {package.parent / 'kernels'} holds them")


def files():
    """The names of all kernel files, sorted."""
    return sorted(path.name for path in folder().glob("*.cu"))


def text(file):
    """common.cuh and then the file, as one text. The #line marks keep messages pointing at the real file and line.

    CuPy's cache of compiled kernels does not look into included files, so the common text is put before, and what the file
    includes is put in.
    """
    common, own = (program.read(folder() / name) for name in ("common.cuh", file))
    return f'#line 1 "common.cuh"\n{common}\n#line 1 "{file}"\n{own}'


def options(real):
    """The compiler options for `real` = "float" or "double"."""
    return (f"-DREAL={real}", STANDARD)


@cache
def _module(file, real):
    import cupy

    return cupy.RawModule(code=text(file), options=options(real))


@cache
def function(file, name, real):
    """The compiled kernel `name` of `file`, for CuPy to launch. A file is compiled once per `real`."""
    return _module(file, real).get_function(name)


def forget():
    """Forget everything compiled for the GPU."""
    function.cache_clear()
    _module.cache_clear()
