"""What the commands of the command line do: each takes the parsed options and returns the exit status."""

from .kernels import bench, check, inspect
from .options import explain_os_error
from .samples import compare, evaluate, sample
from .train import train

__all__ = ["bench", "check", "compare", "evaluate", "explain_os_error", "inspect", "sample", "train"]
