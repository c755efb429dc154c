"""The shape rules, in one place: every floor (ops, reference, cuda) asks here, so no two can disagree."""

from math import prod
from operator import index

from .errors import MiniganError


def matmul(a, b, bias, transpose_a, transpose_b):
    """(m, k, n) of op(a) op(b) + bias, from shapes; op(a) is (m, k) and op(b) is (k, n).

    Raises MiniganError where an operand is not a matrix or the inner or bias lengths differ.
    """
    if len(a) != 2 or len(b) != 2:
        raise MiniganError(f"matmul takes two matrices, got shapes {a} and {b}")
    m, k = reversed(a) if transpose_a else a
    k_of_b, n = reversed(b) if transpose_b else b
    if k != k_of_b:
        marks = "ᵀ" if transpose_a else "", "ᵀ" if transpose_b else ""
        raise MiniganError(
            f"matmul: a{marks[0]} of shape {(m, k)} and b{marks[1]} of shape {(k_of_b, n)}: {k} ≠ {k_of_b}"
        )
    if bias is not None and bias != (n,):
        raise MiniganError(f"matmul: bias of shape {bias}, expected {(n,)}")
    return m, k, n


def broadcast(*shapes):
    """The shape that all shapes stretch to by NumPy's rule: aligned at the right, a 1 stretches to any length.

    Raises MiniganError where two lengths differ and neither is 1.
    """
    rank = max(map(len, shapes))
    result = []
    for lengths in zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in shapes)):
        longer = {length for length in lengths if length != 1} or {1}
        if len(longer) > 1:
            raise MiniganError(f"shapes {' and '.join(map(str, shapes))} do not broadcast together")
        result.append(longer.pop())
    return tuple(result)


def broadcast_axes(shape, target):
    """The axes of `target` along which an array of `shape` is repeated. Raises MiniganError where it does not fit."""
    if broadcast(shape, target) != tuple(target):
        raise MiniganError(f"shape {tuple(shape)} does not broadcast to {tuple(target)}")
    aligned = (1,) * (len(target) - len(shape)) + tuple(shape)
    missing = len(target) - len(shape)
    return tuple(axis for axis, length in enumerate(aligned) if axis < missing or length != target[axis])


def axes(shape, axis):
    """`axis` (None for all, an int, or several; negative from the end) as a sorted tuple of axes of `shape`.

    Raises MiniganError for an axis that is out of range or named twice.
    """
    if axis is None:
        return tuple(range(len(shape)))
    named = (index(axis),) if hasattr(axis, "__index__") else tuple(map(index, axis))
    if any(not -len(shape) <= one < len(shape) for one in named):
        raise MiniganError(f"axis {axis} is out of range for shape {tuple(shape)}")
    counted = sorted(one % len(shape) for one in named)  # from the front
    if len(set(counted)) != len(counted):
        raise MiniganError(f"axis {axis} names an axis of shape {tuple(shape)} twice")
    return tuple(counted)


def reduced(shape, axes, keepdims):
    """The shape that is left of `shape` after reducing over `axes`."""
    if keepdims:
        return tuple(1 if axis in axes else length for axis, length in enumerate(shape))
    return tuple(length for axis, length in enumerate(shape) if axis not in axes)


def strides(shape, target):
    """Element strides with which an array of `shape` is read as if it had the shape `target`: 0 where it repeats."""
    repeated = broadcast_axes(shape, target)
    result, step = [], 1
    for axis in reversed(range(len(target))):
        result.append(0 if axis in repeated else step)
        step *= 1 if axis in repeated else target[axis]
    return tuple(reversed(result))


def collapse(shape, *all_strides):
    """Merge neighbouring axes that every operand walks as if they were one: (shape, strides of each operand).

    Two axes merge where, for every operand, one step of the outer equals a whole run of the inner. An elementwise
    kernel over equal shapes becomes one-dimensional, whatever its rank. Axes of length 1 vanish.
    """
    merged = []  # (length, (stride of each operand, …)), outermost first
    for length, steps in zip(shape, zip(*all_strides)):
        if length == 1:
            continue
        if merged and all(outer == inner * length for outer, inner in zip(merged[-1][1], steps)):
            merged[-1] = (merged[-1][0] * length, steps)
        else:
            merged.append((length, steps))
    if not merged:
        merged = [(prod(shape), (0,) * len(all_strides))]
    lengths, steps = zip(*merged)
    return lengths, tuple(zip(*steps))


