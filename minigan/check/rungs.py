"""How much a reader holds in mind for a kernel: it, and every function, class, macro and constant that it reaches.

Lines are counted without comments and blank ones; a class counts whole. No compiler is asked: what is declared outside of all
braces has a name, and who writes the name, but as somebody's member, reaches it.
"""

import re
from dataclasses import dataclass
from functools import cache

from ..cuda import source
from ..cuda.versions import STEMS
from ..errors import MiniganError

COMMENT = re.compile(r"//[^\n]*|/\*[\s\S]*?\*/")
WORD = re.compile(r"(?<!\.)(?<!->)(?<!::)\b[A-Za-z_]\w*")
ATTRIBUTE = re.compile(r"\b(?:__launch_bounds__|__align__|alignas)\s*\([^()]*(?:\([^()]*\)[^()]*)*\)")
CLASS = re.compile(r"^\s*(?:struct|class|enum)\s+(\w+)")
DEFINE = re.compile(r"^\s*#\s*define\s+(\w+)")
CALLED = re.compile(r"\s*([A-Z][A-Z_]*)\(")  # a macro
DEFINED_BY_MACRO = re.compile(r"\b\w+##(\w+)")  # NAME##_v1


@dataclass(frozen=True)
class Reach:
    """A kernel of a version: its own lines, those of all that it reaches with its own, and the names of that."""

    version: str
    kernel: str
    own: int
    lines: int
    names: tuple


def reaches(stem):
    """The Reach of every kernel of a stem, version by version. Raises MiniganError for an unknown stem."""
    if stem not in STEMS:
        raise MiniganError(f"unknown stem {stem!r}: choose from {', '.join(STEMS)}")
    kernels = dict.fromkeys(
        (version, kernel)
        for versions in STEMS[stem].values()
        for version, launcher in versions.items()
        for kernel in launcher.kernels
    )
    return [_reach(version, kernel) for version, kernel in sorted(kernels, key=lambda pair: pair[0])]


def _reach(version, kernel):
    parts = _parts(kernel.file)
    if kernel.name not in parts:
        raise MiniganError(f"{kernel.file} spells out no kernel {kernel.name}")
    reached, todo = {}, [kernel.name]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached[name] = parts[name]
            todo += {word for text in parts[name] for word in WORD.findall(text) if word in parts}
    texts = dict.fromkeys(
        text for texts in reached.values() for text in texts
    )  # a macro may define several names at once
    others = tuple(sorted(name for name in reached if name != kernel.name))
    return Reach(version, kernel.name, _lines(parts[kernel.name]), _lines(texts), others)


def _lines(texts):
    return sum(bool(line.strip()) for text in texts for line in text.split("\n"))


@cache
def _parts(file):
    """{name: the texts that declare it} of what a kernel file has outside of all braces, with what it includes."""
    parts, macros = {}, {}
    for text in _split(COMMENT.sub("", source.text(file))):
        if define := DEFINE.match(text):
            macros[define[1]] = text
        for name in _names(text, macros):
            parts.setdefault(name, []).append(text)
    return parts


def _split(text):
    """The declarations of a text, one after the other; directives outside of them are left out, but for definitions of macros."""
    piece, depth = [], 0
    lines = iter(text.split("\n"))
    for line in lines:
        is_directive = line.lstrip().startswith("#")
        if not piece and is_directive:
            directive = [line]
            while directive[-1].endswith("\\"):
                directive.append(next(lines))
            if DEFINE.match(line):
                yield "\n".join(directive)
        elif piece or line.strip():
            piece.append(line)
            if not is_directive:
                depth += sum(line.count(mark) for mark in "({") - sum(line.count(mark) for mark in ")}")
            if depth == 0 and (re.search(r"[;}]\s*$", line) or CALLED.match(piece[0])):
                yield "\n".join(piece)
                piece = []


def _names(text, macros):
    """What a declaration declares."""
    if define := DEFINE.match(text):
        return [define[1]]
    text = _without_template(ATTRIBUTE.sub("", text))
    if called := CALLED.match(text):
        endings = set(DEFINED_BY_MACRO.findall(_expanded(called[1], macros)))
        return [
            word + ending for word in set(WORD.findall(text)) for ending in endings
        ]  # whichever argument is the name
    if declared := CLASS.match(text):
        return [declared[1]]
    if re.match(r"\s*typedef\b", text):
        return re.findall(r"(\w+)\s*(?:\[[^\]]*\]\s*)*;", text)[-1:]
    if re.match(r"\s*(?:static\s+)?(?:constexpr|const)\b[^(]*=", text):
        return re.findall(r"(\w+)\s*=", text)
    return re.findall(r"(\w+)\s*\(", text.partition("{")[0])[:1]


def _expanded(name, macros):
    """A macro's text, and that of the macros that it calls."""
    text = macros.get(name, "")
    return text + "".join(_expanded(other, macros) for other in WORD.findall(text) if other in macros and other != name)


def _without_template(text):
    """The text without the template<…> in front."""
    found = re.match(r"\s*template\s*<", text)
    if not found:
        return text
    depth, end = 1, found.end()
    while depth:
        depth += (text[end] == "<") - (text[end] == ">")
        end += 1
    return _without_template(text[end:])


def markdown(stem):
    """A Markdown table of what a reader holds in mind for each rung of a stem, kernel by kernel."""
    rungs = {}
    for reach in reaches(stem):
        rungs.setdefault(reach.version, []).append(f"`{reach.kernel}` {reach.lines}")
    rows = [f"| {version} | {', '.join(kernels)} |" for version, kernels in rungs.items()]
    return "\n".join(["| rung | lines that each of its kernels reaches, its own among them |", "|---|---|", *rows])
