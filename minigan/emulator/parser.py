"""A CUDA text through a parser: tree-sitter, with its grammar of CUDA.

It goes on behind what it does not understand, so that half a program, or one whose headers are missing, has a tree too. A few
things that it does understand, but wrongly, are hidden from it. All offsets are in bytes of the text in UTF-8, which here is a
str of one character a byte (`as_bytes`).
"""

import re
from dataclasses import dataclass
from functools import cache

from ..errors import MiniganError
from .program import plain

DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(\([^)\n]*\))?((?:\\\r?\n|[^\n])*)", re.M)
MAKES = re.compile(r"\b__(?:global|device)__\b")  # in a macro that stands for a whole function
# What a macro may stand for that says where a function runs or how it lies, and that the grammar does not take for a word.
QUALIFIER = re.compile(r"__\w+__(?:\s*\([^()]*\))?|(?:__restrict|__inline|inline|static|extern|constexpr)\b|\s+|\\\n")
ALIGNED = re.compile(r"\b(?:__align__|alignas|__attribute__|__declspec)\s*\((?:[^()]|\([^()]*\))*\)")
# The braces that C++ alone sees of an `extern "C" {` around half a file.
FOR_CXX = re.compile(
    r"^[ \t]*#[ \t]*if[^\n]*__cplusplus[^\n]*\n(?:\s*extern\s+\S*\s*\{|\s*\})[^\n]*\n[ \t]*#[ \t]*endif", re.M
)
# Where a function runs, said to one compiler alone.
FOR_CUDA = re.compile(r"^[ \t]*#[ \t]*if[^\n]*\n(?:\s*__\w+__)+\s*\n[ \t]*#[ \t]*endif", re.M)


@dataclass(frozen=True)
class Parsed:
    """A text's tree; its code, without comments and strings; {macro: what it stands for}; {end: begin} of the words before
    declarations that the parser does not see; and (begin, end) of the uses of macros that make functions, which it does not see
    either."""

    root: object
    code: str
    macros: dict
    hidden: dict
    makers: list


@cache
def _parser():
    try:
        import tree_sitter
        import tree_sitter_cuda
    except ImportError:
        return None
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_cuda.language()))


def can_parse():
    """Whether the parser is installed."""
    return _parser() is not None


def as_bytes(text):
    """The text with one character for each byte of its UTF-8."""
    return text.encode("utf-8").decode("latin-1")


def parse(text):
    """A text that `as_bytes` made, Parsed. Raises MiniganError where the parser is missing."""
    if not can_parse():
        raise MiniganError("tree-sitter is missing: pip install 'minigan[emulator]'")
    code = plain(text)
    macros = {match[1]: match[3] for match in DEFINE.finditer(code)}
    hidden = [match.span() for pattern in (ALIGNED, FOR_CUDA) for match in pattern.finditer(code)]
    hidden += _uses(code, [name for name, body in macros.items() if not QUALIFIER.sub("", body)])
    makers = _uses(code, [name for name, body in macros.items() if MAKES.search(body) and QUALIFIER.sub("", body)])
    braces = [match.span() for match in FOR_CXX.finditer(code)]
    tree = _parser().parse(blanked(text, hidden + makers + braces).encode("latin-1"))
    return Parsed(tree.root_node, code, macros, {end: begin for begin, end in hidden}, makers)


def blanked(text, spans):
    """The text with spaces in these places; the ends of lines stay."""
    chars = list(text)
    for begin, end in spans:
        chars[begin:end] = re.sub(r"[^\n]", " ", text[begin:end])
    return "".join(chars)


def _uses(code, macros):
    """(begin, end) wherever one of these macros is used, with what stands in parentheses behind it."""
    if not macros:
        return []
    use = re.compile(
        rf"^[ \t]*#(?:\\\n|[^\n])*|\b(?:{'|'.join(map(re.escape, macros))})\b(?:\s*\((?:[^()]|\([^()]*\))*\))?", re.M
    )
    return [match.span() for match in use.finditer(code) if not match[0].lstrip().startswith("#")]
