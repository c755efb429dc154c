"""2-D convolution and its two adjoints: the launches of kernels/conv2d.cu."""

from functools import partial
from math import prod

from .. import shapes
from ..plan import Plan
from . import conv2d_staged as staged
from . import conv2d_winograd as winograd
from .launch import BLOCK, empty, launch
from .reduce import sum as sum_over
from .target import target_of
from .versions import Version, declare, enter, pick

_GEOMETRY = (
    "int channels, int height, int width, int outputs, int filter_height, int filter_width, int rows, int columns, "
    "int down, int right, int top, int left"
)
_STAGE = "int of_slot, int slots, int tall, int pitch, int stack"
_DIRECT = {  # the parameters of v1 …
    "conv2d": f"const real* x, const real* w, const real* bias?, real* y, int n, {_GEOMETRY}",
    "conv2d_backward_data": f"const real* gradient, const real* w, const real* bias?, real* x, int n, {_GEOMETRY}",
    "conv2d_backward_weight": f"const real* gradient, const real* x, real* w, int n, int images, {_GEOMETRY}",
}
_TILED = {  # … and of the matrix products
    "conv2d": f"const real* x, const real* w, const real* bias?, real* y, int images, {_GEOMETRY}",
    "conv2d_backward_data": f"const real* gradient, const real* phases, const real* bias?, real* x, int images, {_GEOMETRY}",
    "conv2d_backward_weight": f"const real* gradient, const real* x, real* parts, int share, int images, {_GEOMETRY}",
}
SINGLE = ("float",)


def _kernels(name):
    """{"v1": Kernel, …} of one of the three."""
    single = _TILED[name].replace("real", "float")
    return {
        "v1": declare("conv2d.cu", f"{name}_v1", _DIRECT[name]),
        "v2": declare("conv2d.cu", f"{name}_v2", _TILED[name]),
        "v3": declare("conv2d.cu", f"{name}_v3", single, SINGLE),
        "v4": declare("conv2d.cu", f"{name}_v4", f"{single}, {_STAGE}", SINGLE),
        "v5": declare("conv2d.cu", f"{name}_v5", single, SINGLE, tf32=True),
    }


KERNELS = {name: _kernels(name) for name in _TILED}
PHASES = declare(
    "conv2d.cu",
    "conv2d_phases_v1",
    "const real* w, real* phases, int channels, int outputs, int filter_height, int filter_width, int down, int right",
)

# The side of a block's tile, and the block, of the matrix products.
TILES = {
    "v2": (16, (16, 16, 1)), "v3": (128, (256, 1, 1)), "v4": (128, (256, 1, 1)), "v5": (128, (128, 1, 1)),
}  # fmt: skip
DEPTH = 16  # a number of whole strips along k, whichever version's
BLOCKS = 2  # that a multiprocessor holds at once
CHANNELS_OF_PHASES = 32  # that a block brings into the order of phases
LEAST_SHARE = 256  # terms that a block adds up at least, where the weights' sums are cut into parts


def product_of(name, x, w, y, stride, padding):
    """(rows, columns, length of the sums) of the matrix product that one of the three is; for the data's gradient, in its
    largest phase."""
    if name == "conv2d":
        return y[1], y[0] * y[2] * y[3], prod(w[1:])
    if name == "conv2d_backward_weight":
        return w[0], prod(w[1:]), y[0] * y[2] * y[3]
    taps, pixels = (prod(_ceil(size, step) for size, step in zip(sizes[2:], stride)) for sizes in (w, x))
    return x[1], x[0] * pixels, w[0] * taps


def unfit(name, shape):
    """The versions of one of the three that have no room for a `shape` (x, w, y, stride, padding), or do not know its stride."""
    return [version for version, can in (("v4", staged.stage), ("v6", winograd.can)) if not can(name, *shape)]


