"""Optimizers over one flat arena: all parameters are views into a single array, so a step is a single launch."""

import numpy as np

from .errors import MiniganError


class Arena:
    """One array that holds all parameters end to end, and a second one for their gradients.

    Each parameter's `data` becomes a view into the first, and all share one version counter.
    """

    def __init__(self, parameters):
        first = parameters[0]
        kinds = {(parameter.device, parameter.dtype) for parameter in parameters}
        if len(kinds) > 1:
            raise MiniganError("an optimizer's parameters must share one device and one dtype")
        xp, size = first.device.xp, sum(parameter.size for parameter in parameters)
        self.device, self.version = first.device, [0]
        self.data, self.gradient = xp.empty(size, first.dtype), xp.empty(size, first.dtype)
        self.parameters, self.slices, start = parameters, [], 0
        for parameter in parameters:
            part = slice(start, start + parameter.size)
            self.data[part] = parameter.data.reshape(-1)
            parameter.data = self.data[part].reshape(parameter.shape)
            parameter.version = self.version
            self.slices.append(part)
            start = part.stop

    def gather_gradients(self):
        """Copy every parameter's `.grad` into place. Raises MiniganError where one is missing, or where a parameter has
        since been moved into another optimizer's arena.
        """
        for position, (parameter, part) in enumerate(zip(self.parameters, self.slices)):
            if parameter.version is not self.version:
                raise MiniganError(
                    f"parameter {position} of shape {parameter.shape} belongs to a newer optimizer: use that one"
                )
            if parameter.grad is None:
                raise MiniganError(
                    f"parameter {position} of shape {parameter.shape} has no gradient: call backward() before step()"
                )
            self.device.primitives.copy_rows(parameter.grad.data.reshape(-1), self.gradient, part.start)
        return self.gradient


class Average:
    """The exponential moving average of a module's weights and buffers, in `module`, a second one of the same layers:
    a ← a + s (θ − a), where s is 1 − decay, or larger in the first steps. Source: Karras et al. 2018, Progressive Growing of
    GANs, appendix A.1.

    `followed` is the module that is averaged, `optimizer` the one over its parameters. The average starts as a copy.
    """

    def __init__(self, module, followed, optimizer, decay):
        if not 0 < decay < 1:
            raise MiniganError(f"average {decay}: expected a decay between 0 and 1")
        self.module, self.decay = module, decay
        self.device, self.primitives = optimizer.arena.device, optimizer.primitives
        self.pairs = [(Arena(module.parameters()).data, optimizer.arena.data)]
        self.pairs += zip(module.named_buffers().values(), followed.named_buffers().values())
        for average, value in self.pairs:
            average[...] = value
        self.steps = self.device.xp.zeros(1, np.uint64)

    def update(self):
        """One step nearer to what the weights are now: a launch for them all, and one a buffer."""
        for average, value in self.pairs:
            self.primitives.moving_average(average, value, self.steps, self.decay)
        self.primitives.advance(self.steps, 1)

    def state(self):
        """{name: NumPy array}: a copy of all that `load_state` needs."""
        return self.module.state() | {"steps": self.device.to_numpy(self.steps).copy()}

    def load_state(self, state):
        """Overwrite the averages. Raises MiniganError where names or shapes differ."""
        if np.shape(state.get("steps")) != (1,):
            raise MiniganError(f"average state: expected steps of shape (1,), got {state.get('steps')}")
        self.module.load_state({name: array for name, array in state.items() if name != "steps"})
        self.steps[...] = self.device.xp.asarray(state["steps"], np.uint64)


