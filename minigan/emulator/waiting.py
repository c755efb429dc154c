"""Which volatile variables a text waits for: those are flags, all others are data."""

import re
from dataclasses import dataclass

from .program import numbered, plain
from .statements import assignments, end_of_statement, mentions, parenthesis

LOOP = re.compile(r"\b(?:(?P<do>do)\b|while\b|for\b)")
IF = re.compile(r"\bif\s*(?=\()")
LEAVES = re.compile(r"\b(?:break|continue|return)\b")
VOLATILE = re.compile(r"\bvolatile\b[^;(){}=,]*?\b(\w+)\s*(?:\[[^\]]*\]\s*)*[=;,)]")  # a declaration, with the name


@dataclass(frozen=True)
class Condition:
    """What decides whether a loop goes around once more: where it begins and ends in the text, and so its loop."""

    begin: int
    end: int
    loop_begin: int
    loop_end: int
    code: str
    loop: str


def waits_at(text, line, code):
    """Whether a read in a line, whose code this is, decides whether a loop goes around once more."""
    bare = plain(text)
    lines, names = list(numbered(text)), set(VOLATILE.findall(bare))

    def lies_in(begin, end):
        within = lines[bare.count("\n", 0, begin) : bare.count("\n", 0, end) + 1]
        return any(number == line and here.strip() == code for _, number, here in within)

    code_only = plain(code)
    return any(
        (lies_in(each.begin, each.end) and not _is_volatile(code_only.replace(each.code, ""), names))
        or (lies_in(each.loop_begin, each.loop_end) and _is_asked_for(code_only, each, names))
        for each in _conditions(bare)
    )


def waits_for(text, names):
    """Whether some loop goes around once more by what one of these variables holds."""
    return any(_awaits(condition, name) for condition in _conditions(plain(text)) for name in names)


def _is_volatile(code, names):
    """Whether a piece of code uses a volatile variable, by one of these names or by a cast."""
    return any(mentions(code, name) for name in ("volatile", *names))


def _is_asked_for(code, condition, names):
    """Whether a line puts a volatile variable into one of a thread's own, for which the condition then asks."""
    return any(
        _is_volatile(made.value, names)
        and not made.names & names
        and any(mentions(condition.code, own) for own in made.names)
        for made in assignments(code)
    )


def _awaits(condition, name):
    """Whether a condition asks for a variable, or for what its loop has read from it."""
    read = [made for made in assignments(condition.loop) if mentions(made.value, name) and not made.reads_itself]
    return any(mentions(condition.code, asked) for asked in (name, *(own for made in read for own in made.names)))


def _conditions(code):
    """Every Condition of a loop that counts nothing: while, do, for with an empty step. An if is one where it leads out of its
    loop, or back to its beginning."""
    for loop in LOOP.finditer(code):
        head, end = _head(code, loop)
        branches = (parenthesis(code, branch.end()) for branch in IF.finditer(code, loop.end(), end)) if head else ()
        leaving = [branch for branch in branches if LEAVES.search(code, branch[1], end_of_statement(code, branch[1]))]
        for begin, last in [head, *leaving] if head else ():
            yield Condition(begin, last, loop.start(), end, code[begin:last], code[loop.start() : end])


def _head(code, loop):
    """((begin, end) of a loop's own condition, where the loop ends); the first is None for a loop that counts."""
    if loop["do"]:
        again = re.compile(r"\s*while\s*(?=\()").match(code, end_of_statement(code, loop.end()))
        head = again and parenthesis(code, again.end())
        return head, head[1] if head else len(code)
    head = parenthesis(code, loop.end())
    if not head:
        return None, len(code)
    end = end_of_statement(code, head[1])
    if loop[0] == "while":
        return head, end
    parts = code[head[0] + 1 : head[1] - 1].split(";")
    if len(parts) != 3 or parts[2].strip():
        return None, end
    begin = head[0] + 1 + len(parts[0]) + 1
    return (begin, begin + len(parts[1])), end
