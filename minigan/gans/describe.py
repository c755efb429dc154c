"""What a recipe is, as text: its settings, its layers with their shapes, sizes and cost, its source and its repairs."""

import dataclasses
from math import prod

import numpy as np

from .. import nn
from ..random import Generator
from ..tensor import Tensor, no_grad
from .losses import LOSSES
from .networks import build

TOLD_ELSEWHERE = ("name", "preset", "about", "source", "repairs")
PENALTY_PASSES = 6  # of D: its slope, and twice that again to differentiate it


def describe(recipe, shape):
    """The description of a recipe for samples of `shape`, in lines."""
    networks = build(recipe, shape, Generator(0))
    settings = ", ".join(
        f"{field.name} {getattr(recipe, field.name)}"
        for field in dataclasses.fields(recipe)
        if field.name not in TOLD_ELSEWHERE
    )
    lines = [f"{recipe.name}, preset {recipe.preset}", "", recipe.about, ""]
    for name, network, start in zip("GD", networks, ((recipe.latent,), shape)):
        lines += [f"{name}: {_size(start)}", *_table(network, start), ""]
    gflop = step_flops(recipe, networks, shape) / 1e9
    lines += [f"one step: {gflop:.4g} GFLOP, of {_updates(recipe)} on batches of {recipe.batch_size}", ""]
    lines += ["settings: " + settings, "loss: " + LOSSES[recipe.loss].source, "source: " + recipe.source]
    return [*lines, "repairs: " + recipe.repairs] if recipe.repairs else lines


def _table(network, start):
    """One line a layer: what it is, the shape it makes, its parameters and its multiply-adds for one sample."""
    rows = [
        (
            repr(layer),
            _size(shape),
            sum(parameter.size for parameter in layer.parameters()),
            multiply_adds(layer, before, shape),
        )
        for layer, before, shape in walk(network, start)
    ]
    rows.append(("in all", "", *(sum(row[i] for row in rows) for i in (2, 3))))
    width = max(len(row[0]) for row in rows)
    return [
        f"  {what:{width}}  {shape:>13}  {size:>12,} parameters  {adds / 1e6:>10,.3f} M multiply-adds"
        for what, shape, size, adds in rows
    ]


def walk(network, start):
    """(layer, shape before, shape behind) of every layer, for one sample."""
    x = Tensor(np.zeros((1, *start), np.float32), network.parameters()[0].device)
    with no_grad():
        for layer in network.eval().layers:
            before, x = x.shape[1:], layer(x)
            yield layer, before, x.shape[1:]
    network.train()


def multiply_adds(layer, before, behind):
    """Of one forward pass of one sample, padding included."""
    if isinstance(layer, nn.SpectralNorm):
        return multiply_adds(layer.layer, before, behind)
    if isinstance(layer, nn.Dense):
        return layer.weight.size
    if isinstance(layer, nn.Conv2d):
        return layer.weight.size * prod(behind[1:])
    if isinstance(layer, nn.ConvTranspose2d):
        return layer.weight.size * prod(before[1:])
    return 0


def step_flops(recipe, networks, shape):
    """Floating-point operations of one training step's dense and convolutional layers: 2 for a multiply-add.

    An update of D: G forward, D forward and back on both batches, but not into the images. One of G: D forward and back to
    the images, and G back. Back means as much as forward for the weights, and as much again for the inputs.
    """
    costs = [
        [multiply_adds(*layer) for layer in walk(network, start)]
        for network, start in zip(networks, ((recipe.latent,), shape))
    ]
    (g, g_first), (d, d_first) = ((sum(cost), next(filter(None, cost))) for cost in costs)
    of_d = g + 2 * (d + d + d - d_first)
    if recipe.r1 or LOSSES[recipe.loss].penalised:
        of_d += PENALTY_PASSES * d
    of_g = d + d + g + g - g_first
    return 2 * recipe.batch_size * (of_d * sum(recipe.d_steps) / len(recipe.d_steps) + of_g)


def _updates(recipe):
    updates = "update" if recipe.d_steps == (1,) else "updates"
    in_turn = " in turn" if len(recipe.d_steps) > 1 else ""
    return f"{' and '.join(map(str, recipe.d_steps))} {updates} of D{in_turn} and 1 of G"


def _size(shape):
    return "×".join(map(str, shape))