class Optimizer:
    """Builds the arena; `rate` lives in a one-element array on the device, so that it can change between launches."""

    def __init__(self, parameters, lr):
        parameters = list(parameters)
        if not parameters:
            raise MiniganError("an optimizer needs at least one parameter")
        self.arena = Arena(parameters)
        self.primitives = self.arena.device.primitives
        self.rate = self.arena.device.xp.full(1, lr, self.arena.data.dtype)

    def zero_grad(self):
        """Forget the parameters' gradients."""
        for parameter in self.arena.parameters:
            parameter.grad = None

    def step(self):
        """Change the parameters by their gradients, in place, in one launch."""
        self.update(self.arena.data, self.arena.gather_gradients())
        self.note_change()

    def clamp(self, bound):
        """Every weight into [−bound, bound], in place, in one launch: the critic's clipping (Arjovsky et al. 2017)."""
        self.primitives.clamp(self.arena.data, bound)
        self.note_change()

    def note_change(self):
        """Count the parameters' version up: what was computed from them before cannot be differentiated any more."""
        self.arena.version[0] += 1

    def update(self, data, gradient):
        raise NotImplementedError(f"{type(self).__name__}.update")

    def state(self):
        """{name: NumPy array}: a copy of all that `load_state` needs besides the parameters."""
        return {name: self.arena.device.to_numpy(array).copy() for name, array in self.arrays().items()}

    def load_state(self, state):
        for name, array in self.arrays().items():
            if name not in state or np.shape(state[name]) != array.shape:
                shape = np.shape(state[name]) if name in state else "none"
                raise MiniganError(f"optimizer state {name}: expected shape {array.shape}, got {shape}")
        for name, array in self.arrays().items():
            array[...] = self.arena.device.xp.asarray(state[name], array.dtype)

    def arrays(self):
        """The device arrays that make up the optimizer's state, by name."""
        return {"rate": self.rate}


class SGD(Optimizer):
    """θ ← θ − lr·g."""

    def update(self, data, gradient):
        self.primitives.sgd(data, gradient, self.rate)


class Momentum(Optimizer):
    """Polyak 1964: v ← μv + g, θ ← θ − lr·v. `momentum` is μ."""

    def __init__(self, parameters, lr, momentum=0.9):
        super().__init__(parameters, lr)
        if not 0 <= momentum < 1:
            raise MiniganError(f"Momentum: momentum {momentum}, expected in [0, 1)")
        self.momentum, self.velocity = momentum, self.arena.device.xp.zeros_like(self.arena.data)

    def update(self, data, gradient):
        self.primitives.momentum(data, gradient, self.velocity, self.rate, self.momentum)

    def arrays(self):
        return super().arrays() | {"velocity": self.velocity}


class RMSProp(Optimizer):
    """Tieleman and Hinton 2012, lecture 6e: v ← ρv + (1 − ρ)g², θ ← θ − lr·g / (√v + ε). `rho` is ρ, `eps` is ε."""

    def __init__(self, parameters, lr=5e-5, rho=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        if not 0 <= rho < 1:
            raise MiniganError(f"RMSProp: rho {rho}, expected in [0, 1)")
        self.rho, self.eps, self.second = rho, eps, self.arena.device.xp.zeros_like(self.arena.data)

    def update(self, data, gradient):
        self.primitives.rmsprop(data, gradient, self.second, self.rate, self.rho, self.eps)

    def arrays(self):
        return super().arrays() | {"second": self.second}


class Adam(Optimizer):
    """Kingma and Ba 2015, Algorithm 1. `lr` is α, `betas` are β₁ and β₂, `eps` is ε."""

    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        if not all(0 <= beta < 1 for beta in betas):
            raise MiniganError(f"Adam: betas {betas}, expected each in [0, 1)")
        xp, like = self.arena.device.xp, self.arena.data
        self.betas, self.eps = betas, eps
        self.first, self.second = xp.zeros_like(like), xp.zeros_like(like)
        self.steps = xp.zeros(1, np.uint64)

    def update(self, data, gradient):
        self.primitives.advance(self.steps, 1)
        self.primitives.adam(data, gradient, self.first, self.second, self.steps, self.rate, *self.betas, self.eps)

    def arrays(self):
        return super().arrays() | {"first": self.first, "second": self.second, "steps": self.steps}
