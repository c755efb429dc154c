"""The recipe gan, small enough for a test."""

import dataclasses

from minigan.gans import find_recipe


def small(**changes):
    return dataclasses.replace(find_recipe("gan"), **{"hidden": (16,), "latent": 5, "batch_size": 20} | changes)
