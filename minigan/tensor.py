"""The tape: Tensor, Function and reverse-mode differentiation, readable in one sitting.

Every operation is a Function: a node of a graph that grows while the program runs. A node remembers the tensors
that went in; each tensor remembers the node that made it (its `creator`). Differentiating walks from the result
back to the leaves, newest node first, and asks every node for the product of the arriving gradient with its
Jacobian. Since `Function.backward` is itself written in differentiable operations, that walk can be recorded too:
`grad(..., create_graph=True)` differentiates twice.
"""

import itertools
from contextlib import contextmanager
from numbers import Real
from operator import attrgetter

import numpy as np

from .devices import device as get_device
from .errors import DeviceError, MiniganError

_clock = itertools.count()  # a node is always younger than the nodes that made its inputs
_recording = True


class Tensor:
    """An array on a device that the tape can differentiate through. Made by `minigan.tensor`.

    Attributes
    ----------
    data : the array itself (NumPy on "cpu", CuPy on "cuda"), C-contiguous float32 or float64
    grad : Tensor or None, filled by `backward()` on leaves that have `requires_grad`
    version : one-element list, counted up by every in-place change, shared by all views of the same memory
    """

    __slots__ = ("creator", "data", "device", "grad", "requires_grad", "version")
    __array_ufunc__ = None  # numpy_array * tensor must raise, not build an array of Tensors

    def __init__(self, data, device, requires_grad=False, version=None):
        self.data = data
        self.device = device
        self.requires_grad = requires_grad
        self.version = [0] if version is None else version
        self.grad = None
        self.creator = None

    @property
    def shape(self):
        return self.data.shape

    @property
    def dtype(self):
        return self.data.dtype

    @property
    def size(self):
        return self.data.size

    @property
    def ndim(self):
        return self.data.ndim

    def __len__(self):
        return len(self.data)

    def __repr__(self):
        made = f", creator={type(self.creator).__name__}" if self.creator else ""
        return f"Tensor({self.device.to_numpy(self.data)}, device={str(self.device)!r}{made})"

    def item(self):
        """The value of a one-element tensor as a Python float."""
        return float(self.data.item())

    def numpy(self):
        """The values as a NumPy array: a read-only view on cpu, a copy from another device."""
        return self.device.to_numpy(self.data)

    def detach(self):
        """The same memory, cut off from the graph: a constant."""
        return Tensor(self.data, self.device, version=self.version)

    def to(self, device):
        """A leaf tensor with the same values on another device (this tensor itself if it is there already)."""
        device = get_device(device)
        if device is self.device:
            return self
        if self.creator:
            raise MiniganError("to() moves leaf tensors only: move the inputs before computing, or detach() first")
        return Tensor(device.xp.asarray(self.numpy().copy()), device, self.requires_grad)

    def copy_(self, values):
        """Overwrite a leaf's values in place (from an array or a Tensor of the same shape) and count its version up."""
        if self.creator:
            raise MiniganError("copy_ overwrites leaf tensors only: detach() first")
        values = values.numpy() if isinstance(values, Tensor) else np.asarray(values)
        if values.shape != self.shape:
            raise MiniganError(f"copy_: values of shape {values.shape} into a tensor of shape {self.shape}")
        self.data[...] = self.device.xp.asarray(values, dtype=self.dtype)
        self.version[0] += 1
        return self

    def backward(self, gradient=None, retain_graph=False):
        """Add d(self)/d(leaf), times `gradient`, to the `.grad` of every leaf that this tensor was computed from.

        `gradient` (a Tensor of this shape) may be left out for a one-element tensor: it is 1. The graph is given
        back as it is walked; `retain_graph=True` keeps it for another backward.
        """
        owned = set()
        for leaf, arrived in _differentiate(self, gradient, None, retain_graph, create_graph=False).items():
            if id(arrived.data) in owned:  # two leaves of a sum: each gets a gradient of its own
                copy = arrived.device.primitives.broadcast_to(arrived.data, arrived.shape)
                arrived = Tensor(copy, arrived.device)
            owned.add(id(arrived.data))
            leaf.grad = arrived if leaf.grad is None else leaf.grad + arrived


class Outline:
    """What a node keeps of an input whose values its backward does not read: the shape."""

    __slots__ = ("shape",)

    def __init__(self, shape):
        self.shape = shape

    def __len__(self):
        return self.shape[0]


