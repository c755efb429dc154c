"""Data sets: each loader returns Images, uint8 pixels and their classes."""

from .dataset import DATASETS, Images, load

__all__ = ["DATASETS", "Images", "load"]
