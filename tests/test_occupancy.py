"""Occupancy by hand: how many warps of a kernel fit on a multiprocessor."""

import pytest

from minigan.cuda.occupancy import CHIPS, occupancy
from minigan.errors import MiniganError
from minigan.plan import MOST_SHARED


@pytest.mark.parametrize(
    ("chip", "block", "registers", "shared", "warps", "limit"),
    [
        # 8 warps a block; 32 registers × 32 lanes = 1,024 a warp, 64 warps: 8 blocks, all of them.
        (90, (256, 1, 1), 32, 0, 64, "warps"),
        # 40 × 32 = 1,280 a warp: 51 fit, of which 48 go on four quarters: 6 blocks of 8 warps.
        (90, (256, 1, 1), 40, 0, 48, "registers"),
        # The same in blocks of 3 warps: 16 blocks, where 51 warps would make 17.
        (90, (96, 1, 1), 40, 0, 48, "registers"),
        # 33 × 32 = 1,056, given as 1,280.
        (90, (16, 16, 1), 33, 0, 48, "registers"),
        # 48 KiB and the system's 1 KiB: 4 blocks in 228 KiB, 2 in 100 KiB, 1 in 64 KiB without the system's.
        (90, (128, 1, 1), 32, 48 * 1024, 16, "shared memory"),
        (86, (128, 1, 1), 32, 48 * 1024, 8, "shared memory"),
        (75, (128, 1, 1), 32, 48 * 1024, 4, "shared memory"),
        # Blocks of one warp: as many as there may be blocks.
        (86, (32, 1, 1), 16, 0, 16, "blocks"),
        (90, (20, 1, 1), 16, 0, 32, "blocks"),
        # 255 registers: 8,192 a warp (8,160 rounded up), 8 warps; a block of 8 fits once.
        (80, (256, 1, 1), 255, 0, 8, "registers"),
        # A block of 1,024 threads: one of 48 warps' room, with 16 left.
        (120, (1024, 1, 1), 32, 0, 32, "warps"),
    ],
)
def test_occupancy(chip, block, registers, shared, warps, limit):
    fits = occupancy(chip, block, registers, shared)
    assert (fits.warps, fits.most, fits.limit) == (warps, CHIPS[chip].warps, limit)


def test_an_unknown_chip():
    with pytest.raises(MiniganError, match="unknown chip sm_91: choose from sm_75, sm_80"):
        occupancy(91, (32, 1, 1), 32, 0)
    assert str(occupancy(90, (256, 1, 1), 40, 0)) == "48 of 64 warps (75%), limited by registers"


def test_a_block_can_ask_for_what_the_system_leaves_of_a_multiprocessors_shared_memory():
    assert {number: chip.shared - chip.reserved for number, chip in CHIPS.items()} == MOST_SHARED
