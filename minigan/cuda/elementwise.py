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
    """As `minigan.reference.add`. A thread an element; strides of 0 repeat what is broadcast."""
    return _binary("add", a, b)


def sub(a, b):
    """As `minigan.reference.sub`. A thread an element; strides of 0 repeat what is broadcast."""
    return _binary("sub", a, b)


def mul(a, b):
    """As `minigan.reference.mul`. A thread an element; strides of 0 repeat what is broadcast."""
    return _binary("mul", a, b)


def div(a, b):
    """As `minigan.reference.div`. A thread an element; strides of 0 repeat what is broadcast."""
    return _binary("div", a, b)


def pow(a, b):
    """As `minigan.reference.pow`. A thread an element; strides of 0 repeat what is broadcast."""
    return _binary("pow", a, b)


def neg(x):
    """As `minigan.reference.neg`. A thread an element."""
    return map_elements("neg", dict(input=x))


def exp(x):
    """As `minigan.reference.exp`. A thread an element."""
    return map_elements("exp", dict(input=x))


def log(x):
    """As `minigan.reference.log`. A thread an element."""
    return map_elements("log", dict(input=x))


def sqrt(x):
    """As `minigan.reference.sqrt`. A thread an element."""
    return map_elements("sqrt", dict(input=x))


def abs(x):
    """As `minigan.reference.abs`. A thread an element."""
    return map_elements("abs", dict(input=x))


def sign(x):
    """As `minigan.reference.sign`. A thread an element."""
    return map_elements("sign", dict(input=x))


def clip(x, low, high):
    """As `minigan.reference.clip`. A thread an element."""
    return map_elements("clip", dict(x=x), low=low, high=high)


def clip_backward(gradient, x, low, high):
    """As `minigan.reference.clip_backward`. A thread an element."""
    return map_elements("clip_backward", dict(gradient=gradient, x=x), low=low, high=high)


def softplus(x):
    """As `minigan.reference.softplus`. A thread an element."""
    return map_elements("softplus", dict(input=x))


def broadcast_to(x, shape):
    """As `minigan.reference.broadcast_to`. A thread an element; strides of 0 repeat what is broadcast."""
    y = empty(shape, like=x)
    numbers = broadcast_numbers("broadcast_to", shape, {"s": x.shape})
    launch_elements("broadcast_to", prod(shape), dict(x=x, y=y), **numbers)
    return y
