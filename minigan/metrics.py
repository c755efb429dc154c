"""Numbers for what a picture shows: does the generator still make every class?"""

import numpy as np

CHUNK = 1000  # samples compared at a time: bounds the table of distances


def nearest_labels(samples, images, labels):
    """The label of each sample's nearest neighbour, by Euclidean distance over the pixels.

    Shapes: samples (n, …) and images (m, …) of one scale and size, labels (m,) → (n,).
    """
    samples = np.asarray(samples, np.float32).reshape(len(samples), -1)
    images = np.asarray(images, np.float32).reshape(len(images), -1)
    squares = (images * images).sum(1)
    nearest = []
    for start in range(0, len(samples), CHUNK):
        # ‖s − x‖² = ‖s‖² − 2 s·x + ‖x‖², and ‖s‖² is the same for every x.
        distances = squares - 2 * (samples[start : start + CHUNK] @ images.T)
        nearest.append(labels[distances.argmin(1)])
    return np.concatenate(nearest)


def modes(samples, points):
    """How samples (n, 2) spread over the modes of minigan.data.Points, as a dict.

    "high_quality": the share of samples within 3 deviations of a centre; "shares" (modes,): of all samples, those within 3
    deviations of each; "found": how many modes have at least one; "spread" (modes,): the deviation of a mode's samples
    within 3, in the data's deviations (NaN where there are none). Source: Lin et al. 2018, PacGAN, section 4.1.
    """
    steps = np.asarray(samples, np.float64)[:, None] - points.centres
    distances = np.sqrt((steps**2).sum(-1))
    mode = distances.argmin(1)
    good = distances.min(1) <= 3 * points.deviation
    counts = np.bincount(mode[good], minlength=len(points.centres))
    squares = np.bincount(mode[good], (distances.min(1) ** 2)[good], len(points.centres))
    with np.errstate(invalid="ignore"):
        spread = np.sqrt(squares / counts / 2) / points.deviation
    return {
        "high_quality": good.mean(), "shares": counts / len(samples), "found": int((counts > 0).sum()), "spread": spread,
    }  # fmt: skip


def class_shares(samples, images, classes=10):
    """The share of each class among generated images, named by the nearest training image.

    `samples` (n, channels, height, width) in [−1, 1]; `images` a minigan.data.Images → (classes,), adding up to 1.
    """
    pixels = images.pixels * np.float32(2 / 255) - np.float32(1)
    return np.bincount(nearest_labels(samples, pixels, images.labels), minlength=classes) / len(samples)
