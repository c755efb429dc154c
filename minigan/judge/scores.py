"""Numbers for samples, from the features and the class probabilities that a judge sees: plain NumPy, each with its source, and
with what it is known to get wrong.

`real` and `fake` are features (n, d) in float64 of held-out images and of generated ones; `probabilities` are (n, classes).
"""

import numpy as np

CHUNK = 500  # rows of a table of distances at a time: bounds its memory


def frechet_distance(real, fake):
    """The Fréchet distance between the Gaussians that fit both: |μ − ν|² + Tr(A + B − 2 (A B)^½), with A and B the covariances.

    Source: Heusel et al. 2017, GANs Trained by a Two Time-Scale Update Rule, eq. 6. Biased: it falls as n grows (Chong and
    Forsyth 2020), so only figures of one n go beside each other; it sees means and covariances alone; and its scale is the
    judge's, so it says nothing beside figures of another net.
    """
    (mean, covariance), (other_mean, other_covariance) = map(moments, (real, fake))
    # (A B)^½ has the trace of (A^½ B A^½)^½, whose argument is symmetric.
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    overlap = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other_covariance @ root), 0)).sum()
    distance = ((mean - other_mean) ** 2).sum() + np.trace(covariance) + np.trace(other_covariance) - 2 * overlap
    return float(max(distance, 0.0))


def moments(features):
    """(mean (d,), covariance (d, d)) of features (n, d)."""
    return features.mean(0), np.atleast_2d(np.cov(features, rowvar=False))


def inception_score(probabilities):
    """exp E KL(p(y|x) ‖ p(y)): 1 to the number of classes; high where each sample is clearly of one class, and all classes come.

    Source: Salimans et al. 2016, section 4, there with an Inception net. Biased: one good sample a class, copied, has the
    best score there is; and it rises with n (Barratt and Sharma 2018).
    """
    marginal = probabilities.mean(0)
    return float(np.exp(divergence(probabilities, marginal).mean()))


def divergence(p, q):
    """KL(p ‖ q) = Σ p ln(p / q) along the last axis, in nats; nothing where p is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * np.log(p / q), 0.0).sum(-1)


def class_shares(probabilities):
    """(classes,): the share of the samples that the judge takes for each class, adding up to 1. It has to name some class for
    noise too.
    """
    return np.bincount(probabilities.argmax(1), minlength=probabilities.shape[1]) / len(probabilities)


def covered(shares, data_shares):
    """How many of the data's classes the samples have at least a tenth of. Che et al. 2017 count the modes that are
    missing altogether; where a judge must name some class for anything, a tenth is the border.
    """
    return int(((shares >= 0.1 * data_shares) & (data_shares > 0)).sum())


def manifold_scores(real, fake, nearest=3, neighbours=5):
    """{"precision", "recall", "density", "coverage"}: how samples and held-out images lie among each other.

    Around every feature a ball reaches to its k-th nearest of the same kind. precision: the share of samples in any ball of the
    real ones; recall: the share of real ones in any ball of the samples, both k = `nearest`. Kynkäänniemi et al. 2019, Improved
    Precision and Recall Metric, eq. 1 and 2. density: how many real balls a sample is in, over k; coverage: the share of real
    balls that hold a sample, both k = `neighbours`. Naeem et al. 2020, section 3.

    Known: one real outlier's ball is huge and makes precision kind, which density mends; a smooth G can have a
    high precision and no recall. All four depend on n and k, and real images against real ones do not reach 1.
    """
    real_radii, many_radii = radii(real, nearest, neighbours)
    (fake_radii,) = radii(fake, nearest)
    precise, recalled, hits, caught = np.zeros(len(fake), bool), 0, 0, 0
    for start in range(0, len(real), CHUNK):
        rows = slice(start, start + CHUNK)
        distances = squared_distances(real[rows], fake)
        precise |= (distances <= real_radii[rows, None]).any(0)
        recalled += (distances <= fake_radii).any(1).sum()
        within = distances <= many_radii[rows, None]
        hits += within.sum()
        caught += within.any(1).sum()
    return {
        "precision": float(precise.mean()), "recall": float(recalled / len(real)),
        "density": float(hits / (neighbours * len(fake))), "coverage": float(caught / len(real)),
    }  # fmt: skip


def radii(features, *ranks):
    """For each of `ranks`, the squared distance of every feature to its k-th nearest other: (n,) each."""
    found = np.empty((len(ranks), len(features)))
    for start in range(0, len(features), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(features)))
        distances = squared_distances(features[rows], features)
        distances[np.arange(len(rows)), rows] = -1.0  # itself, before all others
        found[:, rows] = np.partition(distances, ranks, axis=1)[:, ranks].T
    return found


def squared_distances(a, b):
    """(n, m): ‖a‖² − 2 a·b + ‖b‖² of rows a (n, d) and b (m, d)."""
    products = a @ b.T
    products *= -2
    products += (a * a).sum(1)[:, None]
    products += (b * b).sum(1)
    return products


def nearest(samples, images):
    """(indices (n,), distances (n,)): of each sample (n, channels, height, width) in [−1, 1] the nearest of a
    minigan.data.Images, by Euclidean distance over the pixels.
    """
    samples, best = np.asarray(samples, np.float32).reshape(len(samples), -1), np.full(len(samples), np.inf)
    indices = np.zeros(len(samples), int)
    for start in range(0, len(images), CHUNK):  # a large set of images would not fit into the memory as floats
        part = images.batch(np.arange(start, min(start + CHUNK, len(images))), np.float32)
        distances = squared_distances(samples, part.reshape(len(part), -1))
        place = distances.argmin(1)
        smallest = distances[np.arange(len(samples)), place]
        indices = np.where(smallest < best, start + place, indices)
        best = np.minimum(smallest, best)
    # Once more without the binomial, in which a copy's distance of 0 would drown.
    found = images.batch(indices, np.float32).reshape(samples.shape)
    return indices, np.sqrt(((samples - found) ** 2).sum(1, dtype=np.float64))


def nearness(distances, held_out):
    """The probability that a sample lies nearer to its nearest training image than a held-out image does to its own: 0.5 where
    samples are as new as held-out images, 1 for copies.

    Source: Meehan et al. 2020, A Non-Parametric Test to Detect Data-Copying, section 3, the Mann-Whitney statistic without its
    cells. Known: smooth images lie near to anything, so a blurred G without a memory is above 0.5 too.
    """
    return probability_below(distances, held_out)


def probability_below(a, b):
    """P(a < b) + ½ P(a = b) over all pairs of a (n,) and b (m,): Mann and Whitney 1947."""
    b = np.sort(b)
    above = len(b) - np.searchsorted(b, a, "right")
    ties = len(b) - np.searchsorted(b, a, "left") - above
    return float((above + 0.5 * ties).mean() / len(b))


def rank_correlation(a, b):
    """Spearman's ρ of numbers a and b (n,): the correlation of their ranks, where equal ones share the mean of theirs. 1 where
    one rises whenever the other does, −1 where it falls; NaN where either never moves. Source: Spearman 1904. Known: it says
    nothing of how much, and of few numbers it is far from 0 by chance.
    """
    ranks = [
        np.searchsorted(np.sort(x), x, "left") + np.searchsorted(np.sort(x), x, "right")
        for x in map(np.asarray, (a, b))
    ]
    one, other = (x - x.mean() for x in ranks)
    norm = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / norm) if norm else float("nan")
