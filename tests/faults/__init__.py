"""Kernels with one planted fault each and what repairs it, and kernels without any."""

from . import memory, races, styles, waiting
from .fault import Fault
from .innocent import INNOCENT

FAULTS = (*memory.FAULTS, *races.FAULTS, *waiting.FAULTS, *styles.FAULTS)
__all__ = ["FAULTS", "INNOCENT", "Fault"]
