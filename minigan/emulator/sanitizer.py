"""One launch under the sanitizer: what it found there, with names.

`minigan.emulator.check` and `minigan check` look for them; sanitizer.cpp is where they are found.
"""

import ctypes
from dataclasses import dataclass

import numpy as np

from ..errors import LaunchError, MiniganError
from .excuses import excused
from .findings import Finding
from .program import dynamic_name, line_of
from .words import ADVICE, KINDS, advice, message

MAX_ARRAYS = 250  # of a launch, with the shared arrays of its file


class Out:
    """An array that a kernel is to write: see `out`."""

    def __init__(self, array):
        self.array = array


def out(array):
    """Mark an argument of `emulator.check` as output: reading an element that the kernel has not written is a finding."""
    if not isinstance(array, np.ndarray):
        raise MiniganError(f"out: {type(array).__name__}, expected a NumPy array")
    return Out(array)


class RawFinding(ctypes.Structure):
    """`Finding` of sanitizer.cpp."""

    _fields_ = [
        *((name, ctypes.c_int) for name in (
            "kind", "place", "other_place", "array", "size", "writes", "other_writes", "atomic", "both_atomic", "both_strong",
            "thread", "other_thread")),
        ("block", ctypes.c_uint * 3),
        ("other_block", ctypes.c_uint * 3),
        ("offset", ctypes.c_int64),
        *((name, ctypes.c_uint64) for name in ("address", "count", "excused", "same")),
        ("type", ctypes.c_char_p),
    ]  # fmt: skip


NOT_THERE = {"out-of-bounds", "null-pointer", "write-to-constant"}  # what may end a launch at memory that is not there
MIRRORS = {"finding": ctypes.sizeof(RawFinding)}  # compared when a library is loaded


@dataclass(frozen=True)
class Fact:
    """A `RawFinding` with names: which array it concerns (where it lies, its name, index and length), which threads and lines."""

    raw: RawFinding
    line: int
    other_line: int | None
    threads: tuple
    memory: str | None  # "argument", "shared", "dynamic", "constant" or "global"
    array: str | None
    index: int | None
    length: str | None
    what: str
    nulls: tuple  # the names of the arguments for which None is passed

    @property
    def block(self):
        return tuple(self.raw.block)

    @property
    def other_block(self):
        return tuple(self.raw.other_block)

    @property
    def between_blocks(self):
        return self.block != self.other_block


class Watched:
    """One launch under the sanitizer: its arrays are moved to memory that is watched, and back when it is over.

    `moved` are the arguments as the launch then takes them, with addresses in place of arrays.
    """

    def __init__(self, library, plan, arguments, outputs, text):
        self.library, self.plan, self.text = library, plan, text
        self.regions = _regions(plan, arguments, outputs)
        self.arguments = arguments
        passed = zip(plan.kernel.parameters, arguments)
        self.nulls = tuple(each.name for each, value in passed if each.is_pointer and isinstance(value, np.uintp))

    def __enter__(self):
        code, regions = self.library.code, self.regions
        count = len(regions)
        if count + len(self.library.variables) > MAX_ARRAYS:
            raise LaunchError(f"kernel {self.plan.kernel.name}: the sanitizer watches at most {MAX_ARRAYS} arrays")
        sizes = (ctypes.c_uint64 * count)(*(region.end - region.begin for region in regions))
        given = (ctypes.c_bool * count)(*(region.given for region in regions))
        addresses = (ctypes.c_void_p * count)(*(region.begin for region in regions))
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
        pointer = ctypes.POINTER(RawFinding)()
        count = self.library.code.minigan_findings(ctypes.byref(pointer))
        pairs = [(self._finding(pointer[i]), pointer[i]) for i in range(count)]
        numbers = {parameter.name for parameter in self.plan.kernel.parameters if not parameter.is_pointer}
        variables = [name for name, *_ in self.library.variables]
        findings = excused(pairs, self.text, numbers, variables)
        kinds = {finding.kind for finding in findings}
        explained = kinds & {"deadlock", "misaligned"} or (kinds & NOT_THERE and "not there" in failure)
        if failure and not explained:
            file, line = self.library.place(self.library.code.minigan_last_site())
            code = self._code(file, line)
            advised = ADVICE["too long" if "ran too long" in failure else "fault"]
            findings.append(Finding("fault", file, line, code, failure, (), (), advice=advised))
        return findings

    def _finding(self, raw):
        kind, fact = KINDS[raw.kind], self._fact(raw)
        file, line = self.library.place(raw.place)
        other_file, _ = self.library.place(raw.other_place) if raw.other_place >= 0 else (None, None)
        return Finding(
            kind, file, line, self._code(file, line), message(kind, fact), fact.block, fact.threads, fact.array, fact.index,
            raw.address or None, fact.other_line, self._code(other_file, fact.other_line), raw.count,
            advice(kind, fact, self.text),
        )  # fmt: skip

    def _fact(self, raw):
        line = self.library.place(raw.place)[1]
        other_line = self.library.place(raw.other_place)[1] if raw.other_place >= 0 else None
        threads = tuple(self._thread(number) for number in (raw.thread, raw.other_thread) if number >= 0)
        memory, array, index, length = self._element(raw)
        what = f"{array}[{index}]" if array else f"address {raw.address:#x}"
        if length == "1 element" and not index:
            what = array
        return Fact(raw, line, other_line, threads, memory, array, index, length, what, self.nulls)

    def _element(self, raw):
        """(where it lies, name, index, "n elements") of the array of a finding; None where there is none."""
        if raw.array < 0:
            return None, None, None, None
        if raw.array < len(self.regions):
            region = self.regions[raw.array]
            memory, name, total, size = "argument", region.name, region.end - region.begin, region.itemsize
        else:
            variables = [*self.library.variables, (dynamic_name(self.text), self.plan.shared, "dynamic")]
            name, total, memory = variables[raw.array - len(self.regions)]
            size = raw.size
        count = total // size
        of = "" if memory == "argument" or count == 1 else " of this size"
        return memory, name, raw.offset // size, f"{count} element{'s' * (count != 1)}{of}"

    def _thread(self, number):
        x, y, _ = self.plan.block
        return number % x, number // x % y, number // (x * y)

    def _code(self, file, line):
        return line_of(self.text, file, line) if line else ""


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
    """The memory of all arrays, sorted by address; arrays that share memory are one."""
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
