"""What a kernel asks of memory, line by line: sectors, bank conflicts, bytes, idle lanes, barriers.

profiler.cpp writes down every access; here they are put together to the requests that a warp would make of them, and counted.

A warp's request to global memory moves sectors of 32 bytes: 32 floats side by side are 4 sectors, 32 floats a row apart are 32.
In shared memory word i lies in bank i mod 32, and two different words of one bank take two turns. Accesses of 8 and 16 bytes are
served for 16 and 8 lanes at a time. Source: NVIDIA, CUDA C++ Best Practices Guide, 10.2.1 and 10.2.3.
"""

import ctypes
from dataclasses import asdict, dataclass

import numpy as np

from .sanitizer import dynamic_name, line_of

WARP, SECTOR, BANKS, WORD = 32, 32, 32, 4
LIMIT = 2**22  # accesses that are kept: blocks that have no room any more are run, and not counted
EVENT = np.dtype(
    [("address", "u8"), ("place", "u4"), ("block", "u4"), ("thread", "u2"), ("size", "u1"), ("kind", "u1")], align=True
)
READS, WRITES, ATOMIC, BARRIER = range(4)


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
    def each(number, of):
        return f"{number / of:.3g}" if of else ""

    return [
        str(line.line), f"{line.requests:,}" if line.requests else "", each(line.sectors, line.requests),
        each(line.ideal_sectors, line.requests), f"{line.shared_requests:,}" if line.shared_requests else "",
        each(line.turns, line.ideal_turns), f"{line.lanes:.3g}" if line.lanes else "",
        f"{line.barriers:.3g}" if line.barriers else "", f"{line.flops:,}" if line.flops else "",
    ]  # fmt: skip


def count(library, plan, arguments, text, run):
    """Have `run` launch a library that was built for the profiler, and return its Profile."""
    events = np.empty(LIMIT, EVENT)
    code = library.code
    counts = np.zeros(max(code.minigan_count_counters(), 1), np.uint64)
    room = ctypes.c_uint64(LIMIT)
    code.minigan_profile(events.ctypes.data_as(ctypes.c_void_p), room, counts.ctypes.data_as(ctypes.c_void_p))
    run()
    whole = ctypes.c_uint32()
    code.minigan_profiled.restype = ctypes.c_uint64
    events = events[: code.minigan_profiled(ctypes.byref(whole))]
    events = events[events["block"] < whole.value]
    of_blocks, threads = int(np.prod(plan.grid)), int(np.prod(plan.block))
    flops = _flops(library, counts)
    places, events = _lines(library, events, text, flops)
    for place, line in enumerate(places):
        waits = (events["place"] == place) & (events["kind"] == BARRIER)
        line.barriers = waits.sum() / max(threads * whole.value, 1)
        line.flops = flops.get((line.file, line.line), 0)
    barriers, requests = _barriers_before(events), []
    accesses = events["kind"] != BARRIER
    events, barriers = events[accesses], barriers[accesses]
    in_global = _arguments(plan, arguments) + _variables(library, plan, text, "global")
    least = _count_global(places, events, barriers, in_global, requests)
    _count_shared(places, events, barriers, _variables(library, plan, text, "shared"), requests)
    seen = [line for line in places if line.requests or line.shared_requests or line.barriers or line.flops]
    return Profile(plan.kernel.name, plan.block, plan.shared, seen, whole.value, of_blocks, *least, requests)


def _flops(library, counts):
    """{(file, line): floating-point operations}."""
    flops = {}
    for counter, place, operations in library.flops:
        here = library.place(place)
        flops[here] = flops.get(here, 0) + operations * int(counts[counter])
    return flops


def _lines(library, events, text, flops):
    """(a Line for each line of the text that is in `events` or `flops`, in order; the events with places that number those)."""
    used = np.unique(events["place"])
    named = [library.place(int(number)) for number in used]
    order = sorted({*named, *(here for here, count in flops.items() if count)})
    numbers = np.array([order.index(name) for name in named], np.uint32)
    events = events.copy()
    events["place"] = numbers[np.searchsorted(used, events["place"])]
    return [Line(file, line, line_of(text, file, line)) for file, line in order], events


def _arguments(plan, arguments):
    """(name, begin, bytes) of every array that the kernel is given."""
    named = zip(plan.kernel.parameters, arguments)
    return [(each.name, value.ctypes.data, value.nbytes) for each, value in named if isinstance(value, np.ndarray)]


def _variables(library, plan, text, where):
    """(name, begin, bytes) of every variable of the text in global or in shared memory."""
    named = [*library.variables, (dynamic_name(text), plan.shared, "shared")]
    return [
        (name, library.code.minigan_variable(number), size)
        for number, (name, size, memory) in enumerate(named)
        if memory == where
    ]


def _barriers_before(events):
    """How many barriers the thread of each event had passed."""
    thread = events["thread"].astype(np.int64)
    of_thread = np.lexsort((thread, events["block"]))
    waits = events["kind"][of_thread] == BARRIER
    passed = np.cumsum(waits) - waits
    run = _runs(of_thread, events["block"], thread)
    before = np.empty(len(events), np.int64)
    before[of_thread] = passed - passed[np.searchsorted(run, run)]
    return before


def _within(events, barriers, arrays):
    """(the events in these arrays, the barriers before each, its array's number, its bytes from the array's beginning)."""
    number, offset = np.full(len(events), -1), np.zeros(len(events), np.int64)
    for i, (_, begin, size) in enumerate(arrays):
        inside = (events["address"] >= begin) & (events["address"] < begin + size) & (number < 0)
        number[inside], offset[inside] = i, events["address"][inside] - np.uint64(begin)
    found = number >= 0
    return events[found], barriers[found], number[found], offset[found]


