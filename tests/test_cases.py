"""Small files as strangers bring them (cases/): each does what its first line says, in three orders of its threads."""

import re
from pathlib import Path

import numpy as np
import pytest

import minigan as mg
from minigan import emulator
from minigan.check.user_kernel import argument
from minigan.emulator import parser

pytestmark = pytest.mark.skipif(
    not parser.can_parse(), reason="tree-sitter is missing: pip install 'minigan[emulator]'"
)
CASES = sorted((Path(__file__).parent / "cases").glob("*.cu"))
FIRST = re.compile(
    r"// (?P<name>\S+?)\((?P<args>.*)\) <<<(?P<grid>\d+), (?P<block>\d+)>>>: (?P<kind>\S+)(?: in line (?P<lines>.+))?"
)


def arguments(text):
    """The arguments in a first line; {…} is a record."""
    random = np.random.default_rng(3)
    if record := re.match(r"\{(.*)\}, ", text):
        fields = [re.fullmatch(r"([if]32) (\w+)=(\S+)", field).groups() for field in record[1].split(", ")]
        made = np.zeros((), [(name, kind[0] + "4") for kind, name, _ in fields])
        for _, name, value in fields:
            made[name] = float(value)
        return [made[()], *arguments(text[record.end() :])]
    return [argument(each, random) for each in text.split(", ")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_case_does_what_its_first_line_says(case):
    first = FIRST.fullmatch(case.read_text().splitlines()[0])
    for order in emulator.ORDERS:
        args = arguments(first["args"])
        found = emulator.check(
            f"{case}:{first['name']}", int(first["grid"]), int(first["block"]), args, order=order
        ).findings
        assert {each.kind for each in found} == ({first["kind"]} - {"clean"}), found
        if found:
            assert {str(found[0].line)} <= set(first["lines"].split(" or ")), found
            assert "bias" in found[0].message or first["kind"] != "null-pointer"


def test_what_comes_out():
    def run(name, *args):
        mg.kernel(f"{Path(__file__).parent}/cases/{name}.cu:k")(1, 64, args)

    random = np.random.default_rng(5)
    half, single, y = random.normal(size=64).astype(np.float16), random.random(64, np.float32), np.zeros(64, np.float32)
    run("half_scale", half, y)
    assert (y == (half + half).astype(np.float32)).all()
    bits, rounded = np.zeros(64, np.uint16), single.view(np.uint32)
    run("bfloat_round", single, bits)
    assert (bits == (rounded + 0x7FFF + (rounded >> 16 & 1)) >> 16).all()
    x = single.copy()
    run("struct_by_value", np.array((60, 3), np.dtype([("count", "i4"), ("factor", "f4")]))[()], x)
    assert (x == np.where(np.arange(64) < 60, single * 3, single)).all()
    run("null_pointer", x.copy(), None)
