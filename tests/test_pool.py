import numpy as np
import pytest
from compare import assert_close

import minigan as mg
from minigan import cpu, ops, reference
from minigan.check import CASES, check_gradient

X = np.arange(1.0, 36).reshape(1, 1, 5, 7)


@pytest.mark.parametrize("case", CASES["pool"], ids=lambda case: case.name)
def test_gradients(case):
    assert check_gradient(case) < 1e-6


def test_windows_that_are_not_full_are_left_out():
    x = mg.tensor(X, dtype="float64")
    assert ops.max_pool2d(x, 2).numpy().tolist() == [[[[9, 11, 13], [23, 25, 27]]]]
    assert ops.avg_pool2d(x, 2).numpy().tolist() == [[[[5, 7, 9], [19, 21, 23]]]]
    assert ops.max_pool2d(x, (5, 1), (1, 3)).numpy().tolist() == [[[[29, 32, 35]]]]


@pytest.mark.parametrize("package", [reference, cpu])
def test_of_equal_pixels_the_first_and_of_nan_the_nan(package):
    x = np.array([[[[2.0, 2.0, 1.0, np.nan]]]])
    assert package.max_pool2d_where(x, (1, 2), (1, 2)).tolist() == [[[[0, 3]]]]


def test_nearest_upsampling_repeats():
    x = mg.tensor(X, dtype="float64")
    assert ops.upsample2d(x, (2, 3)).numpy().tolist() == X.repeat(2, 2).repeat(3, 3).tolist()


def test_gradients_of_overlapping_windows_add_up():
    x = mg.tensor(X, dtype="float64", requires_grad=True)
    ops.max_pool2d(x, 3, 1).sum().backward()
    assert x.grad.numpy().sum() == 15 and x.grad.numpy()[0, 0, 4, 6] == 1


def test_against_pytorch():
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    for _ in range(50):
        kernel, stride = (tuple(int(v) for v in random.integers(1, 5, 2)) for _ in range(2))
        x = random.standard_normal((2, int(random.integers(1, 18)), *(k + int(random.integers(0, 9)) for k in kernel)))
        for mine, theirs in (
            (ops.max_pool2d, torch.nn.functional.max_pool2d),
            (ops.avg_pool2d, torch.nn.functional.avg_pool2d),
        ):
            ours, right = mg.tensor(x, dtype="float64", requires_grad=True), torch.tensor(x, requires_grad=True)
            y, truth = mine(ours, kernel, stride), theirs(right, kernel, stride)
            (y * y).sum().backward()
            (truth * truth).sum().backward()
            assert_close(y.numpy(), truth.detach().numpy(), 1e-10)
            assert_close(ours.grad.numpy(), right.grad.numpy(), 1e-10)


def test_what_does_not_fit_is_said():
    for x, kernel, stride, message in (
        ((1, 1, 2, 2), 3, 1, "the image is smaller than the window"),
        ((1, 1, 2, 2), 1, 0, "max_pool2d: stride 0: expected a whole number of at least 1"),
        ((2, 2), 1, 1, r"takes a Tensor of images \(n, c, h, w\), got shape \(2, 2\)"),
    ):
        with pytest.raises(mg.MiniganError, match=message):
            ops.max_pool2d(mg.tensor(np.ones(x)), kernel, stride)
    images = mg.tensor(np.ones((1, 1, 2, 2)))
    with pytest.raises(mg.MiniganError, match="avg_pool2d: window 0: expected"):
        ops.avg_pool2d(images, 0)
    with pytest.raises(mg.MiniganError, match="upsample2d: factor 1.5: expected"):
        ops.upsample2d(images, 1.5)
