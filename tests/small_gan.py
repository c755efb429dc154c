"""Recipes, small enough for a test."""

import dataclasses

import numpy as np

from minigan import data
from minigan.data.digits import digits
from minigan.gans import find_recipe


def small(**changes):
    """The recipe gan, plain: no penalty, no average, one rate."""
    plain = {"r1": 0.0, "average": 0.0, "steady": 1.0}
    return dataclasses.replace(find_recipe("gan"), **plain | {"hidden": (16,), "latent": 5, "batch_size": 20} | changes)


def drawn_as(recipe):
    """A few drawn digits in the size and the colours that the recipe's data have, or the points themselves."""
    if recipe.data in ("ring", "grid"):
        return data.load(recipe.data)
    pixels, labels = digits(80)
    if recipe.data in ("cifar10", None):
        size = recipe.image_size or 32
        canvas = np.zeros((80, 3, size, size), np.uint8)
        canvas[:, :, :28, :28] = pixels
        pixels = canvas
    return data.Images(recipe.data, pixels, labels)
