"""A recipe's networks, losses and step in PyTorch, as its users write them: what a training step is measured against."""

import torch
from torch import nn
from torch.nn import functional

from .. import shapes


class Conv(nn.Module):
    """Convolution with explicit padding, which may be uneven."""

    def __init__(self, weight, bias, stride, padding):
        super().__init__()
        self.weight, self.bias, self.stride, self.padding = weight, bias, shapes.pair("stride", stride), padding

    def forward(self, x):
        (top, bottom), (left, right) = shapes.explicit_padding(
            self.padding, x.shape[2:], self.weight.shape[2:], self.stride
        )
        if (top, left) != (bottom, right):
            x, top, left = functional.pad(x, (left, right, top, bottom)), 0, 0
        return functional.conv2d(x, self.weight, self.bias, self.stride, (top, left))


class Deconv(Conv):
    """Transposed convolution to `stride` times the size."""

    def forward(self, x):
        size = tuple(length * step for length, step in zip(x.shape[2:], self.stride))
        (top, _), (left, _) = shapes.explicit_padding(self.padding, size, self.weight.shape[2:], self.stride)
        y = functional.conv_transpose2d(x, self.weight, self.bias, self.stride, (top, left))
        return y[:, :, : size[0], : size[1]]


class Dense(nn.Module):
    def __init__(self, weight, bias):
        super().__init__()
        self.weight, self.bias = weight, bias

    def forward(self, x):
        return functional.linear(x, self.weight.t(), self.bias)


class SpectralNorm(nn.Module):
    """A layer whose weights are divided by their largest singular value, after a step of the power iteration. (PyTorch's own
    iterates in another sequence, and could not be compared with ours to the last digits.)
    """

    def __init__(self, layer, u):
        super().__init__()
        self.layer = layer
        self.register_buffer("u", u.clone())

    def forward(self, x):
        matrix = self.layer.weight.flatten(1)
        with torch.no_grad():
            v = functional.normalize(self.u @ matrix)
            self.u.copy_(functional.normalize(v @ matrix.t()))
        sigma = self.u.clone() @ matrix @ v.t()
        return torch.func.functional_call(self.layer, {"weight": self.layer.weight / sigma}, (x,))


class BatchNorm(nn.Module):
    def __init__(self, gamma, beta, momentum, epsilon):
        super().__init__()
        self.gamma, self.beta, self.momentum, self.epsilon = gamma, beta, momentum, epsilon
        for name, start in (("mean", torch.zeros_like), ("variance", torch.ones_like)):
            self.register_buffer(name, start(gamma.detach()))

    def forward(self, x):
        running = self.mean, self.variance
        return functional.batch_norm(x, *running, self.gamma, self.beta, True, self.momentum, self.epsilon)


def network(ours):
    """A Sequential of ours with the same weights, copied."""
    return nn.Sequential(*map(_layer, ours.layers))


def _layer(ours):
    kind = type(ours).__name__
    own = {name: nn.Parameter(torch.from_dlpack(each.data).clone()) for name, each in ours.named_parameters().items()}
    makers = {
        "Dense": lambda: Dense(own["weight"], own["bias"]),
        "Conv2d": lambda: Conv(own["weight"], own["bias"], ours.stride, ours.padding),
        "ConvTranspose2d": lambda: Deconv(own["weight"], own["bias"], ours.stride, ours.padding),
        "SpectralNorm": lambda: SpectralNorm(_layer(ours.layer), torch.from_dlpack(ours.buffers["u"])),
        "BatchNorm": lambda: BatchNorm(own["gamma"], own["beta"], ours.momentum, ours.epsilon),
        "MaxPool2d": lambda: nn.MaxPool2d(ours.window, ours.stride),
        "Reshape": lambda: nn.Unflatten(1, ours.shape),
        "Flatten": nn.Flatten,
        "LeakyReLU": lambda: nn.LeakyReLU(ours.slope),
        "ReLU": nn.ReLU,
        "Tanh": nn.Tanh,
    }
    return makers[kind]()


def optimizer(recipe, parameters):
    """The recipe's, in one fused launch where PyTorch has that, and with its count on the device."""
    parameters = list(parameters)
    on_gpu = parameters[0].is_cuda
    if recipe.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, recipe.lr, alpha=0.99, eps=1e-8, foreach=True, capturable=on_gpu)
    return torch.optim.Adam(parameters, recipe.lr, (recipe.beta1, recipe.beta2), 1e-8, fused=True, capturable=on_gpu)


def _cross_entropy(output, label):
    return functional.binary_cross_entropy_with_logits(output, torch.full_like(output, label))


