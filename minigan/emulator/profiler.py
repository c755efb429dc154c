"""What a kernel asks of memory, line by line: sectors, bank conflicts, bytes, idle lanes, barriers.

profiler.cpp writes down every access; here they are put together to the requests that a warp would make of them, and counted.

A warp's request to global memory moves sectors of 32 bytes: 32 floats side by side are 4 sectors, 32 floats a row apart are 32.
In shared memory word i lies in bank i mod 32, and two different words of one bank take two turns. Accesses of 8 and 16 bytes are
served for 16 and 8 lanes at a time. Source: NVIDIA, CUDA C++ Best Practices Guide, 10.2.1 and 10.2.3.
"""

import ctypes

import numpy as np

from .profiles import Line, Profile, Request
from .program import dynamic_name, line_of

WARP, SECTOR, BANKS, WORD = 32, 32, 32, 4
LIMIT = 2**22  # accesses that are kept: blocks that have no room any more are run, and not counted
EVENT = np.dtype(
    [("address", "u8"), ("place", "u4"), ("block", "u4"), ("thread", "u2"), ("size", "u1"), ("kind", "u1")], align=True
)
MIRRORS = {"event": EVENT.itemsize}  # of profiler.cpp, compared when a library is loaded
READS, WRITES, ATOMIC, BARRIER = range(4)


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
    """(a Line for each line of the text that is in `events` or `flops`, sorted; the events with places that number those)."""
    used = _different(events["place"])
    named = [library.place(int(number)) for number in used]
    lines = sorted({*named, *(here for here, count in flops.items() if count)})
    numbers = np.array([lines.index(name) for name in named], np.uint32)
    events = events.copy()
    events["place"] = numbers[np.searchsorted(used, events["place"])]
    return [Line(file, line, line_of(text, file, line)) for file, line in lines], events


def _arguments(plan, arguments):
    """(name, begin, bytes) of every array that the kernel is given."""
    named = zip(plan.kernel.parameters, arguments)
    return [
        (parameter.name, value.ctypes.data, value.nbytes) for parameter, value in named if isinstance(value, np.ndarray)
    ]


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
    known = number >= 0
    return events[known], barriers[known], number[known], offset[known]


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


def _runs(sequence, *columns):
    """For each position of a sequence of events, the number of the run of equal columns that it is in."""
    changes = np.zeros(len(sequence), bool)
    for column in columns:
        values = column[sequence]
        changes[1:] |= values[1:] != values[:-1]
    return np.cumsum(changes)


def _different(values):
    """The different values, sorted. np.unique would hash them, which takes twenty times as long for millions."""
    values = np.sort(values)
    return values[np.diff(values, prepend=values[:1] - 1) != 0]


def _different_pairs(one, other):
    """The different pairs, as two arrays."""
    return np.divmod(_different(one * (other.max() + 1) + other), other.max() + 1)


def _count_global(places, events, barriers, arrays, requests):
    """Enter what goes to global memory; returns the least bytes that could be loaded and stored."""
    events, barriers, array, offset = _within(events, barriers, arrays)
    if not len(events):
        return 0, 0
    request, size = _requests(events, barriers, array), events["size"].astype(np.int64)
    count = request.max() + 1
    ends = np.r_[offset // SECTOR, (offset + size - 1) // SECTOR]
    sectors = np.bincount(_different_pairs(np.r_[request, request], ends)[0], minlength=count)
    width = np.zeros(count, np.int64)
    np.maximum.at(width, request, size)
    different = np.bincount(_different_pairs(request, offset)[0], minlength=count)
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
    for number in _different(array):
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
    of_part, word = _different_pairs(part[spread], word)
    in_bank = np.bincount(of_part * BANKS + word % BANKS, minlength=count * 4 * BANKS)
    turns = in_bank.reshape(count, 4, BANKS).max(2)
    _enter(
        places, events, request, shared_requests=np.ones(count, int), turns=turns.sum(1), ideal_turns=(turns > 0).sum(1)
    )


def _first_requests(places, events, request, array, offset, arrays, is_shared):
    """A Request for each line and array: the fullest of the first ones."""
    lanes = np.bincount(request)[request]
    fullest = np.lexsort((request, -lanes))  # first
    kinds = events["place"][fullest] * np.int64(len(arrays)) + array[fullest]
    for kind, first in zip(*np.unique(kinds, return_index=True)):
        mine = np.flatnonzero(request == request[fullest[first]])
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
