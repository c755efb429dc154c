"""minigan.reference and minigan.cuda are twins: the same primitives, signatures and facts, and the same numbers."""

import inspect
import re
from functools import partial

import numpy as np
import pytest

from minigan import check, cuda, devices, emulator, reference, shapes


def test_same_names():
    assert cuda.__all__ == reference.__all__ == sorted(reference.__all__)


@pytest.mark.parametrize("name", reference.__all__)
def test_same_signature_and_the_facts_in_one_place(name):
    """The reference says shapes, errors and source; the metal sends there, and says how the launches lie."""
    truth, metal = getattr(reference, name), getattr(cuda, name)
    assert inspect.signature(truth) == inspect.signature(metal)
    assert "Shapes:" in truth.__doc__
    sent, _, launches = inspect.getdoc(metal).partition(". ")
    assert sent == f"As `minigan.reference.{name}`"
    assert re.search(r"\b(thread|block|launches)\b", launches.lower()) and "Shapes:" not in launches


def test_every_primitive_is_called_here():
    assert {call.primitive for stem in check.CALLS for call in check.calls(stem, 0)} == set(reference.__all__)


def test_neither_imports_the_other():
    for package, other in ((reference, "cuda"), (cuda, "reference")):
        for module in vars(package).values():
            if inspect.ismodule(module):
                source = inspect.getsource(module)
                assert f"from ..{other}" not in source and f"import {other}" not in source


def poisoned_pool(cupy, dtype):
    """Fill what CuPy's pool hands out next: what a kernel leaves unwritten must not look right by accident."""
    cupy.full(1 << 16, np.nan, dtype)


STEMS = [(stem, None) for stem in check.CALLS]
LADDERS = [(stem, each) for stem in check.CALLS for each in check.versions_of(stem) if len(check.versions_of(stem)) > 1]


@pytest.mark.parametrize(("stem", "version"), STEMS + LADDERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_on_the_emulator_equal_the_reference(dtype, stem, version):
    """Outputs are NaN before a kernel writes them, inputs are fresh in every run, and NaN never passes."""
    for order in emulator.ORDERS:
        seed = check.fresh_seed()
        with emulator.settings(order=order, seed=seed):
            compare_all(dtype, stem, version, seed)


@pytest.mark.skipif(devices.why_no_cuda() is not None, reason="needs a GPU")
@pytest.mark.parametrize(("stem", "version"), STEMS + LADDERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_on_the_gpu_equal_the_reference(dtype, stem, version):
    import cupy

    poison = partial(poisoned_pool, cupy, dtype)
    compare_all(dtype, stem, version, check.fresh_seed(), cupy.array, cupy.asnumpy, poison)


def compare_all(dtype, stem, version, seed, make=np.array, to_numpy=np.asarray, before_each=lambda: None):
    if version and version not in check.versions_of(stem, "float" if dtype == "float32" else "double"):
        pytest.skip(f"{stem} {version} is written for float alone")
    with check.chosen(version):
        for call in check.calls(stem, seed, check.rounds(stem, version)):
            before_each()
            error, allowed = check.error_of(call, cuda, dtype, make, to_numpy)
            assert error <= allowed, f"{call}: {error:.2g} > {allowed:.2g} (seed {seed})"


def test_shape_errors_are_the_same_on_both():
    a, b = np.zeros((2, 3), np.float32), np.zeros((4, 5), np.float32)
    for package in (reference, cuda):
        for name, args in (
            ("matmul", (a, b)),
            ("add", (a, b)),
            ("sum", (a, 2)),
            ("mean", (np.zeros((0,)),)),
            ("broadcast_to", (a, (3,))),
            ("sum_to", (a, (4,))),
            ("matmul", (a, a.T.copy(), None, False, False, "relu")),
        ):
            with pytest.raises(shapes.MiniganError):
                getattr(package, name)(*args)
