"""What holds of the kernels' ladders without a GPU: what NVIDIA's compiler made of them, and what the emulator counts."""

import re
from functools import cache

import pytest

from minigan import check, cuda, emulator
from minigan.bench import counts
from minigan.bench.problems import COUNTED, convolutions
from minigan.check import versions_of
from minigan.check.calls import converted
from minigan.cuda import conv2d_staged, nvrtc, source
from minigan.cuda.versions import STEMS

CHIPS = (80, 90)
FP32_TILES = (
    "matmul_v4", "matmul_v5", "conv2d_v4", "conv2d_backward_data_v4", "conv2d_backward_weight_v4", "winograd_products_v1",
)  # fmt: skip
TENSOR_TILES = "matmul_v6", "conv2d_v5", "conv2d_backward_data_v5", "conv2d_backward_weight_v5"
PACKED = [name for stem in ("activation", "optim", "average") for name in STEMS[stem]]

# The least steps along k that a strip has: every one of them stands in the machine code, with 64 multiply-adds of a thread.
STEPS, PRODUCTS = 8, 64


@pytest.fixture(autouse=True)
def compiler():
    if problem := nvrtc.why_missing():
        pytest.skip(problem)


def instructions(name, chip):
    return counts.compiled(counts.file_of(name), chip)[name].instructions


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("name", FP32_TILES)
def test_register_tiles_are_unrolled_and_vectorised(name, chip):
    found = instructions(name, chip)
    assert found["FFMA"] % (STEPS * PRODUCTS) == 0 and found["FFMA"] > 0
    reads = found["FFMA"] // PRODUCTS * 4  # 16 numbers by four reads, for each step
    assert found["LDS.128"] == reads or (
        name.startswith("conv2d_") and found["LDS.128"] > reads
    )  # how images are staged
    assert found["LDG.128"] > 0
    assert found["HMMA"] == found["local"] == 0


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("name", ["conv2d_v3", "conv2d_backward_data_v3", "conv2d_backward_weight_v3"])
def test_gathered_tiles_are_unrolled(name, chip):
    """And keep to their registers, though each thread also knows where its lines begin."""
    found = instructions(name, chip)
    assert found["FFMA"] == STEPS * PRODUCTS and found["LDS.128"] == STEPS * 4
    assert found["LDG.128"] == found["HMMA"] == found["local"] == 0


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("name", TENSOR_TILES)
def test_tensor_tiles_multiply_by_tensor_cores(name, chip):
    found = instructions(name, chip)
    assert found["HMMA"] % 64 == 0 and found["HMMA"] > 0  # 32 products for each 8 of a strip's 16 steps
    assert found["FFMA"] == found["local"] == 0


@pytest.mark.parametrize("chip", CHIPS)
def test_the_largest_stage_leaves_a_block_within_48_kib(chip):
    kernels = counts.compiled("conv2d.cu", chip)
    for name in ("conv2d", "conv2d_backward_data", "conv2d_backward_weight"):
        assert kernels[f"{name}_v4"].shared + 4 * conv2d_staged.ROOM <= 48 * 1024
    assert conv2d_staged.SLABS <= conv2d_staged.FOR_TWO <= conv2d_staged.ROOM
    assert 2 * (kernels["conv2d_backward_weight_v4"].shared + 4 * conv2d_staged.FOR_TWO) <= 64 * 1024


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize(
    "name", [*PACKED, "batch_norm", "batch_norm_backward", "batch_norm_sums", "batch_norm_statistics"]
)
def test_packs_move_16_bytes(name, chip):
    assert instructions(f"{name}_v2", chip)["LDG.128"] > 0


@pytest.mark.parametrize("chip", CHIPS)
def test_sums_have_four_packs_on_their_way(chip):
    assert instructions("sum_v4", chip)["LDG.128"] >= 4


@pytest.fixture(scope="module")
def counted(every_access):
    return cache(counts.counts)


@pytest.mark.parametrize("stem", ["matmul", "batch_norm", "activation", "optim"])
def test_top_rungs_move_whole_sectors(stem, counted):
    top = versions_of(stem)[1:] if stem != "matmul" else versions_of(stem)[2:]
    checked = [each for each in counted(stem) if each.kernel.endswith(top)]
    assert len(checked) >= len(top)
    assert all(each.sectors == 1 for each in checked), checked


def test_rows_are_summed_by_whole_sectors(counted):
    of_rows = [each for each in counted("reduce") if each.kernel == "sum_v4" and "down" not in each.problem]
    assert of_rows and all(each.sectors == 1 for each in of_rows)


