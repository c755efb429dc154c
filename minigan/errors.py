"""The errors that are part of the interface: one line each; what came, what was expected, what to do."""


class MiniganError(ValueError):
    """Bad input. The command line prints it as one line and exits with 2."""


class Interrupted(Exception):
    """The user pressed Ctrl-C; what was going on has been saved. The command line exits with 130."""


class DeviceError(MiniganError):
    """A device that cannot be used here, or arrays that live on different devices."""


class LaunchError(MiniganError):
    """A kernel launch refused before anything reached the driver."""
