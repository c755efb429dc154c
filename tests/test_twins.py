"""minigan.reference and minigan.cuda are twins: the same primitives, signatures and facts, and the same numbers."""

import inspect

import numpy as np
import pytest
from compare import relative_error
from primitive_calls import calls, converted, size_of_terms

from minigan import cuda, devices, reference, shapes
from minigan.cuda import emulator, launch


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
    assert {name for name, *_ in calls()} == set(reference.__all__)


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
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
@pytest.mark.parametrize("version", ["default", "v1"])
def test_kernels_on_the_emulator_equal_the_reference(dtype, tolerance, order, version):
    """Outputs are NaN before a kernel writes them, inputs are fresh in every run, and NaN never passes."""
    seed = np.random.SeedSequence().entropy % 2**32
    with emulator.settings(order=order, seed=seed):
        compare_all(np.array, lambda array: array, dtype, tolerance, version, seed)


@pytest.mark.skipif(devices.why_no_cuda() is not None, reason="needs a GPU")
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
@pytest.mark.parametrize("version", ["default", "v1", "v2"])
def test_kernels_on_the_gpu_equal_the_reference(dtype, tolerance, version):
    import cupy

    compare_all(
        cupy.array,
        cupy.asnumpy,
        dtype,
        tolerance,
        version,
        np.random.SeedSequence().entropy % 2**32,
        lambda: poisoned_pool(cupy, dtype),
    )


def compare_all(make, to_numpy, dtype, tolerance, version, seed, before_each=lambda: None):
    for name in launch.versions:
        launch.choose(name, version if version in launch.versions[name] else None)
    try:
        for name, args, kwargs, factor in calls(seed):
            before_each()
            ours, right_args = converted(args, dtype, make), converted(converted(args, dtype), "float64")
            found = getattr(cuda, name)(*ours, **kwargs)
            truth = getattr(reference, name)(*right_args, **kwargs)
            for mine, right in [(found, truth)] if found is not None else zip(ours, right_args):
                if isinstance(right, np.ndarray):
                    error = relative_error(to_numpy(mine), right, size_of_terms(name, args))
                    allowed = 1e-5 if isinstance(args[-1], str) else tolerance * factor  # the noise names its own dtype
                    shapes_of = [np.shape(arg) for arg in args]
                    assert error <= allowed, f"{name} {shapes_of}: {error:.2g} > {allowed} (seed {seed})"
    finally:
        for name in launch.versions:
            launch.choose(name, None)


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
