"""`minigan bench`: every version of a kernel, and yours, against the best there is: right first, then fast."""

from .comparison import compare, compare_at
from .table import Table
from .user_kernel import your_kernel

__all__ = ["Table", "compare", "compare_at", "your_kernel"]
