"""The second phase of the deconvolution tutorial: how far does D get when it learns on alone?

A copy of the trained D learns against a G that stands still, on fresh fakes; the trained pair stays as it is. Then the copy is
asked about images that nobody has trained on.
"""

import numpy as np
from tqdm import tqdm

from .. import plots
from ..checkpoint import save_json
from ..random import Generator
from ..tensor import Tensor
from .losses import LOSSES
from .networks import build, draw_samples, outputs_on
from .steps import draw_z, update_d
from .training import ALONE_KEYS, Diverged, optimizer

ASKED = 1000  # held-out images, and fakes


def learn_alone(training, held_out, folder):
    """Teach a copy of D for the recipe's alone_epochs and ask it about `held_out` (a data set) and fresh fakes.

    Returns {"real": share of the held-out images taken for real, "fake": share of fakes taken for fakes, "asked": of each}; the
    folder gets that as alone.json, and side-by-side.png: generated beside held-out images.
    """
    recipe = training.recipe
    noise = Generator(ALONE_KEYS + training.seed, training.device, training.dtype)
    D = _copy(training, noise)
    outputs = _teach(D, training, noise)
    fakes = draw_samples(training.generator, draw_z(recipe, noise, ASKED))
    reals = held_out.batch(np.arange(min(ASKED, len(held_out))), training.dtype)
    # D's own border between real and fake: a logit of 0, else halfway between its last verdicts on either kind.
    border = 0.0 if LOSSES[recipe.loss].is_logit else np.mean(outputs)
    on_reals, on_fakes = (outputs_on(D, images) for images in (reals, fakes))
    result = {
        "real": float((on_reals > border).mean()), "fake": float((on_fakes <= border).mean()), "asked": len(reals),
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    save_json(folder / "alone.json", result)
    pictures = [folder / "generated.png", folder / "held-out.png"]
    for picture, samples in zip(pictures, (fakes, reals)):
        held_out.draw(picture, samples[: min(held_out.shown, len(reals))])
    plots.save_side_by_side(folder / "side-by-side.png", zip(pictures, ("generated", "held out")))
    return result


def _copy(training, noise):
    """A second D with the weights of the first."""
    _, D = build(training.recipe, training.images.shape, noise)
    D.load_state(training.networks[1].state())
    return D


def _teach(D, training, noise):
    """D's updates alone; returns its mean outputs on the last real and the last generated batch."""
    recipe = training.recipe
    optimizer_d = optimizer(recipe, D.parameters())
    batches = recipe.alone_epochs * training.batches_per_epoch
    for number in tqdm(range(batches), "D alone", unit="step", delay=1, dynamic_ncols=True, disable=None):
        real = training.batch(number)
        fake = Tensor(
            training.device.xp.asarray(draw_samples(training.generator, draw_z(recipe, noise, len(real)))),
            training.device,
        )
        _, *outputs = update_d(recipe, D, optimizer_d, real, fake, noise)
    means = [output.mean().item() for output in outputs]
    if not np.isfinite(means).all():
        raise Diverged("D alone: its outputs are no longer numbers; the trained pair is kept, try a smaller --lr")
    return means