def leaky_slope(activation):
    """The negative slope that a fused `activation` stands for: None is slope 1, the identity.

    Raises MiniganError for anything but None and ("leaky_relu", slope).
    """
    if activation is None:
        return 1.0
    if (
        isinstance(activation, tuple)
        and len(activation) == 2
        and activation[0] == "leaky_relu"
        and 0 <= activation[1] <= 1
    ):
        return float(activation[1])
    raise MiniganError(f'activation {activation!r}, expected None or ("leaky_relu", slope from 0 to 1)')


def mean_terms(shape, axis):
    """How many terms go into each mean over `axis` of `shape`. Raises MiniganError where there are none."""
    terms = prod(shape[one] for one in axes(shape, axis))
    if not terms:
        raise MiniganError(f"mean over axis {axis} of shape {tuple(shape)}: there is nothing to average")
    return terms


def conv2d(x, w, bias, stride, padding):
    """The shape of conv2d's result, from shapes; x is (n, c, h, w), w is (o, c, kh, kw), bias (o,) or None.

    `stride` is (down, right), `padding` ((top, bottom), (left, right)) in pixels. Raises MiniganError where they do not fit.
    """
    where = f"conv2d: x of shape {tuple(x)}, w of shape {tuple(w)}"
    if len(x) != 4 or len(w) != 4:
        raise MiniganError(f"{where}: expected (n, channels, height, width) and (outputs, channels, height, width)")
    if x[1] != w[1]:
        raise MiniganError(f"{where}: x has {x[1]} channels, w takes {w[1]}")
    if bias is not None and tuple(bias) != (w[0],):
        raise MiniganError(f"{where}: bias of shape {tuple(bias)}, expected {(w[0],)}")
    _check_geometry(where, w, stride, padding)
    size = tuple(
        (length + sum(pads) - taps) // step + 1 for length, taps, step, pads in zip(x[2:], w[2:], stride, padding)
    )
    if min(size) < 1:
        padded = tuple(length + sum(pads) for length, pads in zip(x[2:], padding))
        raise MiniganError(f"{where}: the padded image {padded} is smaller than the filter {tuple(w[2:])}")
    return x[0], w[0], *size


def _check_geometry(where, window, stride, padding):
    try:
        (down, right), ((top, bottom), (left, pads_right)) = stride, padding
        numbers = [index(value) for value in (down, right, top, bottom, left, pads_right)]
    except (TypeError, ValueError):
        raise MiniganError(
            f"{where}: stride {stride} and padding {padding}, expected (2, 2) and ((top, bottom), (left, right))"
        ) from None
    if min(numbers[:2]) < 1 or min(numbers[2:]) < 0 or min(window) < 1:
        raise MiniganError(
            f"{where}: stride {stride} must be at least 1, padding {padding} at least 0, and the window not empty"
        )


def check_conv2d_adjoint(gradient, w, shape, stride, padding):
    """Check that `gradient` is shaped as conv2d's result for x of `shape` and w. Raises MiniganError where it is not."""
    expected = conv2d(shape, w, None, stride, padding)
    if tuple(gradient) != expected:
        raise MiniganError(
            f"conv2d: gradient of shape {tuple(gradient)}, but x of shape {tuple(shape)} and w of shape {tuple(w)} "
            f"with stride {stride} and padding {padding} make {expected}"
        )


def pair(what, value):
    """`value` as (down, right): a whole number for both, or two. Raises MiniganError for others, and for less than 1."""
    try:
        both = (index(value),) * 2 if hasattr(value, "__index__") else tuple(map(index, value))
    except TypeError:
        both = ()
    if len(both) != 2 or min(both) < 1:
        raise MiniganError(f"{what} {value!r}: expected a whole number of at least 1, or two: (down, right)")
    return both


