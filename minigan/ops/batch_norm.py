"""Batch normalisation: every channel is brought to mean β and deviation γ over the batch.

    y = γ x̂ + β,    x̂ = (x − μ) / √(σ² + ε),    μ and σ² the channel's mean and biased variance over the batch

∂L/∂β = Σ g and ∂L/∂γ = Σ g x̂. x moves μ and σ² too, so ∂L/∂x is what is left of γ g / √(σ² + ε) when its mean and its
share along x̂ are taken off: γ / √(σ² + ε) · (g − mean(g) − x̂ mean(g x̂)).

All three come out of one fused primitive, which is not differentiated any further: a gradient penalty has to go through a
net without batch normalisation, as the paper's critics do (Gulrajani et al. 2017, section 4).
"""

from ..errors import MiniganError
from ..tensor import Function, Tensor


class BatchNorm(Function):
    def __init__(self, epsilon):
        self.epsilon = epsilon

    def forward(self, x, gamma, beta):
        y, self.mean, self.variance = self.primitives.batch_norm_forward(x, gamma, beta, self.epsilon)
        return y

    def backward(self, g):
        x, gamma, _ = self.inputs
        results = self.primitives.batch_norm_backward(
            g.data, x.data, self.mean, self.variance, gamma.data, self.epsilon
        )
        return tuple(BatchNormBackward(result)(g, x, gamma) for result in results)


class BatchNormBackward(Function):
    """One of the three gradients, already computed. It has no derivative, and says so by name if asked for one."""

    saves_inputs = False

    def __init__(self, result):
        self.result = result

    def forward(self, g, x, gamma):
        return self.result


def batch_norm(x, gamma, beta, epsilon=1e-5):
    """(y, mean, variance): x normalised over the batch, and the batch's own statistics as plain arrays.

    Shapes: x (n, c) or (n, c, h, w), gamma and beta (c,) → x's, (c,), (c,). Raises MiniganError where they do not fit, and
    where a channel has one value only: its variance is 0 and every result would be β.
    """
    if not isinstance(x, Tensor):
        raise MiniganError(f"batch_norm takes a Tensor, got {type(x).__name__}: minigan.tensor(…)")
    if len(x.shape) > 1 and x.size == x.shape[1]:
        raise MiniganError(
            f"batch_norm: x of shape {x.shape} has one value in each channel, which are all its own mean: train with a "
            "larger batch"
        )
    function = BatchNorm(epsilon)
    y = function(x, gamma, beta)
    return y, function.mean, function.variance