@pytest.mark.parametrize("stem", ["matmul", "batch_norm", "reduce", "activation", "optim"])
def test_no_bank_is_asked_for_more_than_two_words(stem, counted):
    assert all(each.turns <= 2 for each in counted(stem)), counted(stem)


def rows_of_readme():
    """Every row of the README's tables of what was counted: {head: cell}, with its problem."""
    rows, heads, problem = [], None, None
    for line in (source.folder() / "README.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|  | sectors |"):
            heads = cells
        elif not line.startswith("|"):
            heads = None
        elif heads and cells[0].startswith("**"):
            problem = cells[0].strip("*")
        elif heads and cells[0].startswith("`"):
            rows.append(dict(zip(heads, cells)) | {"": cells[0].strip("`"), "problem": problem})
    return rows


def is_the_readmes_compiler():
    from cupy.cuda import nvrtc as compiler_of_cupy

    version = re.search(r"NVRTC (\d+)\.(\d+)", (source.folder() / "README.md").read_text("utf-8"))
    return compiler_of_cupy.getVersion() == tuple(map(int, version.groups()))


@pytest.mark.parametrize("stem", sorted(COUNTED))
def test_the_readme_shows_what_is_counted(stem, counted):
    """And what its compiler made of it, where that is at hand."""
    heads, *rows = counts.table(counted(stem))
    found = [dict(zip(heads, (row[0].strip(), *row[1:]))) for row in rows if any(row[1:])]
    problems = {each.problem for each in counted(stem)}
    shown = [row for row in rows_of_readme() if row["problem"] in problems]
    compared = set(shown[0]) - {"problem"} if is_the_readmes_compiler() else {"", *counts.OF_COUNT}
    assert len(shown) > 3 and len(compared) > len(counts.OF_COUNT)
    assert [{head: row[head] for head in compared} for row in found] == [
        {head: row[head] for head in compared} for row in shown
    ]


def test_staged_convolutions_move_whole_sectors(counted):
    """All launches of v4 and v6 of all three at stride 1; windows too, which are read from rows that came as they lie."""
    checked = [
        count
        for count in counted("conv2d")
        if count.problem.endswith("stride 1")
        and (count.kernel.startswith(("winograd", "conv2d_phases")) or re.fullmatch("conv2d.*_v4", count.kernel))
    ]
    assert len({count.kernel for count in checked}) == 3 + 6 + 1
    assert all(count.sectors == 1 for count in checked), checked


def test_convolutions_meet_in_no_bank(counted):
    checked = [each for each in counted("conv2d") if not each.kernel.endswith(("v1", "v2"))]
    assert len({each.kernel for each in checked if each.kernel.startswith("conv2d")}) == 3 * 3
    assert all(each.turns <= 2 for each in checked), checked


def test_windows_of_five_move_whole_sectors_too(every_access):
    for problem in convolutions((1, 8, 16, 16), (128, 8, 5, 5), (1, 1), ((2, 2), (2, 2))):
        with check.chosen("v4"), emulator.profiling() as profiles:
            getattr(cuda, problem.primitive)(*converted(problem.call().args, "float32"))
        for profile in (each for each in profiles if not each.kernel.startswith("sum")):
            assert profile.total("sectors") == profile.total("ideal_sectors"), profile
            assert all(line.turns <= 2 * line.ideal_turns for line in profile.lines), profile


def test_strided_gradients_waste_sectors_on_their_results_alone(every_access):
    """Every second pixel is another phase's, so that at stride 2 half of what results move is."""
    problem = convolutions((1, 8, 16, 16), (128, 8, 4, 4), (2, 2), ((1, 1), (1, 1)))[1]
    with check.chosen("v4"), emulator.profiling() as profiles:
        cuda.conv2d_backward_data(*converted(problem.call().args, "float32"))
    for line in (line for profile in profiles for line in profile.lines):
        assert line.sectors == line.ideal_sectors * (2 if "y[channel" in line.code else 1), line


def test_a_rung_moves_what_was_worked_out_for_it(counted):
    """matmul of 256×64 and 64×256: every rung's bytes from global memory, from the side of its tile; 256 KB are stored."""
    stored = 4 * 256 * 256
    moved = {each.kernel: each.moved - stored for each in counted("matmul")}
    naive = 2 * 4 * 256 * 64 * 256
    assert moved == {
        "matmul_v1": naive,
        "matmul_v2": naive // 16,
        "matmul_v3": naive // 64,
        **dict.fromkeys(("matmul_v4", "matmul_v5", "matmul_v6"), naive // 128),
    }
