"""Arithmetic element by element. The derivative stands directly under the forward.

    add        a + b              ∂L/∂a = g             ∂L/∂b = g
    sub        a − b              ∂L/∂a = g             ∂L/∂b = −g
    mul        a · b              ∂L/∂a = g b           ∂L/∂b = g a
    div        a / b              ∂L/∂a = g / b         ∂L/∂b = −g a / b²
    pow        aᵇ                 ∂L/∂a = g b aᵇ⁻¹      ∂L/∂b = g aᵇ ln a
    neg        −x                 ∂L/∂x = −g
    exp        y = eˣ             ∂L/∂x = g y
    log        ln x               ∂L/∂x = g / x
    sqrt       y = √x             ∂L/∂x = g / 2y
    abs        |x|                ∂L/∂x = g sign x
    clip       min(max(x, l), h)  ∂L/∂x = g where l ≤ x ≤ h, else 0
    softplus   ln(1 + eˣ)         ∂L/∂x = g σ(x)

Where a broadcast operand was repeated, its gradient is the sum over the repeats: that is `sum_to`. An operand may be
a plain number, which has no gradient.
"""

import math

from ..tensor import Function, Tensor
from .activation import sigmoid
from .reduce import broadcast_to, sum_to

__all__ = [
    "abs",
    "add",
    "broadcast_to",
    "clip",
    "div",
    "exp",
    "log",
    "mul",
    "neg",
    "pow",
    "softplus",
    "sqrt",
    "sub",
]


class Binary(Function):
    """y = f(a, b) with broadcasting. A subclass gives ∂y/∂a and ∂y/∂b, each times the arriving gradient."""

    def backward(self, g):
        a, b = self.inputs
        return (
            sum_to(self.grad_a(g, a, b), a.shape) if self.wanted[0] else None,
            sum_to(self.grad_b(g, a, b), b.shape) if self.wanted[1] else None,
        )


class Add(Binary):
    saves_inputs = False

    def forward(self, a, b):
        return self.primitives.add(a, b)

    def grad_a(self, g, a, b):
        return g

    def grad_b(self, g, a, b):
        return g


class Sub(Binary):
    saves_inputs = False

    def forward(self, a, b):
        return self.primitives.sub(a, b)

    def grad_a(self, g, a, b):
        return g

    def grad_b(self, g, a, b):
        return -g


class Mul(Binary):
    def forward(self, a, b):
        return self.primitives.mul(a, b)

    def grad_a(self, g, a, b):
        return g * b

    def grad_b(self, g, a, b):
        return g * a


class Div(Binary):
    def forward(self, a, b):
        return self.primitives.div(a, b)

    def grad_a(self, g, a, b):
        return g / b

    def grad_b(self, g, a, b):
        return -g * a / (b * b)


class Pow(Binary):
    def forward(self, a, b):
        return self.primitives.pow(a, b)

    def grad_a(self, g, a, b):
        if not isinstance(b, Tensor) and b == 0:  # a⁰ is constant, also where a^(b − 1) is not finite
            return g * 0.0
        return g * b * a ** (b - 1)

    def grad_b(self, g, a, b):  # aᵇ = e^(b ln a): defined for a > 0
        if isinstance(a, Tensor):
            return g * a**b * log(a)
        return g * a**b * (math.log(a) if a > 0 else math.nan)


class Neg(Function):
    saves_inputs = False

    def forward(self, x):
        return self.primitives.neg(x)

    def backward(self, g):
        return -g


class Exp(Function):
    saves_inputs, saves_output = False, True

    def forward(self, x):
        return self.primitives.exp(x)

    def backward(self, g):
        return g * self.output


class Log(Function):
    def forward(self, x):
        return self.primitives.log(x)

    def backward(self, g):
        return g / self.inputs[0]


class Sqrt(Function):
    saves_inputs, saves_output = False, True

    def forward(self, x):
        return self.primitives.sqrt(x)

    def backward(self, g):
        return 0.5 * g / self.output


class Abs(Function):
    def forward(self, x):
        return self.primitives.abs(x)

    def backward(self, g):
        return g * Sign()(self.inputs[0])


class Sign(Function):
    """The derivative of |x|. It is constant on either side of its jump, so its own derivative is 0."""

    def forward(self, x):
        return self.primitives.sign(x)

    def backward(self, g):
        return None


class Clip(Function):
    def __init__(self, low, high):
        self.low, self.high = low, high

    def forward(self, x):
        return self.primitives.clip(x, self.low, self.high)

    def backward(self, g):
        return ClipBackward(self.low, self.high)(g, self.inputs[0])


class ClipBackward(Function):
    def __init__(self, low, high):
        self.low, self.high = low, high

    def forward(self, g, x):
        return self.primitives.clip_backward(g, x, self.low, self.high)

    def backward(self, gg):
        # Piecewise linear: the second derivative is 0.
        return ClipBackward(self.low, self.high)(gg, self.inputs[1]) if self.wanted[0] else None, None


class Softplus(Function):
    def forward(self, x):
        return self.primitives.softplus(x)

    def backward(self, g):
        return g * sigmoid(self.inputs[0])


def add(a, b):
    """a + b.

    Shapes: a and b broadcast together → y; one of them may be a number. Raises MiniganError where they do not fit.
    """
    return Add()(a, b)


def sub(a, b):
    """a − b.

    Shapes: a and b broadcast together → y; one of them may be a number. Raises MiniganError where they do not fit.
    """
    return Sub()(a, b)


def mul(a, b):
    """a · b.

    Shapes: a and b broadcast together → y; one of them may be a number. Raises MiniganError where they do not fit.
    """
    return Mul()(a, b)


def div(a, b):
    """a / b, infinite or NaN where b = 0.

    Shapes: a and b broadcast together → y; one of them may be a number. Raises MiniganError where they do not fit.
    """
    return Div()(a, b)


def pow(a, b):
    """aᵇ, NaN where a < 0 and b is no integer. The gradient of b needs a > 0.

    Shapes: a and b broadcast together → y; one of them may be a number. Raises MiniganError where they do not fit.

    >>> import minigan as mg
    >>> x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x ** 2).sum().backward()
    >>> x.grad.numpy()
    array([2., 4., 6.], dtype=float32)
    """
    return Pow()(a, b)


def neg(x):
    """−x. Shapes: any → same."""
    return Neg()(x)


def exp(x):
    """eˣ. Shapes: any → same."""
    return Exp()(x)


def log(x):
    """ln x; −∞ at 0 and NaN below. Shapes: any → same."""
    return Log()(x)


def sqrt(x):
    """√x, NaN below 0. Shapes: any → same."""
    return Sqrt()(x)


def abs(x):
    """|x|; the derivative at 0 is 0. Shapes: any → same."""
    return Abs()(x)


def clip(x, low, high):
    """x, but at least `low` and at most `high`; the gradient passes where low ≤ x ≤ high. Shapes: any → same."""
    return Clip(low, high)(x)


def softplus(x):
    """ln(1 + eˣ), without overflow. Shapes: any → same."""
    return Softplus()(x)
