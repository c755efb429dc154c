"""A whole CUDA program as the text of its kernels: what it includes put in, its host functions left out.

Kernels are compiled on their own, by NVRTC for a GPU and by a C++ compiler for the emulator. Neither knows `<<<…>>>`, the
calls of CUDA's runtime, or the C++ library that a `main` prints with. Every line stays where it was.
"""

import re
from pathlib import Path

COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*[\s\S]*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'')
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.M)
DEVICE = re.compile(r"\b__(?:global|device)__\b")
HOST = re.compile(r"<<<|\bcuda[A-Z]\w*|\bstd::|\b(?:malloc|fopen)\s*\(")  # what makes a function the host's
CXX_HEADER = re.compile(r"^[ \t]*#[ \t]*include[ \t]*<(?!cuda/)[\w/]+>|^[ \t]*using\s+namespace\s+std\s*;", re.M)
NVIDIAS_HELPER = re.compile(
    r'^[ \t]*#[ \t]*include[ \t]*[<"]helper_\w+\.h[>"]', re.M
)  # of the CUDA samples: for the host only


def read(path):
    """A file's text, and in it the text of the files beside it that it includes. #line marks say what comes from where.

    Raises OSError, and UnicodeDecodeError for what is no UTF-8 text.
    """
    return _read(Path(path), (), set())


def _read(path, within, once):
    text, pieces, end = path.read_text("utf-8-sig"), [], 0
    for include in INCLUDE.finditer(text):
        included = path.parent / include[1]
        if included in (*within, path) or not included.is_file():
            continue
        inner = "" if included in once else _read(included, (*within, path), once)
        if "#pragma once" in inner:
            inner = inner.replace("#pragma once", "", 1)
            once.add(included)
        line = text.count("\n", 0, include.start()) + 1
        pieces += [text[end : include.start()], f'#line 1 "{included.name}"\n{inner}\n#line {line} "{path.name}"\n']
        end = include.end()
    return "".join([*pieces, text[end:]])


def device_code(text):
    """The text without the functions that only the host can run, and without the headers that only they need."""
    kept, code = list(text), plain(text)
    for begin, end in _functions(code):
        head, body = code[begin : code.index("{", begin)], code[begin:end]
        if not DEVICE.search(head) and (HOST.search(body) or re.search(r"\bmain\s*\($", head.partition("(")[0] + "(")):
            kept[begin:end] = re.sub(r"[^\n]", " ", text[begin:end])
    kept = NVIDIAS_HELPER.sub("", "".join(kept))
    return kept if "std::" in kept else CXX_HEADER.sub("", kept)


def plain(text):
    """The text with spaces for comments and strings."""
    return COMMENT_OR_STRING.sub(lambda skipped: re.sub(r"[^\n]", " ", skipped[0]), text)


def numbered(text):
    """(file, number, line) of every line of a text whose #line marks say which file goes where; (None, 0, mark) of those."""
    file, number = None, 0
    for line in text.split("\n"):
        if mark := re.match(r'#line (\d+) "(.*)"', line):
            file, number = mark[2], int(mark[1])
            yield None, 0, line
        else:
            yield file, number, line
            number += 1


def line_of(text, file, number):
    """A line of a file in such a text; "" where it has none."""
    return next((line.strip() for *place, line in numbered(text) if place == [file, number]), "")


def dynamic_name(text):
    """The name of the text's `extern __shared__` array; there may be several, one in each kernel."""
    names = set(re.findall(r"extern\s+__shared__[^;]*?(\w+)\s*\[\s*\]\s*;", text))
    return names.pop() if len(names) == 1 else "dynamic shared memory"


def _functions(code):
    """(begin, end) of every function that is defined in a text without comments and strings."""
    depth, begin, opened = 0, 0, None
    for mark in re.finditer(r"[{};]|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", code, re.M):
        if mark[0] == "{":
            if not depth and re.search(r"\bnamespace\b[^(]*$|\bextern\s*$", code[begin : mark.start()]):
                begin = mark.end()  # what stands inside is looked at as if it stood outside
                continue
            opened = begin if not depth else opened
            depth += 1
        elif mark[0] == "}":
            depth = max(depth - 1, 0)
            if not depth:
                if opened is not None and re.search(r"\)[\s\w]*$", code[opened : code.index("{", opened)]):
                    yield opened, mark.end()
                begin, opened = mark.end(), None
        elif not depth:
            begin = mark.end()
