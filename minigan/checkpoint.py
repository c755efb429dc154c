"""Files that are whole or not there: written beside their place, then renamed into it."""

import io
import json
import os
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .errors import MiniganError


def refuse_unwritable(path):
    """Raises MiniganError where no file can be at this path; asked before long work, so that its result is not lost."""
    if path.is_dir() or not path.name:
        raise MiniganError(f"cannot write {path}: it is a folder, expected a file name")
    if path.exists() and not path.is_file():  # a device would be replaced too
        raise MiniganError(f"cannot write {path}: it is no plain file")
    if not path.parent.is_dir():
        raise MiniganError(f"cannot write {path}: there is no folder {path.parent}")


@contextmanager
def replacing(path):
    """Yields a path to write to; when the block succeeds, that file takes the place of `path` in one move."""
    path = Path(path)
    refuse_unwritable(path)
    part = path.with_name(f".{path.name}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def save_arrays(path, arrays):
    """Write {name: array} as an .npz file. No pickle: plain arrays only."""
    whole = io.BytesIO()  # to a full disk, zipfile would try again from its destructor, and print that it cannot
    np.savez(whole, **arrays)
    with replacing(path) as part:
        part.write_bytes(whole.getbuffer())


def load_arrays(path):
    """{name: array} of an .npz file. Raises MiniganError where it is missing or damaged."""
    try:
        with open(path, "rb") as opened, zipfile.ZipFile(opened), np.load(opened, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise MiniganError(f"cannot read the checkpoint {path}: {error}") from None


def save_json(path, values):
    with replacing(path) as part:
        part.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", "utf-8")


def load_json(path):
    """The values in a JSON file. Raises MiniganError where it is missing or damaged."""
    try:
        return json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise MiniganError(f"cannot read {path}: {error}") from None
