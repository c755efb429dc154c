import numpy as np
import pytest
from compare import assert_close

import minigan as mg
from minigan import cpu, cuda, emulator, ops, reference
from minigan.check import CASES, check_gradient, chosen
from minigan.cuda.batch_norm import VERSIONS as TABLE
from minigan.cuda.batch_norm import default_forward, plan_channels
from minigan.cuda.target import Target


@pytest.mark.parametrize("case", CASES["batch_norm"], ids=lambda case: case.name)
def test_gradients(case):
    assert check_gradient(case) < 1e-6


def test_the_result_has_mean_beta_and_deviation_gamma():
    x = np.random.default_rng(0).normal(3, 5, (50, 2, 4, 6))
    gamma, beta = np.array([2.0, 0.5]), np.array([-1.0, 7.0])
    y = reference.batch_norm(x, *reference.batch_norm_statistics(x), gamma, beta, 0.0)
    assert_close(y.mean((0, 2, 3)), beta)
    assert_close(y.std((0, 2, 3)), gamma)


@pytest.mark.parametrize("package", [reference, cpu])
def test_a_large_mean_costs_no_digits(package):
    x = np.random.default_rng(0).normal(1e3, 1, (4096, 3))
    mean, variance = package.batch_norm_statistics(x.astype(np.float32))
    assert_close(mean, x.mean(0), 1e-6)
    assert_close(variance, x.var(0), 1e-4)  # x itself is rounded to 6e-5


@pytest.mark.parametrize("package", [reference, cpu])
def test_a_large_mean_costs_no_digits_of_images(package):
    """Their axes are apart in memory, where NumPy's mean adds one by one."""
    x = np.random.default_rng(0).normal(1e3, 1, (100, 4, 32, 32)).astype(np.float32)
    (mean, variance), truth = package.batch_norm_statistics(x), x.astype(np.float64)
    assert np.abs(mean - truth.mean((0, 2, 3))).max() < 6.2e-5  # the distance of two float32 at 1,000
    assert_close(variance, truth.var((0, 2, 3)), 1e-6)


def test_against_pytorch():
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(1)
    for i in range(50):
        c = int(random.integers(1, 18))
        shape = (int(random.integers(2, 9)), c, *(int(v) for v in random.integers(1, 8, 2)))[: 4 if i % 2 else 2]
        x, gamma, beta = (random.standard_normal(each) for each in (shape, c, c))
        ours = [mg.tensor(each, dtype="float64", requires_grad=True) for each in (x, gamma, beta)]
        theirs = [torch.tensor(each, requires_grad=True) for each in (x, gamma, beta)]
        y, _, _ = ops.batch_norm(*ours)
        truth = torch.nn.functional.batch_norm(theirs[0], None, None, *theirs[1:], training=True)
        g = random.standard_normal(shape)
        y.backward(mg.tensor(g, dtype="float64"))
        truth.backward(torch.tensor(g))
        assert_close(y.numpy(), truth.detach().numpy(), 1e-10)
        for mine, right in zip(ours, theirs):
            # Two values of a channel normalise to ±1 whatever they are: their gradient is all cancellation.
            scale = max(1.0, np.abs(right.grad.numpy()).max())
            assert np.abs(mine.grad.numpy() - right.grad.numpy()).max() <= 1e-10 * scale


def test_a_second_derivative_is_refused_by_name():
    x, one, zero = (mg.tensor(each, requires_grad=True) for each in (np.random.rand(4, 3), np.ones(3), np.zeros(3)))
    y, _, _ = ops.batch_norm(x, one, zero)
    (gradient,) = mg.grad((y * y * y).sum(), [x], create_graph=True)
    with pytest.raises(mg.MiniganError, match="BatchNormBackward has no derivative"):
        (gradient * gradient).sum().backward()


def test_what_does_not_fit_is_said():
    three = mg.tensor(np.ones(3))
    for shape, message in (
        ((1, 3), r"one value in each channel, which are all its own mean"),
        ((2, 3, 4), r"expected \(n, channels\) or \(n, channels, h, w\)"),
        ((0, 3), "not empty"),
        ((5, 2), r"expected \(2,\) for each channel"),
    ):
        with pytest.raises(mg.MiniganError, match=message):
            ops.batch_norm(mg.tensor(np.ones(shape)), three, three)


H100 = Target("float", 90, 132)
VERSIONS = "v1", "v2", "v3"


def launches(version, x, activation=None):
    """The profiles of a forward pass."""
    one = np.ones(x.shape[1], x.dtype)
    with chosen(version), emulator.profiling() as profiles:
        cuda.batch_norm_forward(x, one, one, 1e-5, activation)
    return profiles