def explicit_padding(padding, size, window, stride):
    """((top, bottom), (left, right)) of `padding`: a number, those pairs, "valid" (none) or "same".

    "same" is TensorFlow's: ⌈length / stride⌉ results along an axis, and an odd pixel of padding goes behind.
    Raises MiniganError for anything else.
    """
    if padding == "valid":
        padding = 0
    if padding == "same":
        total = [max((-(-n // step) - 1) * step + k - n, 0) for n, step, k in zip(size, stride, window)]
        return tuple((pads // 2, pads - pads // 2) for pads in total)
    try:
        (top, bottom), (left, right) = ((padding, padding),) * 2 if hasattr(padding, "__index__") else padding
        numbers = [index(pads) for pads in (top, bottom, left, right)]
    except (TypeError, ValueError):
        numbers = [-1]
    if min(numbers) < 0:
        expected = 'a number of at least 0, ((top, bottom), (left, right)), "same" or "valid"'
        raise MiniganError(f"padding {padding!r}: expected {expected}")
    return (top, bottom), (left, right)


def check_channel_bias(name, bias, shape):
    """Check that `bias` is None or has one number for each channel of (n, c, h, w). Raises MiniganError where not."""
    if bias is not None and tuple(bias) != (shape[1],):
        raise MiniganError(f"{name}: bias of shape {tuple(bias)}, expected {(shape[1],)}")


def check_batch_norm(shape, *of_channels):
    """Check that x is (n, c) or (n, c, h, w) and not empty, and the others are (c,). Raises MiniganError where not."""
    if len(shape) not in (2, 4) or not prod(shape):
        raise MiniganError(
            f"batch_norm: x of shape {tuple(shape)}, expected (n, channels) or (n, channels, h, w), not empty"
        )
    if any(tuple(values) != (shape[1],) for values in of_channels):
        given = ", ".join(str(tuple(values)) for values in of_channels)
        raise MiniganError(
            f"batch_norm: x of shape {tuple(shape)} with {given}: expected {(shape[1],)} for each channel"
        )


def pool2d(x, window, stride):
    """The shape that is left of (n, c, h, w) when windows of a size, `stride` apart, become one pixel each.

    Raises MiniganError where no window fits.
    """
    where = f"pool2d: x of shape {tuple(x)}, window {window}, stride {stride}"
    if len(x) != 4:
        raise MiniganError(f"{where}: expected (n, channels, height, width)")
    _check_geometry(where, window, stride, ((0, 0), (0, 0)))
    if any(length < taps for length, taps in zip(x[2:], window)):
        raise MiniganError(f"{where}: the image is smaller than the window")
    return *x[:2], *((length - taps) // step + 1 for length, taps, step in zip(x[2:], window, stride))


def check_pool2d_adjoint(gradient, shape, window, stride):
    """Check that `gradient` is shaped as a pooled image of `shape`. Raises MiniganError where it is not."""
    expected = pool2d(shape, window, stride)
    if tuple(gradient) != expected:
        raise MiniganError(
            f"pool2d: gradient of shape {tuple(gradient)}, but x of shape {tuple(shape)} with window {window} and stride "
            f"{stride} makes {expected}"
        )


def check_same_pixels(name, values, where, shape):
    """Check that (n, c, i, j) values and indices go together, and with (n, c, h, w). Raises MiniganError where not."""
    if tuple(values) != tuple(where) or len(shape) != 4 or tuple(values[:2]) != tuple(shape[:2]):
        raise MiniganError(
            f"{name}: {tuple(values)} values, {tuple(where)} indices and images of {tuple(shape)} do not go together"
        )


def check_copy_rows(x, y, start, numbered):
    """Raise MiniganError where the rows of an x do not fit into y (into each of y's arrays, if numbered) from `start` on."""
    target = y[1:] if numbered else y
    nowhere = numbered and not y[0]
    if nowhere or not x or not target or x[1:] != target[1:] or not 0 <= start <= target[0] - x[0]:
        raise MiniganError(f"copy_rows: rows of shape {x} do not fit into {target} from row {start} on")


def batch(schedule):
    """(batches, samples of each) of a schedule of batches. Raises MiniganError for anything but (≥ 1, n)."""
    if len(schedule) != 2 or not schedule[0]:
        raise MiniganError(f"a schedule of shape {schedule}, expected (batches, samples), with at least one batch")
    return schedule