def _d_loss(recipe, real, fake):
    a, b, _ = recipe.labels
    if recipe.loss in ("heuristic", "minimax"):
        return _cross_entropy(real, b) + _cross_entropy(fake, a)
    if recipe.loss == "least-squares":
        return 0.5 * ((real - b) ** 2).mean() + 0.5 * ((fake - a) ** 2).mean()
    return fake.mean() - real.mean()


def _g_loss(recipe, fake):
    a, _, c = recipe.labels
    if recipe.loss == "least-squares":
        return 0.5 * ((fake - c) ** 2).mean()
    if recipe.loss.startswith("wasserstein"):
        return -fake.mean()
    return -_cross_entropy(fake, a) if recipe.loss == "minimax" else _cross_entropy(fake, c)


def _squared_slopes(discriminator, x):
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return slope.square().flatten(1).sum(1)


class TorchGan:
    """The same training in PyTorch. `data` is the whole data set as it is stored, on the device."""

    def __init__(self, recipe, networks, data):
        self.recipe, self.data = recipe, data
        self.G, self.D = self.networks = tuple(map(network, networks))
        self.optimizer_g, self.optimizer_d = (optimizer(recipe, each.parameters()) for each in self.networks)
        self.averages = [each.detach().clone() for each in (*self.G.parameters(), *self.G.buffers())]

    def batch(self):
        """A batch of real samples, in [−1, 1]."""
        drawn = self.data[torch.randint(len(self.data), (self.recipe.batch_size,), device=self.data.device)]
        return drawn.float() / 127.5 - 1 if drawn.dtype == torch.uint8 else drawn

    def draw_z(self):
        shape, device = (self.recipe.batch_size, self.recipe.latent), self.data.device
        return (
            torch.randn(shape, device=device)
            if self.recipe.noise == "normal"
            else torch.rand(shape, device=device) * 2 - 1
        )

    def step(self, reals=None, zs=None, shares=None):
        """One step, as gans/steps.py has it: (D's loss, G's loss). What is random may be given."""
        recipe, updates = self.recipe, recipe_updates(self.recipe)
        for i in range(updates):
            real, z = (reals[i], zs[i]) if reals else (self.batch(), self.draw_z())
            fake = self.G(z)
            d_loss = self._d_loss(real, fake.detach(), shares[i] if shares else None)
            self.optimizer_d.zero_grad(set_to_none=True)
            d_loss.backward()
            self.optimizer_d.step()
            if recipe.loss == "wasserstein":
                with torch.no_grad():
                    torch._foreach_clamp_min_(list(self.D.parameters()), -recipe.clip)
                    torch._foreach_clamp_max_(list(self.D.parameters()), recipe.clip)
        self.D.requires_grad_(False)
        g_loss = _g_loss(recipe, self.D(fake))
        self.optimizer_g.zero_grad(set_to_none=True)
        g_loss.backward()
        self.optimizer_g.step()
        if recipe.average:
            newest = [each.detach() for each in (*self.G.parameters(), *self.G.buffers())]
            torch._foreach_lerp_(self.averages, newest, 1 - recipe.average)
        self.D.requires_grad_(True)
        return d_loss.detach(), g_loss.detach()

    def _d_loss(self, real, fake, share):
        recipe = self.recipe
        if recipe.spectral:  # one step of the power iteration for both
            loss = _d_loss(recipe, *self.D(torch.cat((real, fake))).chunk(2))
        else:
            loss = _d_loss(recipe, self.D(real), self.D(fake))
        if recipe.loss == "wasserstein-gp":
            if share is None:
                share = torch.rand((len(real), *(1,) * (real.ndim - 1)), device=real.device)
            slopes = (_squared_slopes(self.D, share * real + (1 - share) * fake) + 1e-12).sqrt()
            loss = loss + recipe.penalty * (slopes - 1).square().mean()
        if recipe.r1:
            loss = loss + recipe.r1 * 0.5 * _squared_slopes(self.D, real).mean()
        return loss

    def compiled(self):
        """The step with its networks compiled, as a function."""
        torch.compiler.reset()  # what others compiled counts towards a limit
        self.G, self.D = (torch.compile(each, mode="reduce-overhead") for each in self.networks)

        def step():
            torch.compiler.cudagraph_mark_step_begin()
            return self.step()

        return step

    def captured(self):
        """A function that replays the step as one CUDA graph, as PyTorch's documentation does it."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step()
        return graph.replay


def recipe_updates(recipe):
    """Updates of D in a step."""
    return recipe.d_steps[0]
