"""Sums over axes: the launches of kernels/reduce.cu."""

from math import prod

from .. import shapes
from ..errors import LaunchError
from .launch import BLOCK, Plan, declare, empty, launch, pick

declare(
    "reduce.cu",
    "sum",
    "const real* x, real* y, int outputs, int terms, int k1, int ks0, int ks1, int r1, int rs0, int rs1, real scale",
    ("v1", "v2"),
)


def plan(shape, axes, scale=1.0):
    """Sums of `shape` over `axes`, times `scale`. A block an output pays where outputs are few and sums are long."""
    steps = shapes.strides(shape, shape)
    kept = _two_axes([axis for axis in range(len(shape)) if axis not in axes], shape, steps)
    summed = _two_axes(axes, shape, steps)
    outputs, terms = prod(kept[0]), prod(summed[0])
    version, kernel = pick("sum", "v2" if terms >= BLOCK and outputs < 1024 else "v1")
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
    blocks = -(-outputs // BLOCK) if version == "v1" else outputs
    return Plan(kernel, (blocks, 1, 1), (BLOCK, 1, 1), numbers)


def _two_axes(axes, shape, steps):
    """((length, length), (stride, stride)) of the named axes, merged where they are walked as one."""
    lengths, (steps,) = shapes.collapse([shape[axis] for axis in axes], [steps[axis] for axis in axes])
    if len(lengths) > 2:
        raise LaunchError(f"kernel sum: axes {tuple(axes)} of shape {shape} do not merge into two")
    front = 2 - len(lengths)
    return (1,) * front + tuple(lengths), (0,) * front + tuple(steps)


def _sum(x, axes, shape, scale=1.0):
    y = empty(shape, like=x)
    launch(plan(x.shape, axes, scale), x=x, y=y)
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
