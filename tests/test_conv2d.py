from contextlib import contextmanager

import numpy as np
import pytest
from compare import assert_close

import minigan as mg
from minigan import ops, reference, shapes
from minigan.check import CASES, calls, check_gradient
from minigan.cuda import launch
from minigan.cuda.conv2d import plan, plan_backward_data, plan_backward_weight, version_of
from minigan.cuda.launch import Target
from minigan.reference import conv2d_fast


@pytest.mark.parametrize("case", CASES["conv2d"], ids=lambda case: case.name)
def test_gradients(case):
    assert check_gradient(case) < 1e-6


def by_the_formula(x, w, bias, stride, padding):
    """Σ x[n, c, i s₀ + p − top, j s₁ + q − left] w[o, c, p, q] + bias[o], term by term."""
    n, o, rows, columns = shapes.conv2d(x.shape, w.shape, None, stride, padding)
    y = np.zeros((n, o, rows, columns))
    for image, output, i, j in np.ndindex(y.shape):
        y[image, output, i, j] = 0.0 if bias is None else bias[output]
        for c, p, q in np.ndindex(w.shape[1:]):
            r, s = i * stride[0] + p - padding[0][0], j * stride[1] + q - padding[1][0]
            if 0 <= r < x.shape[2] and 0 <= s < x.shape[3]:
                y[image, output, i, j] += x[image, c, r, s] * w[output, c, p, q]
    return y


def test_reference_is_the_sum_it_says():
    random = np.random.default_rng(0)
    x, w, bias = (random.standard_normal(shape) for shape in ((2, 3, 5, 4), (2, 3, 3, 2), (2,)))
    for stride, padding in (((1, 1), ((0, 0), (0, 0))), ((2, 1), ((1, 2), (0, 3))), ((3, 2), ((2, 0), (1, 1)))):
        assert_close(reference.conv2d(x, w, bias, stride, padding), by_the_formula(x, w, bias, stride, padding))


def test_the_three_are_derivatives_of_one_form():
    """⟨g, x ∗ w⟩ = ⟨backward_data(g, w), x⟩ = ⟨backward_weight(g, x), w⟩, on every configuration that kernels are checked on."""
    for call in calls("conv2d", seed=5):
        if call.primitive == "conv2d_backward_weight":
            g, x, kernel, stride, padding = call.args
            w = np.random.default_rng(1).standard_normal((g.shape[1], x.shape[1], *kernel))
            form = np.vdot(g, reference.conv2d(x, w, None, stride, padding))
            size = np.vdot(np.abs(g), reference.conv2d(np.abs(x), np.abs(w), None, stride, padding)) + 1e-300
            assert (
                abs(np.vdot(reference.conv2d_backward_data(g, w, x.shape, stride, padding), x) - form) <= 1e-12 * size
            )
            assert (
                abs(np.vdot(reference.conv2d_backward_weight(g, x, kernel, stride, padding), w) - form) <= 1e-12 * size
            )


@pytest.mark.parametrize(("few", "many"), [(0, 99), (99, 99), (0, 1)], ids=["patches", "planes", "frequency"])
def test_the_fast_arrangements_are_the_textbook(monkeypatch, few, many):
    random = np.random.default_rng()
    monkeypatch.setattr(conv2d_fast, "FEW", few)
    monkeypatch.setattr(conv2d_fast, "MANY", many)
    for call in calls("conv2d", seed=random.integers(2**32)):
        monkeypatch.setattr(conv2d_fast, "ROWS", random.choice([1, 10, 1024]))
        monkeypatch.setattr(conv2d_fast, "NUMBERS", random.choice([1, 1000, 2**20]))
        truth, fast = (getattr(each, call.primitive)(*call.args) for each in (reference, conv2d_fast))
        assert fast.flags.c_contiguous and fast.dtype == truth.dtype and fast.shape == truth.shape
        size = max(np.abs(truth).max(initial=0), 1)  # of frequencies, the error is relative to the largest result
        assert np.isfinite(fast).all() and (np.abs(fast - truth) <= 1e-12 * size).all(), call


