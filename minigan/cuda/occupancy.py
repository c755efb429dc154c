"""How many of a kernel's threads fit on a multiprocessor at once, by NVIDIA's formula.

A multiprocessor hides the time that memory takes by running other warps meanwhile; how many it can hold is set by the
registers and the shared memory that a block takes. The limits are those of the CUDA C++ Programming Guide, "Technical
Specifications per Compute Capability"; how they are rounded is in NVIDIA's occupancy calculator.
"""

from dataclasses import dataclass
from math import prod

from ..errors import MiniganError

WARP = 32  # lanes
REGISTERS = 65_536  # of a multiprocessor
REGISTERS_AT_ONCE = 256  # they are given to a warp in multiples of this
WARPS_AT_ONCE = 4  # one for each quarter of a multiprocessor


@dataclass(frozen=True)
class Chip:
    """What a multiprocessor holds at once: warps, blocks, bytes of shared memory; and how shared memory is given out."""

    warps: int
    blocks: int
    shared: int
    reserved: int = 1024  # bytes of each block's shared memory that are the system's
    shared_at_once: int = 128


CHIPS = {
    75: Chip(32, 16, 64 * 1024, reserved=0, shared_at_once=256),
    80: Chip(64, 32, 164 * 1024),
    86: Chip(48, 16, 100 * 1024),
    89: Chip(48, 24, 100 * 1024),
    90: Chip(64, 32, 228 * 1024),
    100: Chip(64, 32, 228 * 1024),
    120: Chip(48, 24, 100 * 1024),
}


@dataclass(frozen=True)
class Occupancy:
    """The warps that a multiprocessor holds of the most it could, and what keeps it from holding more."""

    warps: int
    most: int
    limit: str  # "registers", "shared memory", "blocks" or "warps"

    def __str__(self):
        return f"{self.warps} of {self.most} warps ({self.warps / self.most:.0%}), limited by {self.limit}"


def chip_of(architecture):
    """The Chip of 75, 80, … Raises MiniganError for one that is not known."""
    if architecture not in CHIPS:
        known = ", ".join(f"sm_{number}" for number in CHIPS)
        raise MiniganError(f"unknown chip sm_{architecture}: choose from {known}")
    return CHIPS[architecture]


def occupancy(architecture, block, registers, shared):
    """The Occupancy of a kernel in blocks of `block` threads, with so many registers a thread and bytes of shared memory.

    `architecture` is 75, 80, … as in sm_75. Raises MiniganError for one that is not known.
    """
    chip, warps = chip_of(architecture), _up(prod(block), WARP) // WARP
    of_warp = _up(max(registers, 1) * WARP, REGISTERS_AT_ONCE)
    of_block = _up(shared + chip.reserved, chip.shared_at_once)
    fit = {
        "warps": chip.warps // warps,
        "blocks": chip.blocks,
        "registers": REGISTERS // of_warp // WARPS_AT_ONCE * WARPS_AT_ONCE // warps,
        "shared memory": chip.shared // of_block if of_block else chip.blocks,
    }
    limit = min(fit, key=fit.get)
    return Occupancy(fit[limit] * warps, chip.warps, limit)


def _up(number, multiple):
    return -(-number // multiple) * multiple
