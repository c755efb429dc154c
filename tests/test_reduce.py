import itertools

import numpy as np
import pytest
from compare import assert_close

from minigan import MiniganError, cuda, emulator, reference
from minigan.check import CASES, check_gradient, chosen
from minigan.cuda.reduce import V2, V3, default, plan_blocks, plan_columns, plan_shares, plan_terms, sums_of
from minigan.cuda.reduce import VERSIONS as TABLE
from minigan.cuda.target import Target
from minigan.cuda.versions import pick
from minigan.plan import recording


@pytest.mark.parametrize("case", CASES["reduce"], ids=lambda case: case.name)
def test_gradients(case):
    assert check_gradient(case) < 1e-6


def test_sum_to_is_the_adjoint_of_broadcast_to():
    random = np.random.default_rng(0)
    for small, large in (((3, 1), (2, 3, 4)), ((1,), (5,)), ((), (2, 3)), ((2, 3), (2, 3))):
        x, y = random.standard_normal(small), random.standard_normal(large)
        assert_close(np.sum(reference.broadcast_to(x, large) * y), np.sum(x * reference.sum_to(y, small)))


def test_mean_of_nothing_raises():
    with pytest.raises(MiniganError, match="nothing to average"):
        reference.mean(np.zeros((0, 3)), 0)
    assert reference.sum(np.zeros((0, 3)), 0).tolist() == [0, 0, 0]


def walk(numbers):
    """The index in x of every term of every output, as the kernel walks them."""
    for output in range(numbers["outputs"]):
        start = output // numbers["k1"] * numbers["ks0"] + output % numbers["k1"] * numbers["ks1"]
        for term in range(numbers["terms"]):
            yield output, start + term // numbers["r1"] * numbers["rs0"] + term % numbers["r1"] * numbers["rs1"]


@pytest.mark.parametrize("axes", [axes for n in range(5) for axes in itertools.combinations(range(4), n)])
def test_plan_walks_every_term_of_every_output(axes):
    x = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    numbers = sums_of(x.shape, axes).numbers
    sums = np.zeros(numbers["outputs"])
    for output, index in walk(numbers):
        sums[output] += x.reshape(-1)[index]
    assert_close(sums, x.sum(axes).reshape(-1))


T4, H100 = Target("float", 75, 40), Target("float", 90, 132)
VERSIONS = [version for version in TABLE["sum"] if version != "columns"]


@pytest.mark.parametrize(
    ("shape", "axis", "target", "version"),
    [
        ((100, 16_896), 0, H100, "columns"),  # four warps of columns for each of 132 multiprocessors
        ((100, 16_895), 0, H100, "v4"),
        ((100, 5_120), 0, T4, "columns"),
        ((16_896, 100), 1, H100, "v4"),  # the same sums along rows: neighbours read far apart
        ((16_896, 31), 1, H100, "columns"),  # too short for a warp
        ((31,), 0, H100, "columns"),
        ((100, 784), 0, Target(), "columns"),
    ],
)
def test_the_default_is_by_shape_and_chip(shape, axis, target, version):
    assert default(sums_of(shape, (axis,)), target) == version


def test_a_chosen_version_runs_whatever_the_shape():
    for version in TABLE["sum"]:
        with chosen(version):
            assert pick("sum", default(sums_of((100, 16_896), (0,)), H100), H100) is TABLE["sum"][version]


@pytest.mark.parametrize(
    ("version", "grid", "block"),
    [
        ("v1", (2733, 1, 1), 256),
        ("v2", (7, 1, 1), 256),
        ("v3", (7, 1, 1), 256),
        ("v4", (7, 1, 1), 256),
        ("columns", (1, 1, 1), 256),
    ],
)
def test_plans_cover_every_output(version, grid, block):
    sums = sums_of((7, 99_929), (1,))
    made = {
        "v1": plan_terms(sums), "v2": plan_blocks(V2, sums), "v3": plan_blocks(V3, sums),
        "v4": plan_shares(sums, Target(multiprocessors=1)), "columns": plan_columns(sums),
    }[version]  # fmt: skip
    assert made.kernel in TABLE["sum"][version].kernels
    assert (made.grid, made.block) == (grid, (block, 1, 1))


