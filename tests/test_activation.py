import math

import numpy as np
import pytest
from compare import assert_close

from minigan import MiniganError, cuda, emulator, ops, reference, tensor
from minigan.check import CASES, check_gradient, chosen
from minigan.cuda import elements, versions
from minigan.cuda.target import Target


@pytest.mark.parametrize("case", CASES["activation"], ids=lambda case: case.name)
def test_gradients(case):
    assert check_gradient(case) < 1e-6


def test_reference_against_the_standard_library():
    x = np.linspace(-5, 5, 41)
    assert_close(reference.tanh(x), [math.tanh(v) for v in x])
    assert_close(reference.sigmoid(x), [1 / (1 + math.exp(-v)) for v in x])
    for slope in (0.0, 0.2, 1.0):
        assert_close(reference.leaky_relu(x, slope), [v if v > 0 else slope * v for v in x])
        assert_close(reference.leaky_relu_backward(x, x, slope), [v if v > 0 else slope * v for v in x])


def test_sigmoid_does_not_overflow():
    with np.errstate(all="raise"):
        for dtype in ("float32", "float64"):
            assert_close(reference.sigmoid(np.array([-80.0, 80.0], dtype)), [math.exp(-80), 1.0], 1e-6)
    assert reference.sigmoid(np.float32([-1e30, 1e30])).tolist() == [0.0, 1.0]


def test_nan_stays_nan():
    x = np.array([np.nan])
    for y in (reference.leaky_relu(x, 0.2), reference.tanh(x), reference.sigmoid(x)):
        assert np.isnan(y).all()


def test_dtype_is_kept():
    x = np.ones(3, np.float32)
    for y in (
        reference.leaky_relu(x, 0.2),
        reference.leaky_relu_backward(x, x, 0.2),
        reference.sigmoid(x),
        reference.tanh_backward(x, x),
        reference.sigmoid_backward(x, x),
    ):
        assert y.dtype == np.float32


def test_slopes_are_from_0_to_1_and_relu_of_infinity_is_infinity():
    for slope in (-0.1, 1.5, float("nan")):
        with pytest.raises(MiniganError, match="expected 0"):
            ops.leaky_relu(tensor([1.0]), slope)
    assert reference.leaky_relu(np.array([np.inf, -np.inf]), 0.0).tolist() == [np.inf, 0.0]


T4, H100 = Target("float", 75, 40), Target("float", 90, 132)
ACTIVATIONS = {
    "leaky_relu": (1, 0.2), "leaky_relu_backward": (2, 0.2), "tanh": (1,), "tanh_backward": (2,), "sigmoid": (1,),
    "sigmoid_backward": (2,),
}  # fmt: skip


@pytest.mark.parametrize(
    ("n", "target", "kernel", "blocks"),
    [
        (1000, H100, "tanh_v1", 4),
        (1024 * 4 * 132 - 1, H100, "tanh_v1", 2112),
        (1024 * 4 * 132, H100, "tanh_v2", 528),  # four blocks for every multiprocessor
        (1024 * 4 * 40 + 1, T4, "tanh_v2", 161),
        (1024 * 4 * 40, Target("double", 75, 40), "tanh_v2", 320),  # 16 bytes are two doubles
        (0, Target(), "tanh_v1", 0),
    ],
)
def test_packs_run_where_they_fill_the_chip(n, target, kernel, blocks):
    version = elements.default(versions.versions_of("tanh"), n, target)
    (found,) = versions.versions_of("tanh")[version].kernels
    plan = elements.plan(found, n, target.pack if version == "v2" else 1)
    assert (plan.kernel.name, plan.grid, plan.block) == (kernel, (blocks, 1, 1), (256, 1, 1))


def test_a_kernel_without_packs_has_its_one_version():
    assert elements.default(versions.versions_of("exp"), 10**7, H100) == "v1"


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_empty_and_single(name, version):
    inputs, *slope = ACTIVATIONS[name]
    with chosen(version):
        assert getattr(cuda, name)(*[np.zeros((0, 3))] * inputs, *slope).shape == (0, 3)
        single = [np.full((), 0.5)] * inputs
        assert_close(getattr(cuda, name)(*single, *slope), getattr(reference, name)(*single, *slope))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_whole_sectors_and_packs_in_a_quarter_of_the_requests(every_access, name, version, dtype):
    inputs, *slope = ACTIVATIONS[name]
    n = 4096
    with chosen(version), emulator.profiling() as profiles:
        getattr(cuda, name)(*[np.ones(n, dtype)] * inputs, *slope)
    (found,) = profiles
    bytes_a_lane = 16 if version == "v2" else np.dtype(dtype).itemsize
    assert found.total("sectors") == found.total("ideal_sectors") == (inputs + 1) * n * np.dtype(dtype).itemsize / 32
    assert found.total("requests") == (inputs + 1) * n * np.dtype(dtype).itemsize / (32 * bytes_a_lane)


def test_off_the_boundaries_neighbours_stay_neighbours():
    with chosen("v2"), emulator.profiling() as profiles:
        cuda.tanh(np.ones(4097, np.float32)[1:])
    assert profiles[0].total("sectors") == profiles[0].total("ideal_sectors") == 2 * 4096 * 4 / 32
    assert profiles[0].total("requests") == 2 * 4096 / 32
