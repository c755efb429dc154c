"""The pages tell the truth: their Python runs, their commands are known, their links lead somewhere, their steps work."""

import doctest
import importlib
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import minigan
from minigan import cli

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS]  # whose examples and commands are for a reader to try
LINKING = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "kernels" / "README.md", *ROOT.glob("minigan/**/*.md")]
# torch_gan is PyTorch's side of `bench step`, for those who have it.
ELSEWHERE = ("minigan.__main__", "minigan.bench.torch_gan")
MODULES = [each.name for each in pkgutil.walk_packages(minigan.__path__, "minigan.") if each.name not in ELSEWHERE]


def name_of(page):
    return str(page.relative_to(ROOT))


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def is_addition(block):
    """Whether a block is what docs/op.md adds to a file, which its first line names."""
    return re.match(r"(#|//) (minigan|kernels)/\S+\n", block) is not None


EXAMPLES = [(page, block) for page in PAGES for block in blocks(page, "python") if not is_addition(block)]


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda example: f"{name_of(example[0])}: {example[1].split(chr(10))[2]}"
)
def test_python_examples_run(example):
    page, code = example
    exec(compile(code, name_of(page), "exec"), {"__name__": "readme"})


def test_the_gan_is_as_short_as_promised():
    lines = [line for line in blocks(ROOT / "README.md", "python")[0].splitlines() if line.strip()]
    assert len(lines) <= 20


def test_the_readme_is_for_who_arrives():
    assert len(README.splitlines()) <= 250


# ---- commands -------------------------------------------------------------------------------------------------------------


def commands(page):
    """What a page has after `minigan`, in its blocks of shell commands and within its lines."""
    text = page.read_text("utf-8")
    inline = re.findall(r"`(minigan [^`]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))
    parts = [part for block in blocks(page, "sh") for line in block.splitlines() for part in line.split("&&")]
    for command in (*inline, *parts):
        words = shlex.split(command, comments=True)
        if words and words[0] in ("minigan", ".venv/bin/minigan"):
            yield words[1:]


COMMANDS = [(page, words) for page in PAGES for words in commands(page)]


@pytest.mark.parametrize(
    "page, command", COMMANDS, ids=[f"{name_of(page)}: {' '.join(command)}" for page, command in COMMANDS]
)
def test_commands_are_known(page, command, capsys):
    """The parser takes each. What only shows something is run, too."""
    if {"--help", "--version"} & set(command):
        with pytest.raises(SystemExit, match="^0$"):
            cli.main(command)
    elif {"--describe", "--list", "--lines"} & set(command):
        assert cli.main(command) == 0
    else:
        assert cli.build_parser().parse_args(command)
        return
    assert capsys.readouterr().out


def test_the_pages_have_commands():
    assert {page for page, _ in COMMANDS} == set(PAGES) and len(COMMANDS) > 25


@pytest.mark.parametrize("command", ["check", "inspect"])
def test_commands_for_a_kernel_of_yours_run(command, capsys):
    """On the kernel of the README."""
    source = re.search(r'source="""\n(extern "C" __global__ void axpy.*?)"""', README, re.DOTALL)[1]
    Path("mine.cu").write_text(source)
    written = [words for _, words in COMMANDS if words[:2] == [command, "mine.cu:axpy"]]
    assert written and all(cli.main(words) == 0 for words in written)
    assert capsys.readouterr().out


def test_ci_runs_the_two_commands():
    setup, tests = (block.strip() for block in blocks(ROOT / "README.md", "sh")[:2])
    script = (ROOT / ".ci" / "run").read_text()
    assert setup.startswith("python3 -m venv .venv") and tests.startswith(".venv")
    assert "README.md" in script  # it takes them from here


# ---- links and places -----------------------------------------------------------------------------------------------------


def links(page):
    return re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))


def anchors(page):
    """What GitHub makes of a page's headings."""
    heads = re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.S | re.M), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", LINKING, ids=name_of)
def test_links_lead_somewhere(page):
    for target in links(page):
        place, _, anchor = target.partition("#")
        if not place.startswith("http"):
            led = (page.parent / place).resolve() if place else page
            assert led.is_file() and ROOT in led.parents, target
            assert not anchor or anchor in anchors(led), target


@pytest.mark.parametrize("page", [*DOCS, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=name_of)
def test_every_page_is_linked_from_the_readme(page):
    assert name_of(page) in links(ROOT / "README.md")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_named_files_exist(page):
    for place in re.findall(r"\b(?:minigan|kernels|tests|docs)/[\w/]+\.\w+", page.read_text("utf-8")):
        assert (ROOT / place).is_file(), place


def test_the_stem_of_the_tour_has_its_five_rooms():
    for room in (
        "minigan/ops/matmul.py",
        "minigan/reference/matmul.py",
        "kernels/matmul.cu",
        "minigan/cuda/matmul.py",
        "tests/test_matmul.py",
    ):
        assert (ROOT / room).is_file() and room.split("/", 1)[-1] in README


def test_the_deleted_barriers_report_has_the_kernels_lines():
    """What it finds is tested by the sanitizer's tests; here, that the page shows the lines as they are."""
    kernel = (ROOT / "kernels" / "matmul.cu").read_text("utf-8").splitlines()
    shown = re.findall(r"^ +(\d+) \| (.*)$", (ROOT / "docs" / "emulator.md").read_text("utf-8"), re.MULTILINE)
    assert len(shown) == 2
    for number, line in shown:
        assert kernel[int(number) - 1].strip() == line


# ---- an op through the five rooms -----------------------------------------------------------------------------------------


def add(block, root):
    """To the end of the file that its first line names; or behind the block's next line, where that stands in the file."""
    named, _, addition = block.partition("\n")
    path = root / named.split()[1]
    text, head = path.read_text("utf-8"), addition.split("\n", 1)[0] + "\n"
    if head.strip():
        assert text.count(head) == 1, head
        path.write_text(text.replace(head, addition), "utf-8")
    else:
        path.write_text(text + addition, "utf-8")


def export(path, names):
    lines = f"\nfrom .activation import {', '.join(names)}\n\n__all__ = sorted([*__all__, *{names}])\n"
    path.write_text(path.read_text("utf-8") + lines, "utf-8")


def test_an_op_through_the_five_rooms(tmp_path):
    """The steps of docs/op.md, taken in a copy of the house."""
    for room in ("minigan", "kernels", "tests"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    page = ROOT / "docs" / "op.md"
    for block in filter(is_addition, (*blocks(page, "python"), *blocks(page, "cuda"))):
        add(block, tmp_path)
    for room, names in (
        ("reference", ["swish", "swish_backward"]), ("cuda", ["swish", "swish_backward"]), ("ops", ["swish"]),
    ):  # fmt: skip
        export(tmp_path / "minigan" / room / "__init__.py", names)
    which = "swish or same_names or every_primitive or names_of_parameters or types and activation"
    tests = ["pytest", "tests/test_twins.py", "tests/test_kernels.py", "-k", which]
    for command in (["minigan", "check", "activation"], tests):
        done = subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


# ---- docstrings -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    assert doctest.testmod(module).failed == 0


def test_there_are_docstring_examples():
    finder = doctest.DocTestFinder()
    assert sum(len(test.examples) for name in MODULES for test in finder.find(importlib.import_module(name))) > 20