@pytest.mark.parametrize("version", (None, *VERSIONS))
@pytest.mark.parametrize("activation", [None, ("leaky_relu", 0.2)])
def test_forward_is_its_parts(version, activation):
    random = np.random.default_rng(0)
    for shape in ((50, 3), (5, 4, 6, 6), (3, 2, 5, 7)):
        x, gamma, beta = (random.standard_normal(each).astype(np.float32) for each in (shape, shape[1], shape[1]))
        with chosen(version):
            y, mean, variance = cuda.batch_norm_forward(x, gamma, beta, 1e-5, activation)
        truth = reference.batch_norm(x, *reference.batch_norm_statistics(x), gamma, beta, 1e-5)
        truth = truth if activation is None else reference.leaky_relu(truth, 0.2)
        assert_close(y, truth, 4e-5)
        assert_close(mean, x.mean((0, *range(2, x.ndim))), 1e-5)
        assert_close(variance, x.var((0, *range(2, x.ndim))), 1e-5)


@pytest.mark.parametrize("package", [reference, cpu, cuda])
def test_what_forward_refuses(package):
    x, one = np.ones((4, 3), np.float32), np.ones(3, np.float32)
    with pytest.raises(mg.MiniganError, match="activation 'relu', expected None or"):
        package.batch_norm_forward(x, one, one, 1e-5, "relu")
    with pytest.raises(mg.MiniganError, match=r"expected \(3,\) for each channel"):
        package.batch_norm_forward(x, one, one[:2], 1e-5)
    with pytest.raises(mg.MiniganError, match="not empty"):
        package.batch_norm_forward(x[:0], one, one, 1e-5)


def test_the_number_of_launches():
    x = np.ones((2, 3, 4, 4), np.float32)
    names = {version: [each.kernel for each in launches(version, x)] for version in (None, *VERSIONS)}
    assert names == {
        None: ["batch_norm_forward_v3"],
        "v1": ["batch_norm_statistics_v1", "batch_norm_v1"],
        "v2": ["batch_norm_statistics_v2", "batch_norm_v2"],
        "v3": ["batch_norm_forward_v3"],
    }
    assert [default_forward(channels, H100) for channels in (32, 33)] == ["v2", "v3"]


def test_a_thread_for_each_pack_of_a_channel():
    for shape, threads in (
        ((1, 3), 32),
        ((100, 3, 4, 4), 416),
        ((100, 3, 32, 32), 1024),
        ((32, 64, 8, 8), 512),
    ):
        plan = plan_channels(TABLE["batch_norm_forward"]["v3"].kernels[0], True, shape, H100)
        assert (plan.grid, plan.block) == ((shape[1], 1, 1), (threads, 1, 1))
    statistics = TABLE["batch_norm_statistics"]["v1"].kernels[0]
    assert plan_channels(statistics, False, (100, 3, 32, 32), H100).block == (256, 1, 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_large_mean_costs_the_kernels_no_digits(version):
    """Even where the channel's first number is far from all the others."""
    x = np.random.default_rng(0).normal(1e3, 1, (16, 3, 16, 16)).astype(np.float32)
    x[0, 1, 0, 0] = 900
    truth = x.astype(np.float64)
    with chosen(version):
        mean, variance = cuda.batch_norm_statistics(x)
    assert_close(mean, truth.mean((0, 2, 3)), 1e-6)
    assert_close(variance, truth.var((0, 2, 3)), 1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("version", VERSIONS)
def test_whole_sectors_and_free_banks(every_access, version, dtype):
    x, one = np.random.default_rng(0).standard_normal((8, 3, 32, 32)).astype(dtype), np.ones(3, dtype)
    with chosen(version), emulator.profiling() as profiles:
        cuda.batch_norm_forward(x, one, one, 1e-5)
        cuda.batch_norm_backward(x, x.copy(), one, one, one, 1e-5)
    for found in profiles:
        assert found.total("sectors") == found.total("ideal_sectors"), found
        assert found.total("turns") <= 2 * found.total("ideal_turns"), found


def test_how_often_x_is_read():
    """By the first launch: twice; once; and once from memory, then again while the cache has it."""
    x = np.ones((8, 3, 32, 32), np.float32)
    read = {version: launches(version, x)[0].total("loaded") // x.nbytes for version in VERSIONS}
    assert read == {"v1": 2, "v2": 1, "v3": 2}


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_one_pass_is_exact_where_numbers_are_large_and_close(version):
    """Of 100,000 ± 1 a float has 2 digits behind the point: what is merged has to be distances, which it holds exactly."""
    x = np.random.default_rng(0).normal(1e5, 1, (16, 3, 16, 16)).astype(np.float32)
    with chosen(version):
        _, mean, variance = cuda.batch_norm_forward(x, np.ones(3, np.float32), np.zeros(3, np.float32), 1e-5)
    assert_close(mean, x.mean((0, 2, 3), np.float64), 1e-7)
    assert_close(variance, x.var((0, 2, 3), np.float64), 1e-6)
