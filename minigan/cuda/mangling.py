"""Types out of names as compilers mangle them for machine code (the Itanium C++ ABI, chapter "Mangling")."""

import re

from ..errors import MiniganError

BUILTIN = {
    "v": "void", "b": "bool", "c": "char", "a": "signed char", "h": "unsigned char", "s": "short", "w": "wchar_t",
    "t": "unsigned short", "i": "int", "j": "unsigned int", "l": "long", "m": "unsigned long", "x": "long long",
    "y": "unsigned long long", "f": "float", "d": "double", "n": "__int128", "o": "unsigned __int128", "z": "...",
}  # fmt: skip
NAME = re.compile(r"\d+")


def parameter_types(mangled):
    """The parameters' types of F out of a mangled f<F>, F being a pointer to a function: `_Z1fIPFv…EEvv`.

    Raises MiniganError for a mark that is not known.
    """
    it = _Mangled(mangled, mangled.index("PFv") + 3, re.match(r"_Z\d+(\w+?)IPFv", mangled)[1])
    types = it.until_end(it.type)
    return [] if types == ["void"] else types


class _Mangled:
    def __init__(self, text, at, function):
        self.text, self.at = text, at
        self.seen = [function]  # what S_, S0_, S1_ … refer back to, as they appeared

    def next(self):
        self.at += 1
        return self.text[self.at - 1]

    def until_end(self, part):
        parts = []
        while self.text[self.at] != "E":
            parts.append(part())
        self.at += 1
        return parts

    def remember(self, named):
        self.seen.append(named)
        return named

    def type(self):
        mark = self.text[self.at]
        if mark in BUILTIN:
            return BUILTIN[self.next()]
        if mark.isdigit() or mark in "SN":
            return self.named()
        self.at += 1
        if mark in "KV":
            return self.remember(f"{'const' if mark == 'K' else 'volatile'} {self.type()}")
        if mark in "PRO":
            inner, sign = self.type(), {"P": "*", "R": "&", "O": "&&"}[mark]
            return self.remember(inner.replace("(", f"({sign})(", 1) if inner.endswith(")") else f"{inner}{sign}")
        if mark == "F":
            result, *parameters = self.until_end(self.type)
            return self.remember(f"{result} ({', '.join(one for one in parameters if one != 'void')})")
        if mark == "A":
            end = self.text.index("_", self.at)
            self.at = end + 1
            return self.remember(self.type())  # a row has the type of its elements
        raise MiniganError(f"cannot read the parameter types of {self.text}: unknown mark {mark!r}")

    def named(self):
        """A class, an enumeration; or what was seen before."""
        if self.text[self.at] == "N":
            self.at += 1
            name = ""
            while self.text[self.at] != "E":
                name = self.component(name)
            self.at += 1
            return name
        name = self.component("")
        return self.component(name) if self.text[self.at] == "I" else name

    def component(self, before):
        mark = self.text[self.at]
        if mark == "I":
            self.at += 1
            return self.remember(f"{before}<{', '.join(self.until_end(self.argument))}>")
        if self.text.startswith("St", self.at):
            self.at += 2
            return self.component("std") if self.text[self.at].isdigit() else "std"
        if mark == "S":
            end = self.text.index("_", self.at)
            digits, self.at = self.text[self.at + 1 : end], end + 1
            return self.seen[int(digits, 36) + 1 if digits else 0]
        if not (length := NAME.match(self.text, self.at)):
            raise MiniganError(f"cannot read the parameter types of {self.text}: unknown mark {mark!r}")
        self.at = length.end() + int(length[0])
        own = self.text[length.end() : self.at]
        return self.remember(f"{before}::{own}" if before else own)

    def argument(self):
        """One of a template's."""
        if self.text[self.at] == "J":
            self.at += 1
            return ", ".join(self.until_end(self.argument))
        if self.text[self.at] != "L":
            return self.type()
        end = self.text.index("E", self.at)
        value, self.at = self.text[self.at + 2 : end], end + 1
        return value.replace("n", "-")
