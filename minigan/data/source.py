"""Where the files of a data set are: in a folder that the user named, else in the cache, else behind its mirrors."""

import os
from dataclasses import dataclass

from ..errors import MiniganError
from ..paths import cache_folder, user_path
from .download import download


@dataclass(frozen=True)
class Source:
    """A data set's files: the folders they are looked for in below the user's, their mirrors and their SHA-256."""

    name: str
    folders: tuple[str, ...]
    mirrors: tuple[str, ...]
    sha256: dict[str, str]

    def places(self, folder):
        """The folders to look in: below `folder`, else below $MINIGAN_DATA; none where neither is named."""
        named = folder or os.environ.get("MINIGAN_DATA")
        return [user_path(named) / part for part in self.folders] if named else []

    def file(self, name, folder):
        """The path of a file, plain or gzipped, in `folder` or where it was downloaded to. Raises MiniganError where it is
        in neither: a folder that was named and lacks it is an error, not a reason to download.
        """
        places = self.places(folder)
        if not places:
            return self.fetch(f"{name}.gz")
        for path in (place / f"{name}{end}" for place in places for end in (".gz", "")):
            if path.is_file():
                return path
        raise self.missing(f"{name}.gz", places)

    def fetch(self, file):
        """The path of a file in the cache, downloaded if need be."""
        folder = cache_folder() / self.folders[0]
        return download(file, [mirror + file for mirror in self.mirrors], self.sha256[file], folder)

    def missing(self, file, places):
        looked = " or ".join(map(str, reversed(places)))
        return MiniganError(
            f"no {file} in {looked}: put it there, leave --data-dir and $MINIGAN_DATA away to download it, or use "
            "--data digits, which needs no file"
        )
