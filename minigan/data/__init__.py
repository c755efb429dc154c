"""Data sets: Images, uint8 pixels and their classes, or Points of the plane and their modes."""

from .dataset import DATASETS, NEEDS_NO_FILES, Images, Points, load, sample_shape

__all__ = ["DATASETS", "NEEDS_NO_FILES", "Images", "Points", "load", "sample_shape"]
