"""A data set by its name."""

from dataclasses import dataclass

import numpy as np

from ..errors import MiniganError
from .digits import digits
from .mnist import mnist

DATASETS = ("digits", "mnist")


@dataclass(frozen=True)
class Images:
    """Pixels (n, channels, height, width) uint8, 0 black to 255 white, and classes (n,) uint8."""

    name: str
    pixels: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.pixels)

    @property
    def shape(self):
        """(channels, height, width) of one image."""
        return self.pixels.shape[1:]


def load(name, folder=None):
    """The training images of the data set `name`; `folder` is where the user keeps data (see minigan.data.mnist).

    Raises MiniganError for an unknown name, and for missing or damaged files.
    """
    if name == "digits":
        if folder:
            raise MiniganError(
                "the data set digits is drawn, not read: leave --data-dir away, or choose another --data"
            )
        return Images(name, *digits())
    if name == "mnist":
        return Images(name, *mnist(folder))
    raise MiniganError(f"unknown data set {name!r}: choose from {', '.join(DATASETS)}")
