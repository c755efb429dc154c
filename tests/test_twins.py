"""minigan.reference and minigan.cuda are twins: the same primitives, signatures and facts, and the same numbers."""

import inspect

import numpy as np
import pytest
from compare import relative_error
from primitive_calls import calls, converted

from minigan import cuda, devices, reference, shapes
from minigan.cuda import launch


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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_launch_binds(dtype):
    """Each call makes a plan whose arguments pass every check, and an output of the reference's shape and dtype."""
    for name, args, kwargs, _ in calls():
        with launch.recording() as launches:
            found = getattr(cuda, name)(*converted(args, dtype), **kwargs)
        truth = getattr(reference, name)(*converted(args, dtype), **kwargs)
        assert len(launches) == 1
        plan, real, arguments = launches[0]
        assert len(arguments) == len(plan.kernel.parameters)
        threads = np.prod(plan.grid) * np.prod(plan.block)
        if truth is not None:
            assert (found.shape, found.dtype) == (np.shape(truth), truth.dtype), name
            assert threads * (4 if name in ("uniform", "normal") else 1) >= found.size, f"{name}: too few threads"
            assert real == {"float32": "float", "float64": "double"}[str(found.dtype)]


@pytest.mark.skipif(devices.why_no_cuda() is not None, reason="needs a GPU")
@pytest.mark.parametrize("version", ["default", "v1", "v2"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
def test_kernels_equal_reference(dtype, tolerance, version):
    import cupy

    for name in launch.versions:
        launch.choose(name, version if version in launch.versions[name] else None)
    try:
        for name, args, kwargs, factor in calls(seed=np.random.SeedSequence().entropy):
            # What the kernel leaves unwritten must not look right by accident: the pool hands out poisoned memory.
            cupy.full(1 << 16, np.nan, dtype)
            ours, truth_args = converted(args, dtype, cupy.array), converted(converted(args, dtype), "float64")
            found = getattr(cuda, name)(*ours, **kwargs)
            truth = getattr(reference, name)(*truth_args, **kwargs)
            pairs = [(found, truth)] if found is not None else zip(ours, truth_args)
            for mine, right in pairs:
                if isinstance(right, np.ndarray):
                    error = relative_error(cupy.asnumpy(mine), right)
                    assert error <= tolerance * factor, f"{name} {[np.shape(arg) for arg in args]}: {error:.2g}"
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
