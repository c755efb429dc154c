"""What slots of rows have room for, by going through all pixels; how windows are read from them is tested with conv2d."""

import numpy as np
import pytest
from compare import assert_close

from minigan import check, cuda, emulator, reference, shapes
from minigan.check.calls import converted
from minigan.cuda import conv2d_staged as staged
from minigan.cuda import conv2d_winograd as winograd
from minigan.cuda.conv2d import plan


def rows_of_runs(down, right, run, images, stack):
    """The rows of the stack in which the windows of each run of pixels begin."""
    for first in range(0, images * down.count * right.count, run):
        last = min(first + run, images * down.count * right.count) - 1
        image, i = np.divmod(np.arange(first, last + 1) // right.count, down.count)
        yield image * stack + down.first + i * down.step


WIDE_PADDING = 32, staged.Axis(16, 1, -3, 1, 3), staged.Axis(31, 2, -1, 4, 33)


def drawn(random):
    """A run of pixels, and windows along both axes."""
    run = int(random.choice((16, 32, 48, 128)))
    down, right = (
        staged.Axis(*map(int, (random.choice((1, 2, 3, 4, 7, 8, 16, 31, 128)), step, random.integers(-3, 2), *sizes)))
        for step, *sizes in random.integers(1, (4, 8, 40), (2, 3))
    )
    return run, down, right


@pytest.mark.parametrize("turn", range(100))
def test_a_slot_has_all_rows_and_columns_of_its_runs(turn):
    run, down, right = drawn(np.random.default_rng()) if turn else WIDE_PADDING
    tall, pitch, stack = staged.extent([(down, right)], run)
    # No row of a window that lies out of its image lies in another image.
    assert stack - down.size >= max(-down.first, down.first + (down.count - 1) * down.step + down.taps - down.size)
    for rows in rows_of_runs(down, right, run, 9, stack):
        assert rows.min() == rows[0] and rows.max() - rows[0] + down.taps <= tall
    is_part = right.count % run == 0
    for first in range(0, right.count, run) if is_part else [0]:
        at = right.first + first * right.step
        last = at + (min(run, right.count) - 1) * right.step + right.taps - 1
        origin = at - at % 8 if is_part else min(at - at % 4, 0)
        assert last - origin < pitch and (is_part or right.size - 1 - origin < pitch)
    assert pitch % 4 == 0


def test_slots_of_two_strips_do_not_meet():
    depth = staged.DEPTH
    for ks in range(1, 60):
        touched = [range(start // ks, (start + 2 * depth - 1) // ks + 1) for start in range(0, 4 * depth * ks, depth)]
        assert staged._slots(ks) == max(map(len, touched))


def test_every_pixel_is_loaded_once_for_all_taps():
    """5 × 5 windows at 8 × 8 pixels, of which a slot's rows hold two images whole."""
    x, w = np.ones((2, 16, 8, 8), np.float32), np.ones((128, 16, 5, 5), np.float32)
    with check.chosen("v4"), emulator.profiling() as profiles:
        cuda.conv2d(x, w, None, (1, 1), ((2, 2), (2, 2)))
    (profile,) = profiles
    assert profile.total("loaded") == x.nbytes + w.nbytes


@pytest.mark.parametrize(
    ("x", "w", "version"),
    [
        ((4, 64, 256, 256), (64, 64, 3, 3), "v4"),  # a tile is a part of a row
        ((4, 64, 256, 256), (64, 64, 5, 5), "v4"),
        ((4, 64, 500, 500), (64, 64, 3, 3), "v4"),  # and here it is not
        ((4, 64, 700, 700), (64, 64, 3, 3), "v2"),  # more than a block moves at once
    ],
)
def test_where_there_is_no_room_windows_are_not_staged(x, w, version):
    stride, padding = (1, 1), ((w[2] // 2,) * 2, (w[3] // 2,) * 2)
    with check.chosen("v4"):
        made = plan(x, w, shapes.conv2d(x, w, None, stride, padding), stride, padding)
    assert made.kernel.name == f"conv2d_{version}"


@pytest.mark.parametrize(
    ("version", "x", "w"),
    [
        ("v4", (2, 1, 2, 300), (1, 1, 2, 3)),
        ("v4", (1, 3, 2, 128), (2, 3, 3, 3)),  # a tile is a row
        ("v4", (1, 1, 2, 256), (2, 1, 3, 3)),  # and here half of one
        ("v4", (1, 1, 2, 520), (1, 1, 1, 31)),  # wider than a block moves at once: another version
        ("v6", (2, 1, 3, 440), (2, 1, 3, 3)),
        ("v6", (1, 1, 2, 520), (1, 1, 1, 3)),  # likewise
        ("v6", (1, 1, 2, 300), (1, 1, 3, 7)),  # more tiles in a row than a block has threads
        ("v6", (1, 1, 4, 5), (1, 1, 2, 1)),
    ],
)
def test_wide_images(version, x, w):
    random, stride, padding = np.random.default_rng(), (1, 1), ((w[2] // 2,) * 2, (w[3] // 2,) * 2)
    x, w = random.standard_normal(x), random.standard_normal(w)
    g = random.standard_normal(shapes.conv2d(x.shape, w.shape, None, stride, padding))
    for name, arguments in (
        ("conv2d", (x, w, None, stride, padding)),
        ("conv2d_backward_data", (g, w, x.shape, stride, padding)),
        ("conv2d_backward_weight", (g, x, w.shape[2:], stride, padding)),
    ):
        with check.chosen(version), emulator.checking() as report:
            found = getattr(cuda, name)(*converted(arguments, "float32"))
        assert not report.findings, report
        assert_close(found, getattr(reference, name)(*arguments), 1e-4)


@pytest.mark.parametrize("turn", range(20))
def test_winograds_stages_have_room(turn):
    """Or the method does not take them: within 48 KiB, whatever the padding."""
    random = np.random.default_rng()
    size, kernel, pads = (tuple(map(int, random.integers(*low_high, 2))) for low_high in ((1, 60), (1, 8), (0, 12)))
    size = size[0], int(random.choice((size[1], 128, 300, 448)))
    grid = winograd._grid((9, 1, *size), kernel)
    for corner in (pads, None):
        stage = winograd._stage_of(grid, (9, 1, *size), corner)
        if stage:
            floats = stage["rows"] * stage["pitch"]
            assert 4 * (floats + floats // 32) <= 48 * 1024 and stage["run"] % grid["across"] == 0


def test_shapes_may_be_lists():
    x, w = np.ones((1, 1, 4, 4), np.float32), np.ones((1, 1, 3, 3), np.float32)
    assert cuda.conv2d(x, w, None, [1, 1], [[1, 1], [1, 1]]).shape == x.shape
    assert cuda.conv2d_backward_data(x, w, [1, 1, 4, 4], [1, 1], [[1, 1], [1, 1]]).shape == x.shape
