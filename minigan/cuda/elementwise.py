"""Arithmetic element by element, with NumPy's broadcasting: the launches of kernels/elementwise.cu."""

from math import prod

from .. import shapes
from ..errors import LaunchError
from .elements import elementwise, launch_elements, map_elements
from .launch import empty
from .versions import enter

AXES = 4  # how many axes a broadcasting kernel walks, once those that can be are merged

_BINARY = (
    "const real* a_array?, real a_number, const real* b_array?, real b_number, real* y, int n, "
    "int d1, int d2, int d3, int a0, int a1, int a2, int a3, int b0, int b1, int b2, int b3"
)
PARAMETERS = {
    **dict.fromkeys(("add", "sub", "mul", "div", "pow"), _BINARY),
    **dict.fromkeys(("neg", "exp", "log", "sqrt", "abs", "sign", "softplus"), "const real* input, real* y, int n"),
    "clip": "const real* x, real* y, int n, real low, real high",
    "clip_backward": "const real* gradient, const real* x, real* y, int n, real low, real high",
    "broadcast_to": "const real* x, real* y, int n, int d1, int d2, int d3, int s0, int s1, int s2, int s3",
}
VERSIONS = enter("elementwise", elementwise("elementwise.cu", PARAMETERS))


def broadcast_numbers(name, shape, operands):
    """The lengths and steps that a kernel walks, whose operands are broadcast to `shape`; `operands` maps a prefix ("a") to a
    shape."""
    steps = [shapes.strides(operand, shape) for operand in operands.values()]
    lengths, steps = shapes.collapse(shape, *steps)
    if len(lengths) > AXES:
        raise LaunchError(
            f"kernel {name}: broadcasting {operands} to {shape} walks {len(lengths)} axes, at most {AXES}"
        )
    lengths += (1,) * (AXES - len(lengths))
    numbers = {f"d{axis}": lengths[axis] for axis in range(1, AXES)}
    for prefix, own in zip(operands, steps):
        own += (0,) * (AXES - len(own))
        numbers |= {f"{prefix}{axis}": step for axis, step in enumerate(own)}
    return numbers


def _binary(name, a, b):
    arrays = {prefix: value for prefix, value in (("a", a), ("b", b)) if hasattr(value, "shape")}
    shape = shapes.broadcast(*(array.shape for array in arrays.values()))
    numbers = {f"{prefix}_number": 0.0 if prefix in arrays else value for prefix, value in (("a", a), ("b", b))}
    # A number has no elements to walk over: the shape () gives it strides of 0.
    operands = {prefix: arrays[prefix].shape if prefix in arrays else () for prefix in ("a", "b")}
    y = empty(shape, like=next(iter(arrays.values())))
    numbers |= broadcast_numbers(name, shape, operands)
    launch_elements(name, prod(shape), dict(a_array=arrays.get("a"), b_array=arrays.get("b"), y=y), **numbers)
    return y


def add(a, b):
    """y = a + b.

    Shapes: a and b broadcast together → y; either may be a number. Raises MiniganError where they do not fit.
    """
    return _binary("add", a, b)


def sub(a, b):
    """y = a − b.

    Shapes: a and b broadcast together → y; either may be a number. Raises MiniganError where they do not fit.
    """
    return _binary("sub", a, b)


def mul(a, b):
    """y = a · b.

    Shapes: a and b broadcast together → y; either may be a number. Raises MiniganError where they do not fit.
    """
    return _binary("mul", a, b)


def div(a, b):
    """y = a / b, infinite or NaN where b = 0, as IEEE 754 has it.

    Shapes: a and b broadcast together → y; either may be a number. Raises MiniganError where they do not fit.
    """
    return _binary("div", a, b)


def pow(a, b):
    """y = aᵇ, NaN where a < 0 and b is no integer.

    Shapes: a and b broadcast together → y; either may be a number. Raises MiniganError where they do not fit.
    """
    return _binary("pow", a, b)


def neg(x):
    """y = −x.

    Shapes: x any → y same.
    """
    return map_elements("neg", dict(input=x))


def exp(x):
    """y = eˣ.

    Shapes: x any → y same.
    """
    return map_elements("exp", dict(input=x))


def log(x):
    """y = ln x; −∞ at 0 and NaN below.

    Shapes: x any → y same.
    """
    return map_elements("log", dict(input=x))


def sqrt(x):
    """y = √x, NaN below 0.

    Shapes: x any → y same.
    """
    return map_elements("sqrt", dict(input=x))


def abs(x):
    """y = |x|.

    Shapes: x any → y same.
    """
    return map_elements("abs", dict(input=x))


def sign(x):
    """y = −1, 0 or 1: the derivative of |x| (0 at the kink).

    Shapes: x any → y same.
    """
    return map_elements("sign", dict(input=x))


def clip(x, low, high):
    """y = x, but at least low and at most high; NaN stays NaN.

    Shapes: x any → y same.
    """
    return map_elements("clip", dict(x=x), low=low, high=high)


def clip_backward(gradient, x, low, high):
    """∂L/∂x = g where low ≤ x ≤ high, else 0.

    Shapes: gradient g and x equal → same.
    """
    return map_elements("clip_backward", dict(gradient=gradient, x=x), low=low, high=high)


def softplus(x):
    """y = ln(1 + eˣ), as max(x, 0) + ln(1 + e^−|x|), which cannot overflow.

    Shapes: x any → y same.
    """
    return map_elements("softplus", dict(input=x))


def broadcast_to(x, shape):
    """y = x repeated to `shape`, written out in full. The adjoint of sum_to.

    Shapes: x broadcasts to `shape` → shape. Raises MiniganError where it does not.
    """
    y = empty(shape, like=x)
    numbers = broadcast_numbers("broadcast_to", shape, {"s": x.shape})
    launch_elements("broadcast_to", prod(shape), dict(x=x, y=y), **numbers)
    return y
