"""The README tells the truth: its Python runs, its files exist, its commands are those that CI runs."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import minigan

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
# torch_gan is PyTorch's side of `bench step`, for those who have it.
ELSEWHERE = ("minigan.__main__", "minigan.bench.torch_gan")
MODULES = [each.name for each in pkgutil.walk_packages(minigan.__path__, "minigan.") if each.name not in ELSEWHERE]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.split("\n")[2][:30])
def test_python_examples_run(example):
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})


def test_the_gan_is_as_short_as_promised():
    lines = [line for line in EXAMPLES[0].splitlines() if line.strip()]
    assert len(lines) <= 20


def test_linked_files_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).is_file(), target


def test_ci_runs_the_two_commands():
    commands = [block.strip() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)][:2]
    script = (ROOT / ".ci" / "run").read_text()
    assert all(command.startswith((".venv", "python3 -m venv .venv")) for command in commands)
    assert "README.md" in script  # it takes them from here


def test_the_stem_of_the_tour_has_its_five_rooms():
    for room in (
        "minigan/ops/matmul.py",
        "minigan/reference/matmul.py",
        "kernels/matmul.cu",
        "minigan/cuda/matmul.py",
        "tests/test_matmul.py",
    ):
        assert (ROOT / room).is_file() and room.split("/", 1)[-1] in README


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    assert doctest.testmod(module).failed == 0


def test_there_are_docstring_examples():
    finder = doctest.DocTestFinder()
    assert sum(len(test.examples) for name in MODULES for test in finder.find(importlib.import_module(name))) > 20
