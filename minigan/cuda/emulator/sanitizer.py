"""What the sanitizer finds in a launch: out-of-bounds accesses, races, reads of what nothing wrote, divergent barriers.

`minigan.emulator.check` and `minigan check` look for them; sanitizer.cpp is where they are found.
"""

import ctypes
import re
from dataclasses import dataclass, field

import numpy as np

from ...errors import LaunchError, MiniganError

KINDS = (
    "out-of-bounds", "race", "uninitialised", "divergent-barrier", "deadlock", "misaligned", "missing-lane", "bad-mask",
)  # fmt: skip
CONSTANT = r"-?\.?\d[\w.]*|true|false"  # in C
MAX_ARRAYS = 250  # of a launch, with the shared arrays of its file

ADVICE = {
    "out-of-bounds": "Compare the index with the array's length first, or start fewer threads.",
    "race": "Threads of a block run in no particular order: put a __syncthreads() between these two.",
    "race within a warp": "Lanes of a warp do not run in step either: put a __syncthreads() between these two, or a "
    "__syncwarp() if only lanes of one warp meet there.",
    "race of one line": "Threads of a block run in no particular order: let one of them do it, or use an atomic.",
    "race with an atomic": "One of the two is atomic: make the other one atomic too, or keep them apart by a barrier.",
    "race between blocks": "Blocks run in no order, and none waits for another: give each element to one block, use an atomic, "
    "or start a second kernel.",
    "uninitialised": "Write it first; what is written in one block is gone in the next.",
    "divergent-barrier": "Every thread of the block has to come to the same __syncthreads(): move it out of the branch.",
    "deadlock": "Every thread that a barrier or a shuffle waits for has to come to it.",
    "misaligned": "An access of 8 or 16 bytes at once begins at a multiple of 8 or 16: pad the rows, or go by single elements.",
    "missing-lane": "What it gets is undefined: let all lanes that are asked take part, and name them in the mask.",
    "bad-mask": "All lanes that a mask names, and no others, have to come here with this same mask.",
    "fault": "The launch ended near this line, the last one that was seen to touch memory.",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a kernel; `str` is one line that says it all.

    kind      "out-of-bounds", "misaligned", "race", "uninitialised", "divergent-barrier", "deadlock", "missing-lane", "bad-mask"
              or "fault"
    file, line, code   where, and what stands there
    message   what happened, in words
    block     the block's index (x, y, z)
    threads   the indices of the threads that take part, that of `line` first
    array, index, address   what was accessed: the array's name, the element counted from its beginning, the address
    other_line, other_code   the line of the other access of a race, or the other barrier; None, ""
    both_write, both_volatile  whether both accesses of a race are writes, or to a volatile variable
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
    both_write: bool = False
    both_volatile: bool = False
    count: int = 1
    advice: str = ""

    def __str__(self):
        times = f" ({self.count:,} times)" if self.count > 1 else ""
        return f"{self.file}:{self.line}: {self.kind}: {self.message}{times}"


@dataclass
class Report:
    """What a check has found; `str` shows every finding with its lines of code. Empty where nothing is wrong."""

    findings: list = field(default_factory=list)

    def add(self, finding):
        """Enter a finding, unless there is one of this kind with these lines and this array."""
        if _key(finding) not in map(_key, self.findings):
            self.findings.append(finding)

    def __str__(self):
        return "\n".join(map(_with_code, self.findings)) or "nothing found"


def _key(finding):
    return finding.kind, finding.file, {finding.line, finding.other_line}, finding.array


def _with_code(finding):
    lines = {finding.line: finding.code, finding.other_line: finding.other_code}
    shown = [f"    {line:4} | {code}" for line, code in sorted((line, code) for line, code in lines.items() if line)]
    return "\n".join([str(finding), *shown, f"    {finding.advice}"])


class Out:
    """An array that a kernel is to write: see `out`."""

    def __init__(self, array):
        self.array = array


def out(array):
    """Mark an argument of `emulator.check` as output: reading an element that the kernel has not written is a finding."""
    if not isinstance(array, np.ndarray):
        raise MiniganError(f"out: {type(array).__name__}, expected a NumPy array")
    return Out(array)


class _Found(ctypes.Structure):
    """`Finding` of sanitizer.cpp."""

    _fields_ = [
        *((name, ctypes.c_int) for name in (
            "kind", "place", "other_place", "array", "size", "writes", "other_writes", "atomic", "both_volatile", "thread",
            "other_thread")),
        ("block", ctypes.c_uint * 3),
        ("other_block", ctypes.c_uint * 3),
        ("offset", ctypes.c_int64),
        *((name, ctypes.c_uint64) for name in ("address", "count", "excused")),
    ]  # fmt: skip


class Watched:
    """One launch under the sanitizer: its arrays are moved to memory that is watched, and back when it is over.

    `moved` are the arguments as the launch then takes them, with addresses in place of arrays.
    """

    def __init__(self, library, plan, arguments, outputs, text):
        self.library, self.plan, self.text = library, plan, text
        self.regions = _regions(plan, arguments, outputs)
        self.arguments = arguments

    def __enter__(self):
        code, regions = self.library.code, self.regions
        count = len(regions)
        if count + len(self.library.variables) > MAX_ARRAYS:
            raise LaunchError(f"kernel {self.plan.kernel.name}: the sanitizer watches at most {MAX_ARRAYS} arrays")
        sizes = (ctypes.c_uint64 * count)(*(region.end - region.begin for region in regions))
        given = (ctypes.c_bool * count)(*(region.given for region in regions))
        addresses = (ctypes.c_void_p * count)()
        if not code.minigan_watch(count, sizes, given, addresses, ctypes.c_uint64(self.plan.shared)):
            code.minigan_unwatch()
            raise MiniganError("the sanitizer needs more address space than this process may have: see ulimit -v")
        for region, address in zip(regions, addresses):
            region.address = address
            ctypes.memmove(address, region.begin, region.end - region.begin)
        self.moved = [self._moved(value) if isinstance(value, np.ndarray) else value for value in self.arguments]
        return self

    def _moved(self, array):
        start = array.ctypes.data
        region = next(region for region in self.regions if region.begin <= start <= region.end and array in region)
        return np.uintp(region.address + start - region.begin)

    def __exit__(self, *error):
        for region in self.regions:
            if region.writeable:
                ctypes.memmove(region.begin, region.address, region.end - region.begin)
        self.library.code.minigan_unwatch()

    def findings(self, failure):
        """What was found; `failure` is what ended the launch early, or "" where it did not."""
        pointer = ctypes.POINTER(_Found)()
        count = self.library.code.minigan_findings(ctypes.byref(pointer))
        found = [self._finding(pointer[i]) for i in range(count) if pointer[i].excused < pointer[i].count]
        explained = any(
            each.kind in ("deadlock", "misaligned") or (each.kind == "out-of-bounds" and "not there" in failure)
            for each in found
        )
        if failure and not explained:
            file, line = self.library.place(self.library.code.minigan_last_site())
            code = self._code(file, line)
            found.append(Finding("fault", file, line, code, failure, (), (), advice=ADVICE["fault"]))
        racing = [(each.array, line) for each in found if each.kind == "race" for line in (each.line, each.other_line)]
        found = [each for each in found if not _is_flag(each) and not _is_wait(each)]
        # Who reads too early, before another thread has written, is told about the race only.
        return [each for each in found if each.kind != "uninitialised" or (each.array, each.line) not in racing]

    def _finding(self, found):
        kind = KINDS[found.kind]
        file, line = self.library.place(found.place)
        other_file, other_line = self.library.place(found.other_place) if found.other_place >= 0 else (None, None)
        threads = [self._thread(number) for number in (found.thread, found.other_thread) if number >= 0]
        array, index, length = self._element(found)
        what = f"{array}[{index}]" if array else f"address {found.address:#x}"
        says = {
            "out-of-bounds": self._says_out_of_bounds,
            "race": self._says_race,
            "uninitialised": self._says_uninitialised,
            "divergent-barrier": self._says_divergent,
            "deadlock": self._says_deadlock,
            "misaligned": self._says_misaligned,
            "missing-lane": self._says_missing,
            "bad-mask": self._says_bad_mask,
        }[kind]
        message = f"in block {tuple(found.block)}, " + says(found, threads, what, length, line, other_line)
        advice = ADVICE[kind]
        if kind == "race" and found.thread // 32 == found.other_thread // 32:
            advice = ADVICE["race within a warp"]
        if kind == "race" and found.writes and found.other_writes and line == other_line:
            advice = ADVICE["race of one line"]
        if kind == "race" and found.atomic:
            advice = ADVICE["race with an atomic"]
        if kind == "race" and tuple(found.block) != tuple(found.other_block):
            advice = ADVICE["race between blocks"]
        return Finding(
            kind, file, line, self._code(file, line), message, tuple(found.block), tuple(threads), array, index,
            found.address or None, other_line, self._code(other_file, other_line),
            bool(found.writes and found.other_writes), bool(found.both_volatile), found.count, advice,
        )  # fmt: skip

    @staticmethod
    def _says_out_of_bounds(found, threads, what, length, line, other_line):
        of = f", which has {length}" if length is not None else ", where no array lies"
        return f"thread {threads[0]} {_verb(found.writes)} {what}{of}"

    @staticmethod
    def _says_race(found, threads, what, length, line, other_line):
        first = f"thread {threads[0]} {_verb(found.writes)} {what}"
        between = tuple(found.block) != tuple(found.other_block)
        other = f"thread {threads[1]} of block {tuple(found.other_block)}" if between else f"thread {threads[1]}"
        order = "in no order with it" if between else "with no barrier between"
        return f"{first}, which {other} {_verb(found.other_writes)} in line {other_line} {order}"

    @staticmethod
    def _says_uninitialised(found, threads, what, length, line, other_line):
        return f"thread {threads[0]} reads {what}, which no thread has written"

    @staticmethod
    def _says_divergent(found, threads, what, length, line, other_line):
        other = f"waits in line {other_line}" if other_line else "has returned"
        return f"thread {threads[0]} waits here while thread {threads[1]} {other}"

    @staticmethod
    def _says_deadlock(found, threads, what, length, line, other_line):
        other = f", thread {threads[1]} in line {other_line}" if other_line else ""
        return f"thread {threads[0]} waits here{other}, and nobody comes"

    @staticmethod
    def _says_misaligned(found, threads, what, length, line, other_line):
        address = f"whose address {found.address:#x} is no multiple of {found.size}"
        return f"thread {threads[0]} {_verb(found.writes)} at {what}, {address}"

    @staticmethod
    def _says_missing(found, threads, what, length, line, other_line):
        return f"thread {threads[0]} asks lane {found.other_thread % 32} for its value, which does not take part"

    @staticmethod
    def _says_bad_mask(found, threads, what, length, line, other_line):
        if found.thread == found.other_thread:
            return f"thread {threads[0]} passes a mask in which it is not itself"
        return f"thread {threads[0]} passes another mask than thread {threads[1]}, which it meets here"

    def _element(self, found):
        """(name, index, "n elements") of the array of a finding; None where there is none."""
        if found.array < 0:
            return None, None, None
        if found.array < len(self.regions):
            region = self.regions[found.array]
            return (
                region.name,
                found.offset // region.itemsize,
                f"{(region.end - region.begin) // region.itemsize} elements",
            )
        variables = [*self.library.variables, (dynamic_name(self.text), self.plan.shared, "shared")]
        name, total, _ = variables[found.array - len(self.regions)]
        return name, found.offset // found.size, f"{total // found.size} elements of this size"

    def _thread(self, number):
        x, y, _ = self.plan.block
        return number % x, number // x % y, number // (x * y)

    def _code(self, file, line):
        return line_of(self.text, file, line) if line else ""


def _is_flag(finding):
    """Whether a race is one of writes of the same constant, as in `*changed = 1;`: whoever comes last, it stands there."""
    stored = {_constant(code) for code in (finding.code, finding.other_code)}
    return finding.kind == "race" and finding.both_write and len(stored) == 1 and None not in stored


def _is_wait(finding):
    """Whether a race is a thread waiting in a loop for a volatile variable that another thread of its block sets."""
    waits = any(re.search(r"\bwhile\b", code) for code in (finding.code, finding.other_code))
    return finding.kind == "race" and finding.both_volatile and not finding.both_write and waits


def _constant(code):
    """The constant that a line's only assignment stores, or None."""
    stored = re.findall(r"(?<![=!<>+\-*/%&|^])=(?!=)\s*([^=;]+);", code)
    return stored[0].strip() if len(stored) == 1 and re.fullmatch(CONSTANT, stored[0].strip()) else None


def _verb(writes):
    return "writes" if writes else "reads"


@dataclass
class _Region:
    """Memory of the host that a launch uses: one array, or several that overlap."""

    begin: int
    end: int
    name: str
    itemsize: int
    given: bool
    writeable: bool
    address: int = 0

    def __contains__(self, array):
        return array.ctypes.data + array.nbytes <= self.end


def _regions(plan, arguments, outputs):
    """The memory of all arrays, in order of address; arrays that share memory are one."""
    arrays = [
        (value.ctypes.data, value, parameter.name)
        for parameter, value in zip(plan.kernel.parameters, arguments)
        if isinstance(value, np.ndarray)
    ]
    regions = []
    for begin, array, name in sorted(arrays, key=lambda entry: entry[0]):
        end, given = begin + array.nbytes, name not in outputs
        if regions and begin < regions[-1].end:
            last = regions[-1]
            last.end, last.given = max(last.end, end), last.given or given
            last.writeable = last.writeable or array.flags.writeable
            last.name = last.name if name in last.name.split("/") else f"{last.name}/{name}"
        else:
            regions.append(_Region(begin, end, name, array.itemsize, given, array.flags.writeable))
    return regions


def dynamic_name(text):
    """The name of the text's `extern __shared__` array; there may be several, one in each kernel."""
    names = set(re.findall(r"extern\s+__shared__[^;]*?(\w+)\s*\[\s*\]\s*;", text))
    return names.pop() if len(names) == 1 else "dynamic shared memory"


def line_of(text, file, line):
    """Line `line` of `file` in a text whose #line marks say which file goes where."""
    here, number = None, 0
    for each in text.split("\n"):
        if mark := re.match(r'#line (\d+) "(.*)"', each):
            number, here = int(mark[1]), mark[2]
        else:
            if (here, number) == (file, line):
                return each.strip()
            number += 1
    return ""
