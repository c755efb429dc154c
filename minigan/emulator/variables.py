"""The `__constant__`, `__device__` and `__managed__` variables of a text, which Python may fill: where they are declared."""

import re
from functools import lru_cache

import numpy as np

from ..devices import array_module
from ..errors import LaunchError, MiniganError
from ..plan import NUMBERS, Parameter, number
from .program import plain

DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.M)
MARK = re.compile(
    r"(?P<scope>\b(?:namespace\b(?P<name>[\s\w:]*)|extern\s*)\{)|(?P<open>\{)|(?P<close>\})"
    r"|(?P<variable>\b__(?:constant|device|managed)__\b)"
)
ATTRIBUTE = re.compile(r"\b(?:__align__|alignas|__attribute__)\s*\((?:[^()]|\([^()]*\))*\)")
NESTED = re.compile(r"\([^(){}\[\]]*\)|\{[^(){}\[\]]*\}|\[[^(){}\[\]]*\]|<[^<>;={}]*>")
FUNCTION = 0  # a scope of which no variable is anybody's but its own; a namespace has a name, if an empty one


def with_entries(text):
    """The text with an entry behind each declaration, by which its variables are found in a library: see types.h."""
    for end, names in reversed(declared(text)):
        entries = "".join(f" MINIGAN_VARIABLE({re.sub('::', '__', name)}, {name.split('::')[-1]})" for name in names)
        text = text[:end] + entries + text[end:]
    return text


def names(text):
    """The names of all variables, in C++'s spelling: "w", "filters::w"."""
    return tuple(name for _, names in declared(text) for name in names)


@lru_cache(64)
def declared(text):
    """[(where the declaration ends, the names that it declares), …] outside of functions and classes."""
    code = DIRECTIVE.sub(_blank, ATTRIBUTE.sub(_blank, plain(text)))
    found, scopes, end = [], [], 0
    for mark in MARK.finditer(code):
        if mark.start() < end:
            continue
        if mark["scope"]:
            scopes.append(re.sub(r"\s", "", mark["name"] or ""))
        elif mark["open"]:
            scopes.append(FUNCTION)
        elif mark["close"]:
            del scopes[-1:]
        elif FUNCTION not in scopes and (stop := _end(code, mark.end())):
            head = code[max(code.rfind(one, 0, mark.start()) for one in ";}{") + 1 : mark.start()]
            if not re.search(r"\b(?:extern|template|typedef)\b", head):
                within = "::".join(filter(None, scopes))
                own = _names(code[mark.end() : stop])
                found.append((stop + 1, tuple(f"{within}::{name}" if within else name for name in own)))
                end = stop
    return found


def _blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def _end(code, start):
    """Where the semicolon of a variable's declaration stands; 0 for a function, which shows its parentheses first."""
    depth = 0
    for mark in re.finditer(r"[(){}\[\];=]", code[start:]):
        if mark[0] == ";" and not depth:
            return start + mark.start()
        if mark[0] == "(" and not depth and "=" not in code[start : start + mark.start()]:
            return 0
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(mark[0], 0)
        if depth < 0:
            return 0
    return 0


def _names(declaration):
    """The names in a declaration like `float a[2] = {1, 2}, b`."""
    before = None
    while before != declaration:
        before, declaration = declaration, NESTED.sub(" ", declaration)
    words = (re.findall(r"\w+", part.partition("=")[0]) for part in declaration.split(","))
    return [found[-1] for found in words if found]


def data_of(kernel, name, value):
    """The bytes of a value for a variable of a kernel.

    Raises MiniganError for an unknown one, LaunchError for what does not fit.
    """
    if name not in kernel.variables:
        known = f"it uses {', '.join(kernel.variables)}" if kernel.variables else "it uses none"
        raise MiniganError(f"kernel {kernel.name} uses no variable {name!r} that can be filled: {known}")
    type, layout = kernel.variables[name]
    where, kind = f"kernel {kernel.name}: variable {name}", NUMBERS.get(type)
    if type.startswith("const "):
        raise LaunchError(f"{where} is {type}: what it holds stands in the text")
    if type.endswith("*"):
        raise LaunchError(f"{where} is a pointer ({type}): pass the array as an argument")
    if kind and np.ndim(value) == 0:
        value = number(where, Parameter(type, name, False), value)
    array = np.asarray(value if array_module(value) is np else value.get())
    if kind and array.dtype != kind:
        raise LaunchError(f"{where} is of {type}, and the array is {array.dtype}, expected {np.dtype(kind)}")
    if array.nbytes > layout.size:
        raise LaunchError(f"{where} has {layout.size:,} bytes, and the array has {array.nbytes:,}")
    return array.tobytes()