def default(name, shape, target):
    """The version of one of the three for a `shape` (x, w, y, stride, padding): the first here that fits. Half of a tile of 128
    has to be filled, as the other half is computed for nothing."""
    rows, columns, length = product_of(name, *shape)
    narrow, not_for_it = min(rows, columns), unfit(name, shape)
    if target.real == "float" and winograd.pays(shape[1]) and narrow >= 64 and "v6" not in not_for_it:
        return "v6"
    if target.real == "float" and narrow >= 64 and length >= 16 and "v4" not in not_for_it:
        return "v4"
    return "v2" if narrow >= 8 and length >= 16 else "v1"


def plan_direct(name, shape):
    """v1: a thread a result."""
    x, w, y, _, _ = shape
    results = prod({"conv2d": y, "conv2d_backward_data": x, "conv2d_backward_weight": w}[name])
    numbers = {"images": x[0]} if name == "conv2d_backward_weight" else {}
    return Plan(
        KERNELS[name]["v1"], (_ceil(results, BLOCK), 1, 1), (BLOCK, 1, 1), {"n": results} | numbers | _geometry(shape)
    )


def plan_tiles(name, version, shape, target):
    """The matrix products: a block a tile; of the data's gradient, a tile of each phase of the stride; of the weights' gradient,
    a tile of each part of the sums, of which there are as many as it takes to give every multiprocessor a tile."""
    rows, columns, length = product_of(name, *shape)
    side, block = TILES[version]
    stage, shared = staged.stage(name, *shape) if version == "v4" else ({}, 0)
    across, down, parts = _ceil(columns, side), _ceil(rows, side), 1
    numbers = {"images": shape[0][0]} | _geometry(shape) | stage
    if name == "conv2d_backward_data":
        across *= prod(shape[3])
    if name == "conv2d_backward_weight":
        # Whole slots of pixels, where images are staged.
        share = _share(length, across * down, stage.get("of_slot", DEPTH), target)
        parts = max(_ceil(length, share), 1)
        numbers["share"] = share
    return Plan(KERNELS[name][version], (across, down, parts), block, numbers, shared)