class Function:
    """One operation: `forward` on arrays, `backward` on Tensors.

    A subclass keeps its settings in its constructor and is then called with Tensors (or plain numbers):
    `LeakyReLU(0.2)(x)`. It writes

        forward(self, *arrays) -> array           through self.primitives, the device's own
        backward(self, gradient) -> gradients     one per input; None where self.wanted says it is not wanted,
                                                  or where the derivative is zero

    `backward` may read self.inputs (the Tensors that went in) and, where `saves_output` is set, self.output.
    `saves_inputs` says whether it reads the inputs' values: those are kept, and may not change in place. Else self.inputs
    holds Outlines, which have a shape only.
    """

    saves_inputs = True
    saves_output = False
    is_view = False  # whether the result looks at the first input's memory: then an in-place change concerns both
    inputs = None  # the Tensors (or Outlines) and numbers that went in; None again once the graph is given back

    def forward(self, *arrays):
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def backward(self, gradient):
        raise MiniganError(f"{type(self).__name__} has no derivative")

    def __call__(self, *inputs):
        device = dtype = None
        arrays, record = [], False
        for value in inputs:
            if not isinstance(value, Tensor):
                arrays.append(_number(self, value))
                continue
            array = value.data
            if device is None:
                device, dtype = value.device, array.dtype
            elif value.device is not device or array.dtype != dtype:
                self._refuse_mixture(inputs)
            arrays.append(array)
            record = record or value.requires_grad
        if device is None:
            raise MiniganError(f"{type(self).__name__} needs at least one Tensor: make one with minigan.tensor(…)")
        self.device, self.primitives = device, device.primitives
        array = self.forward(*arrays)
        # NumPy hands a zero-dimensional result back as a scalar; a Tensor always holds an array.
        result = Tensor(array if array.shape else device.xp.asarray(array), device)
        if self.is_view:
            result.version = inputs[0].version
        if record and _recording:
            self._record(inputs, result)
        return result

    def _record(self, inputs, result):
        if self.inputs is not None:
            raise MiniganError(
                f"{type(self).__name__}: a Function is one node of the graph: make a new one for each call"
            )
        self.order = next(_clock)
        tensors = [value if isinstance(value, Tensor) else None for value in inputs]
        self.inputs = inputs
        if not self.saves_inputs:  # then nothing keeps their memory for this node's sake
            self.inputs = tuple(
                value if tensor is None else Outline(tensor.shape) for value, tensor in zip(inputs, tensors)
            )
        # Where each gradient goes: to the node that made the input, to the leaf itself, or nowhere.
        self.sources = [
            (value.creator or value) if value is not None and value.requires_grad else None for value in tensors
        ]
        self.saved = []  # (the version counter, what it stood at) of all that backward reads
        if self.saves_inputs:
            self.saved = [(value.version, value.version[0]) for value in tensors if value is not None]
        if self.saves_output:
            self._output = result.data, result.version
            self.saved.append((result.version, result.version[0]))
        result.creator, result.requires_grad = self, True

    @property
    def output(self):
        """The result as a Tensor of the graph. Made afresh, so that node and result do not keep each other alive."""
        array, version = self._output
        output = Tensor(array, self.device, requires_grad=True, version=version)
        output.creator = self
        return output

    def _refuse_change(self):
        raise MiniganError(
            f"{type(self).__name__}: a tensor that its backward reads was changed in place after the forward pass "
            f"(inputs: {', '.join(str(getattr(value, 'shape', value)) for value in self.inputs)}): "
            "run the forward pass again before backward"
        )

    def _refuse_mixture(self, inputs):
        kinds = [f"{value.dtype} on {value.device}" for value in inputs if isinstance(value, Tensor)]
        mixed = DeviceError if len({kind.split()[-1] for kind in kinds}) > 1 else MiniganError
        raise mixed(
            f"{type(self).__name__}: operands are {' and '.join(kinds)}: bring them together with .to(device)"
            " or minigan.tensor(…, dtype=…)"
        )


def _number(function, value):
    """A plain number stays a number: it has no dtype of its own and becomes the tensors'."""
    if isinstance(value, Real):
        return float(value)
    kind = type(value).__name__
    raise TypeError(f"{type(function).__name__}: expected a Tensor or a number, got {kind}: minigan.tensor(…)")


def tensor(values, device="cpu", dtype=None, requires_grad=False):
    """A Tensor with a copy of `values` (numbers, nested lists, an array or a Tensor).

    `device`: "cpu", "cuda" or "auto". `dtype`: float32 (the default) or float64; arrays of either keep theirs.
    """
    device = get_device(device)
    values = values.numpy() if isinstance(values, Tensor) else values
    if dtype is None:
        dtype = np.float64 if getattr(values, "dtype", None) == np.float64 else np.float32
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise MiniganError(f"dtype {dtype}: a tensor is float32 or float64")
    data = device.xp.array(values, dtype=dtype, order="C")
    return Tensor(data, device, requires_grad)


@contextmanager
def no_grad():
    """Within this block nothing is recorded: results are constants."""
    with _record_if(False):
        yield


@contextmanager
def _record_if(recording):
    global _recording
    before, _recording = _recording, recording
    try:
        yield
    finally:
        _recording = before


