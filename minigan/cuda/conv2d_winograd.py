"""Convolutions of stride 1 by Winograd's method, conv2d's v6: the launches of kernels/conv2d_winograd.cu."""

from functools import cache
from math import gcd, prod

import numpy as np

from ..plan import Plan
from . import conv2d_staged as staged
from .launch import WARP, empty, launch
from .reduce import sum as sum_over
from .versions import declare

_TILES = (
    "int images, int channels, int height, int width, int down, int across, int tall, int wide, "
    "int run, int rows, int pitch, int stack"
)


def _declare(name, parameters):
    return declare("conv2d_winograd.cu", name, parameters, reals=("float",))


WINDOWS = _declare("winograd_windows_v1", f"const float* image, float* points, {_TILES}, int top, int left")
SLOPES = _declare("winograd_slopes_v1", f"const float* image, float* points, {_TILES}")
FILTERS = _declare(
    "winograd_filters_v1",
    "const float* w, float* points, int n, int filter_height, int filter_width, bool flipped",
)
PRODUCTS = _declare(
    "winograd_products_v1",
    "const float* a, const float* b, float* y, int m, int n, int k, int a_row, int a_column, int b_row, int b_column",
)
PIXELS = _declare("winograd_pixels_v1", f"const float* points, const float* bias?, float* y, {_TILES}")
WEIGHTS = _declare("winograd_weights_v1", "const float* points, float* w, int n, int filter_height, int filter_width")

# What each of the three launches.
CORRELATION, OF_WEIGHTS = (FILTERS, WINDOWS, PRODUCTS, PIXELS), (SLOPES, WINDOWS, PRODUCTS, WEIGHTS)

POINTS = 8  # along each axis
SIDE = 128  # of a block's tile of a product
BLOCK = 128  # threads of the transforms, which take some 100 registers each
STAGED = 31 * 256  # floats that a block of them stages at most; with a gap after every 32 of them 32 KB
MOST_CHANNELS = 65_535  # blocks along y
MOST = 2**27  # points of one image: half a gigabyte
ROOM = 2**26  # bytes for the points of the images that are at work at once: more would not stay in any chip's cache


def can(name, x, w, y, stride, padding):
    """Whether the method knows a call of one of the three: its filters and stride; rows that a block has room for; no more points
    of an image than there should be memory for."""
    if tuple(stride) != (1, 1) or max(w[2:]) >= POINTS or max(w[:2]) > MOST_CHANNELS:
        return False
    image, results, corner = (y, x, _turned(w, padding)) if name == "conv2d_backward_data" else (x, y, _corner(padding))
    grid = _grid(results, w[2:])
    points = POINTS**2 * max(w[:2]) * grid["down"] * grid["across"]
    return points <= MOST and bool(_stage_of(grid, image, corner) and _stage_of(grid, results, None))


def pays(w):
    """Whether it saves time for weights of this shape: with few channels the transforms cost more than the products save."""
    return min(w[2:]) >= 3 and min(w[:2]) >= 128


def convolve(x, w, bias, y, shape, target):
    """y = x ∗ w + bias, into y."""
    _correlate(x, _filters(w, flipped=False), bias, y, w.shape[2:], _corner(shape[-1]))


def backward_data(gradient, w, bias, x, shape, target):
    """∂L/∂x of x ∗ w, and + bias, into x: a convolution of the gradient with the flipped filter."""
    _correlate(gradient, _filters(w, flipped=True), bias, x, w.shape[2:], _turned(w.shape, shape[-1]))


def backward_weight(gradient, x, shape, target):
    """∂L/∂w of x ∗ w."""
    (outputs, channels, *size), corner = shape[1], _corner(shape[-1])
    portions = _portions(gradient.shape, channels, size)
    parts = empty((len(portions), outputs, channels, *size), like=x)
    for part, w in zip(portions, parts):
        slope_shape = gradient[part].shape
        slopes = _points(SLOPES, gradient[part], _grid(slope_shape, size))
        windows = _points(WINDOWS, x[part], _grid(slope_shape, size), corner)
        k = slopes.shape[2]
        products = _products(slopes, windows, (outputs, channels, k), dict(a_row=k, a_column=1, b_row=1, b_column=k))
        _of_filters(WEIGHTS, outputs * channels, size, points=products, w=w)
    return parts[0] if len(portions) == 1 else sum_over(parts, 0)


def _correlate(image, filters, bias, y, size, corner):
    """The image's windows with `filters` (points, lines, k), into y; windows begin `corner` before the pixels."""
    points, steps = filters
    channels, lines = image.shape[1], y.shape[1]
    for part in _portions(y.shape, channels, size):
        grid = _grid(y[part].shape, size)
        windows = _points(WINDOWS, image[part], grid, corner)
        tiles = windows.shape[2]
        products = _products(points, windows, (lines, tiles, channels), steps | dict(b_row=tiles, b_column=1))
        _of_tiles(PIXELS, y[part].shape, grid, points=products, bias=bias, y=y[part])


def _corner(padding):
    """How far windows begin before the image."""
    return padding[0][0], padding[1][0]


def _turned(w, padding):
    """The same for the data's gradient, where the filter is flipped."""
    return tuple(length - 1 - before for length, before in zip(w[2:], _corner(padding)))


