"""minigan.cpu is minigan.reference, arranged for speed: the same primitives, signatures and numbers."""

import inspect

import numpy as np
import pytest

from minigan import MiniganError, check, cpu, devices, reference

ARRANGED = [name for name in reference.__all__ if getattr(cpu, name) is not getattr(reference, name)]
STEMS = sorted({getattr(cpu, name).__module__.split(".")[-1] for name in ARRANGED})


def test_same_names():
    assert cpu.__all__ == reference.__all__
    assert devices.device("cpu").primitives is cpu


@pytest.mark.parametrize("name", ARRANGED)
def test_same_signature_and_what_is_faster(name):
    textbook, fast = getattr(reference, name), getattr(cpu, name)
    assert inspect.signature(fast) == inspect.signature(textbook)
    assert inspect.getdoc(fast).startswith(f"As `minigan.reference.{name}`, ")


@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_arranged_equals_the_reference(dtype, stem):
    """On the awkward shapes that kernels are checked on (one element, odd, empty), and on random ones."""
    seed = check.fresh_seed()
    made = [call for call in check.calls(stem, seed) if call.primitive in ARRANGED]
    assert made
    for call in made:
        error, allowed = check.error_of(call, cpu, dtype)
        assert error <= allowed, f"{call}: {error:.2g} > {allowed:.2g} (seed {seed})"


@pytest.mark.parametrize("package", [reference, cpu])
@pytest.mark.parametrize("slope", [0.0, 0.2, 1.0])
def test_what_is_not_finite_stays_so(package, slope):
    x, one = np.array([-np.inf, np.nan, np.inf]), np.ones(3)
    assert np.array_equal(package.leaky_relu(x, slope), [-np.inf if slope else 0, np.nan, np.inf], equal_nan=True)
    assert package.leaky_relu_backward(one, x, slope).tolist() == [slope, slope, 1]


@pytest.mark.parametrize("package", [reference, cpu])
def test_what_does_not_fit_is_said(package):
    image, pixels, rows = np.ones((1, 2, 4, 4)), np.zeros((1, 2, 2, 2), np.int32), np.ones((2, 3))
    two, three = np.ones(2), np.ones(3)
    for name, arguments in (
        ("batch_norm", (rows, three, three, three, two, 1e-5)),
        ("batch_norm_backward", (rows, rows, three, three, two, 1e-5)),
        ("batch_norm_statistics", (rows[:0],)),
        ("conv2d", (image, image[:, :1])),
        ("conv2d_backward_data", (np.ones((1, 1, 1, 1)), image, image.shape, (1, 1), ((0, 0), (0, 0)), three)),
        ("conv2d_backward_weight", (image, image, (3, 3))),
        ("gather_pixels", (image, pixels[:, :1])),
        ("matmul", (rows, rows)),
        ("matmul", (rows, rows, None, False, True, "relu")),
        ("max_pool2d_where", (image, (5, 1), (1, 1))),
        ("scatter_pixels", (image, pixels, image.shape)),
    ):
        with pytest.raises(MiniganError):
            getattr(package, name)(*arguments)
