"""What D and G minimise, from D's raw outputs on a real and on a generated batch.

Goodfellow et al. 2014, eq. 1:   min_G max_D  E ln D(x) + E ln(1 − D(G(z))),   D = σ(logit)

D maximises it: with logits, that is minimising the sigmoid cross entropy of "real is 1, fake is 0". `labels` are a, b and c of
Mao et al. 2017: what D should say of fakes, what of real images, and what G wants D to say of its fakes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .. import ops
from ..tensor import Tensor, grad


@dataclass(frozen=True)
class Loss:
    """A pair of losses. `discriminator(real, fake, labels)` and `generator(fake, labels)` map D's outputs (n, 1) to one number.

    `is_logit` says whether σ of D's output is its probability of "real"; else the output itself is D's verdict.
    `clips`: after each of its updates D's weights are clipped. `penalised`: D's loss has gradient_penalty in it.
    """

    discriminator: Callable
    generator: Callable
    source: str
    is_logit: bool = False
    clips: bool = False
    penalised: bool = False


def cross_entropy_discriminator(real, fake, labels):
    """−E ln D(x) − E ln(1 − D(G(z))). A label b below 1 smooths, on one side: Salimans et al. 2016, section 3.4."""
    a, b, _ = labels
    return ops.sigmoid_cross_entropy(real, b).mean() + ops.sigmoid_cross_entropy(fake, a).mean()


def heuristic_generator(fake, labels):
    """−E ln D(G(z)): the same fixed point as minimax, but a strong gradient while D is sure of itself (section 3)."""
    _, _, c = labels
    return ops.sigmoid_cross_entropy(fake, c).mean()


def minimax_generator(fake, labels):
    """E ln(1 − D(G(z))): eq. 1 as it stands. Its gradient vanishes where D rejects the fakes."""
    a, _, _ = labels
    return -ops.sigmoid_cross_entropy(fake, a).mean()


def least_squares_discriminator(real, fake, labels):
    """½ E (D(x) − b)² + ½ E (D(G(z)) − a)²: Mao et al. 2017, eq. 2."""
    a, b, _ = labels
    return 0.5 * (ops.least_squares(real, b).mean() + ops.least_squares(fake, a).mean())


def least_squares_generator(fake, labels):
    """½ E (D(G(z)) − c)²: Mao et al. 2017, eq. 2. With (a, b, c) = (−1, 1, 0) it is the Pearson χ² divergence (eq. 8)."""
    _, _, c = labels
    return 0.5 * ops.least_squares(fake, c).mean()


def wasserstein_discriminator(real, fake, labels):
    """E D(G(z)) − E D(x): minus the earth mover's distance, were D any 1-Lipschitz function. Arjovsky et al. 2017, eq. 2."""
    return fake.mean() - real.mean()


def wasserstein_generator(fake, labels):
    """−E D(G(z)): Arjovsky et al. 2017, Algorithm 1."""
    return -fake.mean()


CROSS_ENTROPY = {"discriminator": cross_entropy_discriminator, "is_logit": True}
WASSERSTEIN = {"discriminator": wasserstein_discriminator, "generator": wasserstein_generator}

LOSSES = {
    "heuristic": Loss(generator=heuristic_generator, source="Goodfellow et al. 2014, section 3", **CROSS_ENTROPY),
    "minimax": Loss(generator=minimax_generator, source="Goodfellow et al. 2014, eq. 1", **CROSS_ENTROPY),
    "least-squares": Loss(least_squares_discriminator, least_squares_generator, "Mao et al. 2017, eq. 2"),
    "wasserstein": Loss(source="Arjovsky et al. 2017, Algorithm 1", clips=True, **WASSERSTEIN),
    "wasserstein-gp": Loss(source="Gulrajani et al. 2017, Algorithm 1", penalised=True, **WASSERSTEIN),
}


def squared_slopes(D, x):
    """‖∇D(x)‖² of each sample x, (n,), as part of the graph: differentiating it differentiates D twice."""
    x = Tensor(x.data, x.device, requires_grad=True)
    (slope,) = grad(D(x).sum(), [x], create_graph=True)
    return (slope * slope).reshape((len(x), -1)).sum(axis=1)


def gradient_penalty(D, real, fake, share):
    """E (‖∇D(x̂)‖ − 1)² between the two: x̂ = εx + (1 − ε)G(z). Gulrajani et al. 2017, eq. 3.

    `real` and `fake` (n, …) are constants; `share` is ε, uniform in [0, 1), one for each pair: (n, 1, …).
    """
    slopes = (squared_slopes(D, share * real + (1 - share) * fake) + 1e-12).sqrt()  # √ has no derivative at 0
    return ops.least_squares(slopes, 1.0).mean()


def r1_penalty(D, real):
    """½ E ‖∇D(x)‖² on the real images: D should be flat where the data are. Mescheder et al. 2018, eq. 9, R₁."""
    return 0.5 * squared_slopes(D, real).mean()
