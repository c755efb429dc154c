"""Batch normalisation, each channel by itself: the launches of kernels/batch_norm.cu."""

from math import prod

from .. import shapes
from .launch import (
    BLOCK,
    EMULATOR,
    MAX_THREADS,
    WARP,
    Plan,
    declare,
    empty,
    is_chosen,
    launch,
    pick,
    plan_elementwise,
    plan_packed,
    target_of,
    versions,
)

declare(
    "batch_norm.cu",
    "batch_norm_statistics",
    "const real* x, real* mean, real* variance, int images, int channels, int pixels",
    ("v1", "v2"),
)
declare(
    "batch_norm.cu",
    "batch_norm",
    "const real* x, const real* mean, const real* variance, const real* gamma, const real* beta, real* y, int n, "
    "int channels, int pixels, real epsilon, real slope",
    ("v1", "v2"),
)
declare(
    "batch_norm.cu",
    "batch_norm_forward",
    "const real* x, const real* gamma, const real* beta, real* y, real* mean, real* variance, int images, int channels, "
    "int pixels, real epsilon, real slope",
    ("v3",),
)
declare(
    "batch_norm.cu",
    "batch_norm_sums",
    "const real* gradient, const real* x, const real* mean, const real* variance, real* grad_gamma, real* grad_beta, "
    "int images, int channels, int pixels, real epsilon",
    ("v1", "v2"),
)
declare(
    "batch_norm.cu",
    "batch_norm_backward",
    "const real* gradient, const real* x, const real* mean, const real* variance, const real* gamma, "
    "const real* grad_gamma, const real* grad_beta, real* grad_x, int n, int channels, int pixels, real share, real epsilon",
    ("v1", "v2"),
)
declare("batch_norm.cu", "running_average", "real* running, const real* value, int n, real momentum, real scale")


def plan_channels(name, shape, target=EMULATOR, **numbers):
    """A block a channel: of 256 threads for v1, of up to 1,024 for the others, as many as there are packs of 16 bytes."""
    version, kernel = pick(name, list(versions[name])[-1], target)
    sizes = dict(images=shape[0], channels=shape[1], pixels=prod(shape[2:]))
    warps = -(-prod(shape) // (shape[1] * WARP * target.pack))
    threads = BLOCK if version == "v1" else min(MAX_THREADS, warps * WARP)
    return Plan(kernel, (shape[1], 1, 1), (threads, 1, 1), sizes | numbers)


def _plan_elements(name, x, **numbers):
    return plan_packed(name, x.size, target_of(x), channels=x.shape[1], pixels=prod(x.shape[2:]), **numbers)


def one_launch_pays(channels, target):
    """Whether a block a channel can do all of the forward pass: if a quarter of the multiprocessors have one. A block has up to
    64 KB on its way, and that many of them ask for what the memory can give. Fewer are left behind by two launches, of which
    the second has a thread for every 16 bytes."""
    return 4 * channels >= target.multiprocessors


def batch_norm_statistics(x):
    """(mean, variance) of each channel, over all axes but the second; the variance is biased: divided by the count.

    Shapes: x (n, c) or (n, c, h, w) → (c,), (c,). Raises MiniganError for another rank or an empty x.
    """
    shapes.check_batch_norm(x.shape)
    mean, variance = (empty(x.shape[1:2], like=x) for _ in range(2))
    launch(plan_channels("batch_norm_statistics", x.shape, target_of(x)), x=x, mean=mean, variance=variance)
    return mean, variance


def batch_norm(x, mean, variance, gamma, beta, epsilon):
    """y = γ (x − mean) / √(variance + ε) + β, channel by channel.

    Shapes: x (n, c) or (n, c, h, w), the others (c,) → x's. Raises MiniganError where they do not fit.
    Source: Ioffe and Szegedy 2015, Algorithm 1.
    """
    shapes.check_batch_norm(x.shape, mean.shape, variance.shape, gamma.shape, beta.shape)
    return _normalise(x, mean, variance, gamma, beta, epsilon, 1.0)


def _normalise(x, mean, variance, gamma, beta, epsilon, slope):
    y = empty(x.shape, like=x)
    plan = _plan_elements("batch_norm", x, epsilon=epsilon, slope=slope)
    launch(plan, x=x, mean=mean, variance=variance, gamma=gamma, beta=beta, y=y)
    return y


def batch_norm_forward(x, gamma, beta, epsilon, activation=None):
    """(y, mean, variance): activation(γ (x − mean) / √(variance + ε) + β), with the statistics of x itself.

    Shapes: x (n, c) or (n, c, h, w), gamma and beta (c,) → x's, (c,), (c,). `activation`: None or ("leaky_relu", slope).
    Raises MiniganError where they do not fit or the activation is another. Source: Ioffe and Szegedy 2015, Algorithm 1.
    """
    shapes.check_batch_norm(x.shape, gamma.shape, beta.shape)
    slope, target = shapes.leaky_slope(activation), target_of(x)
    in_parts = is_chosen("batch_norm_statistics") or is_chosen("batch_norm") or not one_launch_pays(x.shape[1], target)
    if in_parts and not is_chosen("batch_norm_forward"):
        mean, variance = batch_norm_statistics(x)
        return _normalise(x, mean, variance, gamma, beta, epsilon, slope), mean, variance
    y, mean, variance = empty(x.shape, like=x), empty(gamma.shape, like=x), empty(gamma.shape, like=x)
    plan = plan_channels("batch_norm_forward", x.shape, target, epsilon=epsilon, slope=slope)
    launch(plan, x=x, gamma=gamma, beta=beta, y=y, mean=mean, variance=variance)
    return y, mean, variance


def batch_norm_backward(gradient, x, mean, variance, gamma, epsilon):
    """(∂L/∂x, ∂L/∂γ, ∂L/∂β) of batch_norm where mean and variance are those of x, and move with it.

    Shapes: gradient and x (n, c) or (n, c, h, w), the others (c,) → x's, (c,), (c,). Raises MiniganError where they do not
    fit. Source: Ioffe and Szegedy 2015, section 3.
    """
    shapes.check_batch_norm(x.shape, mean.shape, variance.shape, gamma.shape)
    of_channels = dict(gradient=gradient, x=x, mean=mean, variance=variance)
    sums = {name: empty(x.shape[1:2], like=x) for name in ("grad_gamma", "grad_beta")}
    launch(plan_channels("batch_norm_sums", x.shape, target_of(x), epsilon=epsilon), **of_channels, **sums)
    grad_x = empty(x.shape, like=x)
    plan = _plan_elements("batch_norm_backward", x, share=x.shape[1] / x.size, epsilon=epsilon)
    launch(plan, **of_channels, gamma=gamma, **sums, grad_x=grad_x)
    return grad_x, sums["grad_gamma"], sums["grad_beta"]


def running_average(running, value, momentum, scale=1.0):
    """In place: running ← running + momentum (scale · value − running).

    Shapes: running and value (c,).
    """
    plan = plan_elementwise("running_average", running.size, momentum=momentum, scale=scale)
    launch(plan, running=running, value=value)
