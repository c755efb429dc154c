"""Paths: as users write them, and where what can be made again is kept."""

import os
import sys
from pathlib import Path

from .errors import MiniganError


def user_path(name):
    """The Path that `name` stands for, with a leading ~ as the home folder. Raises MiniganError for ~nobody."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise MiniganError(f"{name}: there is no such user here, write the path in full") from None


def cache_folder():
    """Where downloads and what the emulator built are kept: $XDG_CACHE_HOME/minigan, by
    default ~/.cache/minigan (macOS: ~/Library/Caches/minigan)."""
    default = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or default).expanduser() / "minigan"
