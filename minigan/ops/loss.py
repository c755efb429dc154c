"""Losses element by element; take `.mean()` of them yourself.

    sigmoid_cross_entropy   y = −t ln σ(x) − (1 − t) ln(1 − σ(x))     ∂L/∂x = g (σ(x) − t)
    least_squares           y = (x − t)²                              ∂L/∂x = 2 g (x − t)

The logits x go in raw: with the sigmoid inside the loss, its derivative is a plain difference that never saturates
where the net is wrong. The target t is one number: 1 for "real", 0 for "fake", 0.9 for smoothed.
"""

from ..errors import MiniganError
from ..tensor import Function
from .activation import sigmoid


class SigmoidCrossEntropy(Function):
    def __init__(self, target):
        self.target = target

    def forward(self, x):
        return self.primitives.sigmoid_cross_entropy(x, self.target)

    def backward(self, g):
        return SigmoidCrossEntropyBackward(self.target)(g, self.inputs[0])


class SigmoidCrossEntropyBackward(Function):
    def __init__(self, target):
        self.target = target

    def forward(self, g, x):
        return self.primitives.sigmoid_cross_entropy_backward(g, x, self.target)

    def backward(self, gg):
        g, x = self.inputs
        grad_g = SigmoidCrossEntropyBackward(self.target)(gg, x) if self.wanted[0] else None
        grad_x = gg * g * (sigmoid(x) * (1 - sigmoid(x))) if self.wanted[1] else None
        return grad_g, grad_x


class LeastSquares(Function):
    def __init__(self, target):
        self.target = target

    def forward(self, x):
        return self.primitives.least_squares(x, self.target)

    def backward(self, g):
        return LeastSquaresBackward(self.target)(g, self.inputs[0])


class LeastSquaresBackward(Function):
    def __init__(self, target):
        self.target = target

    def forward(self, g, x):
        return self.primitives.least_squares_backward(g, x, self.target)

    def backward(self, gg):
        g, x = self.inputs
        return (
            LeastSquaresBackward(self.target)(gg, x) if self.wanted[0] else None,
            2 * (gg * g) if self.wanted[1] else None,
        )


def sigmoid_cross_entropy(x, target):
    """−t ln σ(x) − (1 − t) ln(1 − σ(x)) in nats, stable for any finite logits x and one target t in [0, 1].

    Shapes: any → same. Raises MiniganError for a target outside [0, 1].

    >>> import minigan as mg
    >>> mg.ops.sigmoid_cross_entropy(mg.tensor([0.0, 100.0]), 1.0).numpy().round(4)
    array([0.6931, 0.    ], dtype=float32)
    """
    if not 0 <= target <= 1:
        raise MiniganError(f"sigmoid_cross_entropy: target {target}, expected a probability from 0 to 1")
    return SigmoidCrossEntropy(target)(x)


def least_squares(x, target):
    """(x − t)² for one target t. Shapes: any → same. LSGAN's eq. 2 takes half its mean."""
    return LeastSquares(target)(x)