def grad(output, inputs, gradient=None, create_graph=False, retain_graph=None):
    """d(output)/d(input) for each of `inputs`, as a list of Tensors; `.grad` is left alone.

    `create_graph=True` records the derivative itself, so that it can be differentiated again (Gulrajani et al. 2017,
    eq. 3 needs it). `retain_graph` keeps the graph (default: as `create_graph`). An input that `output` was not
    computed from raises; one whose derivative is zero gets zeros.
    """
    inputs = list(inputs)
    for position, value in enumerate(inputs):
        if not isinstance(value, Tensor) or not value.requires_grad:
            raise MiniganError(f"grad: input {position} does not require a gradient")
    retain_graph = create_graph if retain_graph is None else retain_graph
    gradients = _differentiate(output, gradient, inputs, retain_graph, create_graph)
    return [gradients[value.creator or value] for value in inputs]


def _differentiate(output, gradient, targets, retain_graph, create_graph):
    """Walk the graph under `output`, newest node first; returns {leaf or node: gradient}, zeros where it vanishes.

    Gradients are found for `targets` and kept under the node that made each (or the leaf itself); without targets,
    for every leaf.

    A node is younger than everything it was computed from, so taking the newest first is a topological order, and
    needs no recursion.
    """
    if not output.requires_grad:
        raise MiniganError("backward: this tensor was not computed from anything that requires a gradient")
    root = output.creator or output
    nodes = _nodes_under(root)
    met = {root, *(source for node in nodes for source in node.sources if source is not None)}
    if targets is None:
        targets = [source for source in met if isinstance(source, Tensor)]
        useful = met
    else:
        useful = _leading_to(targets, met, nodes)
    kept = {target.creator or target for target in targets}
    gradients = {root: _seed(output, gradient)}
    with _record_if(create_graph):
        for node in nodes:
            arrived = gradients.get(node) if node in kept else gradients.pop(node, None)
            if arrived is not None:
                _pass_on(node, arrived, gradients, useful)
            if not retain_graph:
                node.inputs = node.sources = node._output = None
    wanted = {target.creator or target: target for target in targets}
    return {source: gradients[source] if source in gradients else _zeros_like(wanted[source]) for source in wanted}


def _pass_on(node, arrived, gradients, useful):
    """Ask one node for its inputs' gradients and add each to what has arrived there so far."""
    node.wanted = [source in useful for source in node.sources]
    if True not in node.wanted:
        return
    for version, then in node.saved:
        if version[0] != then:
            node._refuse_change()
    parts = node.backward(arrived)
    parts = parts if isinstance(parts, tuple) else (parts,)
    for value, source, wanted, part in zip(node.inputs, node.sources, node.wanted, parts, strict=True):
        if not wanted or part is None:
            continue
        if part.shape != value.shape:
            raise MiniganError(
                f"{type(node).__name__}.backward returned a gradient of shape {part.shape} for an input of {value.shape}"
            )
        gradients[source] = gradients[source] + part if source in gradients else part


def _nodes_under(root):
    """Every node that a result was computed by, newest first."""
    found, waiting = set(), [root]
    while waiting:
        node = waiting.pop()
        if node is None or isinstance(node, Tensor) or node in found:
            continue
        if node.inputs is None:
            raise MiniganError(
                f"backward: the graph was given back by an earlier backward (at {type(node).__name__}): "
                "pass retain_graph=True to that one, or run the forward pass again"
            )
        found.add(node)
        waiting += node.sources
    return sorted(found, key=attrgetter("order"), reverse=True)


def _leading_to(targets, met, nodes):
    """The targets and every node between them and the output: gradients are computed for these alone."""
    useful = set()
    for position, target in enumerate(targets):
        if (target.creator or target) not in met:
            raise MiniganError(f"grad: output was not computed from input {position} of shape {target.shape}")
        useful.add(target.creator or target)
    for node in reversed(nodes):
        if not useful.isdisjoint(node.sources):
            useful.add(node)
    return useful


def _seed(output, gradient):
    if gradient is None:
        if output.size != 1:
            raise MiniganError(
                f"backward: a tensor of shape {output.shape} has no single gradient: reduce it with .sum() or .mean(), "
                "or pass gradient="
            )
        return Tensor(output.device.xp.ones(output.shape, output.dtype), output.device)
    like = output.shape, output.dtype, output.device
    if not isinstance(gradient, Tensor) or (gradient.shape, gradient.dtype, gradient.device) != like:
        kind = f"{output.dtype} on {output.device}"
        raise MiniganError(f"backward: gradient must be a Tensor of shape {output.shape}, {kind}, got {gradient!r}")
    return gradient


def _zeros_like(value):
    return Tensor(value.device.xp.zeros(value.shape, value.dtype), value.device)
