"""MNIST, handwritten digits, and Fashion-MNIST, clothes in the same files: 60,000 images of 28×28, and 10,000 held out."""

from ..errors import MiniganError
from .idx import read_idx
from .source import Source

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}

SOURCES = {
    "mnist": Source(
        "mnist",
        ("mnist", "."),
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "http://yann.lecun.com/exdb/mnist/",
        ),
        {
            "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
    ),
    "fashion-mnist": Source(
        "fashion-mnist",
        ("fashion-mnist",),  # and nowhere else: the files are called like MNIST's
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        {
            "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
    ),
}


def mnist(name, folder=None, part="train"):
    """(pixels (n, 1, 28, 28) uint8, labels (n,) uint8) of "mnist" or "fashion-mnist", of its "train" or "test" part.

    Looked for in `folder`, else in $MINIGAN_DATA, else in the user's cache, where it is downloaded to if need be; the
    files lie below mnist/ or fashion-mnist/ (MNIST's also in the folder itself), gzipped or not. Raises MiniganError, in one
    line, for what is missing or damaged.
    """
    paths = [SOURCES[name].file(file, folder) for file in FILES[part]]
    pixels, labels = read_idx(paths[0], 3), read_idx(paths[1], 1)
    if len(pixels) != len(labels):
        raise MiniganError(
            f"{paths[0]} holds {len(pixels)} images and {paths[1]} {len(labels)} labels: they do not belong together"
        )
    return pixels[:, None], labels
