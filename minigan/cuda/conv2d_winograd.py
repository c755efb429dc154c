"""Convolutions of stride 1 by Winograd's method, conv2d's v5: the launches of kernels/conv2d_winograd.cu."""

from .launch import Plan, declare, empty, launch, pick
from .reduce import sum as sum_over

_TILES = "int n, int images, int channels, int height, int width, int down, int across, int tall, int wide"
_FILE = "conv2d_winograd.cu"


def _declare(name, parameters):
    declare(_FILE, name, parameters, reals=("float",))


_declare("winograd_windows", f"const float* image, float* points, {_TILES}, int top, int left")
_declare("winograd_slopes", f"const float* image, float* points, {_TILES}")
_declare(
    "winograd_kernels",
    "const float* w, float* points, int n, int lines, int line_step, int k_step, int kernel_height, int kernel_width, "
    "bool flipped",
)
_declare(
    "winograd_products",
    "const float* a, const float* b, float* y, int m, int n, int k, int a_row, int a_column, int b_row, int b_column",
)
_declare("winograd_pixels", f"const float* points, const float* bias?, float* y, {_TILES}")
_declare("winograd_weights", "const float* points, float* w, int n, int kernel_height, int kernel_width")

POINTS = 8  # along each axis
SIDE = 128  # of a block's tile of a product
BLOCK = 128  # threads of the transforms, which take some 100 registers each
MOST = 2**27  # points of one image: half a gigabyte
ROOM = 2**26  # bytes for the points of the images that are at work at once: more would not stay in any chip's cache


def can(w, stride, size):
    """Whether the method knows weights of this shape and this stride, and one image's results of this size have no more points
    than there should be memory for."""
    if tuple(stride) != (1, 1) or max(w[2:]) >= POINTS:
        return False
    grid = _grid((1, 1, *size), w[2:])
    return POINTS**2 * max(w[:2]) * grid["down"] * grid["across"] <= MOST


def pays(w, stride, size):
    """Whether it saves time for them: with few channels the transforms cost more than the products save."""
    return can(w, stride, size) and min(w[2:]) >= 3 and min(w[:2]) >= 128


def convolve(x, w, bias, y, padding):
    """y = x ∗ w + bias, into y."""
    corner = padding[0][0], padding[1][0]
    _correlate(x, _kernels(w, flipped=False), bias, y, w.shape[2:], corner)


def backward_data(gradient, w, bias, x, padding):
    """∂L/∂x of x ∗ w, and + bias, into x: a convolution of the gradient with the flipped kernel."""
    corner = tuple(length - 1 - pads[0] for length, pads in zip(w.shape[2:], padding))
    _correlate(gradient, _kernels(w, flipped=True), bias, x, w.shape[2:], corner)


def backward_weight(gradient, x, kernel, padding):
    """∂L/∂w of x ∗ w (o, c, *kernel)."""
    outputs, channels, corner = gradient.shape[1], x.shape[1], (padding[0][0], padding[1][0])
    portions = _portions(gradient.shape, channels, kernel)
    parts = empty((len(portions), outputs, channels, *kernel), like=x)
    for part, w in zip(portions, parts):
        size = gradient[part].shape
        slopes = _points("winograd_slopes", gradient[part], _grid(size, kernel))
        windows = _points("winograd_windows", x[part], _grid(size, kernel), corner)
        k = slopes.shape[2]
        products = _products(slopes, windows, (outputs, channels, k), dict(a_row=k, a_column=1, b_row=1, b_column=k))
        numbers = dict(kernel_height=kernel[0], kernel_width=kernel[1])
        _launch("winograd_weights", outputs * channels, numbers, points=products, w=w)
    return parts[0] if len(portions) == 1 else sum_over(parts, 0)


def _correlate(image, kernels, bias, y, kernel, corner):
    """The image's windows with `kernels` (points, k, lines), into y; windows begin `corner` before the pixels."""
    _, k, lines = kernels.shape
    for part in _portions(y.shape, k, kernel):
        windows = _points("winograd_windows", image[part], _grid(y[part].shape, kernel), corner)
        tiles = windows.shape[2]
        steps = dict(a_row=1, a_column=lines, b_row=tiles, b_column=1)
        products = _products(kernels, windows, (lines, tiles, k), steps)
        numbers = _grid(y[part].shape, kernel) | _sizes(y[part].shape)
        _launch("winograd_pixels", lines * tiles, numbers, points=products, bias=bias, y=y[part])


def _grid(shape, kernel):
    """How tiles of results lie over images of this shape: how tall and wide each is, how many down and across."""
    tall, wide = (POINTS + 1 - length for length in kernel)
    return dict(images=shape[0], down=-(-shape[2] // tall), across=-(-shape[3] // wide), tall=tall, wide=wide)


def _sizes(shape):
    return dict(channels=shape[1], height=shape[2], width=shape[3])


def _portions(shape, channels, kernel):
    """Slices of the images (n, c, h, w) that are at work at once."""
    grid = _grid(shape, kernel)
    of_image = POINTS**2 * 4 * max(shape[1], channels) * grid["down"] * grid["across"]
    step = max(1, ROOM // max(of_image, 1))
    return [slice(first, min(first + step, shape[0])) for first in range(0, max(shape[0], 1), step)]


def _points(name, image, grid, corner=None):
    """What a transform makes of all tiles of an image: (points, channels, tiles)."""
    tiles = grid["images"] * grid["down"] * grid["across"]
    points = empty((POINTS**2, image.shape[1], tiles), like=image)
    at = {} if corner is None else dict(top=corner[0], left=corner[1])
    _launch(name, image.shape[1] * tiles, grid | _sizes(image.shape) | at, image=image, points=points)
    return points


def _kernels(w, flipped):
    """The kernels (points, k, lines) of w (o, c, kh, kw): its outputs are the lines, or flipped its channels."""
    outputs, channels, height, width = w.shape
    lines, k = (channels, outputs) if flipped else (outputs, channels)
    line_step, k_step = (1, channels) if flipped else (channels, 1)
    points = empty((POINTS**2, k, lines), like=w)
    numbers = dict(
        lines=lines, line_step=line_step, k_step=k_step, kernel_height=height, kernel_width=width, flipped=flipped
    )
    _launch("winograd_kernels", w.size // (height * width), numbers, w=w, points=points)
    return points


def _products(a, b, sizes, steps):
    """(points, m, n): a matrix product at each point. `steps` as in matmul."""
    m, n, k = sizes
    y = empty((POINTS**2, m, n), like=a)
    grid = -(-n // SIDE), -(-m // SIDE), POINTS**2
    launch(Plan(pick("winograd_products")[1], grid, (256, 1, 1), dict(m=m, n=n, k=k) | steps), a=a, b=b, y=y)
    return y


def _launch(name, n, numbers, **arrays):
    plan = Plan(pick(name)[1], (-(-n // BLOCK), 1, 1), (BLOCK, 1, 1), {"n": n, **numbers})
    launch(plan, **arrays)