def _grid(shape, size):
    """How tiles of results lie over images of this shape: how tall and wide each is, how many down and across."""
    tall, wide = (POINTS + 1 - length for length in size)
    return dict(images=shape[0], down=-(-shape[2] // tall), across=-(-shape[3] // wide), tall=tall, wide=wide)


def _sizes(shape):
    return dict(channels=shape[1], height=shape[2], width=shape[3])


def _portions(shape, channels, size):
    """Slices of the images (n, c, h, w) that are at work at once."""
    grid = _grid(shape, size)
    of_image = POINTS**2 * 4 * max(shape[1], channels) * grid["down"] * grid["across"]
    step = max(1, ROOM // max(of_image, 1))
    return [slice(first, min(first + step, shape[0])) for first in range(0, max(shape[0], 1), step)]


def _points(kernel, image, grid, corner=None):
    """What a transform makes of all tiles of an image: (points, channels, tiles)."""
    points = empty((POINTS**2, image.shape[1], _tiles(grid)), like=image)
    _of_tiles(kernel, image.shape, grid, corner, image=image, points=points)
    return points


def _tiles(grid):
    """How many tiles a channel has, and with those of zeros that fill up the last sector of 8 floats."""
    return -(-grid["images"] * grid["down"] * grid["across"] // 8) * 8


def _of_tiles(kernel, shape, grid, corner=None, **arrays):
    """Launch a transform between the tiles of an image of this shape and their points. Windows have a corner, and are 8 × 8."""
    stage = _stage_of(grid, shape, corner)
    numbers = grid | _sizes(shape) | stage | ({} if corner is None else dict(top=corner[0], left=corner[1]))
    blocks = -(-_tiles(grid) // stage["run"]), shape[1], 1
    floats = stage["rows"] * stage["pitch"]
    shared = 4 * (floats + floats // 32)  # a gap after every 32
    launch(Plan(kernel, blocks, (BLOCK, 1, 1), numbers, shared), **arrays)


def _stage_of(grid, shape, corner):
    return _stage((grid["down"], grid["across"]), (grid["tall"], grid["wide"]), tuple(shape[2:]), corner)


@cache
def _stage(counts, steps, size, corner):
    """Of how many tiles a block stages the rows, whole rows of tiles, and where they lie, see kernels/staged.cuh; None where one
    row of them has no room."""
    firsts, lengths = ((0, 0), steps) if corner is None else ((-corner[0], -corner[1]), (POINTS, POINTS))
    tiles = [staged.Axis(*axis) for axis in zip(counts, steps, firsts, lengths, size)]
    across = max(counts[1], 1)
    of_sectors = across * 8 // gcd(across, 8)
    for run in (*_multiples(of_sectors), *_multiples(across)):
        rows, least, stack = staged.extent([tiles] if prod(counts) else [], run)
        pitches = range(
            least, least + WARP, 4 if across % run == 0 else 1
        )  # what is cut out of rows comes by whole quads
        pitch = _without_conflicts(tiles, run, rows, stack, pitches) if prod(counts) else least
        if rows * pitch <= STAGED and pitch <= staged.MOST:
            return dict(run=run, rows=rows, pitch=pitch, stack=stack)


def _multiples(step):
    return range(BLOCK // step * step, 0, -step)


def _without_conflicts(tiles, run, rows, stack, pitches):
    """The first of the pitches with which neither lanes that are at the same element of their tiles, nor those that move an image
    take more than two turns; or that with the fewest. It depends on too much for a rule, and so is tried."""
    down, right = tiles
    image, row, column = np.unravel_index(np.arange(run), (run, down.count, right.count))
    row, column = image * stack + row * down.step, column * right.step + right.first % 4
    quads = min(max(-(-right.size // 4), 1), BLOCK)
    at_once = BLOCK // quads  # rows that come at once
    row_of_quad, quad = np.divmod(np.arange(at_once * quads), quads)

    def turns(pitch):
        elements = (np.arange(down.taps) * pitch)[:, None, None] + np.arange(right.taps)[:, None]
        moves = (np.arange(0, rows, at_once) * pitch)[:, None, None] + np.arange(4)[:, None]
        of_quad = row_of_quad * pitch + 4 * quad - min(right.first, 0) // 4 * 4
        return max(_turns(elements + row * pitch + column), _turns(moves + of_quad), 2)

    return min(pitches, key=lambda pitch: (turns(pitch), pitch))


def _turns(words):
    """In how many turns warps ask for these words at most, (…, lanes), with the gaps that `spread` makes."""
    whole = words.shape[-1] // WARP * WARP or words.shape[-1]  # a last warp that is not full is as the others
    words = np.sort((words + words // WARP)[..., :whole].reshape(-1, min(whole, WARP)))
    different = np.diff(words, axis=1, prepend=-1) != 0
    banks = np.arange(len(words))[:, None] * WARP + words % WARP
    return np.bincount(banks[different]).max()


def _filters(w, flipped):
    """The points of w's filters (points, o, c), and the steps of a factor whose rows are its outputs, or flipped its channels."""
    outputs, channels = w.shape[:2]
    points = empty((POINTS**2, outputs, channels), like=w)
    _of_filters(FILTERS, outputs * channels, w.shape[2:], flipped, w=w, points=points)
    return points, dict(a_row=1, a_column=channels) if flipped else dict(a_row=channels, a_column=1)


def _of_filters(kernel, n, size, flipped=None, **arrays):
    """Launch a transform between n filters and their points."""
    numbers = dict(n=n, filter_height=size[0], filter_width=size[1])
    numbers |= {} if flipped is None else dict(flipped=flipped)
    shared = 4 * BLOCK * (prod(size) | 1)
    launch(Plan(kernel, (-(-n // BLOCK), 1, 1), (BLOCK, 1, 1), numbers, shared), **arrays)


def _products(a, b, sizes, steps):
    """(points, m, n): a matrix product at each point. `steps` as in matmul."""
    m, n, k = sizes
    y = empty((POINTS**2, m, n), like=a)
    grid = -(-n // SIDE), -(-m // SIDE), POINTS**2
    launch(Plan(PRODUCTS, grid, (256, 1, 1), dict(m=m, n=n, k=k) | steps), a=a, b=b, y=y)
    return y
