"""What looks like a fault to sanitizer.cpp and is none: it does not see the text.

README.md says on which part of CUDA's memory model each rule stands, and where its limits are; tests/test_excuses.py has kernels
that it excuses and others, which come near, that it must not.
"""

import re

from .findings import of_same_value
from .program import plain
from .statements import assignments, mentions
from .waiting import waits_at, waits_for

EVERYWHERE_THE_SAME = {
    "true", "false", "nullptr", "NULL", "bool", "char", "short", "int", "long", "unsigned", "float", "double", "void",
}  # fmt: skip
IN_A_LAUNCH = {"gridDim", "blockDim"}  # the same, as its numbers are


def excused(pairs, text, numbers, variables):
    """The findings that remain of [(finding, its `RawFinding`), …].

    `numbers` are the names of the kernel's parameters that are no pointers, `variables` those of the text's own variables.
    """
    code = plain(text)
    remaining = [
        finding
        for finding, raw in pairs
        if not (_is_guess(raw) or _is_flag(finding, raw, code, numbers) or _is_waited_for(finding, raw, text))
    ]
    # Who reads what a copy brings, and did not wait for it, is not told of a barrier that is missing there too.
    unwaited = [finding for finding in remaining if finding.kind == "not-waited"]
    copies = [(each.array, {each.line, each.other_line}) for each in unwaited]
    remaining = [
        finding
        for finding in remaining
        if finding.kind != "race" or (finding.array, {finding.line, finding.other_line}) not in copies
    ]
    races = [finding for finding in remaining if finding.kind == "race"]
    racing = {(each.array, line) for each in (*races, *unwaited) for line in (each.line, each.other_line)}
    # Who reads too early, before another thread has written, is told about the race only.
    remaining = [
        finding
        for finding in remaining
        if finding.kind != "uninitialised" or (finding.array, finding.line) not in racing
    ]
    agreeing = {id(finding) for finding, raw in pairs if finding.kind == "race" and _agrees(raw)}
    disagreeing = {
        (race.array, line) for race in races if id(race) not in agreeing for line in (race.line, race.other_line)
    }
    remaining = [
        of_same_value(finding) if id(finding) in agreeing and not _touches(finding, disagreeing) else finding
        for finding in remaining
    ]
    return [finding for finding in remaining if not _is_told_better(finding, remaining, code, variables)]


def _is_guess(raw):
    """Whether every reader put what it read to an atomicCAS: a wrong guess is found out."""
    return raw.excused >= raw.count


def _agrees(raw):
    """Whether of all writes that met, each wrote what was there."""
    return raw.writes and raw.other_writes and raw.same == raw.count


def _touches(race, places):
    """Whether a race has a line with one of the (array, line) of other races: who reads there, as += does, may get any of its
    values."""
    return any((race.array, line) in places for line in (race.line, race.other_line))


def _is_flag(finding, raw, code, numbers):
    """Whether a race is one of writes of the same value, as in `*changed = 1;`: whoever comes last, it stands there.

    By the values alone, an array of zeros would excuse anything. So the text has to say it too.
    """
    if finding.kind != "race" or not _agrees(raw):
        return False
    stored = [_stored(line, finding.array, finding.index) for line in (finding.code, finding.other_code)]
    if not all(stored) or not all(_is_constant(value, code, numbers) for value in set().union(*stored)):
        return False
    of_launch = any(mentions(value, name) for value in set().union(*stored) for name in (*numbers, *IN_A_LAUNCH))
    return not of_launch or stored[0] == stored[1]  # else they agree in this launch only


def _stored(line, array, index):
    """The values that a line assigns to an element of an array: by its number, else by the array's name, else (for it may have
    other names) all that it assigns."""
    made = [assignment for assignment in assignments(plain(line)) if not assignment.declares]
    to_array = [assignment for assignment in made if array in assignment.names] or made
    to_element = [assignment for assignment in to_array if re.fullmatch(rf"\w+\[\s*{index}\s*\]", assignment.target)]
    return {"[]" if store.changes else "".join(store.value.split()) for store in to_element or to_array}


def _is_constant(value, code, numbers, within=()):
    """Whether a value is the same for all threads: numbers, the kernel's own ones, names of constants."""
    names = re.findall(r"(?<![\w.])[A-Za-z_]\w*", value)
    return "[" not in value and all(_is_constants_name(name, code, numbers, within) for name in names)


def _is_constants_name(name, code, numbers, within):
    """Whether a name is a constant's, wherever it stands in the text: nothing gives it a value that is none."""
    if name in EVERYWHERE_THE_SAME or name in IN_A_LAUNCH:
        return True
    macros = re.findall(rf"#[ \t]*define[ \t]+{name}\b(?!\()((?:\\\n|[^\n])*)", code)
    constant = re.search(rf"\bconst(?:expr)?\b[^;(){{}}=]*\b{name}\s*=|\benum\b[^;{{}}()]*\{{[^{{}}]*\b{name}\b", code)
    changed = re.search(
        rf"(?:\+\+|--)\s*{name}\b|\b{name}\s*(?:\+\+|--|(?:<<|>>|[-+*/%&|^])=)"
        rf"|\b__device__\b[^;{{}}]*\([^;{{}}]*\b{name}\s*[,)]",  # a function's parameter of this name
        code,
    )
    if name in within or changed or not (macros or constant or name in numbers):
        return False
    values = [*macros, *re.findall(rf"(?<![\w.]){name}\s*=(?!=)\s*([^;,}}]*)", code)]
    return all(_is_constant(value, code, numbers, (*within, name)) for value in values)


def _is_waited_for(finding, raw, text):
    """Whether a race is about a volatile variable that a thread waits for in a loop, as in `while (!ready) {}`.

    Any other volatile variable is data, and needs what all data needs.
    """
    if finding.kind != "race" or not raw.both_strong or raw.both_atomic:
        return False
    if raw.writes and raw.other_writes:
        made = [assignment for line in (finding.code, finding.other_code) for assignment in assignments(plain(line))]
        names = {name for assignment in made for name in assignment.names}
        return not any(assignment.reads_itself for assignment in made) and waits_for(text, names)
    if raw.writes:
        return waits_at(text, finding.other_line, finding.other_code)
    return waits_at(text, finding.line, finding.code)


def _is_read_directly(name, code):
    """Whether an array is a `const` of one dimension: compilers do not announce that it is read by its name."""
    return bool(re.search(rf"\bconst(?:expr)?\b[^;(){{}}=]*\b{re.escape(name)}\s*\[[^][]*\]\s*[={{;]", code))


def _is_told_better(finding, findings, code, variables):
    """Whether an index beyond its row is one of an array that is watched: then only what lies outside of it is wrong."""
    if finding.kind != "out-of-bounds" or finding.address:
        return False
    others = [
        other
        for other in findings
        if (other.kind, other.file, other.line) == (finding.kind, finding.file, finding.line)
    ]
    if any(other.address for other in others):
        return True
    line = plain(finding.code)
    variables = [name for name in variables if not _is_read_directly(name, code)]
    indexed = set(re.findall(r"(?<![\w.>])([A-Za-z_]\w*)\s*\[", line)) - set(variables)
    own = any(re.search(rf"[\w>*&][\s*&]+{name}\s*\[", code) for name in indexed)
    return not own and any(mentions(line, name) for name in variables)
