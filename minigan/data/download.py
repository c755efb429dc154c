"""Fetch a file from one of several mirrors: resumed where it broke off, verified, and never half there."""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from ..errors import MiniganError

TIMEOUT = 20  # seconds without an answer before the next mirror is tried
CHUNK = 1 << 16


def download(file, addresses, sha256, folder):
    """The path of `file` in `folder`, fetched from the first address that serves it with this SHA-256.

    What arrives goes to `file`.part, which a later call resumes; it gets its name only once its hash is right. Raises
    MiniganError where no address does; the line names each one's failure.
    """
    path = Path(folder) / file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MiniganError(f"cannot make the folder {path.parent}: {error.strerror}") from None
    if path.is_file():
        if _hash(path) == sha256:
            return path
        raise MiniganError(f"{path} has a wrong SHA-256: delete it, and it is fetched again")
    failures = []
    for address in addresses:
        part = path.with_name(f"{file}.part")
        try:
            _fetch(address, part)
        except (OSError, http.client.HTTPException) as error:
            failures.append(f"{address}: {getattr(error, 'reason', error) or type(error).__name__}")
            continue
        if _hash(part) == sha256:
            os.replace(part, path)
            return path
        part.unlink()
        failures.append(f"{address}: wrong SHA-256")
    raise MiniganError(
        f"cannot download {file} ({'; '.join(failures)}): check the network, name a folder that holds it with "
        "--data-dir, or use --data digits, which needs none"
    )


def _fetch(address, part):
    """Append to `part` what of the file is not there yet."""
    start = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing left to send: the part is whole, or wrong, which the hash will tell
            return
        raise
    with answer:
        resumed = answer.status == 206  # a server that ignores the range sends the whole file
        total = start * resumed + int(answer.headers.get("Content-Length") or 0)
        with (
            _writing(part, "ab" if resumed else "wb") as write,
            tqdm(
                total=total or None, initial=start * resumed, unit="B", unit_scale=True, desc=part.stem, delay=2
            ) as bar,
        ):
            while chunk := answer.read(CHUNK):
                write(chunk)
                bar.update(len(chunk))
    if total and part.stat().st_size < total:
        raise ConnectionError("the connection broke off")


@contextmanager
def _writing(part, mode):
    """Yields a function that writes; its failures are the disk's and no mirror's, and end the download."""

    def guarded(action, *arguments):
        try:
            return action(*arguments)
        except OSError as error:
            raise MiniganError(f"cannot write {part}: {error.strerror}") from None

    file = guarded(open, part, mode)
    try:
        yield lambda chunk: guarded(file.write, chunk)
    finally:
        guarded(file.close)


def _hash(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
