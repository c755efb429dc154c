"""2-D convolution and its two adjoints: the launches of kernels/conv2d.cu."""

from math import prod

from .. import shapes
from . import conv2d_staged as staged
from . import conv2d_winograd as winograd
from .launch import BLOCK, EMULATOR, Plan, declare, empty, launch, pick, target_of, versions
from .reduce import sum as sum_over

_GEOMETRY = (
    "int channels, int height, int width, int outputs, int kernel_height, int kernel_width, int rows, int columns, "
    "int down, int right, int top, int left"
)
_STAGE = "int of_slot, int slots, int tall, int pitch, int stack"
_NAMES = "conv2d", "conv2d_backward_data", "conv2d_backward_weight"
_ARRAYS = (  # of the direct kernels, and of the matrix products
    (
        "const real* x, const real* w, const real* bias?, real* y",
        "const real* x, const real* w, const real* bias?, real* y",
    ),
    (
        "const real* gradient, const real* w, const real* bias?, real* x",
        "const real* gradient, const real* phases, const real* bias?, real* x",
    ),
    ("const real* gradient, const real* x, real* w", "const real* gradient, const real* x, real* parts, int share"),
)
for _name, (_direct, _tiled) in zip(_NAMES, _ARRAYS):
    _sizes = "int n, int images" if _name == "conv2d_backward_weight" else "int n"
    declare("conv2d.cu", _name, f"{_direct}, {_sizes}, {_GEOMETRY}")
    declare("conv2d.cu", _name, f"{_tiled}, int images, {_GEOMETRY}", ("v2",))
    _gathered = f"{_tiled.replace('real', 'float')}, int images, {_GEOMETRY}"
    declare("conv2d.cu", _name, _gathered, ("v3",), reals=("float",))
    declare("conv2d.cu", _name, f"{_gathered}, {_STAGE}", ("v4",), reals=("float",))
    declare("conv2d.cu", _name, _gathered, ("v5",), reals=("float",), tf32=True)
declare(
    "conv2d.cu",
    "conv2d_phases",
    "const real* w, real* phases, int channels, int outputs, int kernel_height, int kernel_width, int down, int right",
)

# The last launch of Winograd's method stands for it.
for _name in _NAMES[:2]:
    versions[_name]["v6"] = versions["winograd_pixels"]["v1"]
versions["conv2d_backward_weight"]["v6"] = versions["winograd_weights"]["v1"]

# The side of a block's tile, and the block, of the matrix products.
TILES = {
    "v2": (16, (16, 16, 1)), "v3": (128, (256, 1, 1)), "v4": (128, (256, 1, 1)), "v5": (128, (128, 1, 1)),
}  # fmt: skip
BLOCKS = 2  # that a multiprocessor holds at once
CHANNELS_OF_PHASES = 32  # that a block brings into the order of phases
STEP = 16  # along k, that all the others' tiles go by: their own, or a multiple of it
LEAST_SHARE = 256  # terms that a block adds up at least, where the weights' sums are cut into parts


def version_of(name, lines, length, shape, target):
    """The version of one of the three, for so many rows and columns, so long a sum, and a `shape` (x, w, y, stride, padding).

    It is the chosen one, or by default the first here that fits. Half of a tile of 128 has to be filled, as the other half is
    computed for nothing.
    """
    w = shape[1]
    unfit = [] if staged.stage(name, *shape) else ["v4"]
    unfit += [] if winograd.can(name, *shape) else ["v6"]
    narrow = min(lines)
    if target.real == "float" and winograd.pays(w) and narrow >= 64 and "v6" not in unfit:
        default = "v6"
    elif target.real == "float" and narrow >= 64 and length >= 16 and "v4" not in unfit:
        default = "v4"
    else:
        default = "v2" if narrow >= 8 and length >= 16 else "v1"
    return pick(name, default, target, unfit)[0]


def plan(x, w, y, stride, padding, target=EMULATOR):
    """The launch of conv2d for the shapes of x, w and y; None where Winograd's method takes over."""
    shape, lines, length = _shape(x, w, y, stride, padding), (y[1], y[0] * y[2] * y[3]), prod(w[1:])
    return _plan("conv2d", version_of("conv2d", lines, length, shape, target), lines, 1, prod(y), shape)


def plan_backward_data(x, w, y, stride, padding, target=EMULATOR):
    """The launch of conv2d_backward_data, likewise: a block for each phase of the stride and tile."""
    name, shape = "conv2d_backward_data", _shape(x, w, y, stride, padding)
    lines = x[1], x[0] * _ceil(x[2], stride[0]) * _ceil(x[3], stride[1])  # of the largest phase
    length = w[0] * _ceil(w[2], stride[0]) * _ceil(w[3], stride[1])
    return _plan(name, version_of(name, lines, length, shape, target), lines, 1, prod(x), shape, prod(stride))


