"""2-D convolution and its two adjoints: the launches of kernels/conv2d.cu."""

from math import prod

from .. import shapes
from .launch import declare, empty, launch, plan_elementwise

_GEOMETRY = (
    "int channels, int height, int width, int outputs, int kernel_height, int kernel_width, int rows, int columns, "
    "int down, int right, int top, int left"
)
declare("conv2d.cu", "conv2d", f"const real* x, const real* w, const real* bias?, real* y, int n, {_GEOMETRY}")
declare(
    "conv2d.cu",
    "conv2d_backward_data",
    f"const real* gradient, const real* w, const real* bias?, real* x, int n, {_GEOMETRY}",
)
declare(
    "conv2d.cu",
    "conv2d_backward_weight",
    f"const real* gradient, const real* x, real* w, int n, int images, {_GEOMETRY}",
)


def _geometry(x, w, y, stride, padding):
    """The numbers that all three kernels take, from the shapes of x, w and y."""
    return dict(
        channels=x[1], height=x[2], width=x[3], outputs=w[0], kernel_height=w[2], kernel_width=w[3], rows=y[2],
        columns=y[3], down=stride[0], right=stride[1], top=padding[0][0], left=padding[1][0],
    )  # fmt: skip


def conv2d(x, w, bias=None, stride=(1, 1), padding=((0, 0), (0, 0))):
    """y[n, o, i, j] = Σ x[n, c, i s₀ + p − top, j s₁ + q − left] w[o, c, p, q] + bias[o] over c, p, q; x is 0 outside.

    Shapes: x (n, c, h, w), w (o, c, kh, kw), bias (o,) → (n, o, ⌊(h + top + bottom − kh) / s₀⌋ + 1, likewise).
    `padding` is ((top, bottom), (left, right)). Raises MiniganError where shapes do not fit.
    """
    shape = shapes.conv2d(x.shape, w.shape, None if bias is None else bias.shape, stride, padding)
    y = empty(shape, like=x)
    plan = plan_elementwise("conv2d", prod(shape), **_geometry(x.shape, w.shape, shape, stride, padding))
    launch(plan, x=x, w=w, bias=bias, y=y)
    return y


def conv2d_backward_data(gradient, w, shape, stride=(1, 1), padding=((0, 0), (0, 0)), bias=None):
    """∂L/∂x of conv2d for x of `shape`, and + bias[c]: what a transposed convolution adds.

    Every gradient[n, o, i, j] goes back to the pixels it was made from, each time with that pixel's weight.
    Shapes: gradient (n, o, i, j), w (o, c, kh, kw), bias (c,) → shape (n, c, h, w).
    Raises MiniganError where shapes do not fit.
    """
    shapes.conv2d_adjoint(gradient.shape, w.shape, shape, stride, padding)
    shapes.channel_bias("conv2d_backward_data", None if bias is None else bias.shape, shape)
    x = empty(shape, like=gradient)
    geometry = _geometry(shape, w.shape, gradient.shape, stride, padding)
    launch(plan_elementwise("conv2d_backward_data", prod(shape), **geometry), gradient=gradient, w=w, bias=bias, x=x)
    return x


def conv2d_backward_weight(gradient, x, kernel, stride=(1, 1), padding=((0, 0), (0, 0))):
    """∂L/∂w of conv2d for w whose height and width are `kernel`.

    Shapes: gradient (n, o, i, j), x (n, c, h, w), `kernel` (kh, kw) → (o, c, kh, kw).
    Raises MiniganError where shapes do not fit.
    """
    shape = gradient.shape[1:2] + x.shape[1:2] + tuple(kernel)
    shapes.conv2d_adjoint(gradient.shape, shape, x.shape, stride, padding)
    w = empty(shape, like=x)
    geometry = _geometry(x.shape, shape, gradient.shape, stride, padding)
    launch(
        plan_elementwise("conv2d_backward_weight", prod(shape), images=x.shape[0], **geometry),
        gradient=gradient,
        x=x,
        w=w,
    )
    return w
