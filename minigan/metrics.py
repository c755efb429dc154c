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
    found = []
    for start in range(0, len(samples), CHUNK):
        # ‖s − x‖² = ‖s‖² − 2 s·x + ‖x‖², and ‖s‖² is the same for every x.
        distances = squares - 2 * (samples[start : start + CHUNK] @ images.T)
        found.append(labels[distances.argmin(1)])
    return np.concatenate(found)


def class_shares(samples, images, classes=10):
    """The share of each class among generated images, named by the nearest training image.

    `samples` (n, channels, height, width) in [−1, 1]; `images` a minigan.data.Images → (classes,), adding up to 1.
    """
    pixels = images.pixels * np.float32(2 / 255) - np.float32(1)
    return np.bincount(nearest_labels(samples, pixels, images.labels), minlength=classes) / len(samples)
