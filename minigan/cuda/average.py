"""Running averages, in place: the launches of kernels/average.cu."""

from .elements import elementwise, launch_elements
from .versions import enter

PARAMETERS = {
    "moving_average": "real* average, const real* value, const uint64* step, int n, real rest",
    "running_average": "real* running, const real* value, int n, real momentum, real scale",
}
VERSIONS = enter("average", elementwise("average.cu", PARAMETERS, ("v1", "v2")))


def moving_average(average, value, step, decay):
    """As `minigan.reference.moving_average`. v1: a thread an element. v2: 16 bytes a thread, where that fills the chip."""
    arrays = dict(average=average, value=value, step=step)
    launch_elements("moving_average", average.size, arrays, rest=1 - decay)


def running_average(running, value, momentum, scale=1.0):
    """As `minigan.reference.running_average`. v1: a thread an element. v2: 16 bytes a thread, where that fills the chip."""
    launch_elements("running_average", running.size, dict(running=running, value=value), momentum=momentum, scale=scale)
