"""Is a derivative right? Compare it with central differences along a random direction.

For loss L(x) = Σ c·f(x) with random weights c, and a random unit direction d,

    (L(x + hd) − L(x − hd)) / 2h  =  ⟨∇L(x), d⟩ + O(h²)

One number proves all entries of the gradient at once: an error in any of them shows, unless it is orthogonal to a
random d, which has probability 0. The difference is taken at h and at h/2. Where the two disagree, a kink (of ReLU,
of |x|) lies between the points, and that direction says nothing; another is drawn.
"""

from dataclasses import dataclass

import numpy as np

from .tensor import Tensor, grad


class GradientError(AssertionError):
    """The derivative differs from central differences: the message holds both, and the inputs."""


@dataclass(frozen=True)
class Report:
    """What was compared: directions tried, the largest relative error, and how many directions met a kink."""

    directions: int
    worst: float
    kinks: int


def gradcheck(fn, inputs, directions=5, step=1e-4, tolerance=1e-6, seed=0):
    """Check the gradient of `fn(*inputs)` (a Tensor of any shape) for every input that requires one.

    `inputs` are float64 Tensors. Returns a Report, or raises GradientError with the inputs and both gradients.
    `tolerance` is relative to the larger of the two derivatives (at least 1e-3).

    >>> import minigan as mg
    >>> x = mg.tensor([0.5, -2.0], dtype="float64", requires_grad=True)
    >>> mg.gradcheck(mg.ops.tanh, [x]).worst < 1e-6
    True
    """
    checked = [value for value in inputs if value.requires_grad]
    if not checked:
        raise ValueError("gradcheck: no input requires a gradient: pass requires_grad=True to minigan.tensor")
    if any(value.dtype != np.float64 for value in inputs):
        raise TypeError("gradcheck: inputs must be float64: differences drown in float32's rounding")
    random = np.random.default_rng(seed)
    output = fn(*inputs)
    weights = random.standard_normal(output.shape)
    weighted = (output * _like(output, weights)).sum()
    gradients = [part.numpy() for part in grad(weighted, checked)]
    worst, passed, kinks = 0.0, 0, 0
    while passed < directions:
        direction = _unit([random.standard_normal(value.shape) for value in checked])
        slope = sum(float(np.sum(part * along)) for part, along in zip(gradients, direction))
        coarse, fine = (_difference(fn, inputs, direction, weights, h) for h in (step, step / 2))
        scale = max(abs(slope), abs(fine), 1e-3)
        if abs(coarse - fine) > tolerance * scale:
            kinks += 1
            if kinks > 20 * directions:
                raise GradientError(
                    f"gradcheck: {kinks} directions met a kink: move the inputs away from it, or"
                    f" choose another step than {step}"
                )
            continue
        error = abs(slope - fine) / scale
        if not error <= tolerance:  # written so that NaN fails
            raise GradientError(_explain(inputs, gradients, fn, weights, step, slope, fine, error))
        worst, passed = max(worst, error), passed + 1
    return Report(directions, worst, kinks)


def _like(tensor, array):
    return Tensor(tensor.device.xp.asarray(array), tensor.device)


def _unit(direction):
    length = np.sqrt(sum(np.sum(part * part) for part in direction))
    return [part / length for part in direction]


def _difference(fn, inputs, direction, weights, h):
    """(L(x + hd) − L(x − hd)) / 2h."""
    along = iter(direction)
    along = [next(along) if value.requires_grad else 0.0 for value in inputs]
    ends = []
    for sign in (1, -1):
        moved = [_like(value, value.numpy() + sign * h * part) for value, part in zip(inputs, along)]
        ends.append(float(np.sum(fn(*moved).numpy() * weights)))
    return (ends[0] - ends[1]) / (2 * h)


def _explain(inputs, gradients, fn, weights, step, slope, fine, error):
    """The message of a failure: the inputs, and element by element the gradient as computed and by differences."""
    lines = [
        f"gradient differs from central differences by {error:.2g}: {slope!r} along a direction, expected {fine!r}"
    ]
    computed = iter(gradients)
    for position, value in enumerate(inputs):
        lines.append(f"input {position} =\n{value.numpy()}")
        if value.requires_grad:
            lines.append(f"its gradient as computed =\n{next(computed)}")
            lines.append(f"its gradient by differences =\n{_all_differences(fn, inputs, position, weights, step)}")
    return "\n".join(lines)


def _all_differences(fn, inputs, position, weights, step):
    """The whole gradient of one input by central differences, an element at a time. Slow: for the message only."""
    result = np.empty(inputs[position].shape)
    for index in np.ndindex(result.shape):
        direction = [np.zeros(value.shape) for value in inputs if value.requires_grad]
        place = sum(value.requires_grad for value in inputs[:position])
        direction[place][index] = 1.0
        result[index] = _difference(fn, inputs, direction, weights, step)
    return result
