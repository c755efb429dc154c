"""A batch out of the whole data set, by a schedule that lies beside it on the device: the truth."""

from .. import shapes


def image_batch(pixels, schedule, number, dtype):
    """y = the images that row number[0] mod m of `schedule` names, as a net sees them: 2/255 p − 1, in [−1, 1].

    Shapes: pixels p uint8 (count, …), schedule int32 (m, n), number (1,) uint64, all on the device → (n, …). Raises MiniganError
    where schedule is not a matrix with rows.
    """
    return 2 / 255 * pixels[_named(schedule, number)].astype(dtype) - 1


def point_batch(points, schedule, number):
    """y = the points that row number[0] mod m of `schedule` names.

    Shapes: points (count, …), schedule int32 (m, n), number (1,) uint64, all on the device → (n, …). Raises MiniganError where
    schedule is not a matrix with rows.
    """
    return points[_named(schedule, number)]


def _named(schedule, number):
    shapes.batch(schedule.shape)
    return schedule[int(number[0]) % len(schedule)]
