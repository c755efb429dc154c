"""A batch out of the whole data set, in an order and at a place that lie beside it on the device: the truth."""

from .. import shapes


def image_batch(pixels, order, number, dtype):
    """y = the images that row number[0] mod m of `order` names, as a net sees them: 2/255 p − 1, in [−1, 1].

    Shapes: pixels p uint8 (count, …), order int32 (m, n), number (1,) uint64, all on the device → (n, …). Raises MiniganError
    where order is not a matrix with rows.
    """
    return 2 / 255 * pixels[_named(order, number)].astype(dtype) - 1


def point_batch(points, order, number):
    """y = the points that row number[0] mod m of `order` names.

    Shapes: points (count, …), order int32 (m, n), number (1,) uint64, all on the device → (n, …). Raises MiniganError where
    order is not a matrix with rows.
    """
    return points[_named(order, number)]


def _named(order, number):
    shapes.batch(order.shape)
    return order[int(number[0]) % len(order)]
