"""Module: what a network and each of its layers is."""

from contextlib import contextmanager
from types import MappingProxyType

import numpy as np

from .devices import array_module
from .devices import device as get_device
from .errors import MiniganError
from .tensor import Tensor


def _to_numpy(array):
    """A copy of a device array."""
    return array.copy() if isinstance(array, np.ndarray) else array.get()


class Module:
    """Anything with parameters. Tensors that require a gradient and are set as attributes are its parameters;
    Modules set as attributes are its children. Both are listed as they were set.

    `buffers` are device arrays that belong to the state but are not trained. In `training` mode, the default, some layers
    behave differently than in use: see `train` and `eval`.
    """

    training = True
    buffers = MappingProxyType({})

    def __call__(self, x):
        return self.forward(x)

    def forward(self, x):
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def named_parameters(self):
        """{"0.weight": Tensor, …} of this module and all below it."""
        named = {}
        for name, value in vars(self).items():
            if isinstance(value, Tensor) and value.requires_grad:
                named[name] = value
            elif isinstance(value, Module):
                named |= {f"{name}.{inner}": parameter for inner, parameter in value.named_parameters().items()}
        return named

    def modules(self):
        """{"0.": Module, …}: this module as "", and all below it."""
        named = {"": self}
        for name, value in vars(self).items():
            if isinstance(value, Module):
                named |= {f"{name}.{inner}": module for inner, module in value.modules().items()}
        return named

    def parameters(self):
        """All parameters as a list, always in the same sequence."""
        return list(self.named_parameters().values())

    def named_buffers(self):
        """{"1.running_mean": array, …} of this module and all below it."""
        return {at + name: array for at, module in self.modules().items() for name, array in module.buffers.items()}

    def train(self, training=True):
        """Switch this module and all below it to training, or to use; returns the module."""
        for module in self.modules().values():
            module.training = training
        return self

    def eval(self):
        """Switch this module and all below it to use; returns the module."""
        return self.train(False)

    def state(self):
        """{name: NumPy array}: a copy of all that `load_state` needs."""
        parameters = {name: parameter.numpy().copy() for name, parameter in self.named_parameters().items()}
        return parameters | {name: _to_numpy(array) for name, array in self.named_buffers().items()}

    def load_state(self, state):
        """Overwrite every parameter and buffer in place. Raises MiniganError where names or shapes differ."""
        parameters, buffers = self.named_parameters(), self.named_buffers()
        everything = parameters | buffers
        if everything.keys() != state.keys():
            raise MiniganError(f"state holds {', '.join(sorted(state))}, expected {', '.join(sorted(everything))}")
        for name, value in everything.items():
            if np.shape(state[name]) != value.shape:
                raise MiniganError(f"state of {name} has shape {np.shape(state[name])}, expected {value.shape}")
        for name, parameter in parameters.items():
            parameter.copy_(state[name])
        for name, array in buffers.items():
            array[...] = array_module(array).asarray(state[name], array.dtype)

    def to(self, device):
        """Move all parameters and buffers to another device, in place; returns the module. Build the optimizer afterwards."""
        for parameter in self.parameters():
            moved = parameter.to(device)
            parameter.data, parameter.device = moved.data, moved.device
        for module in self.modules().values():
            xp = get_device(device).xp
            module.buffers = {name: xp.asarray(_to_numpy(array)) for name, array in module.buffers.items()}
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
