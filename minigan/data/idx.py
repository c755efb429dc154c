"""The idx files of MNIST: a magic number, the sizes, then bytes; plain or gzipped.

Source: LeCun, Cortes and Burges, the MNIST page, "File formats". Magic 0x08DD: 08 for unsigned bytes, DD dimensions.
"""

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np

from ..errors import MiniganError

UNSIGNED_BYTES = 8


def read_idx(path, dimensions):
    """The array of unsigned bytes in an idx file with this many dimensions.

    Raises MiniganError where the file is missing, no gzip though it is called .gz, of another kind, cut short or too long.
    """
    path = Path(path)
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except EOFError:
        raise MiniganError(f"{path} is truncated: delete it and fetch it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise MiniganError(f"{path} is damaged ({error}): delete it and fetch it again") from None
    except OSError as error:
        raise MiniganError(f"cannot read {path}: {error.strerror}") from None
    expected = (UNSIGNED_BYTES << 8) + dimensions
    magic = int.from_bytes(content[:4], "big")
    if magic != expected:
        raise MiniganError(
            f"{path} starts with magic {magic:#06x}, expected {expected:#06x} (idx, {dimensions} dimensions)"
        )
    start = 4 + 4 * dimensions
    shape = [int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4)]
    if len(content) - start != prod(shape):
        size = " × ".join(map(str, shape))
        raise MiniganError(
            f"{path} holds {len(content) - start} bytes of data, expected {size} = {prod(shape)}: it is cut or mixed up"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
