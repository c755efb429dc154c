"""What the profiler counts, as it is shown."""

from dataclasses import asdict, dataclass


@dataclass
class Line:
    """One line of a kernel, over all warps of the blocks that were counted.

    requests, sectors, ideal_sectors     to global memory; ideal: if all bytes that are asked for lay side by side
    shared_requests, turns, ideal_turns  to shared memory; turns ÷ ideal is the degree of bank conflict
    loaded, stored                       bytes of global memory, an atomic counting as both
    flops                                additions, multiplications, divisions and square roots of floating-point numbers
    lanes                                that take part in a request, on average
    barriers                             that a thread came to, on average
    """

    file: str
    line: int
    code: str
    requests: int = 0
    sectors: int = 0
    ideal_sectors: int = 0
    shared_requests: int = 0
    turns: int = 0
    ideal_turns: int = 0
    loaded: int = 0
    stored: int = 0
    flops: int = 0
    lanes: float = 0.0
    barriers: float = 0.0


@dataclass
class Request:
    """One request of a warp, the first of its line to its array: `offsets` are bytes from the array's beginning, by lane."""

    file: str
    line: int
    array: str
    is_shared: bool
    lanes: list
    offsets: list
    size: int  # bytes that a lane asks for


@dataclass
class Profile:
    """The lines of a kernel that touch memory or wait, and how many blocks of how many they were counted in.

    `least_loaded` and `least_stored` are the bytes of global memory that are touched at all: who loads each once loads no less.
    """

    kernel: str
    block: tuple  # its threads
    shared: int  # bytes of dynamic shared memory
    lines: list
    blocks: int
    of_blocks: int
    least_loaded: int
    least_stored: int
    requests: list  # a Request for each line and array
    occupancy: str = ""  # on a chip that was asked for

    def total(self, name):
        """The sum of a column over all lines."""
        return sum(getattr(line, name) for line in self.lines)

    def as_dict(self):
        """For JSON."""
        return asdict(self)

    def __str__(self):
        heads = ["line", "requests", "sectors", "ideal", "shared", "conflict", "lanes", "barriers", "flops"]
        rows = [_row(line) for line in self.lines]
        widths = [max(map(len, column)) for column in zip(heads, *rows)] if rows else list(map(len, heads))
        lines = ["  ".join(text.rjust(width) for text, width in zip(row, widths)) for row in (heads, *rows)]
        codes = ["", *(line.code for line in self.lines)]
        files = ["", *(line.file for line in self.lines)]
        counted = (
            f"{self.blocks:,} of {self.of_blocks:,} blocks"
            if self.blocks < self.of_blocks
            else f"{self.blocks:,} blocks"
        )
        return "\n".join(
            [
                f"{self.kernel}, {counted}",
                *_under_their_files(files, [f"{line} | {code}".rstrip(" |") for line, code in zip(lines, codes)]),
                *self._sums(),
            ]
        )

    def _sums(self):
        for verb, total, least in (
            ("loaded", self.total("loaded"), self.least_loaded),
            ("stored", self.total("stored"), self.least_stored),
        ):
            if total:
                yield f"{verb}: {total:,} bytes of global memory, {total / least:.3g} times the {least:,} that are touched"
        if self.total("sectors"):
            share = self.total("ideal_sectors") / self.total("sectors")
            yield f"sectors: {share:.0%} of those that are moved would do, were each request's bytes side by side"
        if self.total("flops"):
            moved = self.total("loaded") + self.total("stored")
            intensity = f", {self.total('flops') / moved:.3g} for each byte that is loaded or stored" if moved else ""
            yield f"arithmetic: {self.total('flops'):,} operations on floating-point numbers{intensity}"
        if self.total("turns"):
            yield f"shared memory: {self.total('turns') / self.total('ideal_turns'):.3g} turns where one would do"
        if self.occupancy:
            yield f"occupancy: {self.occupancy}"


def _under_their_files(files, lines):
    """The lines, and where they come from several files, each file's name above its first one."""
    several = len(set(filter(None, files))) > 1
    for before, file, line in zip(["", *files], files, lines):
        if several and file != before:
            yield f"{file}:"
        yield line


def _row(line):
    def ratio(number, of):
        return f"{number / of:.3g}" if of else ""

    return [
        str(line.line), f"{line.requests:,}" if line.requests else "", ratio(line.sectors, line.requests),
        ratio(line.ideal_sectors, line.requests), f"{line.shared_requests:,}" if line.shared_requests else "",
        ratio(line.turns, line.ideal_turns), f"{line.lanes:.3g}" if line.lanes else "",
        f"{line.barriers:.3g}" if line.barriers else "", f"{line.flops:,}" if line.flops else "",
    ]  # fmt: skip
