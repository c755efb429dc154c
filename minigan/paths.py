"""Paths as users write them."""

from pathlib import Path

from .errors import MiniganError


def user_path(name):
    """The Path that `name` stands for, with a leading ~ as the home folder. Raises MiniganError for ~nobody."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise MiniganError(f"{name}: there is no such user here, write the path in full") from None
