"""What the sanitizer finds, as it is shown."""

from dataclasses import dataclass, field, replace

SAME_VALUE = "same-value-race"  # of writes that all wrote the same, in this launch
SAME_VALUE_ADVICE = (
    "If lanes of one warp write by one instruction, one of the writes is kept, and which one is undefined: here it is the same. "
    "Across warps it is a race by the rules all the same: let one thread write."
)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a kernel; `str` is one line that says it all.

    kind      "out-of-bounds", "misaligned", "race", "same-value-race", "uninitialised", "divergent-barrier", "deadlock",
              "missing-lane", "bad-mask", "write-to-constant", "null-pointer" or "fault"
    file, line, code   where, and what stands there
    message   what happened, in words
    block     the block's index (x, y, z)
    threads   the indices of the threads that take part, that of `line` first
    array, index, address   what was accessed: the array's name, the element counted from its beginning, the address
    other_line, other_code   the line of the other access of a race, or the other barrier; None, ""
    count     how often this happened, in this launch
    advice    what usually mends it
    """

    kind: str
    file: str
    line: int
    code: str
    message: str
    block: tuple
    threads: tuple
    array: str | None = None
    index: int | None = None
    address: int | None = None
    other_line: int | None = None
    other_code: str = ""
    count: int = 1
    advice: str = ""

    def __str__(self):
        times = f" ({self.count:,} times)" if self.count > 1 else ""
        return f"{self.file}:{self.line}: {self.kind}: {self.message}{times}"


def of_same_value(race):
    """A race as one in which all wrote the same. What CUDA says of it is in the programming guide, *SIMT Architecture*."""
    return replace(
        race, kind=SAME_VALUE, message=f"{race.message}; both write the same value", advice=SAME_VALUE_ADVICE
    )


@dataclass
class Report:
    """What a check has found; `str` shows every finding with its lines of code. Empty where nothing is wrong.

    Races of the same value stand last: a kernel that has no other findings gives the right result on the chips that there are.

    `note` says what could not be seen, because the C++ compiler does not announce it; "" with g++. `orders` is in how many
    orders of its threads the kernel ran.
    """

    findings: list = field(default_factory=list)
    note: str = ""
    orders: int = 1

    def add(self, finding):
        """Enter a finding, unless there is one of this kind with these lines and this array. A race in which all write the same
        is one of different values if it is so in another launch."""
        known = next((other for other in self.findings if _key(other) == _key(finding)), None)
        if known and (known.kind == finding.kind or finding.kind == SAME_VALUE):
            return
        if known:
            self.findings.remove(known)
        self.findings.append(finding)
        self.findings.sort(key=_is_last)

    def errors(self, strict=False):
        """The findings by which a check has failed: all but the races of the same value, and if it is `strict` those too."""
        return [finding for finding in self.findings if strict or finding.kind != SAME_VALUE]

    def __str__(self):
        shown = [_with_code(finding) for finding in self.findings] or [self._nothing()]
        return "\n".join([*shown, f"({self.note})"] if self.note else shown)

    def _nothing(self):
        return "nothing found" if self.orders == 1 else f"nothing found, in {self.orders} orders of the threads"


def _key(finding):
    kind = "race" if finding.kind == SAME_VALUE else finding.kind
    return kind, finding.file, {finding.line, finding.other_line}, finding.array


def _is_last(finding):
    return finding.kind == SAME_VALUE


def _with_code(finding):
    lines = {finding.line: finding.code, finding.other_line: finding.other_code}
    shown = [f"    {line:4} | {code}" for line, code in sorted((line, code) for line, code in lines.items() if line)]
    return "\n".join([str(finding), *shown, f"    {finding.advice}"])
