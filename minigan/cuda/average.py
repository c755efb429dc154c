"""Running averages, in place: the launch of kernels/average.cu."""

from .elements import elementwise, launch_elements
from .versions import enter

PARAMETERS = {"running_average": "real* running, const real* value, int n, real momentum, real scale"}
VERSIONS = enter("average", elementwise("average.cu", PARAMETERS, ("v1", "v2")))


def running_average(running, value, momentum, scale=1.0):
    """As `minigan.reference.running_average`. v1: a thread an element. v2: 16 bytes a thread, where that fills the chip."""
    launch_elements("running_average", running.size, dict(running=running, value=value), momentum=momentum, scale=scale)