def _share(length, tiles, step, target):
    """How many terms of the weights' sums go into a part, a multiple of `step`."""
    parts = max(1, min(_ceil(BLOCKS * target.multiprocessors, tiles), length // LEAST_SHARE))
    return max(_ceil(_ceil(length, parts), step), 1) * step


def _geometry(shape):
    x, w, y, stride, padding = shape
    return dict(
        channels=x[1], height=x[2], width=x[3], outputs=w[0], filter_height=w[2], filter_width=w[3], rows=y[2],
        columns=y[3], down=stride[0], right=stride[1], top=padding[0][0], left=padding[1][0],
    )  # fmt: skip


def _ceil(number, divisor):
    return -(-number // divisor)


def plan_phases(w, stride):
    """The launch that brings weights of this shape into the order in which the data's gradient's products read them."""
    outputs, channels, height, width = w
    numbers = dict(channels=channels, outputs=outputs, filter_height=height, filter_width=width)
    grid = outputs, _ceil(channels, CHANNELS_OF_PHASES), 1
    return Plan(PHASES, grid, (BLOCK, 1, 1), numbers | dict(down=stride[0], right=stride[1]))


# Launchers: each is called with the arrays, the shape (x, w, y, stride, padding) and the target.


def _direct(x, w, bias, y, shape, target):
    launch(plan_direct("conv2d", shape), x=x, w=w, bias=bias, y=y)


def _tiled(version, x, w, bias, y, shape, target):
    launch(plan_tiles("conv2d", version, shape, target), x=x, w=w, bias=bias, y=y)


def _data_direct(gradient, w, bias, x, shape, target):
    launch(plan_direct("conv2d_backward_data", shape), gradient=gradient, w=w, bias=bias, x=x)


def _data_tiled(version, gradient, w, bias, x, shape, target):
    phases = empty((w.size,), like=w)
    launch(plan_phases(w.shape, shape[3]), w=w, phases=phases)
    plan = plan_tiles("conv2d_backward_data", version, shape, target)
    launch(plan, gradient=gradient, phases=phases, bias=bias, x=x)


def _weight_direct(gradient, x, shape, target):
    w = empty(shape[1], like=x)
    launch(plan_direct("conv2d_backward_weight", shape), gradient=gradient, x=x, w=w)
    return w


def _weight_tiled(version, gradient, x, shape, target):
    plan = plan_tiles("conv2d_backward_weight", version, shape, target)
    parts = empty((plan.grid[2], *shape[1]), like=x)
    launch(plan, gradient=gradient, x=x, parts=parts)
    return parts[0] if len(parts) == 1 else sum_over(parts, 0)


def _versions(name, direct, tiled, by_winograd, kernels_of_winograd, before=()):
    """The table of one of the three, whose matrix products launch the kernels `before` first."""
    kernels = KERNELS[name]
    return {
        "v1": Version(direct, (kernels["v1"],)),
        **{version: Version(partial(tiled, version), (*before, kernels[version])) for version in TILES},
        "v6": Version(by_winograd, kernels_of_winograd),
    }


VERSIONS = enter(
    "conv2d",
    {
        "conv2d": _versions("conv2d", _direct, _tiled, winograd.convolve, winograd.CORRELATION),
        "conv2d_backward_data": _versions(
            "conv2d_backward_data", _data_direct, _data_tiled, winograd.backward_data, winograd.CORRELATION, (PHASES,)
        ),
        "conv2d_backward_weight": _versions(
            "conv2d_backward_weight", _weight_direct, _weight_tiled, winograd.backward_weight, winograd.OF_WEIGHTS
        ),
    },
)


def _pick(name, x, w, y, stride, padding, target):
    """(the Version of one of the three, its shape as tuples, which can be remembered)."""
    shape = tuple(x), tuple(w), tuple(y), tuple(stride), tuple(map(tuple, padding))
    return pick(name, default(name, shape, target), target, unfit(name, shape)), shape


def conv2d(x, w, bias=None, stride=(1, 1), padding=((0, 0), (0, 0))):
    """As `minigan.reference.conv2d`. v1: a thread a result. v2 to v5: a matrix product by tiles whose second factor is never
    built, by single sums, by 8 × 8 sums a thread, with rows staged in shared memory, by tensor cores. v6: Winograd's
    method."""
    y = empty(shapes.conv2d(x.shape, w.shape, None if bias is None else bias.shape, stride, padding), like=x)
    target = target_of(x)
    run, shape = _pick("conv2d", x.shape, w.shape, y.shape, stride, padding, target)
    run(x, w, bias, y, shape, target)
    return y


def conv2d_backward_data(gradient, w, shape, stride=(1, 1), padding=((0, 0), (0, 0)), bias=None):
    """As `minigan.reference.conv2d_backward_data`. v1: a thread a pixel, which gathers. v2 to v5: the pixels of each phase of
    the stride are a matrix product, with weights that a launch before it has brought into the order of the phases. v6:
    Winograd's method."""
    shapes.check_conv2d_adjoint(gradient.shape, w.shape, shape, stride, padding)
    shapes.check_channel_bias("conv2d_backward_data", None if bias is None else bias.shape, shape)
    x, target = empty(shape, like=gradient), target_of(gradient)
    run, shape = _pick("conv2d_backward_data", shape, w.shape, gradient.shape, stride, padding, target)
    run(gradient, w, bias, x, shape, target)
    return x


def conv2d_backward_weight(gradient, x, window, stride=(1, 1), padding=((0, 0), (0, 0))):
    """As `minigan.reference.conv2d_backward_weight`. v1: a thread a weight. v2 to v5: a matrix product whose long sums are
    cut into parts, so that every multiprocessor has a tile; a second launch adds them up. v6: Winograd's method."""
    w, target = gradient.shape[1:2] + x.shape[1:2] + tuple(window), target_of(x)
    shapes.check_conv2d_adjoint(gradient.shape, w, x.shape, stride, padding)
    run, shape = _pick("conv2d_backward_weight", x.shape, w, gradient.shape, stride, padding, target)
    return run(gradient, x, shape, target)
