"""Layers, and Sequential, a network of them: each a Module, which maps a Tensor to a Tensor."""

from math import prod

import numpy as np

from . import init, ops, shapes
from .errors import MiniganError
from .module import Module
from .random import Generator
from .tensor import Tensor, no_grad


def _parameter(tensor):
    tensor.requires_grad = True
    return tensor


def _zeros(size, generator, value=0.0):
    return _parameter(Tensor(generator.device.xp.full(size, value, generator.dtype), generator.device))


def _some_generator():
    return Generator(np.random.default_rng().integers(2**63))


class Dense(Module):
    """y = x W + b. Shapes: (batch, inputs) → (batch, outputs); W (inputs, outputs), b (outputs,), b starts at 0.

    `initial` draws W (see minigan.init); `generator` gives the numbers, the device and the dtype.
    """

    def __init__(self, inputs, outputs, initial=init.glorot_uniform, generator=None):
        generator = generator or _some_generator()
        self.weight, self.bias = _parameter(initial((inputs, outputs), generator)), _zeros(outputs, generator)

    def forward(self, x):
        return self.apply(x, self.weight)

    def apply(self, x, weight):
        """The layer with `weight` in the place of its own."""
        return ops.matmul(x, weight, self.bias)

    def __repr__(self):
        return f"Dense({self.weight.shape[0]}, {self.weight.shape[1]})"


class Conv2d(Module):
    """y = x ∗ w + b. Shapes: (n, inputs, h, w) → (n, outputs, i, j); w (outputs, inputs, window, window), b (outputs,).

    `window` and `stride` are numbers or pairs; `padding` is "same", "valid", a number or ((top, bottom), (left, right)).
    `initial` draws w (see minigan.init); `generator` gives the numbers, the device and the dtype. b starts at 0.
    """

    def __init__(self, inputs, outputs, window, stride=1, padding="same", initial=init.glorot_uniform, generator=None):
        generator = generator or _some_generator()
        self.stride, self.padding = stride, padding
        self.weight = _parameter(initial((outputs, inputs, *shapes.pair("window", window)), generator))
        self.bias = _zeros(outputs, generator)

    def forward(self, x):
        return self.apply(x, self.weight)

    def apply(self, x, weight):
        """The layer with `weight` in the place of its own."""
        return ops.conv2d(x, weight, self.bias, self.stride, self.padding)

    def __repr__(self):
        outputs, inputs, *window = self.weight.shape
        return f"Conv2d({inputs}, {outputs}, {tuple(window)}, stride={self.stride}, padding={self.padding!r})"


class ConvTranspose2d(Module):
    """The transposed convolution, + b. Shapes: (n, inputs, h, w) → (n, outputs, h · stride, w · stride) for padding "same";
    w (inputs, outputs, window, window), b (outputs,). The settings are those of Conv2d.
    """

    def __init__(self, inputs, outputs, window, stride=1, padding="same", initial=init.glorot_uniform, generator=None):
        generator = generator or _some_generator()
        self.stride, self.padding = stride, padding
        self.weight = _parameter(initial((inputs, outputs, *shapes.pair("window", window)), generator))
        self.bias = _zeros(outputs, generator)

    def forward(self, x):
        return ops.conv_transpose2d(x, self.weight, self.bias, self.stride, self.padding)

    def __repr__(self):
        inputs, outputs, *window = self.weight.shape
        return f"ConvTranspose2d({inputs}, {outputs}, {tuple(window)}, stride={self.stride}, padding={self.padding!r})"


class BatchNorm(Module):
    """Every channel to mean β and deviation γ: over the batch in training, by running averages in use.

    Shapes: (n, channels) or (n, channels, h, w) → the same. `momentum` is the share of the newest batch in the running
    averages, of which the variance is unbiased. Source: Ioffe and Szegedy 2015.
    """

    def __init__(self, channels, momentum=0.1, epsilon=1e-5, generator=None):
        generator = generator or _some_generator()
        self.momentum, self.epsilon = momentum, epsilon
        self.gamma, self.beta = _zeros(channels, generator, 1.0), _zeros(channels, generator)
        xp = generator.device.xp
        self.buffers = {
            "running_mean": xp.zeros(channels, generator.dtype),
            "running_variance": xp.ones(channels, generator.dtype),
        }

    def forward(self, x):
        if not self.training:
            return self._use(x)
        y, mean, variance = ops.batch_norm(x, self.gamma, self.beta, self.epsilon)
        count = x.size // x.shape[1]
        average = x.device.primitives.running_average
        average(self.buffers["running_mean"], mean, self.momentum)
        average(self.buffers["running_variance"], variance, self.momentum, count / (count - 1))
        return y

    def _use(self, x):
        shapes.check_batch_norm(x.shape, self.gamma.shape)
        mean, variance = (Tensor(self.buffers[f"running_{name}"], x.device) for name in ("mean", "variance"))
        scale = self.gamma / (variance + self.epsilon).sqrt()
        shift = self.beta - mean * scale
        along = (-1, *(1,) * (len(x.shape) - 2))
        return x * scale.reshape(along) + shift.reshape(along)

    def __repr__(self):
        return f"BatchNorm({self.gamma.shape[0]})"


