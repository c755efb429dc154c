"""The networks of the recipes: for each name a G and a D, as functions from a recipe to a Sequential.

G maps noise (n, latent) to images (n, channels, height, width) in (−1, 1), D maps images to one raw output each, (n, 1): the
sigmoid is in the loss. A sample may also be a point of the plane, (n, 2), which no tanh bounds.
"""

import itertools
from math import prod

import numpy as np

from .. import init, nn
from ..errors import MiniganError
from ..tensor import Tensor, no_grad, tensor
from .losses import LOSSES

AT_ONCE = 500  # images that a net is given together, in use
# Of all layers, and of D's last one. With that smaller, the tutorial's DCGAN starts at the losses that its text prints.
INITIAL = {
    "glorot": (init.glorot_uniform, init.glorot_uniform),
    "normal": (init.normal(0.02), init.normal(0.02)),
    "truncated": (init.truncated_normal(0.02), init.truncated_normal(0.005)),
}


class _Layers:
    """Makes layers as the recipe wants them: widths scaled, weights drawn, and dense and convolutional ones `bound`."""

    def __init__(self, recipe, weights, bound):
        self.recipe, self.settings = recipe, {"initial": INITIAL[recipe.initial][0], "generator": weights}
        self.bound = bound

    def wide(self, count):
        """So many units or channels, times the recipe's width."""
        return max(1, round(count * self.recipe.width))

    def dense(self, inputs, outputs):
        return self.bound(nn.Dense(inputs, outputs, **self.settings))

    def verdict(self, inputs):
        """D's last layer: one output."""
        return self.bound(nn.Dense(inputs, 1, **self.settings | {"initial": INITIAL[self.recipe.initial][1]}))

    def conv(self, inputs, outputs, window, stride=1, padding="same"):
        return self.bound(nn.Conv2d(inputs, outputs, window, stride, padding, **self.settings))

    def deconv(self, inputs, outputs, window, stride=1):
        return nn.ConvTranspose2d(inputs, outputs, window, stride, **self.settings)

    def norm(self, channels):
        momentum, epsilon = self.recipe.batch_norm
        return nn.BatchNorm(channels, momentum, epsilon, generator=self.settings["generator"])

    def critic_norm(self, channels):
        """Batch norm in D. It ties the samples of a batch together, so a loss that differentiates D by each sample does
        without (Gulrajani et al. 2017, section 4); and spectral norm stands in its place (Miyato et al. 2018, section 2.1).
        """
        without = self.recipe.r1 or self.recipe.spectral or LOSSES[self.recipe.loss].penalised
        return [] if without else [self.norm(channels)]

    def leak(self):
        return nn.LeakyReLU(self.recipe.slope)


def mlp_generator(recipe, shape, layers):
    """Dense layers."""
    widths = recipe.latent, *map(layers.wide, recipe.hidden)
    end = [nn.Tanh(), nn.Reshape(*shape)] if len(shape) == 3 else []
    return *_hidden(widths, layers), layers.dense(widths[-1], prod(shape)), *end


def mlp_discriminator(recipe, shape, layers):
    widths = prod(shape), *map(layers.wide, recipe.hidden)
    return nn.Flatten(), *_hidden(widths, layers), layers.verdict(widths[-1])


def _hidden(widths, layers):
    return [
        layer
        for inputs, outputs in itertools.pairwise(widths)
        for layer in (layers.dense(inputs, outputs), layers.leak())
    ]


def deconv_generator(recipe, shape, layers):
    """Two 5×5 transposed convolutions that each double the image."""
    channels, height, width = _quarter(recipe, shape)
    first, second, units = layers.wide(128), layers.wide(64), layers.wide(128)
    planes = first * height * width
    # Over each unit by itself: none can stay the same for all z, and that is how G collapsed without.
    varied = [layers.norm(planes)] if recipe.g_norm else []
    return (
        layers.dense(recipe.latent, units), layers.leak(),
        layers.dense(units, planes), *varied, layers.leak(), nn.Reshape(first, height, width),
        layers.deconv(first, second, 5, 2), layers.leak(),
        layers.deconv(second, channels, 5, 2), nn.Tanh(),
    )  # fmt: skip


