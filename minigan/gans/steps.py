"""The GAN step, to be read from top to bottom."""

from typing import NamedTuple

from .. import nn, ops
from ..tensor import Tensor
from .losses import LOSSES, gradient_penalty, r1_penalty


class StepResult(NamedTuple):
    """What a step leaves to look at: both losses (one number each) and D's raw outputs (n, 1) before its last update."""

    d_loss: Tensor
    g_loss: Tensor
    real_output: Tensor
    fake_output: Tensor


def gan_step(recipe, networks, optimizers, reals, noise):
    """One step of Goodfellow et al. 2014, Algorithm 1: k updates of D, then one of G against the new D.

    `networks` and `optimizers` are (G, D) and theirs; `reals` are k batches of real images (n, …), as Tensors; `noise` draws
    random numbers (a minigan.random.Generator). G's update is on the z of D's last, so that G need not run again.
    """
    G, D = networks
    optimizer_g, optimizer_d = optimizers

    for real in reals:
        # Descend D's loss: real images are real, generated ones are not. G is only a source of images here.
        fake = G(draw_z(recipe, noise, len(real)))
        d_loss, real_output, fake_output = update_d(recipe, D, optimizer_d, real, fake.detach(), noise)

    # Descend G's loss: D should take the generated images for real. The gradient flows through D, and D stays.
    with D.frozen():
        g_loss = LOSSES[recipe.loss].generator(D(fake), recipe.labels)
    optimizer_g.zero_grad()
    g_loss.backward()
    optimizer_g.step()

    return StepResult(d_loss.detach(), g_loss.detach(), real_output.detach(), fake_output.detach())


def update_d(recipe, D, optimizer_d, real, fake, noise):
    """One update of D on a batch of real images and one of fakes (constants, to it).

    Returns D's loss, and its outputs (n, 1) on both before the update.
    """
    loss = LOSSES[recipe.loss]
    real_output, fake_output = verdicts(D, real, fake)
    d_loss = loss.discriminator(real_output, fake_output, recipe.labels)
    if loss.penalised:
        share = noise.uniform((len(real),) + (1,) * (real.ndim - 1))
        d_loss = d_loss + recipe.penalty * gradient_penalty(D, real, fake, share)
    if recipe.r1:
        d_loss = d_loss + recipe.r1 * r1_penalty(D, real)
    optimizer_d.zero_grad()
    d_loss.backward()
    optimizer_d.step()
    if loss.clips:
        optimizer_d.clamp(recipe.clip)
    return d_loss, real_output, fake_output


def draw_z(recipe, noise, count):
    """Noise for `count` images: uniform in [−1, 1), or normal."""
    shape = count, recipe.latent
    return noise.normal(shape) if recipe.noise == "normal" else noise.uniform(shape, -1.0, 1.0)


def verdicts(D, real, fake):
    """D's outputs on both batches, from a single pass: twice the rows make the same numbers in fewer, faster products.

    A batch norm takes its statistics over all that it is given, so a D with one gets each batch by itself.
    """
    if any(isinstance(module, nn.BatchNorm) for module in D.modules().values()):
        return D(real), D(fake)
    output = D(ops.concat((real, fake)))
    return ops.rows(output, 0, len(real)), ops.rows(output, len(real), len(output))
