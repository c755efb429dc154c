"""A data set by its name."""

from dataclasses import dataclass

import numpy as np

from .. import plots, reference
from ..errors import MiniganError
from ..paths import user_path
from .cifar10 import cifar10
from .digits import digits
from .folder import SMALLEST, images_below
from .mnist import SOURCES, mnist
from .points import MIXTURES, draw_points

DATASETS = {  # the shape of a sample
    "digits": (1, 28, 28), "mnist": (1, 28, 28), "fashion-mnist": (1, 28, 28), "cifar10": (3, 32, 32), "ring": (2,), "grid": (2,),
}  # fmt: skip
NEEDS_NO_FILES = ("digits", "ring", "grid")
IMAGE_SIZE, LARGEST = 32, 512  # of a folder's images, unless another is named, and at most


@dataclass(frozen=True)
class Images:
    """Pixels (n, channels, height, width) uint8, 0 black to 255 white, and classes (n,) uint8."""

    name: str
    pixels: np.ndarray
    labels: np.ndarray

    shown = 100  # in a picture of samples

    def __len__(self):
        return len(self.pixels)

    @property
    def shape(self):
        """(channels, height, width) of one image."""
        return self.pixels.shape[1:]

    @property
    def samples(self):
        """All of them as they are stored."""
        return self.pixels

    def batch(self, indices, dtype):
        """The images at `indices` as a net sees them: in [−1, 1]."""
        return reference.image_batch(self.pixels, np.asarray(indices)[None], np.zeros(1, np.uint64), dtype)

    def at(self, indices):
        """Those at `indices`, an array or a slice, as Images."""
        return Images(self.name, self.pixels[indices], self.labels[indices])

    def draw(self, path, samples):
        """Write a picture of samples (n, channels, height, width) in [−1, 1]."""
        plots.save_grid(path, samples)


@dataclass(frozen=True)
class Points:
    """Points (n, 2) around the centres (m, 2) of Gaussians of one deviation, and the mode (n,) that each was drawn from."""

    name: str
    values: np.ndarray
    labels: np.ndarray
    centres: np.ndarray
    deviation: float

    shown = 2500
    shape = (2,)

    def __len__(self):
        return len(self.values)

    @property
    def samples(self):
        """All of them as they are stored."""
        return self.values

    def batch(self, indices, dtype):
        """The points at `indices`."""
        return self.values[indices].astype(dtype)

    def draw(self, path, samples):
        """Write a picture of samples (n, 2) over the data."""
        plots.save_points(path, samples, self.values[: len(samples)])


def sample_shape(name, image_size=None):
    """The shape of a sample of a data set, without reading it; None stands for a folder that is still to be named.

    Raises MiniganError for what `load` would refuse by its name or size.
    """
    if name in DATASETS:
        if image_size is not None:
            raise MiniganError(f"--image-size goes with a folder of images, and {name} has a size of its own")
        return DATASETS[name]
    if name is not None and not user_path(name).is_dir():
        if set(name) & set("/\\~."):
            raise MiniganError(f"there is no folder {name}: expected one of images, or one of {', '.join(DATASETS)}")
        raise MiniganError(f"unknown data set {name!r}: choose from {', '.join(DATASETS)}, or name a folder of images")
    size = IMAGE_SIZE if image_size is None else image_size
    if not SMALLEST <= size <= LARGEST:
        raise MiniganError(f"--image-size {size}: expected {SMALLEST} to {LARGEST}")
    return 3, size, size


def reads_files(name):
    """Whether a data set's files are looked for in the user's folder."""
    return name in DATASETS and name not in NEEDS_NO_FILES


def load_held_out(name, folder=None, image_size=None):
    """The part of a data set that no training sees; None for a folder, of which nothing is held out."""
    return load(name, folder, image_size, "test") if name in DATASETS else None


def load(name, folder=None, image_size=None, part="train"):
    """The data set `name`, or the images in a folder of that name, of `image_size`; `folder` is where the user keeps data (see
    minigan.data.mnist and minigan.data.cifar10). `part` "test" is what no training sees, which a folder has not.

    Raises MiniganError for an unknown name, and for missing or damaged files.
    """
    if name is None:
        raise MiniganError("this recipe is for images of your own: name their folder, --data FOLDER")
    shape = sample_shape(name, image_size)
    if folder and (name in NEEDS_NO_FILES or name not in DATASETS):
        what = "is drawn, not read" if name in DATASETS else "is a folder itself"
        raise MiniganError(f"the data set {name} {what}: leave --data-dir away, or choose another --data")
    if name == "digits":
        return Images(name, *(digits() if part == "train" else digits(2000, seed=1)))
    if name in SOURCES:
        return Images(name, *mnist(name, folder, part))
    if name == "cifar10":
        return Images(name, *cifar10(folder, part))
    if name in MIXTURES:
        centres, deviation = MIXTURES[name]()
        return Points(name, *draw_points(centres, deviation, seed=part == "test"), centres, deviation)
    if part != "train":
        raise MiniganError(f"no image of the folder {name} is held out")
    return Images(name, *images_below(user_path(name), shape[-1]))
