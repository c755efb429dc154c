"""Sums over axes: the launches of kernels/reduce.cu."""

from math import prod

from .. import shapes
from ..errors import LaunchError
from .launch import BLOCK, EMULATOR, WARP, Plan, declare, empty, is_chosen, launch, pick, target_of

_PARAMETERS = (
    "const real* x, real* y, int outputs, int terms, int k1, int ks0, int ks1, int r1, int rs0, int rs1, real scale"
)
declare("reduce.cu", "sum", _PARAMETERS, ("v1", "v2", "v3"))
declare("reduce.cu", "sum", f"{_PARAMETERS}, int share", ("v4",))
declare("reduce.cu", "sum_columns", _PARAMETERS)

FULL = 8  # blocks of 256 threads that a multiprocessor holds at once; an older one holds fewer
LEAST_SHARE = 4096  # terms that are worth a block of their own: 16 floats a thread, its four loads in flight


def columns_pay(outputs, terms, neighbours, target):
    """Whether one thread an output is the quickest. `neighbours`: whether outputs that lie side by side read side by side.

    Sums shorter than a warp leave its lanes nothing to share. And what blocks would pick out of rows, a number out of each
    sector of eight, threads side by side read whole: if four warps of them for every multiprocessor keep enough loads in
    flight.
    """
    return terms < WARP or (neighbours and outputs >= 4 * WARP * target.multiprocessors)


def plans(shape, axes, scale=1.0, target=EMULATOR):
    """The launches for sums of `shape` over `axes`, times `scale`: one; or where few sums have very many terms several blocks
    share each of them, and a second launch adds up what they found."""
    steps = shapes.strides(shape, shape)
    kept = _two_axes([axis for axis in range(len(shape)) if axis not in axes], shape, steps)
    summed = _two_axes(axes, shape, steps)
    outputs, terms = prod(kept[0]), prod(summed[0])
    numbers = dict(
        outputs=outputs,
        terms=terms,
        k1=kept[0][1],
        ks0=kept[1][0],
        ks1=kept[1][1],
        r1=max(summed[0][1], 1),
        rs0=summed[1][0],
        rs1=summed[1][1],
        scale=scale,
    )
    block = (BLOCK, 1, 1)
    if columns_pay(outputs, terms, kept[1][1] == 1, target) and not is_chosen("sum"):
        return (Plan(pick("sum_columns")[1], (-(-outputs // BLOCK), 1, 1), block, numbers),)
    version, kernel = pick("sum", "v4", target)
    if version == "v1":
        return (Plan(kernel, (-(-outputs * terms // BLOCK), 1, 1), block, numbers),)
    if version != "v4":
        return (Plan(kernel, (outputs, 1, 1), block, numbers),)
    parts = max(1, min(FULL * target.multiprocessors // max(outputs, 1), terms // LEAST_SHARE))
    share = max(1, -(-terms // (parts * WARP * target.pack))) * WARP * target.pack
    parts = max(1, -(-terms // share))
    block = (min(BLOCK, share // target.pack), 1, 1)
    last = plans((outputs, parts), (1,), scale, target) if parts > 1 else ()
    numbers |= dict(share=share, scale=1.0 if last else scale)
    return (Plan(kernel, (outputs, parts, 1), block, numbers), *last)


def _two_axes(axes, shape, steps):
    """((length, length), (stride, stride)) of the named axes, merged where they are walked as one."""
    lengths, (steps,) = shapes.collapse([shape[axis] for axis in axes], [steps[axis] for axis in axes])
    if len(lengths) > 2:
        raise LaunchError(f"kernel sum: axes {tuple(axes)} of shape {shape} do not merge into two")
    front = 2 - len(lengths)
    return (1,) * front + tuple(lengths), (0,) * front + tuple(steps)


def _sum(x, axes, shape, scale=1.0):
    *parts, last = plans(x.shape, axes, scale, target_of(x))
    for plan in parts:
        found = empty(plan.grid[:2], like=x)
        launch(plan, x=x, y=found)
        x = found
    y = empty(shape, like=x)
    if (
        last.kernel.name == "sum_v1"
    ):  # it adds to what is there. Sums of no terms are zero, by a launch, which a graph records
        nothing = last.numbers | {"terms": 0, "r1": 1}
        launch(Plan(pick("sum_columns")[1], (-(-y.size // BLOCK), 1, 1), (BLOCK, 1, 1), nothing), x=x, y=y)
    launch(last, x=x, y=y)
    return y


def sum(x, axes=None, keepdims=False):
    """y = Σ x over `axes` (None: all of them); 0 where nothing is summed.

    Shapes: x any → x's shape without the axes, or with them as 1 under `keepdims`. Raises MiniganError for an axis
    that x does not have.
    """
    axes = shapes.axes(x.shape, axes)
    return _sum(x, axes, shapes.reduced(x.shape, axes, keepdims))


def mean(x, axes=None, keepdims=False):
    """y = Σ x / (number of terms) over `axes` (None: all of them).

    Shapes: x any → x's shape without the axes, or with them as 1 under `keepdims`. Raises MiniganError for an axis
    that x does not have, or an empty x.
    """
    terms = shapes.mean_terms(x.shape, axes)
    axes = shapes.axes(x.shape, axes)
    return _sum(x, axes, shapes.reduced(x.shape, axes, keepdims), 1 / terms)


def sum_to(x, shape):
    """y = x summed over every axis along which `shape` would be repeated to x's. The adjoint of broadcast_to.

    Shapes: x any, `shape` broadcasts to x's → shape. Raises MiniganError where it does not.
    """
    return _sum(x, shapes.broadcast_axes(shape, x.shape), shape)
