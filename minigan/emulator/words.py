"""What a finding says: one sentence of what happened, and one of what usually mends it."""

import re

ADVICE = {
    "out-of-bounds": "Compare the index with the array's length first, or start fewer threads.",
    "out-of-bounds of dynamic memory": "Ask for more bytes of shared memory at the launch (--shared), or use fewer.",
    "race": "Threads of a block run in no particular order: put a __syncthreads() between these two.",
    "race within a warp": "Lanes of a warp do not run in step either: put a __syncthreads() between these two, or a "
    "__syncwarp() if only lanes of one warp meet there.",
    "race beside a flag": "Put a __syncthreads() between these two; or, if a lock or a flag is to keep them apart, a "
    "__threadfence() before it is set.",
    "race of one line": "Threads of a block run in no particular order: let one of them do it, or use an atomic.",
    "race with an atomic": "One of the two is atomic: make the other one atomic too, or keep them apart by a barrier.",
    "race between blocks": "Blocks run in no order, and none waits for another: give each element to one block, use an atomic, "
    "or start a second kernel; what a flag announces needs a __threadfence() before the flag.",
    "race of scopes": "An atomic of the block's own scope holds within the block alone: leave out the _block.",
    "uninitialised": "Write it first; what is written in one block is gone in the next.",
    "uninitialised output": "Write it first: the array counts as not yet written.",
    "divergent-barrier": "Every thread of the block has to come to the same __syncthreads(): move it out of the branch.",
    "deadlock": "Every thread that a barrier or a shuffle waits for has to come to it.",
    "misaligned": "An access begins at a multiple of its size: pad the rows, or go by single elements.",
    "missing-lane": "What it gets is undefined: let all lanes that are asked take part, and name them in the mask.",
    "bad-mask": "All lanes that a mask names, and no others, have to come here with this same mask.",
    "not-waited": "A copy is there when its thread has waited for it (__pipeline_wait_prior(), cg::wait(), consumer_wait()), and "
    "for other threads behind a barrier after that.",
    "too long": "It was stopped here. Blocks run one after the other: one that waits for a later one waits for ever. Else a loop "
    "has no end, or needs more time: --limit, or settings(limit=…).",
    "write-to-constant": "Constant memory is the host's to write: give the kernel an array, or a __device__ variable.",
    "null-pointer": "Compare the pointer with nullptr first, or pass an array for it.",
    "fault": "The launch ended here, or behind this line: the last one that is known.",
}


def message(kind, fact):
    """What happened. `fact` is a Fact of sanitizer.py."""
    return f"in block {fact.block}, thread {fact.threads[0]} {SAYS[kind](fact)}"


def advice(kind, fact, text):
    """What usually mends it, in the kernel's `text`."""
    raw, one_line = fact.raw, fact.line == fact.other_line
    key = kind
    if kind == "race" and fact.between_blocks:
        key = "race of scopes" if raw.both_atomic else "race between blocks"
    elif kind == "race" and raw.atomic:
        key = "race with an atomic"
    elif kind == "race" and re.search(r"\batomic(CAS|Exch)|(?<!asm )\bvolatile\b", text):
        key = "race beside a flag"
    elif kind == "race" and one_line:
        key = "race of one line"
    elif kind == "race" and raw.thread // 32 == raw.other_thread // 32:
        key = "race within a warp"
    elif kind == "uninitialised" and fact.memory == "argument":
        key = "uninitialised output"
    elif kind == "out-of-bounds" and fact.memory == "dynamic":
        key = "out-of-bounds of dynamic memory"
    return ADVICE[key]


def _out_of_bounds(fact):
    if fact.raw.type:
        return (
            f"uses element {fact.raw.offset} of an array of constants or of its own, a {fact.raw.type.decode()[1:-1]}"
        )
    of = f", which has {fact.length}" if fact.length else ", where no array lies"
    return f"{_verb(fact.raw.writes)} {fact.what}{of}"


def _race(fact):
    other = (
        f"thread {fact.threads[1]} of block {fact.other_block}" if fact.between_blocks else f"thread {fact.threads[1]}"
    )
    apart = "in no order with it" if fact.between_blocks else "with no barrier between"
    first, second = _verb(fact.raw.writes), _verb(fact.raw.other_writes)
    return f"{first} {fact.what}, which {other} {second} in line {fact.other_line} {apart}"


def _uninitialised(fact):
    return f"reads {fact.what}, which no thread has written"


def _divergent(fact):
    other = f"waits in line {fact.other_line}" if fact.other_line else "has returned"
    return f"waits here while thread {fact.threads[1]} {other}"


def _deadlock(fact):
    other = f", thread {fact.threads[1]} in line {fact.other_line}" if fact.other_line else ""
    return f"waits here{other}, and nobody comes"


def _misaligned(fact):
    at = f"{fact.what}, whose address {fact.raw.address:#x}" if fact.length else f"{fact.what}, which"
    return f"{_verb(fact.raw.writes)} at {at} is no multiple of {fact.raw.size}"


def _missing_lane(fact):
    return f"asks lane {fact.raw.other_thread % 32} for its value, which does not take part"


def _bad_mask(fact):
    if fact.raw.thread == fact.raw.other_thread:
        return "passes a mask in which it is not itself"
    return f"meets thread {fact.threads[1]}, which passes another mask or does not call the same"


def _not_waited(fact):
    whose = "whose copy" if fact.threads[0] == fact.threads[1] else f"whose copy by thread {fact.threads[1]}"
    return f"reads {fact.what}, {whose} in line {fact.other_line} was not waited for"


def _write_to_constant(fact):
    return f"writes {fact.what}, which is constant"


def _null_pointer(fact):
    names = " and ".join(fact.nulls)
    passed = f"; None is passed for the argument{'s' * (len(fact.nulls) > 1)} {names}" if names else ""
    return f"{_verb(fact.raw.writes)} through a null pointer, at address {fact.raw.address:#x}{passed}"


def _verb(writes):
    return "writes" if writes else "reads"


# As `Kind` of sanitizer.cpp numbers them.
SAYS = {
    "out-of-bounds": _out_of_bounds,
    "race": _race,
    "uninitialised": _uninitialised,
    "divergent-barrier": _divergent,
    "deadlock": _deadlock,
    "misaligned": _misaligned,
    "missing-lane": _missing_lane,
    "bad-mask": _bad_mask,
    "not-waited": _not_waited,
    "write-to-constant": _write_to_constant,
    "null-pointer": _null_pointer,
}
KINDS = tuple(SAYS)
