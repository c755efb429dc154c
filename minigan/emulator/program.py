"""A CUDA program as a text: what it includes put in, or left out where it is unknown. Every line stays where it was."""

import re
from pathlib import Path

COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*[\s\S]*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'')
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"(?P<beside>[^"\n]+)"|<(?P<far>[^>\n]+)>)', re.M)
ANY_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', re.M)
USES_STANDARD = re.compile(r"\bstd::|\b(?:numeric_limits|is_same|enable_if|conditional|true_type|false_type)\b")
USING_STANDARD = re.compile(r"^[ \t]*using\s+namespace\s+std\s*;", re.M)
OF_CUDA = Path(__file__).parent / "include"
CXX_HEADERS = {
    "algorithm", "array", "bitset", "cfloat", "climits", "cmath", "complex", "cstddef", "cstdint", "functional",
    "initializer_list", "iterator", "limits", "numeric", "ratio", "tuple", "type_traits", "utility",
}  # fmt: skip
# What stands before a variable, and behind a function without a body, in a text for the emulator: see reach.py.
INSERTED = re.compile(r"MINIGAN_(?:CONSTANT|NO)_INITIALISER | \{ MINIGAN_UNDEFINED\(\w+\) \}")
# Headers of libraries that bring CUDA's own along.
BRINGS = dict.fromkeys(
    ("cublas_v2.h", "cublas.h", "cublasLt.h", "cudnn.h", "cusparse.h", "cusolverDn.h"), "cuda_bf16.h"
)
BRINGS |= dict.fromkeys(("cufft.h", "cufftXt.h"), "cuComplex.h")
# cuda.h of ours has what of these a kernel can use.
BUILT_IN = {
    "assert.h", "cuda.h", "cuda_runtime.h", "cuda_runtime_api.h", "device_functions.h", "device_launch_parameters.h", "float.h",
    "inttypes.h", "limits.h", "math.h", "memory.h", "sm_60_atomic_functions.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h",
    "stdlib.h", "string.h", "time.h", "vector_functions.h", "vector_types.h",
}  # fmt: skip


def read(path, folders=()):
    """A file's text, and in it the text of the files that it includes, from beside it or out of these folders. #line marks say
    what comes from where.

    Raises OSError, and UnicodeDecodeError for what is no UTF-8 text.
    """
    return _Reader(folders).read(Path(path), ())


def with_included(text, file, folders):
    """A text of no file, likewise."""
    return _Reader(folders).put_in(text, file, None, ())


class _Reader:
    def __init__(self, folders):
        self.folders, self.once = folders, set()

    def read(self, path, within):
        return self.put_in(path.read_text("utf-8-sig"), path.name, path.parent, (*within, path))

    def put_in(self, text, file, folder, within):
        pieces, end = [], 0
        for include in INCLUDE.finditer(text):
            included = self.find(include, folder)
            if not included or included in within:
                continue
            inner = "" if included in self.once else self.read(included, within)
            if "#pragma once" in inner:
                inner = inner.replace("#pragma once", "", 1)
                self.once.add(included)
            line = text.count("\n", 0, include.start()) + 1
            pieces += [text[end : include.start()], f'#line 1 "{included.name}"\n{inner}\n#line {line} "{file}"\n']
            end = include.end()
        return "".join([*pieces, text[end:]])

    def find(self, include, folder):
        """The path of what is included, if it is there; CUDA's own headers are looked for beside the file only."""
        name = include["beside"] or include["far"]
        known = name in BUILT_IN or name in CXX_HEADERS or (OF_CUDA / name).is_file()
        places = [folder] if folder and include["beside"] else []
        places += [] if known else self.folders
        return next((place / name for place in places if (place / name).is_file()), None)


def without_unknown_headers(text, known):
    """(The text with the headers in it that are `known` by name, and the names of the others, which are left out).

    Libraries' headers stand for those of CUDA that they bring along. Of the C++ library what needs no linking stays where `std::`
    is used at all: CUDA's own headers stand for the rest.
    """
    left_out, standard = [], USES_STANDARD.search(USING_STANDARD.sub("", plain(text)))

    def decide(include):
        name = include[1]
        if name in known or (standard and name in CXX_HEADERS):
            return include[0]
        if name in BRINGS:
            return f"#include <{BRINGS[name]}>"
        if name not in BUILT_IN and ("." in name or "/" in name):  # the others are of the C++ library
            left_out.append(name)
        return ""

    kept = ANY_INCLUDE.sub(decide, text)
    return kept if standard else USING_STANDARD.sub("", kept), tuple(dict.fromkeys(left_out))


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
    """A line of a file in such a text, as the file has it; "" where it has none."""
    return next((INSERTED.sub("", line).strip() for *place, line in numbered(text) if place == [file, number]), "")


def dynamic_name(text):
    """The name of the text's `extern __shared__` array; there may be several, one in each kernel."""
    names = set(re.findall(r"extern\s+__shared__[^;]*?(\w+)\s*\[\s*\]\s*;", text))
    return names.pop() if len(names) == 1 else "dynamic shared memory"
