"""Data sets: Images, uint8 pixels and their classes, or Points of the plane and their modes."""

from .dataset import DATASETS, Images, Points, load, load_held_out, reads_files, sample_shape

__all__ = ["DATASETS", "Images", "Points", "load", "load_held_out", "reads_files", "sample_shape"]
