"""What a reader holds in mind for a rung: how it is counted, and how much it may be."""

import re

import pytest

from minigan import MiniganError
from minigan.check import rungs
from minigan.cli import main
from minigan.cuda import source

TEXT = r"""
#define MOST 3
#define BOTH(NAME, FORMULA)            \
    __global__ void NAME##_v1(T x) {   \
        FORMULA                        \
    }                                  \
    __global__ void NAME##_v2(T x) { FORMULA }
constexpr int SIDE = MOST,
              DEPTH = 2;
typedef float Strip[DEPTH][SIDE];

// A comment is no line; twice() is not reached by it.
template <class T, int N = 3> struct Box {
    T of[N];

    __device__ T first() const { return of[0]; }  // twice(of[0])
};
__device__ inline float twice(float x) {
#pragma unroll
    for (int i = 0; i < MOST; ++i) x += x;
    return x;
}
__device__ inline float unused(float x) { return twice(x); }
extern "C" __global__ void __launch_bounds__(SIDE)
    first_v1(const float* x) {
    Box<float> box;
    x->unused(box.twice);
}
BOTH(second, twice(x);)
"""


@pytest.fixture
def parts(monkeypatch):
    monkeypatch.setattr(source, "text", lambda file: TEXT)
    rungs._parts.cache_clear()
    yield rungs._parts("a.cu")
    rungs._parts.cache_clear()


def test_what_is_declared_has_its_name_and_its_lines(parts):
    expected = {
        "MOST": 1, "BOTH": 5, "SIDE": 2, "DEPTH": 2, "Strip": 1, "Box": 4, "twice": 5, "unused": 1, "first_v1": 5,
        "second_v1": 1, "second_v2": 1,
    }  # fmt: skip
    assert {name: rungs._lines(parts[name]) for name in expected} == expected


def test_who_writes_a_name_reaches_it_but_as_a_member(parts):
    def reached(name):
        kernel = type("Kernel", (), {"file": "a.cu", "name": name})
        return rungs._reach("v1", kernel)

    assert set(reached("first_v1").names) == {"SIDE", "DEPTH", "MOST", "Box"}
    assert reached("first_v1").lines == 5 + 2 + 1 + 4  # SIDE and DEPTH are one declaration
    assert set(reached("second_v1").names) == {"BOTH", "twice", "MOST"}
    with pytest.raises(MiniganError, match="a.cu spells out no kernel third_v1"):
        reached("third_v1")


LIMITS = {"matmul": dict.fromkeys(("v1", "v2", "v3", "v4", "v5", "v6"), 110)}
LIMITS["conv2d"] = {"v1": 160, "v2": 160, "v3": 160, "v4": 260, "v5": 160, "v6": 260}


@pytest.mark.parametrize("stem", LIMITS)
def test_a_rung_can_be_held_in_mind(stem):
    found = {(reach.version, reach.kernel): reach.lines for reach in rungs.reaches(stem)}
    assert {version for version, _ in found} == LIMITS[stem].keys()
    assert {key: lines for key, lines in found.items() if lines > LIMITS[stem][key[0]]} == {}


@pytest.mark.parametrize("stem", LIMITS)
def test_the_readme_shows_it(stem):
    assert rungs.markdown(stem) in (source.folder() / "README.md").read_text("utf-8")


def test_every_stem_is_counted():
    for stem in rungs.STEMS:
        assert all(0 < reach.own <= reach.lines for reach in rungs.reaches(stem))
    with pytest.raises(MiniganError, match="unknown stem 'pairs': choose from"):
        rungs.reaches("pairs")


def test_the_first_rungs_are_spelled_out():
    """What a beginner reads first is a kernel as C has it, and no macro's call."""
    for file, names in (("activation.cu", ("leaky_relu_v1", "leaky_relu_v2")), ("optim.cu", ("adam_v1", "adam_v2"))):
        text = (source.folder() / file).read_text("utf-8")
        assert all(re.search(rf'^extern "C" __global__ void {name}\(', text, re.M) for name in names)


def test_the_command(capsys):
    assert main(["inspect", "matmul", "--lines"]) == 0
    assert capsys.readouterr().out == rungs.markdown("matmul") + "\n"
    for wrong, message in (
        (["pairs", "--lines"], "unknown stem 'pairs'"),
        (["matmul", "--lines", "--json"], "--lines stands alone"),
        (["matmul", "--lines", "--grid", "4"], "--grid goes with a kernel"),
    ):
        assert main(["inspect", *wrong]) == 2
        assert message in capsys.readouterr().err