def deconv_discriminator(recipe, shape, layers):
    channels, height, width = _quarter(recipe, shape)
    first, second = layers.wide(64), layers.wide(128)
    return (
        layers.conv(channels, first, 5, 2), layers.leak(),
        layers.conv(first, second, 5, 2), *layers.critic_norm(second), layers.leak(),
        nn.Flatten(), layers.verdict(second * height * width),
    )  # fmt: skip


def pool_generator(recipe, shape, layers):
    """Three 3×3 transposed convolutions, two of which double the image."""
    channels, height, width = _quarter(recipe, shape)
    first, second, third = layers.wide(256), layers.wide(128), layers.wide(64)
    units = first * height * width
    return (
        layers.dense(recipe.latent, units), layers.norm(units), layers.leak(), nn.Reshape(first, height, width),
        layers.deconv(first, second, 3, 2), layers.norm(second), layers.leak(),
        layers.deconv(second, third, 3, 2), layers.norm(third), layers.leak(),
        layers.deconv(third, channels, 3), nn.Tanh(),
    )  # fmt: skip


def pool_discriminator(recipe, shape, layers):
    channels, height, width = shape
    first, second = layers.wide(64), layers.wide(128)
    left = [((length - 2) // 2 - 2) for length in (height, width)]  # 3×3 valid, halved, 3×3 valid
    return (
        layers.conv(channels, first, 3, padding="valid"), layers.leak(), nn.MaxPool2d(2),
        layers.conv(first, second, 3, padding="valid"), layers.leak(),
        nn.Flatten(), layers.verdict(second * prod(left)),
    )  # fmt: skip


def dcgan_generator(recipe, shape, layers):
    """5×5 transposed convolutions: two that double the image, one that does not, and a 7×7 one to the colours."""
    channels, height, width = _quarter(recipe, shape)
    first, rest = layers.wide(128), layers.wide(256)
    return (
        layers.dense(recipe.latent, first * height * width), nn.Reshape(first, height, width),
        layers.norm(first), nn.ReLU(),
        layers.deconv(first, rest, 5, 2), layers.norm(rest), nn.ReLU(),
        layers.deconv(rest, rest, 5, 2), layers.norm(rest), nn.ReLU(),
        layers.deconv(rest, rest, 5), layers.norm(rest), nn.ReLU(),
        layers.deconv(rest, channels, 7), nn.Tanh(),
    )  # fmt: skip


def dcgan_discriminator(recipe, shape, layers):
    channels, height, width = _quarter(recipe, shape)
    first, second, third = layers.wide(64), layers.wide(128), layers.wide(256)
    return (
        layers.conv(channels, first, 5, 2), layers.leak(),
        layers.conv(first, second, 5, 2), *layers.critic_norm(second), layers.leak(),
        layers.conv(second, third, 5), *layers.critic_norm(third), nn.LeakyReLU(recipe.slope / 2),  # as the tutorial has it
        nn.Flatten(), layers.verdict(third * height * width),
    )  # fmt: skip


def dcgan64_generator(recipe, shape, layers):
    """Radford et al. 2016, figure 1: from 4×4 to 64×64 in four transposed convolutions of stride 2. (Filters of 4×4, which the
    stride divides, as in PyTorch's example; the authors' code has 5×5.)
    """
    widths = [layers.wide(count) for count in (1024, 512, 256, 128)]
    blocks = [
        layer
        for inputs, outputs in itertools.pairwise(widths)
        for layer in (layers.deconv(inputs, outputs, 4, 2), layers.norm(outputs), nn.ReLU())
    ]
    return (
        layers.dense(recipe.latent, widths[0] * 16), nn.Reshape(widths[0], 4, 4), layers.norm(widths[0]), nn.ReLU(),
        *blocks,
        layers.deconv(widths[-1], _of_64(shape)[0], 4, 2), nn.Tanh(),
    )  # fmt: skip


def dcgan64_discriminator(recipe, shape, layers):
    widths = [layers.wide(count) for count in (128, 256, 512, 1024)]
    blocks = [
        layer
        for inputs, outputs in itertools.pairwise(widths)
        for layer in (layers.conv(inputs, outputs, 4, 2), *layers.critic_norm(outputs), layers.leak())
    ]
    return (
        layers.conv(_of_64(shape)[0], widths[0], 4, 2), layers.leak(),  # no batch norm on the images themselves
        *blocks,
        nn.Flatten(), layers.verdict(widths[-1] * 16),
    )  # fmt: skip


def sn_dcgan_generator(recipe, shape, layers):
    """Two 4×4 transposed convolutions that each double the image: Miyato et al. 2018, table 3a, two levels less."""
    channels, height, width = _quarter(recipe, shape)
    first, second = layers.wide(128), layers.wide(64)
    return (
        layers.dense(recipe.latent, first * height * width), nn.Reshape(first, height, width),
        layers.norm(first), nn.ReLU(),
        layers.deconv(first, second, 4, 2), layers.norm(second), nn.ReLU(),
        layers.deconv(second, channels, 4, 2), nn.Tanh(),
    )  # fmt: skip


def sn_dcgan_discriminator(recipe, shape, layers):
    """Three 4×4 convolutions that each halve the image: Miyato et al. 2018, table 3b, without those that keep its size."""
    channels, height, width = _quarter(recipe, shape)
    first, second, third = layers.wide(32), layers.wide(64), layers.wide(128)
    return (
        layers.conv(channels, first, 4, 2), layers.leak(),
        layers.conv(first, second, 4, 2), *layers.critic_norm(second), layers.leak(),
        layers.conv(second, third, 4, 2), *layers.critic_norm(third), layers.leak(),
        nn.Flatten(), layers.verdict(third * -(-height // 2) * -(-width // 2)),
    )  # fmt: skip


NETWORKS = {
    "mlp": (mlp_generator, mlp_discriminator),
    "deconv": (deconv_generator, deconv_discriminator),
    "pool": (pool_generator, pool_discriminator),
    "dcgan": (dcgan_generator, dcgan_discriminator),
    "dcgan64": (dcgan64_generator, dcgan64_discriminator),
    "sn-dcgan": (sn_dcgan_generator, sn_dcgan_discriminator),
}


def build(recipe, shape, weights):
    """(G, D) of a recipe for samples of `shape`; `weights` draws them.

    Raises MiniganError for a net or a loss that there is not, and where net and samples do not go together.
    """
    for name, known in (("loss", LOSSES), ("net", NETWORKS), ("initial", INITIAL)):
        if getattr(recipe, name) not in known:
            raise MiniganError(f"unknown {name} {getattr(recipe, name)!r}: choose from {', '.join(known)}")
    if not 0 < recipe.width <= 16:
        raise MiniganError(f"width {recipe.width}: expected a factor above 0 and up to 16")
    spectral = (lambda layer: nn.SpectralNorm(layer, weights)) if recipe.spectral else (lambda layer: layer)
    both = _Layers(recipe, weights, lambda layer: layer), _Layers(recipe, weights, spectral)
    networks = zip(NETWORKS[recipe.net], both)
    return tuple(nn.Sequential(*network(recipe, tuple(shape), layers)) for network, layers in networks)


def draw_samples(generator, z):
    """What G makes of noise z (n, latent) in use, as a NumPy array: images (n, channels, height, width) in [−1, 1]."""
    generator.eval()
    with no_grad():  # in parts: the hidden layers of thousands of images would fill the memory
        starts = range(0, len(z), AT_ONCE)
        samples = [generator(Tensor(z.data[start : start + AT_ONCE], z.device)).numpy() for start in starts]
    generator.train()
    return np.concatenate(samples)


def outputs_on(D, samples):
    """D's raw outputs (n,) in use on samples (n, …), both NumPy arrays."""
    device = D.parameters()[0].device
    D.eval()
    with no_grad():
        starts = range(0, len(samples), AT_ONCE)
        outputs = [D(tensor(samples[start : start + AT_ONCE], device)).numpy()[:, 0] for start in starts]
    D.train()
    return np.concatenate(outputs)


def _quarter(recipe, shape):
    """(channels, height / 4, width / 4) of an image."""
    if len(shape) != 3 or shape[1] % 4 or shape[2] % 4:
        raise MiniganError(
            f"--net {recipe.net} makes images whose sides are multiples of 4, and a sample of {recipe.data} is of shape "
            f"{tuple(shape)}: choose --net mlp"
        )
    return shape[0], shape[1] // 4, shape[2] // 4


def _of_64(shape):
    if len(shape) != 3 or shape[1:] != (64, 64):
        raise MiniganError(
            f"--net dcgan64 makes images of 64×64, and a sample is of shape {tuple(shape)}: choose --net dcgan, or images of "
            "that size (--data FOLDER --image-size 64)"
        )
    return shape
