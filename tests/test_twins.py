"""minigan.reference and minigan.cuda are twins: the same primitives, signatures and facts, and the same numbers."""

import inspect

import numpy as np
import pytest

from minigan import check, cuda, devices, emulator, reference, shapes


def facts(function):
    """The docstring's facts: everything up to the first blank line after "Shapes:"."""
    head, _, tail = inspect.getdoc(function).partition("Shapes:")
    return " ".join((head + tail.split("\n\n")[0]).split())


def test_same_names():
    assert cuda.__all__ == reference.__all__ == sorted(reference.__all__)


@pytest.mark.parametrize("name", reference.__all__)
def test_same_signature_and_facts(name):
    truth, metal = getattr(reference, name), getattr(cuda, name)
    assert inspect.signature(truth) == inspect.signature(metal)
    assert "Shapes:" in truth.__doc__
    assert facts(truth) == facts(metal)


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


@pytest.mark.parametrize("order", emulator.ORDERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("version", ["default", "v1"])
def test_kernels_on_the_emulator_equal_the_reference(dtype, order, version):
    """Outputs are NaN before a kernel writes them, inputs are fresh in every run, and NaN never passes."""
    seed = check.fresh_seed()
    with emulator.settings(order=order, seed=seed):
        compare_all(dtype, version, seed)


@pytest.mark.skipif(devices.why_no_cuda() is not None, reason="needs a GPU")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("version", ["default", "v1", "v2"])
def test_kernels_on_the_gpu_equal_the_reference(dtype, version):
    import cupy

    compare_all(dtype, version, check.fresh_seed(), cupy.array, cupy.asnumpy, lambda: poisoned_pool(cupy, dtype))


def compare_all(dtype, version, seed, make=np.array, to_numpy=np.asarray, before_each=lambda: None):
    several = [stem for stem in check.CALLS if len(check.versions_of(f"{stem}.cu")) > 1]
    with check.chosen(version):
        for stem in check.CALLS if version == "default" else several:
            for call in check.calls(stem, seed):
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
