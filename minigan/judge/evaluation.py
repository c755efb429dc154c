"""What a run's generator is worth, in numbers: each beside what real images reach and what noise does."""

import numpy as np

from .. import __version__, reference
from ..data import Points, load
from ..errors import MiniganError
from ..gans import LOSSES
from ..tensor import no_grad, tensor
from . import points, scores
from .classifier import AT_ONCE, FEATURES
from .kept import find_judge

COUNT = 10_000  # samples, by default
GLANCE = 2000  # samples of a look during training
COMPARED = 2000  # samples whose nearest training image is looked for
FEWEST = FEATURES + 1  # samples, whose covariance has an inverse
REAL, NOISE = "training images", "noise"


def evaluate(run, count=COUNT, seed=1, device=None, data_dir=None, progress=True):
    """Judge `count` samples of a RunFolder's generator, drawn by `seed`; returns (evaluation, pictures).

    `evaluation` is what evaluation.json holds. `pictures` is {"samples", "neighbours"}: the samples that lie nearest to a
    training image, and those images; None for points of the plane. Raises MiniganError where the run has no checkpoint or
    its data are not there, and for too few samples.
    """
    config, recipe = run.config, run.recipe()
    images = load(config["data"], data_dir or config["data_dir"], recipe.image_size)
    generators, D = run.load_networks(device)
    drawn = {name: run.draw_samples(count, seed, device, network) for name, network in generators.items()}
    shown = next(iter(drawn.values()))
    result = {
        "minigan": __version__, "recipe": recipe.name, "preset": recipe.preset, "data": config["data"],
        "seed": config["seed"], **run.progress(), "samples": count, "sample_seed": seed,
    }  # fmt: skip
    if isinstance(images, Points):
        held_out = load(config["data"], part="test")
        columns = drawn | {"data": held_out.values[:count]}
        result["scores"] = {name: points.scores(samples, images) for name, samples in columns.items()}
        return result | {"discriminator": _of_d(run, D, images.values, held_out.values, shown)}, None
    held_out = _held_out(images, config, data_dir, recipe)
    judged = Judged(images, held_out, device or config["device"], count, progress)
    result |= {"judge": judged.judge.name, "held_out": len(judged.real)}
    result["scores"] = {name: judged.scores(samples) for name, samples in drawn.items()} | judged.ends()
    result["memory"], pictures = _memory(shown, images, held_out)
    some = [_some(part, COMPARED) for part in (images, held_out or images)]
    return result | {"discriminator": _of_d(run, D, *some, shown)}, pictures


class Judged:
    """Held-out images as the judge sees them, to which samples are compared.

    `held_out` None: the training images stand for them, as nothing of a folder is held out. Raises MiniganError where there
    are too few of either.
    """

    def __init__(self, images, held_out, device, count, progress=True):
        self.images, self.truth, self.count = images, held_out or images, count
        least = min(count, len(self.truth))
        if least < FEWEST:
            what = "samples" if least == count else "real images"
            raise MiniganError(f"{least} {what} are too few for {FEATURES} features: expected at least {FEWEST}")
        self.judge = find_judge(images, held_out, device, progress)
        self.real, probabilities = self.judge.look(_some(self.truth, least))
        self.shares = None
        if probabilities is not None:
            self.shares = np.bincount(self.truth.labels, minlength=probabilities.shape[1]) / len(self.truth)

    def scores(self, samples):
        """All numbers for samples (n, channels, height, width) in [−1, 1], as a dict."""
        features, probabilities = self.judge.look(samples)
        found = {"frechet": scores.frechet_distance(self.real, features)}
        found |= scores.manifold_scores(self.real, features)
        if probabilities is None:
            return found
        shares = scores.class_shares(probabilities)
        return found | {
            "inception_score": scores.inception_score(probabilities),
            "classes": scores.covered(shares, self.shares),
            "smallest_class": float(shares[self.shares > 0].min()),
            "kl": float(scores.divergence(shares, self.shares)),
            "shares": shares.tolist(),
        }

    def ends(self):
        """The scores of as many training images, and of noise: where all others lie between."""
        count = min(self.count, len(self.images))
        noise = np.random.default_rng(0).uniform(-1, 1, (count, *self.images.shape))
        return {
            REAL: self.scores(_some(self.images, count)),
            NOISE: self.scores(noise.astype(np.float32)),
        }


def glance(training, data_dir=None, progress=True):
    """A function that judges 2,000 samples of a Training, as a dict {"frechet", "precision", "recall", "classes"} of numbers: for
    a look now and then. It always draws from the same noise and leaves the training's own alone.
    """
    images, recipe = training.images, training.recipe
    if isinstance(images, Points):
        return lambda: points.glance(training.sample(training.fresh_z(GLANCE)), images)
    held_out = _held_out(images, {"data": images.name, "data_dir": None}, data_dir, recipe)
    judged = Judged(images, held_out, training.device, GLANCE, progress)
    noise = training.fresh_z(GLANCE)

    def look():
        found = judged.scores(training.sample(noise))
        return {name: found[name] for name in ("frechet", "precision", "recall", "classes") if name in found}

    return look


def _held_out(images, config, data_dir, recipe):
    """The data set's test part; None for a folder, of which nothing is held out."""
    from ..data import DATASETS

    if config["data"] not in DATASETS:
        return None
    return load(config["data"], data_dir or config["data_dir"], recipe.image_size, "test")


def _some(images, count):
    """`count` images, or all there are, from anywhere: MNIST's first test images are its neatest."""
    return images.batch(np.random.default_rng(0).permutation(len(images))[:count], np.float32)


def _memory(samples, images, held_out):
    """How near samples are to training images, beside how near held-out images are; and the nearest of all, as pictures."""
    known = images.batch(np.arange(len(images)), np.float32)
    samples = samples[:COMPARED]
    indices, distances = scores.nearest(samples, known)
    first = np.argsort(distances, kind="stable")[:10]
    pictures = {"samples": samples[first], "neighbours": known[indices[first]]}
    result = {"compared": len(samples), "distance": float(np.median(distances))}
    if held_out:
        _, usual = scores.nearest(_some(held_out, COMPARED), known)
        result |= {"held_out_distance": float(np.median(usual)), "nearness": scores.nearness(distances, usual)}
    return result, pictures


def _of_d(run, D, known, held_out, samples):
    """What D says of training images, held-out ones and samples: means, and how well it knows what it was trained on."""
    answers = [_ask(D, part[:COMPARED], run.config["dtype"]) for part in (known, held_out, samples)]
    if LOSSES[run.config["recipe"]["loss"]].is_logit:
        answers = [reference.sigmoid(each) for each in answers]
    means = {name: float(each.mean()) for name, each in zip((REAL, "held-out images", "samples"), answers)}
    return means | {"memory": scores.probability_below(answers[1], answers[0])}


def _ask(D, samples, dtype):
    """D's outputs on samples, (n,)."""
    device = D.parameters()[0].device
    with no_grad():
        parts = [samples[start : start + AT_ONCE] for start in range(0, len(samples), AT_ONCE)]
        return np.concatenate([D.eval()(tensor(part.astype(dtype), device)).numpy()[:, 0] for part in parts])