class SpectralNorm(Module):
    """A Dense or a Conv2d whose w is divided by σ, the largest singular value of the matrix W = w under (w.shape[0], −1).

    σ = u W vᵀ, with u and v as buffers: `generator` draws a first u, each pass in training is one step of the power iteration,
    and in use they stay. Raises MiniganError for any other layer. Source: Miyato et al. 2018, eq. 8 and Algorithm 1; to the
    gradient u and v are constants, which makes it eq. 12.
    """

    def __init__(self, layer, generator):
        # Not a ConvTranspose2d: the paper's W has a row for each output, with all that reaches it, and its w has the
        # inputs in front. So has a Dense, but its w is just Wᵀ, of the same σ.
        if not isinstance(layer, (Dense, Conv2d)):
            raise MiniganError(f"SpectralNorm of {type(layer).__name__}, expected a Dense or a Conv2d")
        self.layer = layer
        matrix = self._matrix()
        u, v = _power_step(generator.normal((1, matrix.shape[0])), matrix)
        self.buffers = {"u": u.data, "v": v.data}

    def forward(self, x):
        return self.layer.apply(x, self.normalised())

    def normalised(self):
        """w / σ; in training, after another step of the power iteration."""
        matrix = self._matrix()
        u, v = self._vectors(matrix.device)
        if self.training:
            u, v = _power_step(u, matrix)
            for name, vector in (("u", u), ("v", v)):  # in place, where a captured step looks for them
                matrix.device.primitives.copy_rows(vector.data, self.buffers[name], 0)
        return self.layer.weight / ops.matmul(ops.matmul(u, matrix), v, None, False, True)

    def _matrix(self):
        return self.layer.weight.reshape((self.layer.weight.shape[0], -1))

    def _vectors(self, device):
        """u and v as copies: the backward of this pass may come when another one has overwritten the buffers."""
        copy = device.primitives.broadcast_to
        return [Tensor(copy(array, array.shape), device) for array in (self.buffers["u"], self.buffers["v"])]

    def __repr__(self):
        return f"SpectralNorm({self.layer!r})"


def _power_step(u, matrix):
    """The next (u, v), nearer to the singular vectors of the largest singular value; constants."""
    with no_grad():
        v = _unit(ops.matmul(u, matrix))
        return _unit(ops.matmul(v, matrix, None, False, True)), v


def _unit(vector):
    return vector / (vector * vector).sum().sqrt()


class MaxPool2d(Module):
    """The largest pixel of each `window`, `stride` (default: `window`) apart."""

    def __init__(self, window, stride=None):
        self.window, self.stride = window, stride

    def forward(self, x):
        return ops.max_pool2d(x, self.window, self.stride)

    def __repr__(self):
        return f"MaxPool2d({self.window}, {self.stride})"


class Upsample(Module):
    """Every pixel repeated `factor` times in both directions."""

    def __init__(self, factor=2):
        self.factor = factor

    def forward(self, x):
        return ops.upsample2d(x, self.factor)

    def __repr__(self):
        return f"Upsample({self.factor})"


class Dropout(Module):
    """In training, every element is 0 with probability `rate`, and the others grow by 1 / (1 − rate); in use, x itself."""

    def __init__(self, rate, generator):
        self.rate, self.generator = rate, generator

    def forward(self, x):
        return ops.dropout(x, self.rate, self.generator) if self.training else x

    def __repr__(self):
        return f"Dropout({self.rate})"


class Reshape(Module):
    """Each sample to `shape`. Shapes: (n, …) → (n, *shape)."""

    def __init__(self, *shape):
        self.shape = shape

    def forward(self, x):
        return x.reshape((x.shape[0], *self.shape))

    def __repr__(self):
        return f"Reshape{self.shape}"


class Flatten(Module):
    """Each sample to one row. Shapes: (n, …) → (n, everything else)."""

    def forward(self, x):
        return x.reshape((x.shape[0], prod(x.shape[1:])))

    def __repr__(self):
        return "Flatten()"


class LeakyReLU(Module):
    """x where x > 0, else slope·x."""

    def __init__(self, slope=0.2):
        self.slope = slope

    def forward(self, x):
        return ops.leaky_relu(x, self.slope)

    def __repr__(self):
        return f"LeakyReLU({self.slope})"


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x):
        return ops.relu(x)

    def __repr__(self):
        return "ReLU()"


class Tanh(Module):
    """tanh x."""

    def forward(self, x):
        return ops.tanh(x)

    def __repr__(self):
        return "Tanh()"


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ)."""

    def forward(self, x):
        return ops.sigmoid(x)

    def __repr__(self):
        return "Sigmoid()"


class Sequential(Module):
    """Modules one after the other; parameters are named by position.

    >>> import minigan as mg
    >>> net = mg.nn.Sequential(mg.nn.Dense(100, 128), mg.nn.LeakyReLU(0.2), mg.nn.Dense(128, 1))
    >>> list(net.named_parameters())
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, *layers):
        self.layers = layers
        for position, layer in enumerate(layers):
            setattr(self, str(position), layer)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def __repr__(self):
        return "Sequential(" + ", ".join(map(repr, self.layers)) + ")"
