"""A batch out of the whole data set, by a schedule that lies beside it on the device: kernels/batch.cu."""

from math import prod

from .. import shapes
from .elements import elementwise, launch_elements
from .launch import empty
from .versions import enter

_PLACE = "const int* schedule, const uint64* number, real* y, int n, int samples, int batches, int size"
PARAMETERS = {
    "image_batch": f"const unsigned char* pixels+, {_PLACE}",
    "point_batch": f"const real* points+, {_PLACE}",
}
VERSIONS = enter("batch", elementwise("batch.cu", PARAMETERS))


def image_batch(pixels, schedule, number, dtype):
    """As `minigan.reference.image_batch`. A thread a pixel: it looks up its image, and scales on the way."""
    return _gather("image_batch", schedule, number, dtype, pixels=pixels)


def point_batch(points, schedule, number):
    """As `minigan.reference.point_batch`. A thread a coordinate."""
    return _gather("point_batch", schedule, number, points.dtype, points=points)


def _gather(name, schedule, number, dtype, **data):
    (shape,) = (samples_of_all.shape[1:] for samples_of_all in data.values())
    batches, samples = shapes.batch(schedule.shape)
    y = empty((samples, *shape), number, dtype)
    arrays = dict(y=y, schedule=schedule, number=number, **data)
    launch_elements(name, y.size, arrays, samples=samples, batches=batches, size=prod(shape))
    return y
