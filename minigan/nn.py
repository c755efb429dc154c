"""Layers: a Module holds parameters and other modules, and maps a Tensor to a Tensor."""

from contextlib import contextmanager

import numpy as np

from . import init, ops
from .errors import MiniganError
from .random import Generator
from .tensor import Tensor


class Module:
    """Anything with parameters. Tensors that require a gradient and are set as attributes are its parameters;
    Modules set as attributes are its children. Both are found in the order in which they were set.
    """

    def __call__(self, x):
        return self.forward(x)

    def forward(self, x):
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def named_parameters(self):
        """{"0.weight": Tensor, …} of this module and all below it."""
        found = {}
        for name, value in vars(self).items():
            if isinstance(value, Tensor) and value.requires_grad:
                found[name] = value
            elif isinstance(value, Module):
                found |= {f"{name}.{inner}": parameter for inner, parameter in value.named_parameters().items()}
        return found

    def parameters(self):
        """All parameters as a list, in a fixed order."""
        return list(self.named_parameters().values())

    def state(self):
        """{name: NumPy array}: a copy of all that `load_state` needs."""
        return {name: parameter.numpy().copy() for name, parameter in self.named_parameters().items()}

    def load_state(self, state):
        """Overwrite every parameter in place. Raises MiniganError where names or shapes differ."""
        parameters = self.named_parameters()
        if parameters.keys() != state.keys():
            raise MiniganError(f"state holds {', '.join(sorted(state))}, expected {', '.join(sorted(parameters))}")
        for name, parameter in parameters.items():
            if np.shape(state[name]) != parameter.shape:
                raise MiniganError(f"state of {name} has shape {np.shape(state[name])}, expected {parameter.shape}")
        for name, parameter in parameters.items():
            parameter.copy_(state[name])

    def to(self, device):
        """Move all parameters to another device, in place; returns the module. Build the optimizer afterwards."""
        for parameter in self.parameters():
            moved = parameter.to(device)
            parameter.data, parameter.device = moved.data, moved.device
        return self

    @contextmanager
    def frozen(self):
        """Within this block the parameters are constants: gradients flow through the module, none into it."""
        parameters = [parameter for parameter in self.parameters() if parameter.requires_grad]
        for parameter in parameters:
            parameter.requires_grad = False
        try:
            yield self
        finally:
            for parameter in parameters:
                parameter.requires_grad = True


class Dense(Module):
    """y = x W + b. Shapes: (batch, inputs) → (batch, outputs); W (inputs, outputs), b (outputs,), b starts at 0.

    `initial` draws W (see minigan.init); `generator` gives the numbers, the device and the dtype.
    """

    def __init__(self, inputs, outputs, initial=init.glorot_uniform, generator=None):
        generator = generator or Generator(np.random.default_rng().integers(2**63))
        self.weight = initial((inputs, outputs), generator)
        self.bias = Tensor(generator.device.xp.zeros(outputs, generator.dtype), generator.device)
        self.weight.requires_grad = self.bias.requires_grad = True

    def forward(self, x):
        return ops.matmul(x, self.weight, self.bias)

    def __repr__(self):
        return f"Dense({self.weight.shape[0]}, {self.weight.shape[1]})"


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
