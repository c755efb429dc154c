"""The judge's eye: a small convolutional net that names an image's class, of minigan's own layers and trained by minigan.

What it sees just before it decides, its features, is what real and generated images are compared by.
"""

import numpy as np
from tqdm import tqdm

from .. import init, nn
from ..optim import Adam
from ..random import Generator
from ..tensor import Tensor, no_grad, tensor

FEATURES = 64
BATCH, AT_ONCE = 100, 500  # images that it learns from in a step, and looks at together in use
RATE = 1e-3  # Adam's at the start; it falls linearly, to nothing


class Classifier(nn.Module):
    """Three 3×3 convolutions with batch norm, two of them halved by max pooling, then a dense layer to the features and one to
    the classes.

    Shapes: images (n, channels, height, width) in [−1, 1] → logits (n, classes).
    """

    def __init__(self, shape, classes, generator):
        channels, height, width = shape
        first = 16 if channels == 1 else 32  # colours and what they show take more filters than strokes
        settings = {"initial": init.he_normal, "generator": generator}

        def block(inputs, outputs):
            return nn.Conv2d(inputs, outputs, 3, **settings), nn.BatchNorm(outputs, generator=generator), nn.ReLU()

        self.body = nn.Sequential(
            *block(channels, first), nn.MaxPool2d(2),
            *block(first, 2 * first), nn.MaxPool2d(2),
            *block(2 * first, 4 * first), nn.Flatten(), nn.Dropout(0.3, generator),
            nn.Dense(4 * first * (height // 4) * (width // 4), FEATURES, **settings), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Dense(FEATURES, classes, generator=generator)
        self.device, self.dtype = generator.device, generator.dtype

    def forward(self, x):
        return self.head(self.body(x))

    def look(self, samples):
        """(features (n, 64), class probabilities (n, classes)) of samples (n, …) in [−1, 1]: NumPy arrays, in float64."""
        features, logits = [], []
        self.eval()
        with no_grad():
            for start in range(0, len(samples), AT_ONCE):
                part = np.ascontiguousarray(samples[start : start + AT_ONCE], self.dtype)
                seen = self.body(tensor(part, self.device))
                features.append(seen.numpy().astype(np.float64))
                logits.append(self.head(seen).numpy().astype(np.float64))
        return np.concatenate(features), softmax(np.concatenate(logits))

    def accuracy(self, images):
        """The share of a data set's images whose class it names."""
        _, probabilities = self.look(images.batch(np.arange(len(images)), self.dtype))
        return float((probabilities.argmax(1) == images.labels).mean())


def softmax(logits):
    """eᶻ / Σ eᶻ along the rows of a NumPy array."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def cross_entropy(logits, labels):
    """−ln p of the right class, the mean over a batch: logits is a Tensor (n, classes), labels (n,) are whole numbers."""
    hot = np.eye(logits.shape[1], dtype=logits.dtype)[labels]
    # Less the largest, which changes nothing and keeps the powers finite.
    z = logits - tensor(logits.numpy().max(1, keepdims=True), logits.device)
    return (z.exp().sum(axis=1).log() - (z * tensor(hot, logits.device)).sum(axis=1)).mean()


def untrained(shape, device="cpu"):
    """A Classifier with its first weights. Such features need no data set, and no classes: Naeem et al. 2020, Reliable
    Fidelity and Diversity Metrics for Generative Models, section 4.
    """
    return Classifier(shape, 2, Generator(0, device))


def trained(images, device="cpu", seed=0, progress=True):
    """A Classifier that has learnt the classes of `images` (a minigan.data.Images).

    Five passes over the data; for colour images fifteen, half of them mirrored. The same seed gives the same net on one device.
    """
    generator, random = Generator(seed, device), np.random.default_rng(seed)
    net = Classifier(images.shape, int(images.labels.max()) + 1, generator)
    adam = Adam(net.parameters(), RATE)
    mirrors, epochs = (True, 15) if images.shape[0] == 3 else (False, 5)
    size = min(BATCH, len(images))
    batches = [part for _ in range(epochs) for part in _shuffled(random, len(images), size)]
    bar = tqdm(
        batches, f"a judge for {images.name}", unit="step", delay=1, dynamic_ncols=True,
        disable=None if progress else True,
    )  # fmt: skip
    for number, indices in enumerate(bar):
        pixels = images.batch(indices, net.dtype)
        if mirrors:
            turned = random.random(size) < 0.5
            pixels[turned] = pixels[turned, ..., ::-1]
        loss = cross_entropy(net(Tensor(net.device.xp.asarray(pixels), net.device)), images.labels[indices])
        adam.zero_grad()
        loss.backward()
        adam.rate[...] = RATE * (1 - number / len(batches))
        adam.step()
    return net


def _shuffled(random, count, size):
    """The indices of one pass in batches; those that fill none sit it out."""
    return random.permutation(count)[: count // size * size].reshape(-1, size)
