"""The judge: a small classifier, and what it says of samples. The GANs do not know it."""

from .evaluation import evaluate, glance
from .kept import Judge, find_judge
from .report import save_picture, table

__all__ = ["Judge", "evaluate", "find_judge", "glance", "save_picture", "table"]