def test_same_is_tensorflows():
    """⌈size / stride⌉ results, and of an odd padding the smaller part in front."""
    for size, kernel, stride in np.ndindex(33, 7, 3):
        size, kernel, stride = size + 1, kernel + 1, stride + 1
        (before, after), _ = shapes.explicit_padding("same", (size, 1), (kernel, 1), (stride, 1))
        rows = shapes.conv2d((1, 1, size, 1), (1, 1, kernel, 1), None, (stride, 1), ((before, after), (0, 0)))[2]
        assert rows == -(-size // stride) and 0 <= after - before <= 1
        needed = (rows - 1) * stride + kernel - size  # by the last window
        assert before + after == max(needed, 0)


def test_same_convolutions_are_exact_adjoints():
    """⟨x ∗ w, y⟩ = ⟨x, adjoint(y)⟩ for every size 1 to 33, kernel 1 to 7 and stride 1 to 3, as the layers call them."""
    random = np.random.default_rng(8)
    for size, kernel, stride in np.ndindex(33, 7, 3):
        size, kernel, stride = size + 1, kernel + 1, stride + 1
        x, w = mg.tensor(random.standard_normal((1, 1, size, 2))), mg.tensor(random.standard_normal((1, 1, kernel, 1)))
        y = ops.conv2d(x, w, stride=(stride, 1), padding="same")
        other = mg.tensor(random.standard_normal(y.shape))
        back = ops.conv_transpose2d(other, w, stride=(stride, 1), padding="same", size=(size, 2))
        left, right = np.vdot(y.numpy(), other.numpy()), np.vdot(x.numpy(), back.numpy())
        assert abs(left - right) <= 1e-12 * max(1, np.abs(y.numpy() * other.numpy()).sum())
        # Aligned as TensorFlow's: result i sums the pixels from i · stride − ⌊padding / 2⌋ on.
        total = max((y.shape[2] - 1) * stride + kernel - size, 0)
        first = total // 2
        taps = [w.numpy()[0, 0, p, 0] * x.numpy()[0, 0, p - first] for p in range(kernel) if 0 <= p - first < size]
        assert_close(y.numpy()[0, 0, 0], np.sum(taps, axis=0))


def test_a_transposed_convolution_doubles_an_image():
    x, w = mg.tensor(np.ones((2, 3, 4, 5))), mg.tensor(np.ones((3, 2, 5, 5)))
    assert ops.conv_transpose2d(x, w, stride=2, padding="same").shape == (2, 2, 8, 10)
    assert ops.conv_transpose2d(x, w, stride=2).shape == (2, 2, 11, 13)
    assert ops.conv_transpose2d(x, w, stride=2, size=(12, 14)).shape == (2, 2, 12, 14)


def test_against_pytorch():
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(2)
    for _ in range(50):
        stride, kernel = (tuple(int(v) for v in random.integers(1, most + 1, 2)) for most in (3, 7))
        (top, bottom), (left, right) = padding = tuple(
            tuple(int(v) for v in pads) for pads in random.integers(0, 4, (2, 2))
        )
        n, c, o = (int(v) for v in random.integers(1, 18, 3))
        size = tuple(int(k + random.integers(0, 6)) for k in kernel)
        x, w, b = (random.standard_normal(shape) for shape in ((n % 3 + 1, c, *size), (o, c, *kernel), (o,)))
        ours = [mg.tensor(each, dtype="float64", requires_grad=True) for each in (x, w, b)]
        theirs = [torch.tensor(each, requires_grad=True) for each in (x, w, b)]
        y = ops.conv2d(*ours, stride, padding)
        padded = torch.nn.functional.pad(theirs[0], (left, right, top, bottom))
        truth = torch.nn.functional.conv2d(padded, *theirs[1:], stride)
        g = random.standard_normal(y.shape)
        y.backward(mg.tensor(g, dtype="float64"))
        truth.backward(torch.tensor(g))
        assert_close(y.numpy(), truth.detach().numpy(), 1e-10)
        for mine, right_one in zip(ours, theirs):
            assert_close(mine.grad.numpy(), right_one.grad.numpy(), 1e-10)


def test_transposed_against_pytorch():
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(3)
    for _ in range(50):
        stride, kernel = (tuple(int(v) for v in random.integers(1, most + 1, 2)) for most in (3, 7))
        pads = tuple(tuple(int(v) for v in random.integers(0, k // 2 + 1, 2)) for k in kernel)
        n, c, o = (int(v) for v in random.integers(1, [4, 18, 18]))
        size = tuple(int(v) for v in random.integers(4, 8, 2))
        x, w, b = (random.standard_normal(shape) for shape in ((n, c, *size), (c, o, *kernel), (o,)))
        ours = [mg.tensor(each, dtype="float64", requires_grad=True) for each in (x, w, b)]
        theirs = [torch.tensor(each, requires_grad=True) for each in (x, w, b)]
        y = ops.conv_transpose2d(*ours, stride, pads)
        whole = torch.nn.functional.conv_transpose2d(*theirs, stride)
        ((top, bottom), (left, right)), (height, width) = pads, whole.shape[2:]
        truth = whole[:, :, top : height - bottom, left : width - right]  # PyTorch takes no uneven padding
        g = random.standard_normal(y.shape)
        y.backward(mg.tensor(g, dtype="float64"))
        truth.backward(torch.tensor(g))
        assert_close(y.numpy(), truth.detach().numpy(), 1e-10)
        for mine, right_one in zip(ours, theirs):
            assert_close(mine.grad.numpy(), right_one.grad.numpy(), 1e-10)


@pytest.mark.parametrize(
    ("x", "w", "stride", "padding", "message"),
    [
        ((1, 3, 8, 8), (4, 2, 3, 3), 1, 0, r"x has 3 channels, w takes 2"),
        ((1, 3, 2, 2), (4, 3, 5, 5), 1, 1, r"the padded image \(4, 4\) is smaller than the kernel \(5, 5\)"),
        ((1, 3, 8, 8), (4, 3, 3, 3), 0, 0, r"conv2d: stride 0: expected a whole number of at least 1"),
        ((1, 3, 8, 8), (4, 3, 3, 3), 1.5, "same", r"conv2d: stride 1.5: expected a whole number"),
        ((1, 3, 8, 8), (4, 3, 3, 3), (1, 2, 3), 0, r"conv2d: stride \(1, 2, 3\): expected"),
        ((1, 3, 8, 8), (0, 3, 3, 3), 1, 0, r"kernel not empty"),
        ((1, 3, 8, 8), (4, 3, 3, 3), 1, -1, r"padding -1: expected a number of at least 0"),
        ((1, 3, 8, 8), (4, 3, 3, 3), 1, "sane", r"padding 'sane': expected a number"),
        ((1, 3, 8, 8), (4, 3, 3, 3), 1, (1, 1), r"padding \(1, 1\): expected a number"),
        ((3, 8, 8), (4, 3, 3, 3), 1, 0, r"takes images \(n, c, h, w\)"),
    ],
)
def test_what_does_not_fit_is_said(x, w, stride, padding, message):
    with pytest.raises(mg.MiniganError, match=message):
        ops.conv2d(mg.tensor(np.ones(x)), mg.tensor(np.ones(w)), None, stride, padding)


@pytest.mark.parametrize(
    ("x", "w", "bias", "stride", "padding", "message"),
    [
        ((1, 3, 8, 8), (2, 3, 3, 3), 3, 1, 0, r"conv_transpose2d: .*x has 3 channels, w takes 2"),
        ((1, 2, 8, 8), (2, 3, 3, 3), 2, 1, 0, r"conv_transpose2d: .*bias of shape \(2,\), expected \(3,\)"),
        ((1, 2, 2, 2), (2, 3, 3, 3), 3, 1, 2, r"padding 2 leaves \(0, 0\) of the image"),
        ((1, 2, 2, 2), (2, 3, 3, 3), 3, 1, (1, 1), r"padding \(1, 1\): expected a number"),
        ((1, 2, 2, 2), (2, 3, 3, 3), 3, 0, "same", r"conv_transpose2d: stride 0: expected"),
    ],
)
def test_what_does_not_fit_is_said_of_the_transposed(x, w, bias, stride, padding, message):
    x, w, bias = (mg.tensor(np.ones(shape)) for shape in (x, w, bias))
    with pytest.raises(mg.MiniganError, match=message):
        ops.conv_transpose2d(x, w, bias, stride, padding)


H100 = Target("float", 90, 132)
G3 = (100, 256, 32, 32), (256, 256, 5, 5), (100, 256, 32, 32)  # x, w, y of dcgan's widest layer
SAME5 = ((2, 2), (2, 2))


@contextmanager
def choice(version):
    for name in ("conv2d", "conv2d_backward_data", "conv2d_backward_weight"):
        launch.choose(name, version)
    try:
        yield
    finally:
        for name in ("conv2d", "conv2d_backward_data", "conv2d_backward_weight"):
            launch.choose(name, None)


def test_a_plan_has_a_tile_for_every_128_pixels_and_channels():
    with choice("v4"):
        forward = plan(*G3, (1, 1), SAME5, H100)
        data = plan_backward_data(*G3, (1, 1), SAME5, H100)
    assert forward.grid == data.grid == (800, 2, 1) and forward.block == data.block == (256, 1, 1)
    with choice("v3"):
        assert plan(*G3, (1, 1), SAME5, H100).block == (256, 1, 1)
    with choice("v5"):
        assert plan(*G3, (1, 1), SAME5, H100).block == (128, 1, 1)


def test_a_stride_falls_into_phases():
    """33 × 20 pixels at stride (2, 3): the largest phase has 17 × 7, and there are six."""
    made = plan_backward_data((5, 64, 33, 20), (70, 64, 3, 3), (5, 70, 16, 6), (2, 3), ((0, 0), (0, 0)), H100)
    assert made.kernel.name == "conv2d_backward_data_v4" and made.grid == (6 * -(-5 * 17 * 7 // 128), 1, 1)


def test_the_weights_sums_are_cut_until_the_chip_is_full():
    with choice("v4"):
        made = plan_backward_weight(*G3, (1, 1), SAME5, H100)
        narrow = plan_backward_weight((100, 3, 32, 32), (64, 3, 5, 5), (100, 64, 16, 16), (2, 2), SAME5, H100)
        short = plan_backward_weight((1, 64, 4, 4), (64, 64, 3, 3), (1, 64, 2, 2), (1, 1), ((0, 0), (0, 0)), H100)
    share = made.numbers["share"]
    assert made.grid == (50, 2, 3) and share % made.numbers["of_slot"] == 0 and 2 * share < 100 * 32 * 32 <= 3 * share
    assert narrow.grid[:2] == (1, 1) and narrow.grid[2] * narrow.numbers["share"] >= 100 * 16 * 16
    assert short.grid[2] == 1


@pytest.mark.parametrize(
    ("x", "w", "y", "stride", "version"),
    [
        (*G3, (1, 1), "v6"),
        (*G3, (2, 2), "v4"),  # Winograd's method knows stride 1 alone
        ((1, 128, 2048, 2048), (128, 128, 5, 5), (1, 128, 2048, 2048), (1, 1), "v4"),  # nor points without end
        ((100, 3, 32, 32), (64, 3, 5, 5), (100, 64, 16, 16), (2, 2), "v4"),
        ((100, 256, 32, 32), (3, 256, 7, 7), (100, 3, 32, 32), (1, 1), "v1"),  # three channels fill no tile
        ((64, 1, 28, 28), (32, 1, 5, 5), (64, 32, 14, 14), (2, 2), "v2"),
        ((2, 64, 9, 9), (64, 64, 3, 3), (2, 64, 1, 1), (1, 1), "v1"),  # nor do two pixels
    ],
)
def test_the_default_by_shape(x, w, y, stride, version):
    def found(target):
        lines, length = (y[1], y[0] * y[2] * y[3]), np.prod(w[1:])
        return version_of("conv2d", lines, length, (x, w, y, stride, SAME5), target)

    assert found(H100) == version
    assert found(Target("double", 90, 132)) == ("v2" if version in ("v4", "v6") else version)
    assert (plan(x, w, y, stride, SAME5, H100) is None) == (version == "v6")


def test_a_chosen_version_that_does_not_fit_gives_way():
    with choice("v6"):
        assert plan(*G3, (2, 2), SAME5, H100).kernel.name == "conv2d_v4"
        assert plan(*G3, (1, 1), SAME5, H100) is None
