import numpy as np
import pytest
from compare import assert_close

import minigan as mg
from minigan import ops, reference
from minigan.check import CASES, check_gradient


@pytest.mark.parametrize("case", CASES["batch_norm"], ids=lambda case: case.name)
def test_gradients(case):
    assert check_gradient(case) < 1e-6


def test_the_result_has_mean_beta_and_deviation_gamma():
    x = np.random.default_rng(0).normal(3, 5, (50, 2, 4, 6))
    gamma, beta = np.array([2.0, 0.5]), np.array([-1.0, 7.0])
    y = reference.batch_norm(x, *reference.batch_norm_statistics(x), gamma, beta, 0.0)
    assert_close(y.mean((0, 2, 3)), beta)
    assert_close(y.std((0, 2, 3)), gamma)


def test_a_large_mean_costs_no_digits():
    x = np.random.default_rng(0).normal(1e3, 1, (4096, 3))
    mean, variance = reference.batch_norm_statistics(x.astype(np.float32))
    assert_close(mean, x.mean(0), 1e-6)
    assert_close(variance, x.var(0), 1e-4)  # x itself is rounded to 6e-5


def test_a_large_mean_costs_no_digits_of_images():
    """Their axes are apart in memory, where NumPy's mean adds one by one."""
    x = np.random.default_rng(0).normal(1e3, 1, (100, 4, 32, 32)).astype(np.float32)
    (mean, variance), truth = reference.batch_norm_statistics(x), x.astype(np.float64)
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


def test_running_averages():
    running = np.array([1.0, 2.0])
    reference.running_average(running, np.array([3.0, 3.0]), 0.1, 2.0)
    assert_close(running, [0.9 + 0.6, 1.8 + 0.6])
