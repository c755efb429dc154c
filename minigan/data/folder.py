"""A folder of the user's own PNG and JPEG images, cropped to squares and resized to one size."""

import sys
import warnings

import numpy as np
from tqdm import tqdm

from ..errors import MiniganError

ENDINGS = {".png", ".jpg", ".jpeg"}
SMALLEST = 8  # pixels a side
NAMED = 5  # unreadable files, at most


def images_below(folder, size):
    """(pixels (n, 3, size, size) uint8, labels (n,) uint8, all 0) of the images below a folder (Path), sorted by their
    paths.

    Each is cropped to its middle square; what is transparent is laid over white. A file that cannot be used is named with the
    reason on stderr, and skipped. Raises MiniganError where none is left.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    if not paths:
        raise MiniganError(f"{folder} holds no image: expected PNG or JPEG files, in it or below it")
    images, skipped = [], []
    for path in tqdm(paths, "reading images", unit="file", delay=2, disable=None):
        try:
            images.append(_read(path, size))
        except Exception as error:  # a damaged file can fail in any of Pillow's decoders, in any way
            skipped.append(f"{path.relative_to(folder)} ({error})")
    if skipped:
        more = f" and {len(skipped) - NAMED} more" if len(skipped) > NAMED else ""
        sentence = f"skipped {len(skipped)} of {len(paths)} files: {', '.join(skipped[:NAMED])}{more}"
        if not images:
            raise MiniganError(f"no image in {folder} can be used: {sentence}")
        print(f"minigan: {sentence}", file=sys.stderr)
    return np.stack(images), np.zeros(len(images), np.uint8)


def _read(path, size):
    """An image as (3, size, size) uint8."""
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        opened = Image.open(path)
    with opened as image:
        if image.mode.startswith(("I", "F")):
            raise ValueError(f"mode {image.mode}: save it with 8 bits a channel")
        if min(image.size) < SMALLEST:
            raise ValueError(f"{image.width}×{image.height} pixels are too few")
        upright = ImageOps.exif_transpose(image)  # a camera's turn
        if upright.has_transparency_data:  # below it any colour may hide
            upright = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
        square = ImageOps.fit(upright.convert("RGB"), (size, size), Image.Resampling.LANCZOS)
        return np.asarray(square).transpose(2, 0, 1)
