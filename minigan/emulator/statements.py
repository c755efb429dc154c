"""What a piece of C assigns, and where its parentheses and statements end. No parser: enough for excuses.py and waiting.py.

All code here is without comments and strings: see `program.plain`.
"""

import re
from dataclasses import dataclass

ASSIGNS = re.compile(r"(?<![=!<>])(?P<how><<|>>|[-+*/%&|^])?=(?!=)")
CONTROL = re.compile(r"\s*(?:else\b|do\b|(?:if|while|for|switch)\s*(?=\())")
DECLARES = re.compile(r"(?:[\w:<>]+[\s*&]+)+\w+")


@dataclass(frozen=True)
class Assignment:
    """`target` = `value`; `changes`: by += and its like."""

    target: str
    value: str
    changes: bool

    @property
    def names(self):
        """The names in the target but for those of its indices."""
        return set(re.findall(r"[A-Za-z_]\w*", re.sub(r"\[[^\]]*\]", "", self.target)))

    @property
    def declares(self):
        """Whether the target is a variable that begins here, as in `int k = 0`."""
        return bool(DECLARES.fullmatch(self.target))

    @property
    def reads_itself(self):
        return self.changes or any(mentions(self.value, name) for name in self.names)


def assignments(code):
    """Every Assignment in a piece of code."""
    for sign in ASSIGNS.finditer(code):
        begin, end = _begin(code, sign.start()), _end(code, sign.end())
        target = _without_control(code[begin : sign.start()])
        yield Assignment(target.strip(), code[sign.end() : end].strip(), bool(sign["how"]))


def mentions(code, name):
    """Whether a name stands in a piece of code."""
    return bool(re.search(rf"\b{re.escape(name)}\b", code))


def _begin(code, at):
    """Where the target of an assignment begins."""
    depth = 0
    while at > 0:
        depth += (code[at - 1] in ")]") - (code[at - 1] in "([")
        if depth < 0 or (not depth and code[at - 1] in ";{},=?:"):
            break
        at -= 1
    return at


def _end(code, at):
    """Where the value of an assignment ends."""
    depth = 0
    while at < len(code):
        depth += (code[at] in "([{") - (code[at] in ")]}")
        if depth < 0 or (not depth and code[at] in ";,"):
            break
        at += 1
    return at


def _without_control(target):
    """A target without the `if (…)`, `else` or `for (…)` before it."""
    while control := CONTROL.match(target):
        head = parenthesis(target, control.end())
        target = target[head[1] if head else control.end() :]
    return target


def parenthesis(text, at):
    """(begin, end) of what stands in parentheses at a place; None where nothing does."""
    begin = at + len(text[at:]) - len(text[at:].lstrip())
    depth = 0
    for end in range(begin, len(text)):
        depth += (text[end] == "(") - (text[end] == ")")
        if not depth:
            return (begin, end + 1) if end > begin else None
    return None


def end_of_statement(text, at):
    """Where the statement ends that begins at a place: behind its block or its semicolon."""
    depth = 0
    for end in range(at, len(text)):
        depth += (text[end] in "({") - (text[end] in ")}")
        if not depth and text[end] in ";}":
            return end + 1
    return len(text)
