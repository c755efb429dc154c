"""CIFAR-10, colour images of 32×32 in ten classes, in its binary form. (Its other form is pickle, which can run anything.)

Source: Krizhevsky 2009, the CIFAR-10 page, "Binary version": records of a label byte and 1,024 bytes each of red, green, blue.
"""

import gzip
import lzma
import re
import tarfile
import zlib
from pathlib import PurePosixPath

import numpy as np

from ..errors import MiniganError
from .source import Source

RECORD = 1 + 3 * 32 * 32
LARGEST = 10_000 * RECORD  # bytes of a batch
ARCHIVE = "cifar-10-binary.tar.gz"
PARTS = {"train": r"data_batch_[1-5]\.bin", "test": r"test_batch\.bin"}

SOURCE = Source(
    "cifar10",
    ("cifar10", "cifar-10-batches-bin", "."),
    ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"),
    {ARCHIVE: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
)


def cifar10(folder=None, part="train"):
    """(pixels (n, 3, 32, 32) uint8, labels (n,) uint8) of the "train" or the "test" part.

    In `folder`, else in $MINIGAN_DATA: the batches data_batch_1.bin to data_batch_5.bin (as many of them as there are) and
    test_batch.bin, plain or as .bin.xz, or cifar-10-binary.tar.gz; else the archive is downloaded to the user's cache. They
    lie below cifar10/ or in the folder itself. Raises MiniganError, in one line, for what is missing or damaged.
    """
    contents = _batches(SOURCE.places(folder), re.compile(PARTS[part]))
    records = np.concatenate([_records(name, content) for name, content in sorted(contents.items())])
    return np.ascontiguousarray(records[:, 1:]).reshape(-1, 3, 32, 32), np.ascontiguousarray(records[:, 0])


def _batches(places, wanted):
    """{name: bytes} of the batches."""
    if not places:
        return _read_archive(SOURCE.fetch(ARCHIVE), wanted)
    for place in places:
        if place.is_dir() and (files := [path for path in place.iterdir() if wanted.fullmatch(_plain(path.name))]):
            # A batch that is there both compressed and plain is read once: the plain name sorts first, so last in reverse.
            batches = {_plain(path.name): path for path in sorted(files, reverse=True)}
            return {str(path): _read(path) for path in batches.values()}
        if (place / ARCHIVE).is_file():
            return _read_archive(place / ARCHIVE, wanted)
    raise SOURCE.missing(f"{ARCHIVE} and no {wanted.pattern}".replace("\\", ""), places)


def _plain(name):
    return name.removesuffix(".xz")


def _read(path):
    try:
        content = path.read_bytes()
        return lzma.decompress(content) if path.suffix == ".xz" else content
    except (lzma.LZMAError, EOFError) as error:
        raise MiniganError(f"{path} is damaged ({error}): fetch it again") from None
    except OSError as error:
        raise MiniganError(f"cannot read {path}: {error.strerror}") from None


def _read_archive(path, wanted):
    """{name: bytes} of the members that are wanted. They are read, not unpacked: no file is written."""
    contents = {}
    try:
        with gzip.open(path) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts:
                    raise MiniganError(f"{path} holds {member.name}, a path out of the archive: it is not CIFAR-10's")
                if member.isfile() and wanted.fullmatch(name.name):
                    if member.size > LARGEST:
                        raise MiniganError(f"{path} holds {member.name} of {member.size} bytes: it is not CIFAR-10's")
                    contents[f"{path}:{member.name}"] = archive.extractfile(member).read()
            while stream.read(
                LARGEST
            ):  # gzip's checksum stands at the end, where the archive's own end is no reason to look
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise MiniganError(f"{path} is truncated or damaged ({error}): delete it and fetch it again") from None
    except OSError as error:
        raise MiniganError(f"cannot read {path}: {error.strerror or error}") from None
    if not contents:
        raise MiniganError(f"{path} holds no batch of CIFAR-10: expected {ARCHIVE} of its page")
    return contents


def _records(name, content):
    if not content or len(content) % RECORD:
        raise MiniganError(
            f"{name} holds {len(content)} bytes, expected records of {RECORD}: it is cut or another file"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    if records[:, 0].max() > 9:
        raise MiniganError(f"{name} holds a label of {records[:, 0].max()}, expected 0 to 9: it is not CIFAR-10's")
    return records
