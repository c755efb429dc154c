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
STORES = re.compile(r"(?P<to>[^;{}(),=!<>+\-*/%&|^]*\S)\s*=(?!=)\s*(?P<value>[^=;,{}]+?)\s*[;,}]")  # an assignment in C
DECLARES = re.compile(r"(?:const\s+|static\s+)*\w+[\s*&]+\w+")  # on its left side
ANYWHERE_THE_SAME = {"true", "false", "nullptr", "NULL", "gridDim", "blockDim", "x", "y", "z"}
MAX_ARRAYS = 250  # of a launch, with the shared arrays of its file

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
    "fault": "The launch ended here, or behind this line: the last one that is known.",
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
    same      of a race of two writes: how often both wrote the same value
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
    same: int = 0
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
            "kind", "place", "other_place", "array", "size", "writes", "other_writes", "atomic", "both_atomic", "both_volatile",
            "thread", "other_thread")),
        ("block", ctypes.c_uint * 3),
        ("other_block", ctypes.c_uint * 3),
        ("offset", ctypes.c_int64),
        *((name, ctypes.c_uint64) for name in ("address", "count", "excused", "same")),
        ("type", ctypes.c_char_p),
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
        found = [each for each in found if not self._is_flag(each) and not _is_wait(each)]
        shared = [name for name, *_ in self.library.variables]
        found = [each for each in found if not _is_told_better(each, found, shared)]
        # Who reads too early, before another thread has written, is told about the race only.
        return [each for each in found if each.kind != "uninitialised" or (each.array, each.line) not in racing]

    def _finding(self, found):
        kind = KINDS[found.kind]
        file, line = self.library.place(found.place)
        other_file, other_line = self.library.place(found.other_place) if found.other_place >= 0 else (None, None)
        threads = [self._thread(number) for number in (found.thread, found.other_thread) if number >= 0]
        array, index, length = self._element(found)
        alone = length and length.startswith("1 ")
        what = array if alone and not index else f"{array}[{index}]" if array else f"address {found.address:#x}"
        says = {
            "out-of-bounds": self._says_out_of_bounds,
            "out-of-bounds of dynamic memory": "Ask for more bytes of shared memory at the launch (--shared), or use fewer.",
            "race": self._says_race,
            "uninitialised": self._says_uninitialised,
            "divergent-barrier": self._says_divergent,
            "deadlock": self._says_deadlock,
            "misaligned": self._says_misaligned,
            "missing-lane": self._says_missing,
            "bad-mask": self._says_bad_mask,
        }[kind]
        message = f"in block {tuple(found.block)}, " + says(found, threads, what, length, line, other_line)
        advice = ADVICE[self._advice(kind, found, line == other_line)]
        return Finding(
            kind, file, line, self._code(file, line), message, tuple(found.block), tuple(threads), array, index,
            found.address or None, other_line, self._code(other_file, other_line),
            bool(found.writes and found.other_writes), bool(found.both_volatile), found.count, found.same, advice,
        )  # fmt: skip

    def _advice(self, kind, found, one_line):
        """The key of the advice."""
        if kind == "race":
            if tuple(found.block) != tuple(found.other_block):
                return "race of scopes" if found.atomic and found.both_atomic else "race between blocks"
            if found.atomic:
                return "race with an atomic"
            if re.search(r"\batomic(CAS|Exch)|\bvolatile\b", self.text):
                return "race beside a flag"
            if one_line:
                return "race of one line"
            if found.thread // 32 == found.other_thread // 32:
                return "race within a warp"
        if kind == "uninitialised" and found.array < len(self.regions):
            return "uninitialised output"
        if kind == "out-of-bounds" and found.array == len(self.regions) + len(self.library.variables):
            return "out-of-bounds of dynamic memory"
        return kind

    @staticmethod
    def _says_out_of_bounds(found, threads, what, length, line, other_line):
        if found.type:
            return (
                f"thread {threads[0]} uses element {found.offset} of an array of its own, a {found.type.decode()[1:-1]}"
            )
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
        at = f"at {what}, whose address {found.address:#x} is" if found.array >= 0 else f"at {what}, which is"
        return f"thread {threads[0]} {_verb(found.writes)} {at} no multiple of {found.size}"

    @staticmethod
    def _says_missing(found, threads, what, length, line, other_line):
        return f"thread {threads[0]} asks lane {found.other_thread % 32} for its value, which does not take part"

    @staticmethod
    def _says_bad_mask(found, threads, what, length, line, other_line):
        if found.thread == found.other_thread:
            return f"thread {threads[0]} passes a mask in which it is not itself"
        return f"thread {threads[0]} meets thread {threads[1]}, which passes another mask or does not call the same"

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

    def _is_flag(self, finding):
        """Whether a race is one of writes of the same value, as in `*changed = 1;`: whoever comes last, it stands there.

        By the values alone, an array of zeros would excuse anything. So the text has to say it too.
        """
        agree = finding.kind == "race" and finding.both_write and finding.same == finding.count
        return agree and all(map(self._stores_a_constant, (finding.code, finding.other_code)))

    def _stores_a_constant(self, code):
        """Whether a line assigns what is the same for all threads: numbers, the kernel's own ones, names of constants."""
        stored = [each["value"] for each in STORES.finditer(code) if not DECLARES.fullmatch(each["to"].strip())]
        return any(
            all(map(self._is_constant, re.findall(r"[A-Za-z_]\w*", value))) and "[" not in value for value in stored
        )

    def _is_constant(self, name):
        numbers = {each.name for each in self.plan.kernel.parameters if not each.is_pointer}
        defined = rf"#\s*define\s+{name}\b|\b(?:constexpr|const)\b[^;(){{}}=]*\b{name}\s*=|\benum\b[^;]*\b{name}\b"
        return name in numbers or name in ANYWHERE_THE_SAME or re.search(defined, self.text)

    def _code(self, file, line):
        return line_of(self.text, file, line) if line else ""


def _is_told_better(finding, found, variables):
    """Whether an index beyond its row is one of an array that is watched: then only what lies outside of it is wrong."""
    named = any(re.search(rf"\b{re.escape(name)}\b", finding.code) for name in variables)
    again = any(each.line == finding.line and each.kind == finding.kind and each is not finding for each in found)
    return finding.kind == "out-of-bounds" and not finding.address and (named or again)


def _is_wait(finding):
    """Whether a race is a thread waiting in a loop for a volatile variable that another thread of its block sets."""
    waits = any(re.search(r"\bwhile\b", code) for code in (finding.code, finding.other_code))
    return finding.kind == "race" and finding.both_volatile and not finding.both_write and waits


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
