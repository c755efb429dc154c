"""What a run's generator is worth, in numbers: each beside what real images reach and what noise does."""

import numpy as np

from .. import __version__, reference
from ..data import Points, load, load_held_out
from ..errors import MiniganError
from ..gans import LOSSES
from ..gans.networks import outputs_on
from ..gans.run import JUDGED
from . import points, scores
from .classifier import FEATURES
from .kept import find_judge

COUNT = 10_000  # samples, by default
GLANCE = 2000  # samples of a look during training
COMPARED = 2000  # samples whose nearest training image is looked for
FEWEST = FEATURES + 1  # samples, whose covariance has an inverse
REAL, HELD_OUT, NOISE = "training images", "held-out images", "noise"


def evaluate(run, count=COUNT, seed=1, device=None, data_dir=None, progress=True):
    """Judge `count` samples of a RunFolder's generator, drawn by `seed`; returns (evaluation, pictures).

    `evaluation` is what evaluation.json holds. `pictures` is {"samples", "neighbours"}: the samples that lie nearest to a
    training image, and those images; None for points of the plane. Raises MiniganError where the run has no checkpoint or
    its data are not there, and for too few samples.
    """
    config, recipe = run.config, run.recipe()
    place = config["data"], data_dir or config["data_dir"], recipe.image_size
    images, held_out = load(*place), load_held_out(*place)
    generators, D = run.load_networks(device)
    drawn = {name: run.draw_samples(count, seed, device, network) for name, network in generators.items()}
    result = {
        "minigan": __version__, "recipe": recipe.name, "preset": recipe.preset, "data": config["data"],
        "seed": config["seed"], **run.progress(), "samples": count, "sample_seed": seed,
    }  # fmt: skip
    if isinstance(images, Points):
        columns = drawn | {"data": held_out.values[:count]}
        result["scores"] = {name: points.scores(samples, images) for name, samples in columns.items()}
        seen, pictures = {REAL: images.values[:COMPARED], HELD_OUT: held_out.values[:COMPARED]}, None
    else:
        judged = Judged(images, held_out, device or config["device"], count, recipe.images, progress)
        result |= {"judge": judged.judge.name, "held_out": len(judged.real) if held_out else 0}
        result["scores"] = {name: judged.scores(samples) for name, samples in drawn.items()} | judged.ends()
        result["memory"], pictures = _memory(next(iter(drawn.values())), judged.known, held_out)
        seen = {REAL: _some(judged.known, COMPARED)} | ({HELD_OUT: _some(held_out, COMPARED)} if held_out else {})
    seen["samples"] = next(iter(drawn.values()))[:COMPARED]
    return result | {"discriminator": _of_d(run, D, seen)}, pictures


class Judged:
    """Held-out images as the judge sees them, to which samples are compared; `known` are the training images.

    `held_out` None: nothing is, so one half of the images stands for them, and `known` is the other. `trained_on`: a training
    takes only the first so many images. Raises MiniganError where there are too few of any kind.
    """

    def __init__(self, images, held_out, device, count, trained_on=None, progress=True):
        self.known, self.count = images.at(slice(trained_on)), count
        if held_out is None:
            shuffled = np.random.default_rng(0).permutation(len(self.known))
            held_out, self.known = (self.known.at(half) for half in np.array_split(shuffled, 2))
        least = min(count, len(held_out))
        if least < FEWEST:
            what = "samples" if least == count else "real images"
            raise MiniganError(f"{least} {what} are too few for {FEATURES} features: expected at least {FEWEST}")
        self.judge = find_judge(images, held_out, device, progress)
        self.real, probabilities = self.judge.look(_some(held_out, least))
        self.shares = None
        if probabilities is not None:
            self.shares = np.bincount(held_out.labels, minlength=probabilities.shape[1]) / len(held_out)

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
        """The scores of as many training images, and of noise: what those of samples are to be read beside."""
        noise = np.random.default_rng(0).uniform(-1, 1, (self.count, *self.known.shape))
        return {REAL: self.scores(_some(self.known, self.count)), NOISE: self.scores(noise.astype(np.float32))}


def glance(training, data_dir=None, progress=True):
    """A function that judges 2,000 samples of a Training, as a dict of the columns of metrics.csv that it fills: for a look
    now and then. It always draws from the same noise and leaves the training's own alone.
    """
    images, recipe, noise = training.images, training.recipe, training.fresh_z(GLANCE)
    if isinstance(images, Points):
        return lambda: points.glance(training.sample(noise), images)
    held_out = load_held_out(images.name, data_dir, recipe.image_size)
    judged = Judged(images, held_out, training.device, GLANCE, recipe.images, progress)

    def look():
        found = judged.scores(training.sample(noise))
        return {name: found[name] for name in JUDGED if name in found}

    return look


def _some(images, count):
    """`count` images, or all there are, from anywhere: MNIST's first test images are its neatest."""
    return images.batch(np.random.default_rng(0).permutation(len(images))[:count], np.float32)


def _memory(samples, known, held_out):
    """How near samples are to training images, beside how near held-out images are; and the nearest of all, as pictures."""
    samples = samples[:COMPARED]
    indices, distances = scores.nearest(samples, known)
    first = np.argsort(distances, kind="stable")[:10]
    pictures = {"samples": samples[first], "neighbours": known.batch(indices[first], np.float32)}
    result = {"compared": len(samples), "distance": float(np.median(distances))}
    if held_out:
        _, usual = scores.nearest(_some(held_out, COMPARED), known)
        result |= {"held_out_distance": float(np.median(usual)), "nearness": scores.nearness(distances, usual)}
    return result, pictures


def _of_d(run, D, seen):
    """What D says of samples of each name in `seen`: the means, and as "memory" how well it knows what it was trained on."""
    answers = {name: outputs_on(D, part.astype(run.config["dtype"])) for name, part in seen.items()}
    if LOSSES[run.config["recipe"]["loss"]].is_logit:
        answers = {name: reference.sigmoid(each) for name, each in answers.items()}
    means = {name: float(each.mean()) for name, each in answers.items()}
    if HELD_OUT in answers:
        means["memory"] = scores.probability_below(answers[HELD_OUT], answers[REAL])
    return means
