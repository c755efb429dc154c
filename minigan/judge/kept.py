"""The judge of a data set: taught once, then kept in the user's cache under the data's checksum."""

import hashlib
import sys
from dataclasses import dataclass

import numpy as np

from ..checkpoint import load_arrays, save_arrays
from ..devices import device as get_device
from ..errors import MiniganError
from ..paths import cache_folder
from ..random import Generator
from .classifier import FEATURES, Classifier, trained, untrained

VERSION = 1  # of the net and of how it learns: another one is another judge


@dataclass(frozen=True)
class Judge:
    """A net to see with, its name for tables, and the share of held-out images that it names right (None: it names none)."""

    net: Classifier
    name: str
    accuracy: float | None = None

    def look(self, samples):
        """(features (n, 64), class probabilities (n, classes) or None) of samples (n, …) in [−1, 1], in float64."""
        features, probabilities = self.net.look(samples)
        return features, None if self.accuracy is None else probabilities


def find_judge(images, held_out, device="cpu", progress=True):
    """The Judge for `images`, from the cache or, the first time, taught: minutes. `held_out` is None, or what its accuracy is
    measured on.

    Images of a single class, as a folder's, teach nothing: they are judged by an untrained net. A judge in the cache that is
    damaged, or that was taught from other data, is told on stderr and taught anew.
    """
    device = get_device("cpu" if device == "emulator" else device)  # the emulator would be at it for days
    if not (images.labels != images.labels[0]).any():
        return Judge(untrained(images.shape, device), f"{FEATURES} features of an untrained net")
    checksum = checksum_of(images)
    path = cache_folder() / "judges" / f"{images.name}-{checksum[:16]}.npz"
    net, accuracy = (_kept(path, images, checksum, device) if path.exists() else None) or _taught(
        path, images, held_out, checksum, device, progress
    )
    return Judge(
        net, f"{FEATURES} features of {images.name}'s judge, right on {accuracy:.2%} of held-out images", accuracy
    )


def checksum_of(images):
    """The SHA-256 of all that a judge learns from."""
    summed = hashlib.sha256(f"{VERSION} {images.pixels.shape} ".encode())
    for array in (images.pixels, images.labels):
        summed.update(np.ascontiguousarray(array))
    return summed.hexdigest()


def _kept(path, images, checksum, device):
    """(net, accuracy) from the cache, or None."""
    try:
        state = load_arrays(path)
        if str(state.pop("checksum", "")) != checksum:
            raise MiniganError(f"the judge {path} was taught from other data")
        accuracy = float(state.pop("accuracy"))
        if not all(np.isfinite(array).all() for array in state.values()):
            raise MiniganError(f"the judge {path} holds what is not a number")
        net = Classifier(images.shape, int(images.labels.max()) + 1, Generator(0, device))
        net.load_state(state)
        return net, accuracy
    except (MiniganError, KeyError, TypeError, ValueError) as error:
        print(f"minigan: {error}: teaching it anew", file=sys.stderr)
        return None


def _taught(path, images, held_out, checksum, device, progress):
    """(net, accuracy), and from now on it is kept."""
    net = trained(images, device, progress=progress)
    accuracy = net.accuracy(held_out or images)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_arrays(path, net.state() | {"checksum": np.array(checksum), "accuracy": np.array(accuracy)})
    except OSError as error:  # a judge that cannot be kept judges all the same
        print(f"minigan: the judge could not be kept ({error}): the next time it is taught anew", file=sys.stderr)
    return net, accuracy