def _requests(events, barriers, arrays):
    """The number of the request that each event is part of: the k-th access by this line to this array since the last barrier, of
    a warp's lanes. (Lanes that sit one out are found to have done so at the next barrier.)"""
    thread = events["thread"].astype(np.int64)
    of_thread = np.lexsort((events["kind"], arrays, events["place"], barriers, thread, events["block"]))
    again = _runs(of_thread, events["block"], thread, barriers, events["place"], arrays, events["kind"])
    first = np.flatnonzero(np.r_[True, np.diff(again) > 0]) if len(again) else np.zeros(0, int)
    occurrence = np.empty(len(events), np.int64)
    occurrence[of_thread] = np.arange(len(events)) - first[again]
    columns = events["block"], thread // WARP, barriers, events["place"], arrays, events["kind"], occurrence
    of_warp = np.lexsort(columns[::-1])
    request = np.empty(len(events), np.int64)
    request[of_warp] = _runs(of_warp, *columns)
    return request


def _runs(order, *columns):
    """For each position of an order, the number of the run of equal columns that it is in."""
    changes = np.zeros(len(order), bool)
    for column in columns:
        ordered = column[order]
        changes[1:] |= ordered[1:] != ordered[:-1]
    return np.cumsum(changes)


def _unique_pairs(one, other):
    """The different pairs, as two arrays."""
    return np.divmod(np.unique(one * (other.max() + 1) + other), other.max() + 1)


def _count_global(places, events, barriers, arrays, requests):
    """Enter what goes to global memory; returns the least bytes that could be loaded and stored."""
    events, barriers, array, offset = _within(events, barriers, arrays)
    if not len(events):
        return 0, 0
    request, size = _requests(events, barriers, array), events["size"].astype(np.int64)
    count = request.max() + 1
    ends = np.r_[offset // SECTOR, (offset + size - 1) // SECTOR]
    sectors = np.bincount(_unique_pairs(np.r_[request, request], ends)[0], minlength=count)
    width = np.zeros(count, np.int64)
    np.maximum.at(width, request, size)
    different = np.bincount(_unique_pairs(request, offset)[0], minlength=count)
    ideal = -(-different * width // SECTOR)
    requests += _first_requests(places, events, request, array, offset, arrays, False)
    _enter(places, events, request, requests=np.ones(count, int), sectors=sectors, ideal_sectors=ideal)
    for kinds, name in (((READS, ATOMIC), "loaded"), ((WRITES, ATOMIC), "stored")):
        moves = np.isin(events["kind"], kinds)
        for place, line in enumerate(places):
            setattr(line, name, int(size[moves & (events["place"] == place)].sum()))
    return tuple(
        _touched(array, offset, size, np.isin(events["kind"], kinds)) for kinds in ((READS, ATOMIC), (WRITES, ATOMIC))
    )


def _touched(array, offset, size, chosen):
    """How many different bytes the chosen accesses touch."""
    array, offset, size = array[chosen], offset[chosen], size[chosen]
    total = 0
    for number in np.unique(array):
        mine = array == number
        marks = np.zeros(int((offset[mine] + size[mine]).max()) + 1, np.int64)
        np.add.at(marks, offset[mine], 1)
        np.add.at(marks, offset[mine] + size[mine], -1)
        total += int((np.cumsum(marks) > 0).sum())
    return total


def _count_shared(places, events, barriers, arrays, requests):
    """Enter what goes to shared memory."""
    events, barriers, array, offset = _within(events, barriers, arrays)
    if not len(events):
        return
    request, size = _requests(events, barriers, array), events["size"].astype(np.int64)
    count, lane = request.max() + 1, events["thread"].astype(np.int64) % WARP
    requests += _first_requests(places, events, request, array, offset, arrays, True)
    part = request * 4 + np.minimum(
        lane * np.maximum(size, WORD) // (BANKS * WORD), 3
    )  # what is served at a time: 128 bytes
    words = np.maximum(size // WORD, 1)
    spread = np.repeat(np.arange(len(events)), words)
    word = offset[spread] // WORD + np.arange(len(spread)) - np.repeat(np.cumsum(words) - words, words)
    of_part, word = _unique_pairs(part[spread], word)
    in_bank = np.bincount(of_part * BANKS + word % BANKS, minlength=count * 4 * BANKS)
    turns = in_bank.reshape(count, 4, BANKS).max(2)
    _enter(
        places, events, request, shared_requests=np.ones(count, int), turns=turns.sum(1), ideal_turns=(turns > 0).sum(1)
    )


def _first_requests(places, events, request, array, offset, arrays, is_shared):
    """A Request for each line and array: the fullest of the first ones."""
    lanes = np.bincount(request)[request]
    order = np.lexsort((request, -lanes))
    kinds = events["place"][order] * np.int64(len(arrays)) + array[order]
    for kind, first in zip(*np.unique(kinds, return_index=True)):
        mine = np.flatnonzero(request == request[order[first]])
        line, number = places[kind // len(arrays)], kind % len(arrays)
        yield Request(
            line.file, line.line, arrays[number][0], is_shared, (events["thread"][mine] % WARP).tolist(),
            offset[mine].tolist(), int(events["size"][mine].max()),
        )  # fmt: skip


def _enter(places, events, request, **columns):
    """Add columns, of one number for each request, to the requests' lines, and their lanes."""
    _, first = np.unique(request, return_index=True)
    place, lanes = events["place"][first], np.bincount(request)
    for number, line in enumerate(places):
        mine = place == number
        for name, values in columns.items():
            setattr(line, name, getattr(line, name) + int(values[mine].sum()))
        if mine.any():
            before, here = line.requests + line.shared_requests - int(mine.sum()), int(mine.sum())
            line.lanes = (line.lanes * before + lanes[mine].sum()) / (before + here)
