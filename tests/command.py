"""The command line in a process of its own."""

import subprocess
import sys


def minigan(*arguments, **options):
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "minigan", *map(str, arguments)], capture_output=True, text=True, timeout=120, **options
    )
