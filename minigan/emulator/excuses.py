"""What looks like a fault to sanitizer.cpp and is none: it does not see the text."""

import re

STORES = re.compile(r"(?P<to>[^;{}(),=!<>+\-*/%&|^]*\S)\s*=(?!=)\s*(?P<value>[^=;,{}]+?)\s*[;,}]")  # an assignment in C
DECLARES = re.compile(r"(?:const\s+|static\s+)*\w+[\s*&]+\w+")  # on its left side
EVERYWHERE_THE_SAME = {
    "true", "false", "nullptr", "NULL", "gridDim", "blockDim", "x", "y", "z",
    "bool", "char", "short", "int", "long", "unsigned", "float", "double", "void",
}  # fmt: skip


def excused(pairs, text, numbers, variables):
    """The findings that remain of [(finding, its `_Found`), …].

    `numbers` are the names of the kernel's parameters that are no pointers, `variables` those of the text's own variables.
    """
    racing = {(each.array, line) for each, _ in pairs if each.kind == "race" for line in (each.line, each.other_line)}
    remaining = [
        each
        for each, found in pairs
        if not (_is_guess(found) or _is_flag(each, found, text, numbers) or _is_waited_for(each, found, text))
    ]
    # Who reads too early, before another thread has written, is told about the race only.
    remaining = [each for each in remaining if each.kind != "uninitialised" or (each.array, each.line) not in racing]
    return [each for each in remaining if not _is_told_better(each, remaining, variables)]


def _is_guess(found):
    """Whether every reader put what it read to an atomicCAS: a wrong guess is found out."""
    return found.excused >= found.count


def _is_flag(finding, found, text, numbers):
    """Whether a race is one of writes of the same value, as in `*changed = 1;`: whoever comes last, it stands there.

    By the values alone, an array of zeros would excuse anything. So the text has to say it too.
    """
    agree = finding.kind == "race" and found.writes and found.other_writes and found.same == found.count
    return agree and all(_stores_a_constant(code, text, numbers) for code in (finding.code, finding.other_code))


def _stores_a_constant(code, text, numbers):
    """Whether a line assigns what is the same for all threads: numbers, the kernel's own ones, names of constants."""
    stored = [each["value"] for each in STORES.finditer(code) if not DECLARES.fullmatch(each["to"].strip())]
    return any(
        "[" not in value
        and all(_is_constant(name, text, numbers) for name in re.findall(r"(?<![\w.])[A-Za-z_]\w*", value))
        for value in stored
    )


def _is_constant(name, text, numbers):
    defined = rf"#\s*define\s+{name}\b|\b(?:constexpr|const)\b[^;(){{}}=]*\b{name}\s*=|\benum\b[^;]*\b{name}\b"
    return name in numbers or name in EVERYWHERE_THE_SAME or re.search(defined, text)


def _is_waited_for(finding, found, text):
    """Whether a race is about a volatile variable that a thread waits for in a loop, as in `while (!ready) {}`.

    Any other volatile variable is data, and needs what all data needs.
    """
    if finding.kind != "race" or not found.both_strong or found.both_atomic:
        return False
    codes = [(finding.line, finding.code), (finding.other_line, finding.other_code)]
    loops = list(_waiting_loops(text, finding.file))
    if not (found.writes and found.other_writes):
        return any(line in lines for line, _ in codes for lines, _ in loops)
    written = [each["to"] for _, code in codes for each in STORES.finditer(code)]
    names = {name for to in written for name in re.findall(r"[A-Za-z_]\w*", to)[:1]}
    return any(re.search(rf"\b{name}\b", loop) for name in names for _, loop in loops)


def _waiting_loops(text, file):
    """(lines, code) of every loop of a file in the text that counts nothing: while, do, for with an empty step."""
    start = text.find(f'#line 1 "{file}"\n')
    plain = text[text.find("\n", start) + 1 :] if start >= 0 else text
    for found in re.finditer(r"\b(while\b|do\b|for\s*\([^;]*;[^;]*;\s*\))", plain):
        end = _end_of_loop(plain, found)
        first = plain.count("\n", 0, found.start()) + 1
        yield range(first, first + plain.count("\n", found.start(), end) + 1), plain[found.start() : end]


def _end_of_loop(plain, found):
    """Where a loop ends that begins at a match: behind its block or its statement."""
    depth = 0
    for at in range(found.end(), len(plain)):
        depth += (plain[at] in "({") - (plain[at] in ")}")
        if not depth and plain[at] in ";}":
            more = re.match(r"[\s}]*while[^;]*;", plain[at + 1 :]) if found[1] == "do" else None
            return at + 1 + (more.end() if more else 0)
    return len(plain)


def _is_told_better(finding, findings, variables):
    """Whether an index beyond its row is one of an array that is watched: then only what lies outside of it is wrong."""
    named = any(re.search(rf"\b{re.escape(name)}\b", finding.code) for name in variables)
    again = any(each.line == finding.line and each.kind == finding.kind and each is not finding for each in findings)
    return finding.kind == "out-of-bounds" and not finding.address and (named or again)
