"""The networks of the recipes: functions from a recipe to a Sequential."""

import itertools
from math import prod

from .. import nn
from ..tensor import no_grad


def generator(recipe, image_shape, generator):
    """G: noise (n, latent) → pixels (n, channels·height·width) in (−1, 1). `generator` draws the initial weights."""
    widths = (recipe.latent, *recipe.hidden)
    return nn.Sequential(
        *_hidden(widths, recipe.slope, generator),
        nn.Dense(widths[-1], prod(image_shape), generator=generator),
        nn.Tanh(),
    )


def discriminator(recipe, image_shape, generator):
    """D: pixels (n, channels·height·width) in [−1, 1] → one raw output an image, (n, 1): the sigmoid is in the loss."""
    widths = (prod(image_shape), *recipe.hidden)
    return nn.Sequential(*_hidden(widths, recipe.slope, generator), nn.Dense(widths[-1], 1, generator=generator))


def _hidden(widths, slope, generator):
    layers = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Dense(inputs, outputs, generator=generator), nn.LeakyReLU(slope)]
    return layers


def draw_images(generator, z, image_shape):
    """Images (n, *image_shape) in [−1, 1] that G makes of noise z (n, latent), as a NumPy array."""
    with no_grad():
        return generator(z).numpy().reshape(len(z), *image_shape)
