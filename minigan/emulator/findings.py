"""What the sanitizer finds, as it is shown."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a kernel; `str` is one line that says it all.

    kind      "out-of-bounds", "misaligned", "race", "uninitialised", "divergent-barrier", "deadlock", "missing-lane", "bad-mask",
              "write-to-constant", "null-pointer" or "fault"
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


@dataclass
class Report:
    """What a check has found; `str` shows every finding with its lines of code. Empty where nothing is wrong.

    `note` says what could not be seen, because the C++ compiler does not announce it; "" with g++. `orders` is in how many
    orders of its threads the kernel ran.
    """

    findings: list = field(default_factory=list)
    note: str = ""
    orders: int = 1

    def add(self, finding):
        """Enter a finding, unless there is one of this kind with these lines and this array."""
        if _key(finding) not in map(_key, self.findings):
            self.findings.append(finding)

    def __str__(self):
        shown = [_with_code(finding) for finding in self.findings] or [self._nothing()]
        return "\n".join([*shown, f"({self.note})"] if self.note else shown)

    def _nothing(self):
        return "nothing found" if self.orders == 1 else f"nothing found, in {self.orders} orders of the threads"


def _key(finding):
    return finding.kind, finding.file, {finding.line, finding.other_line}, finding.array


def _with_code(finding):
    lines = {finding.line: finding.code, finding.other_line: finding.other_code}
    shown = [f"    {line:4} | {code}" for line, code in sorted((line, code) for line, code in lines.items() if line)]
    return "\n".join([str(finding), *shown, f"    {finding.advice}"])
