"""A batch that the device takes by itself is, bit for bit, the one that the host would have picked."""

import numpy as np
import pytest

import minigan as mg
from minigan import cuda, data, reference

PIXELS = np.arange(3 * 256, dtype=np.uint8).reshape(3, 16, 16)  # every brightness there is
ORDER = np.array([[0, 2], [2, 2], [1, 0]], np.int32)


def number(value):
    return np.array([value], np.uint64)


@pytest.mark.parametrize("primitives", [reference, cuda])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_brightness_is_rounded_as_numpy_rounds_it(primitives, dtype):
    """The product and the difference each by itself: fused into one instruction, 158 of the 256 would be off in float32."""
    expected = PIXELS[ORDER[1]].astype(dtype) * np.dtype(dtype).type(2 / 255) - np.dtype(dtype).type(1)
    found = primitives.image_batch(PIXELS, ORDER, number(1), dtype)
    assert found.dtype == dtype and np.array_equal(found, expected) and (found.min(), found.max()) == (-1, 1)


@pytest.mark.parametrize("primitives", [reference, cuda])
def test_the_order_is_walked_round_and_round(primitives):
    points = np.arange(6.0).reshape(3, 2)
    for at in (0, 1, 2, 3, 2**40):
        found = primitives.point_batch(points, ORDER, number(at))
        assert np.array_equal(found, points[ORDER[at % 3]]), at


def test_images_of_a_data_set_are_batched_the_same_way():
    images = data.Images("digits", PIXELS[:, None], np.zeros(3, np.uint8))
    found = images.batch(np.array([2, 0]), "float32")
    assert np.array_equal(found, reference.image_batch(PIXELS[:, None], ORDER[:1, ::-1], number(0), "float32"))


@pytest.mark.parametrize("primitives", [reference, cuda])
def test_an_order_without_batches_is_refused(primitives):
    for shape in ((3,), (0, 3)):
        with pytest.raises(mg.MiniganError, match=r"a schedule of shape .*, expected \(batches, samples\)"):
            primitives.point_batch(np.zeros((3, 2)), np.zeros(shape, np.int32), number(0))


def test_a_data_set_of_more_than_2_gib_is_no_problem():
    """A large folder of images is: 200,000 of 64×64. Only the pages of the last ones are ever touched."""
    pixels = np.zeros((2**21 + 3, 1, 32, 32), np.uint8)
    pixels[-2:] = 255
    order = np.array([[2**21 + 1, 0, 2**21 + 2]], np.int32)
    found = cuda.image_batch(pixels, order, number(0), "float32")
    assert (found[0] == 1).all() and (found[1] == -1).all() and (found[2] == 1).all()
