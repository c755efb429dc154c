"""Sums over axes: the launches of kernels/reduce.cu."""

from dataclasses import dataclass
from math import prod

from .. import shapes
from ..errors import LaunchError
from ..plan import Plan
from .launch import BLOCK, WARP, empty, launch
from .target import target_of
from .versions import Version, declare, enter, pick

_PARAMETERS = (
    "const real* x, real* y, int outputs, int terms, int k1, int ks0, int ks1, int r1, int rs0, int rs1, real scale"
)
V1, V2, V3 = (declare("reduce.cu", f"sum_v{number}", _PARAMETERS) for number in (1, 2, 3))
V4 = declare("reduce.cu", "sum_v4", f"{_PARAMETERS}, int share")
COLUMNS = declare("reduce.cu", "sum_columns_v1", _PARAMETERS)

FULL = 8  # blocks of 256 threads that a multiprocessor holds at once; an older one holds fewer
LEAST_SHARE = 4096  # terms that are worth a block of their own: 16 floats a thread, its four loads in flight


@dataclass(frozen=True)
class Sums:
    """How many sums of how many terms, and whether sums that lie side by side read side by side; `numbers` are the kernels'."""

    outputs: int
    terms: int
    neighbours: bool
    numbers: dict


def sums_of(shape, axes, scale=1.0):
    """The Sums of `shape` over `axes`, times `scale`."""
    steps = shapes.strides(shape, shape)
    kept = _two_axes([axis for axis in range(len(shape)) if axis not in axes], shape, steps)
    summed = _two_axes(axes, shape, steps)
    outputs, terms = prod(kept[0]), prod(summed[0])
    numbers = dict(
        outputs=outputs, terms=terms, k1=kept[0][1], ks0=kept[1][0], ks1=kept[1][1], r1=max(summed[0][1], 1),
        rs0=summed[1][0], rs1=summed[1][1], scale=scale,
    )  # fmt: skip
    return Sums(outputs, terms, kept[1][1] == 1, numbers)


def _two_axes(axes, shape, steps):
    """((length, length), (stride, stride)) of the named axes, merged where they are walked as one."""
    lengths, (steps,) = shapes.collapse([shape[axis] for axis in axes], [steps[axis] for axis in axes])
    if len(lengths) > 2:
        raise LaunchError(f"kernel sum: axes {tuple(axes)} of shape {shape} do not merge into two")
    front = 2 - len(lengths)
    return (1,) * front + tuple(lengths), (0,) * front + tuple(steps)


def default(sums, target):
    """The version for so many sums of so many terms: "columns", one thread a sum, where that is the quickest, else v4.

    Sums shorter than a warp leave its lanes nothing to share. And what blocks would pick out of rows, a number out of each
    sector of eight, threads side by side read whole: if four warps of them for every multiprocessor keep enough loads in
    flight.
    """
    fills = sums.neighbours and sums.outputs >= 4 * WARP * target.multiprocessors
    return "columns" if sums.terms < WARP or fills else "v4"


def plan_columns(sums, *, none=False):
    """One thread a sum; of no terms where there are `none`, which writes zeros."""
    numbers = sums.numbers | ({"terms": 0, "r1": 1} if none else {})
    return Plan(COLUMNS, (-(-sums.outputs // BLOCK), 1, 1), (BLOCK, 1, 1), numbers)


def plan_terms(sums):
    """v1: one thread a term, which adds to what is there."""
    return Plan(V1, (-(-sums.outputs * sums.terms // BLOCK), 1, 1), (BLOCK, 1, 1), sums.numbers)


def plan_blocks(kernel, sums):
    """v2 and v3: a block a sum."""
    return Plan(kernel, (sums.outputs, 1, 1), (BLOCK, 1, 1), sums.numbers)


def plan_shares(sums, target):
    """v4: where few sums have very many terms, several blocks share each of them. What each finds is then to be added up."""
    parts = max(1, min(FULL * target.multiprocessors // max(sums.outputs, 1), sums.terms // LEAST_SHARE))
    share = max(1, -(-sums.terms // (parts * WARP * target.pack))) * WARP * target.pack
    parts = max(1, -(-sums.terms // share))
    numbers = sums.numbers | dict(share=share) | (dict(scale=1.0) if parts > 1 else {})
    return Plan(V4, (sums.outputs, parts, 1), (min(BLOCK, share // target.pack), 1, 1), numbers)


def _by_terms(x, y, sums, target):
    launch(plan_columns(sums, none=True), x=x, y=y)  # zeros to add to, by a launch, which a graph records
    launch(plan_terms(sums), x=x, y=y)


def _by_shares(x, y, sums, target):
    plan = plan_shares(sums, target)
    if plan.grid[1] == 1:
        return launch(plan, x=x, y=y)
    parts = empty(plan.grid[:2], like=x)
    launch(plan, x=x, y=parts)
    _add_up(parts, (1,), y, sums.numbers["scale"])


VERSIONS = enter(
    "reduce",
    {
        "sum": {
            "v1": Version(_by_terms, (COLUMNS, V1)),
            "v2": Version(lambda x, y, sums, target: launch(plan_blocks(V2, sums), x=x, y=y), (V2,)),
            "v3": Version(lambda x, y, sums, target: launch(plan_blocks(V3, sums), x=x, y=y), (V3,)),
            "v4": Version(_by_shares, (V4,)),
            "columns": Version(lambda x, y, sums, target: launch(plan_columns(sums), x=x, y=y), (COLUMNS,)),
        }
    },
)


def _add_up(x, axes, y, scale):
    """y ← the sums of x over `axes`, times `scale`."""
    sums, target = sums_of(x.shape, axes, scale), target_of(x)
    pick("sum", default(sums, target), target)(x, y, sums, target)


def _sum(x, axes, shape, scale=1.0):
    y = empty(shape, like=x)
    _add_up(x, axes, y, scale)
    return y


def sum(x, axes=None, keepdims=False):
    """As `minigan.reference.sum`. v1: a thread a term, by atomics. v2, v3: a block a sum, by a tree and by shuffles. v4: by
    16 bytes, and blocks share long sums. "columns": a thread a sum."""
    axes = shapes.axes(x.shape, axes)
    return _sum(x, axes, shapes.reduced(x.shape, axes, keepdims))


def mean(x, axes=None, keepdims=False):
    """As `minigan.reference.mean`. The launches of `sum`, each of whose threads scales what it writes."""
    terms = shapes.mean_terms(x.shape, axes)
    axes = shapes.axes(x.shape, axes)
    return _sum(x, axes, shapes.reduced(x.shape, axes, keepdims), 1 / terms)


def sum_to(x, shape):
    """As `minigan.reference.sum_to`. The launches of `sum`."""
    return _sum(x, shapes.broadcast_axes(shape, x.shape), shape)
