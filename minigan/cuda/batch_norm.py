"""Batch normalisation, each channel by itself: the launches of kernels/batch_norm.cu."""

from math import prod

from .. import shapes
from ..plan import MAX_THREADS, Plan
from .elements import elementwise, launch_elements
from .launch import BLOCK, WARP, empty, launch
from .target import target_of
from .versions import Version, declare, enter, pick

FILE = "batch_norm.cu"
_ELEMENTS = {
    "batch_norm": "const real* x, const real* mean, const real* variance, const real* gamma, const real* beta, real* y, int n, "
    "int channels, int pixels, real epsilon, real slope",
    "batch_norm_backward": "const real* gradient, const real* x, const real* mean, const real* variance, const real* gamma, "
    "const real* grad_gamma, const real* grad_beta, real* grad_x, int n, int channels, int pixels, real share, real epsilon",
}
_STATISTICS = "const real* x, real* mean, real* variance, int images, int channels, int pixels"
_SUMS = (
    "const real* gradient, const real* x, const real* mean, const real* variance, real* grad_gamma, real* grad_beta, "
    "int images, int channels, int pixels, real epsilon"
)
_FORWARD = (
    "const real* x, const real* gamma, const real* beta, real* y, real* mean, real* variance, int images, int channels, "
    "int pixels, real epsilon, real slope"
)


def plan_channels(kernel, is_wide, shape, target, **numbers):
    """A block a channel: of 256 threads, or where it `is_wide` of up to 1,024, as many as there are packs of 16 bytes."""
    sizes = dict(images=shape[0], channels=shape[1], pixels=prod(shape[2:]))
    warps = -(-prod(shape) // (shape[1] * WARP * target.pack))
    threads = min(MAX_THREADS, warps * WARP) if is_wide else BLOCK
    return Plan(kernel, (shape[1], 1, 1), (threads, 1, 1), sizes | numbers)


def _by_channels(name, version, parameters):
    """A version with a block a channel, wide but in v1. It takes x, the arrays and the numbers."""
    kernel = declare(FILE, f"{name}_{version}", parameters)

    def launcher(x, arrays, **numbers):
        launch(plan_channels(kernel, version != "v1", x.shape, target_of(x), **numbers), x=x, **arrays)

    return Version(launcher, (kernel,))


def _launch_elements(name, x, arrays, **numbers):
    """Element by element: in the version that is chosen, or fills the chip."""
    launch_elements(name, x.size, dict(x=x, **arrays), channels=x.shape[1], pixels=prod(x.shape[2:]), **numbers)


def _in_two(version):
    """batch_norm_forward by two launches: the statistics in this version, then every element."""
    statistics, elements = VERSIONS["batch_norm_statistics"][version], VERSIONS["batch_norm"][version]

    def launcher(x, arrays, epsilon, slope):
        statistics(x, {name: arrays[name] for name in ("mean", "variance")})
        _launch_elements("batch_norm", x, arrays, epsilon=epsilon, slope=slope)

    return Version(launcher, statistics.kernels + elements.kernels)


VERSIONS = enter(
    "batch_norm",
    {
        "batch_norm_statistics": {v: _by_channels("batch_norm_statistics", v, _STATISTICS) for v in ("v1", "v2")},
        **elementwise(FILE, _ELEMENTS, ("v1", "v2")),
        "batch_norm_sums": {v: _by_channels("batch_norm_sums", v, _SUMS) for v in ("v1", "v2")},
    },
)
VERSIONS["batch_norm_forward"] = {
    "v1": _in_two("v1"), "v2": _in_two("v2"), "v3": _by_channels("batch_norm_forward", "v3", _FORWARD),
}  # fmt: skip


def default_forward(channels, target):
    """The version of batch_norm_forward for so many channels: v3, a block a channel for all of it, if a quarter of the
    multiprocessors have one. A block has up to 64 KB on its way, and that many of them ask for what the memory can give. Fewer
    are left behind by two launches, of which the second has a thread for every 16 bytes."""
    return "v3" if 4 * channels >= target.multiprocessors else "v2"


def batch_norm_statistics(x):
    """As `minigan.reference.batch_norm_statistics`. A block a channel. v1: 256 threads, in two passes. v2: up to 1,024
    threads, by 16 bytes, in one pass."""
    shapes.check_batch_norm(x.shape)
    mean, variance = (empty(x.shape[1:2], like=x) for _ in range(2))
    pick("batch_norm_statistics", "v2", target_of(x))(x, dict(mean=mean, variance=variance))
    return mean, variance


def batch_norm(x, mean, variance, gamma, beta, epsilon):
    """As `minigan.reference.batch_norm`. v1: a thread an element. v2: 16 bytes a thread, where that fills the chip."""
    shapes.check_batch_norm(x.shape, mean.shape, variance.shape, gamma.shape, beta.shape)
    y = empty(x.shape, like=x)
    arrays = dict(mean=mean, variance=variance, gamma=gamma, beta=beta, y=y)
    _launch_elements("batch_norm", x, arrays, epsilon=epsilon, slope=1.0)
    return y


def batch_norm_forward(x, gamma, beta, epsilon, activation=None):
    """As `minigan.reference.batch_norm_forward`. v1, v2: two launches, the statistics and then every element. v3: one, a
    block a channel."""
    shapes.check_batch_norm(x.shape, gamma.shape, beta.shape)
    slope, target = shapes.leaky_slope(activation), target_of(x)
    y, mean, variance = empty(x.shape, like=x), empty(gamma.shape, like=x), empty(gamma.shape, like=x)
    arrays = dict(gamma=gamma, beta=beta, y=y, mean=mean, variance=variance)
    run = pick("batch_norm_forward", default_forward(x.shape[1], target), target)
    run(x, arrays, epsilon=epsilon, slope=slope)
    return y, mean, variance


def batch_norm_backward(gradient, x, mean, variance, gamma, epsilon):
    """As `minigan.reference.batch_norm_backward`. Two launches: γ's and β's gradients, a block a channel; then x's, element
    by element, which needs both."""
    shapes.check_batch_norm(x.shape, mean.shape, variance.shape, gamma.shape)
    statistics = dict(mean=mean, variance=variance)
    sums = {name: empty(x.shape[1:2], like=x) for name in ("grad_gamma", "grad_beta")}
    pick("batch_norm_sums", "v2", target_of(x))(x, dict(gradient=gradient, **statistics, **sums), epsilon=epsilon)
    grad_x = empty(x.shape, like=x)
    arrays = dict(gradient=gradient, **statistics, gamma=gamma, **sums, grad_x=grad_x)
    _launch_elements("batch_norm_backward", x, arrays, share=x.shape[1] / x.size, epsilon=epsilon)
    return grad_x, sums["grad_gamma"], sums["grad_beta"]
