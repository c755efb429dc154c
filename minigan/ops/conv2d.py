"""2-D convolution, its adjoint (the transposed convolution), and the third of the family, the weights' gradient.

    y = x ∗ w            y[n, o, i, j] = Σ x[n, c, i s₀ + p − top, j s₁ + q − left] w[o, c, p, q]

y is linear in x and in w, so there is one trilinear form L(g, x, w) = Σ g · (x ∗ w), and the three ops are its derivatives:

    ∂L/∂g = x ∗ w                   conv2d
    ∂L/∂x = backward_data(g, w)     every g goes back to the pixels it was made from
    ∂L/∂w = backward_weight(g, x)   every weight sums over the places it was used at

The derivative of each of the three is therefore the other two: conv differentiates as often as one likes.
"""

from .. import shapes
from ..errors import MiniganError
from ..tensor import Function, Tensor
from .reduce import sum as sum_over


class _Family(Function):
    """One of the three, with the stride and padding that they share."""

    def __init__(self, stride, padding):
        self.stride, self.padding = stride, padding

    def conv(self, x, w):
        return Conv2d(self.stride, self.padding)(x, w)

    def to_data(self, g, w, shape):
        return Conv2dBackwardData(shape, self.stride, self.padding)(g, w)

    def to_weight(self, g, x, window):
        return Conv2dBackwardWeight(window, self.stride, self.padding)(g, x)

    def with_bias(self, g, grads):
        """The gradients, and behind them the bias's if there is one: it was added to every pixel of its channel."""
        if len(self.inputs) == 2:
            return grads
        return *grads, sum_over(g, (0, 2, 3)) if self.wanted[2] else None


class Conv2d(_Family):
    def forward(self, x, w, bias=None):
        return self.primitives.conv2d(x, w, bias, self.stride, self.padding)

    def backward(self, g):
        x, w = self.inputs[:2]
        grad_x = self.to_data(g, w, x.shape) if self.wanted[0] else None
        grad_w = self.to_weight(g, x, w.shape[2:]) if self.wanted[1] else None
        return self.with_bias(g, (grad_x, grad_w))


class Conv2dBackwardData(_Family):
    def __init__(self, shape, stride, padding):
        super().__init__(stride, padding)
        self.shape = shape

    def forward(self, g, w, bias=None):
        return self.primitives.conv2d_backward_data(g, w, self.shape, self.stride, self.padding, bias)

    def backward(self, h):
        g, w = self.inputs[:2]
        grad_g = self.conv(h, w) if self.wanted[0] else None
        grad_w = self.to_weight(g, h, w.shape[2:]) if self.wanted[1] else None
        return self.with_bias(h, (grad_g, grad_w))


class Conv2dBackwardWeight(_Family):
    def __init__(self, window, stride, padding):
        super().__init__(stride, padding)
        self.window = window

    def forward(self, g, x):
        return self.primitives.conv2d_backward_weight(g, x, self.window, self.stride, self.padding)

    def backward(self, v):
        g, x = self.inputs
        grad_g = self.conv(x, v) if self.wanted[0] else None
        grad_x = self.to_data(g, v, x.shape) if self.wanted[1] else None
        return grad_g, grad_x


def conv2d(x, w, bias=None, stride=1, padding=0):
    """x ∗ w + bias, without flipping w.

    Shapes: x (n, c, h, w), w (o, c, kh, kw), bias (o,) → (n, o, i, j). `stride` is a number or (down, right), `padding` a
    number, ((top, bottom), (left, right)), "valid" (none) or "same": ⌈h / stride⌉ rows, padded as TensorFlow does.
    Raises MiniganError where shapes do not fit.
    """
    _check_tensors("conv2d", x, w)
    stride = shapes.pair("conv2d: stride", stride)
    function = Conv2d(stride, shapes.explicit_padding(padding, x.shape[2:], w.shape[2:], stride))
    return function(*((x, w) if bias is None else (x, w, bias)))


def conv_transpose2d(x, w, bias=None, stride=1, padding=0, size=None):
    """The transposed convolution: what conv2d with these weights would send back to an image of `size`, + bias.

    Shapes: x (n, c, h, w), w (c, o, kh, kw), bias (o,) → (n, o, *size). `size` (height, width) of the result settles what
    the stride leaves open; by default it is (h − 1) stride + window − padding, and h · stride for padding "same".
    Raises MiniganError where shapes do not fit.
    """
    _check_tensors("conv_transpose2d", x, w)
    stride, window = shapes.pair("conv_transpose2d: stride", stride), w.shape[2:]
    where = f"conv_transpose2d: x of shape {x.shape}, w of shape {w.shape}"
    if x.shape[1] != w.shape[0]:
        raise MiniganError(f"{where}: x has {x.shape[1]} channels, w takes {w.shape[0]}")
    if bias is not None and bias.shape != (w.shape[1],):
        raise MiniganError(f"{where}: bias of shape {bias.shape}, expected {(w.shape[1],)}")
    if size is None and padding == "same":
        size = tuple(length * step for length, step in zip(x.shape[2:], stride))
    if size is None:
        pads = shapes.explicit_padding(padding, (0, 0), window, stride)
        size = tuple((n - 1) * step + k - sum(p) for n, step, k, p in zip(x.shape[2:], stride, window, pads))
    if min(size) < 1:
        raise MiniganError(f"{where}: padding {padding} leaves {size} of the image")
    function = Conv2dBackwardData(
        (x.shape[0], w.shape[1], *size), stride, shapes.explicit_padding(padding, size, window, stride)
    )
    return function(*((x, w) if bias is None else (x, w, bias)))


def _check_tensors(name, x, w):
    if not (isinstance(x, Tensor) and isinstance(w, Tensor) and len(x.shape) == len(w.shape) == 4):
        got = " and ".join(f"shape {v.shape}" if isinstance(v, Tensor) else type(v).__name__ for v in (x, w))
        raise MiniganError(f"{name} takes images (n, c, h, w) and weights of four axes as Tensors, got {got}")
