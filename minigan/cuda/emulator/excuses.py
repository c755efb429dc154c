"""What looks like a fault to sanitizer.cpp and is none: it does not see the text."""

import re

STORES = re.compile(r"(?P<to>[^;{}(),=!<>+\-*/%&|^]*\S)\s*=(?!=)\s*(?P<value>[^=;,{}]+?)\s*[;,}]")  # an assignment in C
DECLARES = re.compile(r"(?:const\s+|static\s+)*\w+[\s*&]+\w+")  # on its left side
EVERYWHERE_THE_SAME = {"true", "false", "nullptr", "NULL", "gridDim", "blockDim", "x", "y", "z"}


def excused(pairs, text, numbers, variables):
    """The findings that remain of [(finding, its `_Found`), …].

    `numbers` are the names of the kernel's parameters that are no pointers, `variables` those of the text's own variables.
    """
    racing = {(each.array, line) for each, _ in pairs if each.kind == "race" for line in (each.line, each.other_line)}
    remaining = [
        each
        for each, found in pairs
        if not (_is_guess(found) or _is_flag(each, found, text, numbers) or _is_wait(each, found))
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
        "[" not in value and all(_is_constant(name, text, numbers) for name in re.findall(r"[A-Za-z_]\w*", value))
        for value in stored
    )


def _is_constant(name, text, numbers):
    defined = rf"#\s*define\s+{name}\b|\b(?:constexpr|const)\b[^;(){{}}=]*\b{name}\s*=|\benum\b[^;]*\b{name}\b"
    return name in numbers or name in EVERYWHERE_THE_SAME or re.search(defined, text)


def _is_wait(finding, found):
    """Whether a race is a thread waiting in a loop for a volatile variable that another thread of its block sets."""
    waits = any(re.search(r"\bwhile\b", code) for code in (finding.code, finding.other_code))
    return finding.kind == "race" and found.both_volatile and not (found.writes and found.other_writes) and waits


def _is_told_better(finding, findings, variables):
    """Whether an index beyond its row is one of an array that is watched: then only what lies outside of it is wrong."""
    named = any(re.search(rf"\b{re.escape(name)}\b", finding.code) for name in variables)
    again = any(each.line == finding.line and each.kind == finding.kind and each is not finding for each in findings)
    return finding.kind == "out-of-bounds" and not finding.address and (named or again)
