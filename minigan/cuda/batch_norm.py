"""Batch normalisation, each channel by itself: the launches of kernels/batch_norm.cu."""

from math import prod

from .. import shapes
from .launch import BLOCK, Plan, declare, empty, launch, pick, plan_elementwise

declare(
    "batch_norm.cu",
    "batch_norm_statistics",
    "const real* x, real* mean, real* variance, int images, int channels, int pixels",
)
declare(
    "batch_norm.cu",
    "batch_norm",
    "const real* x, const real* mean, const real* variance, const real* gamma, const real* beta, real* y, int n, "
    "int channels, int pixels, real epsilon",
)
declare(
    "batch_norm.cu",
    "batch_norm_sums",
    "const real* gradient, const real* x, const real* mean, const real* variance, real* grad_gamma, real* grad_beta, "
    "int images, int channels, int pixels, real epsilon",
)
declare(
    "batch_norm.cu",
    "batch_norm_backward",
    "const real* gradient, const real* x, const real* mean, const real* variance, const real* gamma, "
    "const real* grad_gamma, const real* grad_beta, real* grad_x, int n, int channels, int pixels, real share, real epsilon",
)
declare("batch_norm.cu", "running_average", "real* running, const real* value, int n, real momentum, real scale")


def plan_channels(name, shape, **numbers):
    """A block a channel."""
    sizes = dict(images=shape[0], channels=shape[1], pixels=prod(shape[2:]))
    return Plan(pick(name)[1], (shape[1], 1, 1), (BLOCK, 1, 1), sizes | numbers)


def _plan_elements(name, shape, **numbers):
    return plan_elementwise(name, prod(shape), channels=shape[1], pixels=prod(shape[2:]), **numbers)


def batch_norm_statistics(x):
    """(mean, variance) of each channel, over all axes but the second; the variance is biased: divided by the count.

    Shapes: x (n, c) or (n, c, h, w) → (c,), (c,). Raises MiniganError for another rank or an empty x.
    """
    shapes.batch_norm(x.shape)
    mean, variance = (empty(x.shape[1:2], like=x) for _ in range(2))
    launch(plan_channels("batch_norm_statistics", x.shape), x=x, mean=mean, variance=variance)
    return mean, variance


def batch_norm(x, mean, variance, gamma, beta, epsilon):
    """y = γ (x − mean) / √(variance + ε) + β, channel by channel.

    Shapes: x (n, c) or (n, c, h, w), the others (c,) → x's. Raises MiniganError where they do not fit.
    Source: Ioffe and Szegedy 2015, Algorithm 1.
    """
    shapes.batch_norm(x.shape, mean.shape, variance.shape, gamma.shape, beta.shape)
    y = empty(x.shape, like=x)
    plan = _plan_elements("batch_norm", x.shape, epsilon=epsilon)
    launch(plan, x=x, mean=mean, variance=variance, gamma=gamma, beta=beta, y=y)
    return y


def batch_norm_backward(gradient, x, mean, variance, gamma, epsilon):
    """(∂L/∂x, ∂L/∂γ, ∂L/∂β) of batch_norm where mean and variance are those of x, and move with it.

    Shapes: gradient and x (n, c) or (n, c, h, w), the others (c,) → x's, (c,), (c,). Raises MiniganError where they do not
    fit. Source: Ioffe and Szegedy 2015, section 3.
    """
    shapes.batch_norm(x.shape, mean.shape, variance.shape, gamma.shape)
    of_channels = dict(gradient=gradient, x=x, mean=mean, variance=variance)
    sums = {name: empty(x.shape[1:2], like=x) for name in ("grad_gamma", "grad_beta")}
    launch(plan_channels("batch_norm_sums", x.shape, epsilon=epsilon), **of_channels, **sums)
    grad_x = empty(x.shape, like=x)
    plan = _plan_elements("batch_norm_backward", x.shape, share=x.shape[1] / x.size, epsilon=epsilon)
    launch(plan, **of_channels, gamma=gamma, **sums, grad_x=grad_x)
    return grad_x, sums["grad_gamma"], sums["grad_beta"]


def running_average(running, value, momentum, scale=1.0):
    """In place: running ← running + momentum (scale · value − running).

    Shapes: running and value (c,).
    """
    plan = plan_elementwise("running_average", running.size, momentum=momentum, scale=scale)
    launch(plan, running=running, value=value)
