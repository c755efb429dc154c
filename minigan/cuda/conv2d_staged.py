"""How kernels/staged.cuh stages images in shared memory: which rows and columns a slot holds, and whether slots have room."""

from dataclasses import dataclass
from functools import cache
from itertools import product
from math import gcd, prod

ROOM = 7900  # floats of a block that there is room for beside the strips of a product, in 48 KiB
SLABS = 8 * 8 * 48  # floats that hand_over() takes
FOR_TWO = 3456  # so many leave room for two blocks on a T4
DEPTH = 8  # steps along k of a strip
SIDE = 128  # lines of a block's tile
MOST = 512  # floats of a row: the blocks of Winograd's transforms, of 128 threads, move it at once


@dataclass(frozen=True)
class Axis:
    """Windows along the height or the width: `count` of them, `step` apart, the first from pixel `first` on, `taps` long, of an
    image of a `size`."""

    count: int
    step: int
    first: int
    taps: int
    size: int

    @property
    def outside(self):
        """How far windows reach out of the image, on the side where they do so further."""
        return max(-self.first, self.first + (self.count - 1) * self.step + self.taps - self.size, 0)


@cache
def stage(name, x, w, y, stride, padding):
    """(the numbers of a stage, its bytes of shared memory) for one of the three and shapes of x, w and y; None where there is no
    room."""
    if name == "conv2d_backward_data":
        return _along_taps(list(_phases(x, w, y, stride, padding)), channels=w[0])
    sizes = zip(y[2:], stride, padding, w[2:], x[2:])
    windows = [Axis(count, step, -pads[0], taps, size) for count, step, pads, taps, size in sizes]
    along = _along_taps if name == "conv2d" else _along_pixels
    return along([windows] if prod(y[2:]) else [], channels=w[1])


def _phases(x, w, y, stride, padding):
    """The pairs of Axis of the data's gradient's phases, where they have taps and pixels; see Phase in kernels/windows.cuh."""
    along = [_phases_along(*sizes) for sizes in zip(x[2:], w[2:], y[2:], stride, padding)]
    return product(*([axis for axis in axes if axis.taps and axis.count] for axes in along))


def _phases_along(pixels, taps, size, stride, pads):
    for first_tap in range(stride):
        taps_of_phase = -(-max(taps - first_tap, 0) // stride)
        pixel = (first_tap - pads[0]) % stride
        last = (pixel + pads[0] - first_tap) // stride  # the pixel of the gradient that the first tap meets
        yield Axis(-(-max(pixels - pixel, 0) // stride), 1, last - (taps_of_phase - 1), taps_of_phase, size)


def _along_taps(windows, channels):
    """Of windows where k runs along the taps."""
    taps = [down.taps * right.taps for down, right in windows]
    of_slot = min(-(-DEPTH // min(taps, default=1)), channels)
    slots = min(max((_slots(of_slot * count) for count in taps), default=1), -(-channels // of_slot))
    return _stage(windows, SIDE, of_slot, slots, slots * of_slot, ROOM)


def _along_pixels(windows, channels):
    """Where k runs along the pixels: as many of them in a slot as there is room for."""
    taps = prod(axis.taps for axis in windows[0]) if windows else 1
    of_tile = min((SIDE - 1 + taps - gcd(SIDE, taps)) // taps + 1, channels)
    few, many = range(64, 15, -16), range(256, 79, -16)  # few would be loaded, and waited for, too often
    tried = (*product([FOR_TWO], many), *product([ROOM], (*many, *few)))
    return next(filter(None, (_stage(windows, run, run, 1, of_tile, room) for room, run in tried)), None)


def _slots(ks):
    """How many slots of so many ks two strips in a row may touch, the first of which begins at a multiple of its depth."""
    return (ks - gcd(DEPTH, ks) + 2 * DEPTH - 1) // ks + 1


def _stage(windows, run, of_slot, slots, channels, room):
    tall, pitch, stack = extent(windows, run)
    floats = channels * tall * pitch
    if floats > room or pitch > MOST:
        return None
    return dict(of_slot=of_slot, slots=slots, tall=tall, pitch=pitch, stack=stack), 4 * max(floats, SLABS)


def extent(windows, run):
    """(rows, floats from row to row, rows from image to image) where a run of pixels has its windows, for all pairs of Axis."""
    # No window may begin above one of the image before: where padding is wider than windows, some lie wholly in it.
    stack = max((max(down.size + down.outside, (down.count - 1) * down.step) for down, _ in windows), default=1)
    rows = max((_tall(down, right.count, run, stack) for down, right in windows), default=1)
    return rows, max((_pitch(down, right, run) for down, right in windows), default=4), stack


def _tall(down, columns, run, stack):
    """Rows of the stack that the windows of a run of pixels lie in at most; runs begin at multiples of their length."""
    steps = _borders(run, columns)
    to_next_image = max(stack - down.count * down.step, 0)
    return steps * down.step + _borders(run, columns * down.count) * to_next_image + down.taps


def _borders(run, length):
    """How many borders between rows (or images) of a `length` a run of pixels crosses at most."""
    if length % run == 0:
        return 0
    return run // length - 1 if run % length == 0 else -(-(run - 1) // length)


def _pitch(down, right, run):
    """Floats from row to row, a multiple of four."""
    if right.count % run == 0:  # a part of a row: it begins on a boundary of a sector
        columns = (run - 1) * right.step + right.taps + 7
    else:
        before = _up(max(-right.first, 0))
        columns = before + max(_up(right.size), right.first + (right.count - 1) * right.step + right.taps)
    pitch = _up(columns)
    return pitch + 4 if down.step * pitch % 32 == 0 else pitch  # else all rows would begin in the same bank


def _up(columns):
    """To whole quads."""
    return -(-columns // 4) * 4
