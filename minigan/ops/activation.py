"""Activations: element by element, y = f(x) and ∂L/∂x = g · f′(x).

    leaky_relu   x or slope·x      f′ = 1 or slope      (ReLU: slope 0)
    tanh         tanh x            f′ = 1 − y²
    sigmoid      1 / (1 + e⁻ˣ)     f′ = y (1 − y)

Each derivative is one fused primitive, and a Function in its turn: linear in g, so differentiating it by g gives the
same function again.
"""

from ..errors import MiniganError
from ..tensor import Function


class LeakyReLU(Function):
    saves_inputs, saves_output = False, True  # y has the sign of x, and the next layer keeps it anyway

    def __init__(self, slope):
        if not 0 <= slope <= 1:
            raise MiniganError(f"leaky_relu: slope {slope}, expected 0 (ReLU) to 1 (the identity)")
        self.slope = slope

    def forward(self, x):
        return self.primitives.leaky_relu(x, self.slope)

    def backward(self, g):
        return LeakyReLUBackward(self.slope)(g, self.output)


class LeakyReLUBackward(Function):
    def __init__(self, slope):
        self.slope = slope

    def forward(self, g, y):
        return self.primitives.leaky_relu_backward(g, y, self.slope)

    def backward(self, gg):
        # f is piecewise linear: f″ = 0 wherever f′ exists.
        return LeakyReLUBackward(self.slope)(gg, self.inputs[1]) if self.wanted[0] else None, None


class Tanh(Function):
    saves_inputs, saves_output = False, True

    def forward(self, x):
        return self.primitives.tanh(x)

    def backward(self, g):
        return TanhBackward()(g, self.output)


class TanhBackward(Function):
    def forward(self, g, y):
        return self.primitives.tanh_backward(g, y)

    def backward(self, gg):
        g, y = self.inputs
        return TanhBackward()(gg, y) if self.wanted[0] else None, -2 * (gg * g * y) if self.wanted[1] else None


class Sigmoid(Function):
    saves_inputs, saves_output = False, True

    def forward(self, x):
        return self.primitives.sigmoid(x)

    def backward(self, g):
        return SigmoidBackward()(g, self.output)


class SigmoidBackward(Function):
    def forward(self, g, y):
        return self.primitives.sigmoid_backward(g, y)

    def backward(self, gg):
        g, y = self.inputs
        return SigmoidBackward()(gg, y) if self.wanted[0] else None, gg * g * (1 - 2 * y) if self.wanted[1] else None


def leaky_relu(x, slope=0.2):
    """x where x > 0, else slope·x. Shapes: any → same.

    >>> import minigan as mg
    >>> mg.ops.leaky_relu(mg.tensor([-1.0, 2.0]), 0.2).numpy()
    array([-0.2,  2. ], dtype=float32)
    """
    return LeakyReLU(slope)(x)


def relu(x):
    """x where x > 0, else 0. Shapes: any → same."""
    return LeakyReLU(0.0)(x)


def tanh(x):
    """tanh x, in (−1, 1). Shapes: any → same."""
    return Tanh()(x)


def sigmoid(x):
    """1 / (1 + e⁻ˣ), in (0, 1), without overflow. Shapes: any → same."""
    return Sigmoid()(x)
