"""MNIST, 60,000 handwritten digits of 28×28: from the user's folder, the cache, or a verified download."""

import os
from pathlib import Path

from ..errors import MiniganError
from .download import cache_folder, download
from .idx import read_idx

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"

SHA256 = {
    f"{IMAGES}.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    f"{LABELS}.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
}

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)


def mnist(folder=None):
    """(pixels (60000, 1, 28, 28) uint8, labels (60000,) uint8) of the training set.

    Looked for in `folder`, else in $MINIGAN_DATA, else in the user's cache, where it is downloaded to if need be; the
    files lie in the folder itself or under mnist/, gzipped or not. A folder that was named but lacks them is an error.
    Raises MiniganError, in one line, for what is missing or damaged.
    """
    named = folder or os.environ.get("MINIGAN_DATA")
    paths = [_find(Path(named).expanduser(), name) if named else _fetch(name) for name in (IMAGES, LABELS)]
    pixels, labels = read_idx(paths[0], 3), read_idx(paths[1], 1)
    if len(pixels) != len(labels):
        raise MiniganError(
            f"{paths[0]} holds {len(pixels)} images and {paths[1]} {len(labels)} labels: they do not belong together"
        )
    return pixels[:, None], labels


def _find(folder, name):
    places = [folder / part / f"{name}{end}" for part in ("mnist", ".") for end in (".gz", "")]
    for path in places:
        if path.is_file():
            return path
    raise MiniganError(
        f"no {name}.gz in {folder} or {folder / 'mnist'}: put it there, leave --data-dir and $MINIGAN_DATA away to "
        "download it, or use --data digits, which needs no file"
    )


def _fetch(name):
    file = f"{name}.gz"
    return download(file, [mirror + file for mirror in MIRRORS], SHA256[file], cache_folder() / "mnist")
