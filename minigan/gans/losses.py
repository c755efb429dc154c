"""What D and G minimise, from D's raw outputs on a real and on a generated batch.

Goodfellow et al. 2014, eq. 1:   min_G max_D  E ln D(x) + E ln(1 − D(G(z))),   D = σ(logit)

D maximises it: with logits, that is minimising the sigmoid cross entropy of "real is 1, fake is 0".
"""

from collections.abc import Callable
from dataclasses import dataclass

from .. import ops


@dataclass(frozen=True)
class Loss:
    """A pair of losses. `discriminator(real, fake, real_label)` and `generator(fake)` map D's outputs (n, 1) to one number.

    `is_logit` says whether σ of D's output is its probability of "real"; else the output itself is D's verdict.
    """

    discriminator: Callable
    generator: Callable
    is_logit: bool
    source: str


def cross_entropy_discriminator(real, fake, real_label):
    """−E ln D(x) − E ln(1 − D(G(z))). A real_label below 1 smooths: Salimans et al. 2016, section 3.4."""
    return ops.sigmoid_cross_entropy(real, real_label).mean() + ops.sigmoid_cross_entropy(fake, 0.0).mean()


def heuristic_generator(fake):
    """−E ln D(G(z)): the same fixed point as minimax, but a strong gradient while D is sure of itself (section 3)."""
    return ops.sigmoid_cross_entropy(fake, 1.0).mean()


def minimax_generator(fake):
    """E ln(1 − D(G(z))): eq. 1 as it stands. Its gradient vanishes where D rejects the fakes."""
    return -ops.sigmoid_cross_entropy(fake, 0.0).mean()


def least_squares_discriminator(real, fake, real_label):
    """½ E (D(x) − b)² + ½ E (D(G(z)) − a)² with a = 0 and b = real_label: Mao et al. 2017, eq. 2."""
    return 0.5 * (ops.least_squares(real, real_label).mean() + ops.least_squares(fake, 0.0).mean())


def least_squares_generator(fake):
    """½ E (D(G(z)) − c)² with c = 1: Mao et al. 2017, eq. 2."""
    return 0.5 * ops.least_squares(fake, 1.0).mean()


LOSSES = {
    "heuristic": Loss(cross_entropy_discriminator, heuristic_generator, True, "Goodfellow et al. 2014, section 3"),
    "minimax": Loss(cross_entropy_discriminator, minimax_generator, True, "Goodfellow et al. 2014, eq. 1"),
    "least-squares": Loss(least_squares_discriminator, least_squares_generator, False, "Mao et al. 2017, eq. 2"),
}
