"""The GAN step, to be read from top to bottom."""

from typing import NamedTuple

from .. import ops
from ..tensor import Tensor


class StepResult(NamedTuple):
    """What a step leaves to look at: both losses (one number each) and D's raw outputs (n, 1) before either update."""

    d_loss: Tensor
    g_loss: Tensor
    real_output: Tensor
    fake_output: Tensor


def verdicts(D, real, fake):
    """D's outputs on both batches, from a single pass: twice the rows make the same numbers in fewer, faster products."""
    output = D(ops.concat((real, fake)))
    return ops.rows(output, 0, len(real)), ops.rows(output, len(real), len(output))


def gan_step(networks, optimizers, loss, real, z, real_label=1.0):
    """One step of Goodfellow et al. 2014, Algorithm 1, with k = 1: D learns, then G learns against the new D.

    `networks` and `optimizers` are (G, D) and theirs; `real` (n, pixels) in [−1, 1] and noise `z` (n, latent) are
    Tensors. Both updates use the same z, so G runs forward only once.
    """
    G, D = networks
    optimizer_g, optimizer_d = optimizers

    # Descend D's loss: real images are real, generated ones are not. G is only a source of images here.
    fake = G(z)
    real_output, fake_output = verdicts(D, real, fake.detach())
    d_loss = loss.discriminator(real_output, fake_output, real_label)
    optimizer_d.zero_grad()
    d_loss.backward()
    optimizer_d.step()

    # Descend G's loss: D should take the generated images for real. The gradient flows through D, and D stays.
    with D.frozen():
        g_loss = loss.generator(D(fake))
    optimizer_g.zero_grad()
    g_loss.backward()
    optimizer_g.step()

    return StepResult(d_loss.detach(), g_loss.detach(), real_output.detach(), fake_output.detach())