@pytest.mark.parametrize(
    ("outputs", "terms", "target", "parts", "threads"),
    [
        (1, 10_000_000, H100, 1056, 256),  # 8 blocks for each of 132 multiprocessors
        (1, 10_000_000, T4, 319, 256),
        (64, 100_000, H100, 16, 256),
        (64, 8191, H100, 1, 256),  # a share of less than 4096 is not worth a block
        (2000, 100_000, H100, 1, 256),  # there is a block for everybody
        (1, 1, Target(), 1, 32),
        (5, 200, Target(), 1, 64),
    ],
)
def test_few_long_sums_are_shared_by_blocks(outputs, terms, target, parts, threads):
    plan = plan_shares(sums_of((outputs, terms), (1,), 0.5), target)
    share = plan.numbers["share"]
    assert (plan.grid, plan.block) == ((outputs, parts, 1), (threads, 1, 1))
    assert share % (32 * target.pack) == 0 and (parts - 1) * share < terms <= parts * share
    assert plan.numbers["scale"] == (1.0 if parts > 1 else 0.5)  # what is added up afterwards is scaled then


def test_what_blocks_share_is_added_up_afterwards():
    x = np.ones((2, 20_000), np.float32)
    with chosen("v4"), recording() as launches:
        cuda.mean(x, 1)
    first, last = (launch.plan for launch in launches)
    assert (last.numbers["outputs"], last.numbers["terms"]) == first.grid[:2] == (2, 4)
    assert (first.numbers["scale"], last.numbers["scale"]) == (1.0, 1 / 20_000)


@pytest.mark.parametrize("version", [None, *VERSIONS[1:]])
@pytest.mark.parametrize("shape", [(3, 5000), (1, 40_000), (300, 7)])
def test_the_order_of_the_threads_changes_no_bit(version, shape):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    with chosen(version):
        found = []
        for order in emulator.ORDERS:
            with emulator.settings(order=order, seed=5):
                found.append(cuda.sum(x, 1).tobytes())
    assert len(set(found)) == 1


def test_empty_and_single():
    for version in (None, *VERSIONS):
        with chosen(version):
            assert cuda.sum(np.zeros((0, 3)), 0).tolist() == [0, 0, 0]
            assert cuda.sum(np.zeros((3, 0)), 0).shape == (0,)
            assert cuda.sum(np.full((), 3.0)).item() == cuda.mean(np.full((1, 1), 3.0)).item() == 3


def profiles(version, x, axes):
    with chosen(version), emulator.profiling() as found:
        cuda.sum(x, axes)
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("version", VERSIONS)
def test_rows_move_whole_sectors_and_meet_in_no_bank(every_access, version, dtype):
    for shape, axes in (((8, 8192), 1), ((4, 8, 64, 32), (0, 2, 3))):
        found = [each for each in profiles(version, np.ones(shape, dtype), axes) if each.kernel == f"sum_{version}"]
        for each in found[:1]:  # what adds up the parts comes behind it
            assert each.total("sectors") == each.total("ideal_sectors")
            assert each.total("turns") == each.total("ideal_turns")
        assert found


def test_columns_move_whole_sectors():
    (found,) = profiles(None, np.ones((50, 512), np.float32), 0)
    assert found.kernel == "sum_columns_v1" and found.total("sectors") == found.total("ideal_sectors")


def test_what_each_version_asks_of_memory():
    """One request of a warp for 32 numbers; of 32 times 16 bytes where they lie on boundaries."""
    whole = np.ones(65_537, np.float32)
    for version, x, requests in (("v3", whole[:-1], 2048), ("v4", whole[:-1], 512), ("v4", whole[1:], 2048)):
        first, *_ = profiles(version, x, 0)
        (loads,) = (line.requests for line in first.lines if line.loaded)
        assert loads == requests


def test_what_each_version_waits_for():
    """The tree meets at a barrier for each halving of 256 threads; warps that add up by themselves meet
    twice, after five shuffles."""
    for version, barriers in (("v2", 8), ("v3", 5 + 2)):
        (found,) = profiles(version, np.ones((1, 1000), np.float32), 1)
        assert found.total("barriers") == barriers
