"""Winograd's method itself; that its kernels are right on every shape is tested with those of conv2d, as version v6."""

import re

import numpy as np
import pytest
from compare import assert_close

from minigan import check, cuda, reference
from minigan.cuda import conv2d_winograd, source
from minigan.reference import conv2d_winograd as textbook

SAME5 = ((2, 2), (2, 2))


@pytest.mark.parametrize("kernel", [(1, 1), (2, 7), (3, 3), (5, 5), (4, 6), (7, 7)])
def test_eight_products_do_for_taps_times_results(kernel):
    random = np.random.default_rng()
    x, w = random.standard_normal((8, 8)), random.standard_normal(kernel)
    assert_close(textbook.correlate(x, w), reference.conv2d(x[None, None], w[None, None])[0, 0], 1e-11)


def test_the_kernels_constants_are_the_textbooks():
    text = (source.folder() / "conv2d_winograd.cu").read_text()

    def numbers(start):
        return np.array([float(each) for each in re.findall(r"-?[\d.]+(?=f)", text[text.index(start) :].split(";")[0])])

    rows, over = numbers("of[POINTS][POINTS] = ").reshape(8, 8), numbers("over[POINTS] = ")
    assert_close(rows / over[:, None], textbook.windows())
    assert text.count("{0.0f, 1.0f, -1.0f, 2.0f, -2.0f, 0.5f, -0.5f}") == 2
    assert [float(point) for point in textbook.POINTS] == [0, 1, -1, 2, -2, 0.5, -0.5]


def test_winograd_works_on_as_many_images_as_there_is_room_for(monkeypatch):
    monkeypatch.setattr(conv2d_winograd, "ROOM", 64 * 4 * 7 * 4 * 2)  # two images of seven channels and four tiles
    random = np.random.default_rng()
    x, w, g = (random.standard_normal(shape).astype("float32") for shape in ((5, 7, 8, 7), (3, 7, 5, 5), (5, 3, 8, 7)))
    with check.chosen("v6"):
        found = (
            cuda.conv2d(x, w, None, (1, 1), SAME5),
            cuda.conv2d_backward_data(g, w, x.shape, (1, 1), SAME5),
            cuda.conv2d_backward_weight(g, x, (5, 5), (1, 1), SAME5),
        )
    x, w, g = (array.astype("float64") for array in (x, w, g))
    assert_close(found[0], reference.conv2d(x, w, None, (1, 1), SAME5), 1e-5)
    assert_close(found[1], reference.conv2d_backward_data(g, w, x.shape, (1, 1), SAME5), 1e-5)
    assert_close(found[2], reference.conv2d_backward_weight(g, x, (5, 5), (1, 1), SAME5), 1e-5)
