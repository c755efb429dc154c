"""A batch out of the whole data set, in an order and at a place that lie beside it on the device: kernels/batch.cu."""

from math import prod

from .. import shapes
from .elements import elementwise, launch_elements
from .launch import empty
from .versions import enter

_PLACE = "const int* order, const uint64* number, real* y, int n, int samples, int batches, int size"
PARAMETERS = {
    "image_batch": f"const unsigned char* pixels+, {_PLACE}",
    "point_batch": f"const real* points+, {_PLACE}",
}
VERSIONS = enter("batch", elementwise("batch.cu", PARAMETERS))


def image_batch(pixels, order, number, dtype):
    """y = the images that row number[0] mod m of `order` names, as a net sees them: 2/255 p − 1, in [−1, 1].

    Shapes: pixels p uint8 (count, …), order int32 (m, n), number (1,) uint64, all on the device → (n, …). Raises MiniganError
    where order is not a matrix with rows.
    """
    return _gather("image_batch", order, number, dtype, pixels=pixels)


def point_batch(points, order, number):
    """y = the points that row number[0] mod m of `order` names.

    Shapes: points (count, …), order int32 (m, n), number (1,) uint64, all on the device → (n, …). Raises MiniganError where
    order is not a matrix with rows.
    """
    return _gather("point_batch", order, number, points.dtype, points=points)


def _gather(name, order, number, dtype, **data):
    (shape,) = (samples_of_all.shape[1:] for samples_of_all in data.values())
    batches, samples = shapes.batch(order.shape)
    y = empty((samples, *shape), number, dtype)
    arrays = dict(y=y, order=order, number=number, **data)
    launch_elements(name, y.size, arrays, samples=samples, batches=batches, size=prod(shape))
    return y
