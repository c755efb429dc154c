import numpy as np
import pytest
from compare import assert_close

from minigan import cpu, cuda, emulator, reference
from minigan.check import chosen
from minigan.cuda import elements
from minigan.cuda.average import VERSIONS as TABLE
from minigan.cuda.target import Target

VERSIONS = "v1", "v2"
DTYPES = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-12)])
EVERY_VERSION = pytest.mark.parametrize("version", VERSIONS)


def drawn(n, dtype, seed=0):
    random = np.random.default_rng(seed)
    return [random.standard_normal(n).astype(dtype) for _ in range(2)]


@pytest.mark.parametrize("package", [reference, cpu])
def test_it_moves_a_share_of_the_way_in_place(package):
    running = np.array([1.0, 2.0])
    assert package.running_average(running, np.array([3.0, 3.0]), 0.1, 2.0) is None
    assert_close(running, [0.9 + 0.6, 1.8 + 0.6])


@DTYPES
@EVERY_VERSION
@pytest.mark.parametrize("n", [0, 1, 3, 255, 257, 1031, 2048, 4099])
def test_the_kernels_are_the_formula(order, n, version, dtype, tolerance):
    """One element, primes, whole blocks of packs and one more; and, off the boundaries of 16 bytes, slices."""
    for first in (0, 1):
        running, value = (each[first:] for each in drawn(n + first, dtype))
        expected = running + 0.3 * (1.5 * value.astype(float) - running)
        given = value.copy()
        with chosen(version):
            cuda.running_average(running, value, 0.3, 1.5)
        assert_close(running, expected, tolerance)
        assert np.array_equal(value, given)


@EVERY_VERSION
@pytest.mark.parametrize("n", [5, 1024, 2050])
def test_it_keeps_to_its_elements(version, n):
    """Around both arrays is NaN: what is read of it shows in the results, what is written to it is gone."""
    around = np.full((2, n + 8), np.nan, np.float32)
    running, value = (each[4:-4] for each in around)
    running[:], value[:] = drawn(n, np.float32)
    with chosen(version), emulator.checking() as report:
        cuda.running_average(running, value, 0.1)
    assert np.isfinite(running).all() and not report.findings
    assert np.isnan(around[:, :4]).all() and np.isnan(around[:, -4:]).all()


@DTYPES
@EVERY_VERSION
def test_many_steps_are_the_exponential_average(version, dtype, tolerance):
    """After t steps the value of k steps ago counts for (1 − momentum)ᵏ momentum, and the first average for what is left."""
    decay, steps = 0.9, 50
    values = np.random.default_rng(0).standard_normal((steps + 1, 1031)).astype(dtype)
    running = values[0].copy()
    with chosen(version):
        for value in values[1:]:
            cuda.running_average(running, value, 1 - decay)
    weights = (1 - decay) * decay ** np.arange(steps)[::-1]
    assert_close(running, decay**steps * values[0] + weights @ values[1:].astype(float), 4 * tolerance)


@DTYPES
@EVERY_VERSION
@pytest.mark.parametrize("n", [0, 1, 255, 1031, 2048, 4099])
def test_the_share_of_the_newest_falls_to_what_the_decay_leaves(order, n, version, dtype, tolerance):
    for t, share in ((0, 0.9), (1, 9 / 11), (90, 0.09), (8_989, 9 / 8_999), (8_991, 0.001), (2**40, 0.001)):
        average, value = drawn(n, dtype, seed=t)
        step = np.array([t], np.uint64)
        expected = average + share * (value.astype(float) - average)
        plain = average.copy()
        with chosen(version):
            cuda.moving_average(average, value, step, 0.999)
        reference.moving_average(plain, value, step, 0.999)
        assert_close(average, expected, tolerance)
        assert_close(plain, expected, tolerance)
        assert step[0] == t


@EVERY_VERSION
def test_what_has_arrived_stays(version):
    """To the last bit, however often, in the averages of a generator that is not trained any more."""
    running, _ = drawn(2050, np.float32)
    value = running.copy()
    with chosen(version):
        for _ in range(20):
            cuda.running_average(running, value, 1 - 0.999)
    assert np.array_equal(running, value)


@EVERY_VERSION
def test_what_is_not_a_number_stays_where_it_is(version):
    running, value = drawn(2048, np.float32)
    value[1027] = np.nan
    with chosen(version):
        cuda.running_average(running, value, 0.1)
    assert np.flatnonzero(np.isnan(running)).tolist() == [1027]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@EVERY_VERSION
def test_12_bytes_an_element_in_whole_sectors(every_access, version, dtype):
    n, size = 4096, np.dtype(dtype).itemsize
    with chosen(version), emulator.profiling() as profiles:
        cuda.running_average(*drawn(n, dtype), 0.1)
    (found,) = profiles
    assert found.total("loaded") == 2 * n * size and found.total("stored") == n * size
    assert found.total("requests") == 3 * n * size / (32 * (16 if version == "v2" else size))
    assert found.total("sectors") == found.total("ideal_sectors")


def test_channels_take_a_thread_each_and_an_arena_packs():
    H100 = Target("float", 90, 132)
    for n, version, of_thread, blocks in ((256, "v1", 1, 1), (3_000_001, "v2", 4, 2930)):
        assert elements.default(TABLE["running_average"], n, H100) == version
        (kernel,) = TABLE["running_average"][version].kernels
        assert elements.plan(kernel, n, of_thread).grid == (blocks, 1, 1)
