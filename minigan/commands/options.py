"""What the commands have in common: options that are looked at, errors that are told."""

from ..errors import MiniganError


def refuse_below_one(options, *names):
    """Raise MiniganError where one of these options was given, and is not at least 1."""
    for name in names:
        value = getattr(options, name)
        if value is not None and not value >= 1:  # nor is it nan
            raise MiniganError(f"--{name.replace('_', '-')} {value}: expected at least 1")


def explain_os_error(error):
    """What an OSError says, in few words."""
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
