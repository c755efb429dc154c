"""Kernels with one planted fault each and what repairs it, and kernels without any."""

from . import memory, races, waiting, whole_memory, whole_races, whole_waiting
from .fault import Fault
from .innocent import INNOCENT

FAULTS = tuple(
    fault for part in (memory, races, waiting, whole_memory, whole_races, whole_waiting) for fault in part.FAULTS
)
__all__ = ["FAULTS", "INNOCENT", "Fault"]
