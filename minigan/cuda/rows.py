"""Rows put into their place in a larger array: the launch of kernels/rows.cu."""

from math import prod

from .. import shapes
from .elements import elementwise, launch_elements
from .versions import enter

PARAMETERS = {"copy_rows": "const real* x, real* y, const uint64* number?, int n, int start, int slots, int size"}
VERSIONS = enter("rows", elementwise("rows.cu", PARAMETERS))


def copy_rows(x, y, start, number=None):
    """As `minigan.reference.copy_rows`. A thread an element."""
    shapes.check_copy_rows(x.shape, y.shape, start, number is not None)
    slots = 1 if number is None else len(y)
    sizes = dict(start=start * prod(x.shape[1:]), slots=slots, size=y.size // max(slots, 1))
    launch_elements("copy_rows", x.size, dict(x=x, y=y, number=number), **sizes)