def plan_backward_weight(x, w, y, stride, padding, target=EMULATOR):
    """The launch of conv2d_backward_weight, likewise: as many parts as it takes to give every multiprocessor a tile."""
    name, shape = "conv2d_backward_weight", _shape(x, w, y, stride, padding)
    lines, length = (w[0], prod(w[1:])), y[0] * y[2] * y[3]
    version = version_of(name, lines, length, shape, target)
    if version not in TILES:
        return _plan(name, version, lines, 1, prod(w), shape, images=x[0])
    tiles = _ceil(lines[1], TILES[version][0]) * _ceil(lines[0], TILES[version][0])
    parts = max(1, min(_ceil(BLOCKS * target.multiprocessors, tiles), length // LEAST_SHARE))
    # Whole slots of pixels, where images are staged.
    step = staged.stage(name, *shape)[0]["of_slot"] if version == "v4" else STEP
    share = max(_ceil(_ceil(length, parts), step), 1) * step
    return _plan(name, version, lines, max(_ceil(length, share), 1), prod(w), shape, share=share)


def _shape(x, w, y, stride, padding):
    """The same as tuples, which can be remembered."""
    return tuple(x), tuple(w), tuple(y), tuple(stride), tuple(map(tuple, padding))


def _plan(name, version, lines, layers, results, shape, phases=1, **numbers):
    x, w, y, stride, padding = shape
    numbers |= dict(
        channels=x[1], height=x[2], width=x[3], outputs=w[0], kernel_height=w[2], kernel_width=w[3], rows=y[2],
        columns=y[3], down=stride[0], right=stride[1], top=padding[0][0], left=padding[1][0],
    )  # fmt: skip
    if version == "v6":
        return None
    if version == "v1":
        return Plan(versions[name]["v1"], (_ceil(results, BLOCK), 1, 1), (BLOCK, 1, 1), {"n": results, **numbers})
    stage, shared = staged.stage(name, *shape) if version == "v4" else ({}, 0)
    side, block = TILES[version]
    grid = _ceil(lines[1], side) * phases, _ceil(lines[0], side), layers
    return Plan(versions[name][version], grid, block, {"images": x[0], **numbers, **stage}, shared)


def _ceil(number, divisor):
    return -(-number // divisor)


def conv2d(x, w, bias=None, stride=(1, 1), padding=((0, 0), (0, 0))):
    """y[n, o, i, j] = Σ x[n, c, i s₀ + p − top, j s₁ + q − left] w[o, c, p, q] + bias[o] over c, p, q; x is 0 outside.

    Shapes: x (n, c, h, w), w (o, c, kh, kw), bias (o,) → (n, o, ⌊(h + top + bottom − kh) / s₀⌋ + 1, likewise).
    `padding` is ((top, bottom), (left, right)). Raises MiniganError where shapes do not fit.
    """
    shape = shapes.conv2d(x.shape, w.shape, None if bias is None else bias.shape, stride, padding)
    y = empty(shape, like=x)
    made = plan(x.shape, w.shape, shape, stride, padding, target_of(x))
    if made:
        launch(made, x=x, w=w, bias=bias, y=y)
    else:
        winograd.convolve(x, w, bias, y, padding)
    return y


def conv2d_backward_data(gradient, w, shape, stride=(1, 1), padding=((0, 0), (0, 0)), bias=None):
    """∂L/∂x of conv2d for x of `shape`, and + bias[c]: what a transposed convolution adds.

    Every gradient[n, o, i, j] goes back to the pixels it was made from, each time with that pixel's weight.
    Shapes: gradient (n, o, i, j), w (o, c, kh, kw), bias (c,) → shape (n, c, h, w).
    Raises MiniganError where shapes do not fit.
    """
    shapes.conv2d_adjoint(gradient.shape, w.shape, shape, stride, padding)
    shapes.channel_bias("conv2d_backward_data", None if bias is None else bias.shape, shape)
    x = empty(shape, like=gradient)
    made = plan_backward_data(shape, w.shape, gradient.shape, stride, padding, target_of(gradient))
    if not made:
        winograd.backward_data(gradient, w, bias, x, padding)
    elif made.kernel is versions["conv2d_backward_data"]["v1"]:
        launch(made, gradient=gradient, w=w, bias=bias, x=x)
    else:
        launch(made, gradient=gradient, phases=_by_phase(w, stride), bias=bias, x=x)
    return x


def _by_phase(w, stride):
    """The weights in the order in which the matrix products of the data's gradient read them."""
    phases = empty((w.size,), like=w)
    outputs, channels, height, width = w.shape
    numbers = dict(channels=channels, outputs=outputs, kernel_height=height, kernel_width=width)
    numbers |= dict(down=stride[0], right=stride[1])
    grid = outputs, _ceil(channels, CHANNELS_OF_PHASES), 1
    launch(Plan(pick("conv2d_phases")[1], grid, (BLOCK, 1, 1), numbers), w=w, phases=phases)
    return phases


def conv2d_backward_weight(gradient, x, kernel, stride=(1, 1), padding=((0, 0), (0, 0))):
    """∂L/∂w of conv2d for w whose height and width are `kernel`.

    Shapes: gradient (n, o, i, j), x (n, c, h, w), `kernel` (kh, kw) → (o, c, kh, kw).
    Raises MiniganError where shapes do not fit.
    """
    shape = gradient.shape[1:2] + x.shape[1:2] + tuple(kernel)
    shapes.conv2d_adjoint(gradient.shape, shape, x.shape, stride, padding)
    made = plan_backward_weight(x.shape, shape, gradient.shape, stride, padding, target_of(x))
    if not made:
        return winograd.backward_weight(gradient, x, tuple(kernel), padding)
    parts = empty((made.grid[2], *shape), like=x)
    if made.kernel is versions["conv2d_backward_weight"]["v1"]:
        launch(made, gradient=gradient, x=x, w=parts)
    else:
        launch(made, gradient=gradient, x=x, parts=parts)
    return parts[0] if made.grid[2] == 1 else sum_over(parts, 0)
