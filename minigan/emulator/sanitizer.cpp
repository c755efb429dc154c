// The sanitizer: every access of the kernel's own text to memory is looked at just before it happens.
//
// The compiler announces the accesses (-fsanitize=thread), instrument.py numbers the places they come from, and the
// functions at the end of this file receive both. For every four bytes of an array a Cell remembers who wrote them last
// and who has read them since. Two accesses to the same byte race if they come from different threads, one of them writes,
// not both are atomic, and nothing puts them in order: see order.h.
//
// Compiled without announcements, and linked to every kernel's library that is built for the sanitizer.
#include "observer.h"
#include "order.h"

// Into every kind of access, with its size known: this is what checking costs.
#define MINIGAN_QUICK __attribute__((always_inline)) static inline

namespace minigan {
enum Kind : int { OUT_OF_BOUNDS, RACE, UNINITIALISED, DIVERGENT_BARRIER, DEADLOCK, MISALIGNED, MISSING_LANE, BAD_MASK, NOT_WAITED,
                  WRITE_TO_CONSTANT, NULL_POINTER, PARTLY_UNINITIALISED };

struct Finding {
    int kind, place, other_place, array, size, writes, other_writes, atomic, both_atomic, both_strong, thread, other_thread;
    unsigned block[3], other_block[3];
    int64_t offset;  // of the access, in bytes from the array's beginning
    uint64_t address, count, excused;
    uint64_t same;     // how many times a write met one of the same value
    const char* type;  // of a thread's own array; offset is an index then
};

// A write that races with one before it, until it is seen whether it changes anything.
struct Overwrite { uintptr_t address; int size, finding; unsigned char before[64]; };

// A plain read that raced with an atomic. It is excused if the reader then puts what it read to an atomicCAS.
struct Guess { uintptr_t address; int finding; uint64_t count; };
constexpr int GUESSES = 4;

// Where a lane last met others of its warp, whom it named, and who of those met others there without naming it.
struct Meeting { int place; uint32_t mask, ignored_by; };

struct Cell {
    Record write, plain;      // the last one, and if that is an atomic the last one that is none
    Record reads[2];          // two readers of different warps, if there are any: any writer differs from one of them
    uint32_t written;  // in which block's life, and which of the four bytes
    uint32_t settled;  // since which barrier, and for which warp's lanes, one more reader changes nothing
    static constexpr uint32_t ANY_WARP = 63, COPYING = 62;
    bool is_copying() const { return settled % 64 == COPYING; }  // the last write is a copy that nobody has waited for
};

struct Array {
    uintptr_t begin, end;
    Cell* cells;
    bool given;     // the host wrote it before the launch
    bool shared;    // by a block: it begins anew in every block
    bool constant;  // for the kernel to read, not to write
    int shift;    // 2: a cell for four bytes; 0: one for every byte, from the first access to less than four bytes on
    Cell& cell(uintptr_t address) const { return cells[(address >> shift) - (begin >> shift)]; }
    size_t bytes_of_cells() const { return (((end - begin) >> shift) + 2) * sizeof(Cell); }
    bool holds(uintptr_t address, int size) const { return address >= begin && address + size <= end; }
};

// Arrays in global memory lie far apart, so that an index gone astray in one never meets another: 64 GiB each, the array in
// the middle. Around it 64 KiB can be touched without a fault, and the launch goes on.
constexpr int SPAN_BITS = 36, MAX_ARRAYS = 256, MAX_FINDINGS = 1000;
constexpr size_t SPAN = size_t(1) << SPAN_BITS, RED_ZONE = 64 * 1024;

// What lies below is reached through a null pointer and an index: no array of a process of 64 bits lies there.
constexpr uintptr_t NULL_END = uintptr_t(1) << 33;

MINIGAN_TABLE uint64_t minigan_gap;  // bytes between variables

struct Watch {
    Clock clock;
    uintptr_t spans;
    char* reserved;
    int globals, arrays;  // the arguments first, then the text's own variables, then dynamic shared memory
    Array array[MAX_ARRAYS];
    Array aside[MAX_HOSTS][MAX_ARRAYS];  // the shared ones of each block of a cooperative launch that waits for others
    uint64_t grid_barriers;
    uint8_t array_at[1 << 16];           // the array that an address was last found in: see page_of
    uintptr_t variables_begin, variables_end;
    uint8_t* owner;                      // for every 16 bytes of those the number of the array, 0 for none
    int arrived_at[MAX_THREADS];         // the place of the barrier or shuffle where each thread arrived last
    Meeting meeting[MAX_THREADS];
    int last_site;
    int waiting, turns;  // the thread that last touched an atomic or volatile variable, and how often in a row
    int findings, latest;  // latest: the one that was counted last
    Finding finding[MAX_FINDINGS];
    Guess guess[MAX_THREADS][GUESSES];  // of each thread the last ones: it may read two variables, and then ask for each
    Overwrite overwrite;
};
static Watch* watch;

// Written by instrument.py: which code comes from which place, or from none of the text (−1); a null ends the table.
struct Code { uintptr_t begin; int64_t place; };
static_assert(sizeof(Code) == 2 * 8, "instrument.py writes two words of eight bytes");
MINIGAN_TABLE Code minigan_code[];

// The place that code at an address comes from, −1 if it is none of the text.
static int place_of(uintptr_t address) {
    const Code* nearest = nullptr;
    for (const Code* each = minigan_code; each->begin; ++each)
        if (each->begin <= address && (!nearest || each->begin >= nearest->begin)) nearest = each;
    return nearest ? nearest->place : -1;
}

// ---- findings -----------------------------------------------------------------------------------------------------

MINIGAN_QUICK bool within_warp(int thread, int other) { return thread / LANES == other / LANES; }

// One finding for a kind, an array and a pair of places, in either order; then they are counted. A race that crosses warps
// is the better example. Returns the finding to fill in, or null.
static Finding* report(Host& h, Kind kind, int array, int site, int other_site = -1, int other_thread = -1, bool both_write = false) {
    Finding* finding = nullptr;
    for (int i = 0; i < watch->findings && !finding; ++i) {
        Finding& known = watch->finding[i];
        const bool same = known.place == site && known.other_place == other_site;
        if ((known.writes && known.other_writes) != both_write) continue;
        if (known.kind == kind && known.array == array && (same || (known.place == other_site && known.other_place == site)))
            finding = &known;
    }
    if (finding) {
        watch->latest = finding - watch->finding;
        ++finding->count;
        if (kind != RACE || !within_warp(finding->thread, finding->other_thread) || within_warp(h.now, other_thread)) return nullptr;
    } else {
        if (watch->findings == MAX_FINDINGS) return nullptr;
        watch->latest = watch->findings;
        finding = &watch->finding[watch->findings++];
        finding->count = 1;
    }
    finding->kind = kind, finding->array = array, finding->place = site, finding->other_place = other_site;
    finding->thread = h.now, finding->other_thread = other_thread;
    finding->block[0] = built_in.block.x, finding->block[1] = built_in.block.y, finding->block[2] = built_in.block.z;
    return finding;
}

__attribute__((noinline)) static Finding* report_access(Host& h, Kind kind, int array, uintptr_t address, int size, int site, bool writes,
                              int other_site = -1, int other_thread = -1, bool other_writes = false) {
    Finding* finding = report(h, kind, array, site, other_site, other_thread, writes && other_writes);
    if (!finding) return nullptr;
    finding->address = address, finding->size = size, finding->writes = writes, finding->other_writes = other_writes;
    if (array >= 0) finding->offset = int64_t(address) - int64_t(watch->array[array].begin);
    return finding;
}

// ---- an access ----------------------------------------------------------------------------------------------------

// The number of the variable at an address, or of one less than a gap away; −1 for none.
MINIGAN_QUICK int variable(const Host& h, uintptr_t address) {
    if (lies_in(address, h.below, sizeof h.below + sizeof h.shared)) return watch->arrays - 1;
    if (address < watch->variables_begin || address >= watch->variables_end) return -1;
    return watch->owner[(address - watch->variables_begin) / 16] - 1;
}

// The number of the array at an address, or of the one whose surroundings it lies in; −1 for none.
MINIGAN_QUICK int array_near(const Host& h, uintptr_t address) {
    const uintptr_t span = (address - watch->spans) >> SPAN_BITS;
    return span < uintptr_t(watch->globals) ? int(span) : variable(h, address);
}

// Memory that a thread's own variables lie in, which no other thread can see.
MINIGAN_QUICK bool is_own(uintptr_t address) {
    return (address ^ reinterpret_cast<uintptr_t>(__builtin_frame_address(0))) < FIBER_BYTES;
}

// That, or memory that is the emulator's.
static bool is_private(const Host& h, uintptr_t address) {
    return is_own(address) || lies_in(address, __ehdr_start, _end - __ehdr_start) || lies_in(address, &h, sizeof h);
}

// Two variables or two arguments differ in these bits: see minigan_gap and SPAN.
MINIGAN_QUICK uint16_t page_of(uintptr_t address) { return address >> 16 ^ address >> SPAN_BITS; }

// The number of the array that an access goes to; −1 where there is nothing to look at, which is reported if it is wrong.
// One that no red zone catches is not carried out: it could hit anything of this process.
static int find(Host& h, uintptr_t address, int size, int site, bool writes) {
    const int number = array_near(h, address);
    if (number >= 0 && watch->array[number].holds(address, size)) return watch->array_at[page_of(address)] = number;
    if (number < 0 && is_private(h, address)) return -1;
    const bool null = number < 0 && address < NULL_END;
    report_access(h, null ? NULL_POINTER : OUT_OF_BOUNDS, number, address, size, site, writes);
    if (number < 0) fail(h, "access to memory that is not there, address %p", reinterpret_cast<void*>(address));
    return -1;
}

enum Conflict { NONE, WITHIN_BLOCK, BETWEEN_BLOCKS };

// Whether an earlier access could as well have come after this one, and to the same byte.
static Conflict conflict(const Host& h, const Array& array, Record earlier, Record now) {
    const Clock& clock = watch->clock;
    if (!(earlier.bytes() & now.bytes())) return NONE;
    if (earlier.time() >= clock.block) {
        if (earlier.atomic() && now.atomic()) return NONE;
        return unordered(clock, h.now, earlier) && !was_told(clock, h.now, earlier) ? WITHIN_BLOCK : NONE;
    }
    if (array.shared || (earlier.is_wide_atomic() && now.is_wide_atomic())) return NONE;
    return was_told_by_block(clock, h.now, earlier) ? NONE : BETWEEN_BLOCKS;
}

// Whether this thread's reading makes an earlier reader needless: whoever writes later and knows of the one knows of the other.
MINIGAN_QUICK bool replaces(const Host& h, const Array& array, Record reader) {
    const Clock& clock = watch->clock;
    if (reader.time() >= clock.block) return !unordered(clock, h.now, reader) || was_told(clock, h.now, reader);
    return array.shared || reader.time() < clock.grid || was_told_by_block(watch->clock, h.now, reader);
}

// Two slots: with readers of two warps, or of two blocks, in them, any writer differs from one. A third need not be known.
MINIGAN_QUICK void remember_reader(const Host& h, const Array& array, Cell& cell, Record now) {
    for (Record& slot : cell.reads)
        if (replaces(h, array, slot)) {
            if (slot.thread() == h.now && slot.time() == now.time()) now.bits |= slot.bytes();
            slot = now;
            return;
        }
    const int warp = cell.reads[0].thread() / LANES;
    const bool in_block = cell.reads[0].time() >= watch->clock.block && cell.reads[1].time() >= watch->clock.block;
    if (in_block && warp == cell.reads[1].thread() / LANES && warp != h.now / LANES) cell.reads[1] = now;
}

// After the last barrier nobody has written, and two threads have read: their warp's lanes, or all threads if they are of
// two warps, may read it again and nothing changes.
MINIGAN_QUICK void settle(Cell& cell, uint32_t over) {
    const Record one = cell.reads[0], other = cell.reads[1];
    const uint32_t fresh = watch->clock.fresh;
    if (cell.write.time() >= over || one.time() < fresh || other.time() < fresh || (one.bytes() & other.bytes()) != 15) return;
    const uint32_t warp = one.thread() / LANES;
    cell.settled = fresh % (1 << 26) * 64 + (warp == uint32_t(other.thread() / LANES) ? warp : Cell::ANY_WARP);
}

static void remember_guess(int thread, uintptr_t address) {
    Guess(&guesses)[GUESSES] = watch->guess[thread];
    int slot = 0;
    while (slot < GUESSES - 1 && (guesses[slot].address != address || guesses[slot].finding != watch->latest)) ++slot;
    Guess guess = guesses[slot];
    if (guess.address != address || guess.finding != watch->latest) guess = {address, watch->latest, 0};
    ++guess.count;
    for (; slot; --slot) guesses[slot] = guesses[slot - 1];
    guesses[0] = guess;
}

static void name_block(const Host& h, unsigned* block, uint32_t time) {
    const uint64_t number = block_at(watch->clock, time);
    const Index& grid = h.launch->grid;
    block[0] = number % grid.x, block[1] = number / grid.x % grid.y, block[2] = number / grid.x / grid.y;
}

struct Access {
    int array;
    uintptr_t address;
    int64_t size;
    int site;
    bool reads, writes;
    uint64_t scope;     // the bits of a Record
    bool races[2], known, waits;  // whether it races with an earlier read, or write; whether any byte of it has been written; or is in a copy
    bool lacks;                    // four bytes that have not been written
};

// A store has been carried out when its thread announces something else.
static void look_back() {
    Overwrite& it = watch->overwrite;
    if (it.size && !memcmp(it.before, reinterpret_cast<void*>(it.address), it.size)) ++watch->finding[it.finding].same;
    it.size = 0;
}

// Look whether an access races with an earlier one, which `wrote` or read.
__attribute__((noinline)) static void compare(Host& h, Access& access, Record earlier, bool wrote, Record now) {
    const Conflict kind = conflict(h, watch->array[access.array], earlier, now);
    if (kind == NONE || access.races[wrote]) return;
    access.races[wrote] = true;
    Finding* finding = report_access(h, RACE, access.array, access.address, access.size, access.site, access.writes,
                                     earlier.site(), earlier.thread(), wrote);
    if (finding) {
        finding->atomic = now.atomic() || earlier.atomic();
        finding->both_atomic = now.atomic() && earlier.atomic();
        finding->both_strong = now.strong(kind == BETWEEN_BLOCKS) && earlier.strong(kind == BETWEEN_BLOCKS);
        name_block(h, finding->other_block, earlier.time());
    }
    if (access.writes && wrote && !now.atomic() && !earlier.atomic() && access.size <= int(sizeof watch->overwrite.before)) {
        watch->overwrite = {access.address, int(access.size), watch->latest, {}};
        memcpy(watch->overwrite.before, reinterpret_cast<void*>(access.address), access.size);
    }
    if (earlier.atomic() && !access.writes) remember_guess(h.now, access.address);
    if (now.atomic() && !wrote && kind == WITHIN_BLOCK) remember_guess(earlier.thread(), access.address);
}

// It reads what a copy will write, which was not waited for.
static void report_copy(Host& h, Access& access, Record copy) {
    access.known = true;  // one cause, one finding
    if (!access.waits) report_access(h, NOT_WAITED, access.array, access.address, access.size, access.site, false, copy.site(), copy.thread());
    access.waits = true;
}

// The part of an access that lies in one cell.
MINIGAN_QUICK void look_at_cell(Host& h, Access& access, const Array& array, uintptr_t address, int size) {
    const Clock& clock = watch->clock;
    Cell& cell = array.cell(address);
    const uint32_t bytes = ((1u << size) - 1) << (address & 3);
    const Record now = {uint64_t(clock.time) << 32 | uint64_t(access.site) << 16 | uint64_t(h.now) << 5 | access.scope | bytes};
    // In a block, what happened before the last barrier is over; of a global array another block's accesses are not.
    const uint32_t over = array.shared ? clock.phase : clock.grid;
    const uint32_t life = array.shared ? uint32_t(clock.blocks) << 4 : 0;
    if (!array.given && (cell.written & ~15u) != life) cell.written = life, cell.settled = 0;
    if (access.reads && cell.is_copying() && conflict(h, array, cell.write, now) == NONE) return report_copy(h, access, cell.write);
    if (cell.write.time() >= over) compare(h, access, cell.write, true, now);
    if (cell.plain.time() >= over) compare(h, access, cell.plain, true, now);
    if (!array.given) {
        access.known |= (bytes & cell.written) != 0;
        access.lacks |= size == 4 && !(bytes & cell.written);
        if (access.writes) cell.written |= bytes;
    }
    if (!access.writes) {
        remember_reader(h, array, cell, now);
        if (array.given || cell.written % 16 == 15) settle(cell, over);
        return;
    }
    cell.settled = 0;
    for (Record reader : cell.reads)
        if (reader.time() >= over) compare(h, access, reader, false, now);
    cell.plain = !now.atomic() ? Record{} : cell.write.atomic() ? cell.plain : cell.write;
    cell.write = now;
}

// From a cell for four bytes to one for each: two threads may then meet in one byte while others use its neighbours.
static void refine(Array& array) {
    Array finer = array;
    finer.shift = 0;
    finer.cells = static_cast<Cell*>(take(finer.bytes_of_cells()));
    if (!finer.cells) return;
    for (uintptr_t address = array.begin; address < array.end; ++address) {
        const auto of_byte = [&](Record record) { return record.bytes() >> (address & 3) & 1 ? record : Record{}; };
        const Cell& whole = array.cell(address);
        finer.cell(address) = {of_byte(whole.write), of_byte(whole.plain), {of_byte(whole.reads[0]), of_byte(whole.reads[1])}, whole.written, whole.settled};
    }
    munmap(array.cells, array.bytes_of_cells());
    array = finer;
}

__attribute__((noinline)) static void look_at_cells(Host& h, Access& access, Array& array) {
    if (access.size < 4 && array.shift) refine(array);
    for (uintptr_t address = access.address, end = address + access.size; address < end;) {
        const int64_t whole = 1 << array.shift, rest = whole - (address & (whole - 1)), left = end - address;
        const int count = left < rest ? left : rest;
        look_at_cell(h, access, array, address, count);
        address += count;
    }
}

// Others run while a thread waits for one of them in a loop.
constexpr int PATIENCE = 100;

// An atomic or volatile access: here threads tell each other what they did.
static void meet_others(Host& h, uintptr_t address, bool reads, bool writes, bool wide) {
    if (watch->waiting != h.now) watch->waiting = h.now, watch->turns = 0;
    if (++watch->turns > PATIENCE) watch->turns = 0, step_aside(h);
    const int number = array_near(h, address);
    const uint64_t offset = number < 0 ? address : address - watch->array[number].begin, where = bit_of(offset / 4 * 256 + number + 1);
    if (writes) tell(watch->clock, h.now, wide, where);
    if (reads) listen(watch->clock, h.now, wide, where);
}

// Most reads are such, and there is nothing to find then and nothing to remember.
MINIGAN_QUICK bool is_one_more_reader(uintptr_t address, int site) {
    const Array& array = watch->array[watch->array_at[page_of(address)]];
    if (!array.holds(address, 4) || address % 4 || !array.shift) return false;
    const uint32_t settled = array.cell(address).settled, warp = settled % 64;
    if (settled / 64 != watch->clock.fresh % (1 << 26)) return false;
    if (warp != Cell::ANY_WARP && warp != uint32_t(here().now / LANES)) return false;
    watch->last_site = site;
    return true;
}

MINIGAN_QUICK void look_at(Host& h, uintptr_t address, int64_t size, int site, bool reads, bool writes, uint64_t scope = 0) {
    watch->last_site = site;
    look_back();
    int number = watch->array_at[page_of(address)];
    if (!watch->array[number].holds(address, size)) number = find(h, address, size, site, writes);
    if (number < 0) return;
    Array& array = watch->array[number];
    if (writes && array.constant) return void(report_access(h, WRITE_TO_CONSTANT, number, address, size, site, true));
    Access access = {number, address, size, site, reads, writes, scope, {}, array.given, false};
    if (size == 4 && address % 4 == 0 && array.shift) look_at_cell(h, access, array, address, 4);
    else look_at_cells(h, access, array);
    // One byte that was written is enough: what lies between the members of a struct never is.
    if (reads && !access.known) report_access(h, UNINITIALISED, number, address, size, site, false);
    // Of a vector four bytes are a member. Whether it is one, only the text can tell: see excuses.py.
    else if (reads && access.lacks && (size == 8 || size == 16)) report_access(h, PARTLY_UNINITIALISED, number, address, size, site, false);
}

MINIGAN_QUICK void look(uintptr_t address, int64_t size, int site, bool reads, bool writes, uint64_t scope = 0) {
    Host& h = here();
    // An atomicExch() does read, though no value that anybody would miss.
    if (scope) meet_others(h, address, reads || scope & Record::ATOMIC, writes, scope & Record::SEEN_BY_BLOCKS);
    look_at(h, address, size, site, reads, writes, scope);
}

// A float4 is read and written at multiples of 16 bytes only. A GPU ends the launch here, and so does the emulator.
__attribute__((noinline)) static void misaligned(uintptr_t address, int alignment, bool writes, int site) {
    Host& h = here();
    watch->last_site = site;
    report_access(h, MISALIGNED, array_near(h, address), address, alignment, site, writes);
    fail(h, "misaligned address %p", reinterpret_cast<void*>(address));
}

// The guess of old = *p before atomicCAS(p, old, …): a wrong one is found out, so the read of it is no race.
static void excuse_guess(const Host& h, uintptr_t address, int size) {
    for (Guess& guess : watch->guess[h.now])
        if (guess.address == address) watch->finding[guess.finding].excused += guess.count, guess = {};
    const int number = array_near(h, address);
    if (number < 0 || !watch->array[number].holds(address, size)) return;
    for (int byte = 0; byte < size; ++byte)
        for (Record& slot : watch->array[number].cell(address + byte).reads)
            if (slot.thread() == h.now) slot = {};
}

void on_atomic(void* address, int size, Atomic kind, bool wide, Place place) {
    const uintptr_t where = reinterpret_cast<uintptr_t>(address);
    const int site = place_number(place);
    if (where % size) misaligned(where, size, true, site);
    if (kind == COMPARES) excuse_guess(here(), where, size);
    look(where, size, site, kind != OVERWRITES, true, Record::ATOMIC | (wide ? Record::SEEN_BY_BLOCKS : 0));
}

// ---- copies and barrier objects: see async.h ----------------------------------------------------------------------

template <class Do> static void for_cells(uintptr_t address, int size, Do what) {
    const int number = array_near(here(), address);
    if (number < 0 || !watch->array[number].holds(address, size)) return;
    const Array& array = watch->array[number];
    for (uintptr_t at = address; at < address + size; at = (at | ((1 << array.shift) - 1)) + 1) what(array.cell(at));
}

// A copy begins. It counts as a write now, and again when it is carried out: between these nobody may read there.
void on_copy(const Copy& copy, int alignment, Place place) {
    const uintptr_t to = reinterpret_cast<uintptr_t>(copy.to), from = reinterpret_cast<uintptr_t>(copy.from);
    const int site = place_number(place), read = copy.size - copy.zeros;
    if (from % alignment) misaligned(from, alignment, false, site);
    if (to % alignment) misaligned(to, alignment, true, site);
    if (read) look(from, read, site, true, false);
    look(to, copy.size, site, false, true);
    for_cells(to, copy.size, [](Cell& cell) { cell.settled = Cell::COPYING; });
}

void on_copied(int thread, const Copy& copy) {
    for_cells(reinterpret_cast<uintptr_t>(copy.to), copy.size, [=](Cell& cell) {
        if (!cell.is_copying() || cell.write.thread() != thread) return;
        cell.settled = 0;
        cell.write.bits = uint64_t(watch->clock.time) << 32 | uint32_t(cell.write.bits);
    });
}

static uint64_t bit_of(const Barrier* barrier) { return bit_of(reinterpret_cast<uintptr_t>(barrier)); }

void on_barrier_begin(Barrier* barrier, Place place) {
    look(reinterpret_cast<uintptr_t>(barrier), sizeof *barrier, place_number(place), false, true);
}

// Like an atomic, but what others did is known behind the barrier only.
void on_barrier_arrival(Host& h, int thread, Barrier* barrier, Place place) {
    look_at(h, reinterpret_cast<uintptr_t>(barrier), sizeof *barrier, place_number(place), true, true, Record::ATOMIC);
    on_barrier_told(h, thread, barrier);
}

void on_barrier_told(Host&, int thread, const Barrier* barrier) { arrive(watch->clock, thread, bit_of(barrier)); }

void on_barrier_complete(Barrier* barrier) { barrier->completed = pass_barrier_object(watch->clock); }

void on_barrier_passed(Host&, int thread, const Barrier* barrier) {
    go_on_behind(watch->clock, thread, bit_of(barrier), barrier->completed);
}

// ---- barriers -----------------------------------------------------------------------------------------------------

void on_block(Host& h) {
    if (!begin_block(watch->clock, *h.launch)) fail(h, "the sanitizer has no memory for %lu blocks", (unsigned long)h.launch->blocks);
    watch->waiting = -1;
    for (Meeting& each : watch->meeting) each = {-1, 0, 0};
    Array& dynamic = watch->array[watch->arrays - 1];  // of a cooperative launch each block has its own
    const uintptr_t begin = reinterpret_cast<uintptr_t>(h.shared);
    dynamic.end += begin - dynamic.begin, dynamic.begin = begin;
}

// A block waits for others, which see shared memory of their own in its place.
void on_leaving(Host& h) {
    look_back();
    put_aside(h);
    for (int i = 0; i < watch->arrays; ++i) {
        Array& array = watch->array[i];
        if (!array.shared) continue;
        watch->aside[h.number][i] = array;
        array.shift = 2;
        array.cells = static_cast<Cell*>(take(array.bytes_of_cells()));
        if (!array.cells) fail(h, "the sanitizer has no memory for its blocks;");
    }
}

void on_returning(Host& h) {
    bring_back(h);
    for (int i = 0; i < watch->arrays; ++i) {
        Array &array = watch->array[i], &aside = watch->aside[h.number][i];
        if (!array.shared) continue;
        munmap(array.cells, array.bytes_of_cells());
        array = aside;
        aside.cells = nullptr;
    }
    if (watch->grid_barriers == h.grid_barriers) pass_grid_barrier(watch->clock), ++watch->grid_barriers;
    begin_block(watch->clock, *h.launch);
}

void on_fence(bool wide) { pass_fence(watch->clock, here().now, wide); }

// No compiler announces a write to what it knows to be constant: that ends here.
void on_fault(Host& h, uintptr_t code, uintptr_t address) {
    const int place = place_of(code), number = variable(h, address);
    if (place >= 0) watch->last_site = place;
    if (number < 0 || !watch->array[number].constant) return;
    const Array& array = watch->array[number];
    report_access(h, WRITE_TO_CONSTANT, number, array.begin, array.end - array.begin, watch->last_site, true);
}

void on_arrival(Host& h, Place place) { watch->arrived_at[h.now] = watch->last_site = place_number(place); }

// Every thread of the block has to come to the same __syncthreads().
void on_block_barrier(Host& h) {
    int waits = -1, elsewhere = -1, returned = -1;
    for (int t = 0; t < h.launch->threads; ++t) {
        if (h.state[t] == DONE) returned = t;
        else if (waits < 0) waits = t;
        else if (watch->arrived_at[t] != watch->arrived_at[waits]) elsewhere = t;
    }
    if (waits >= 0 && (elsewhere >= 0 || returned >= 0)) {
        const int other = elsewhere >= 0 ? watch->arrived_at[elsewhere] : -1;
        Finding* finding = report(h, DIVERGENT_BARRIER, -1, watch->arrived_at[waits], other, elsewhere >= 0 ? elsewhere : returned);
        if (finding) finding->thread = waits;
    }
    pass_block_barrier(watch->clock);
}

// A lane that waits for another, which meets others at the same place and does not name it, is not yet lost: that one may come
// again. It is seen when the waiting is over.
void on_meeting(Host& h, uint32_t mask) {
    const int own = h.now % LANES, first = h.now - own;
    Meeting& mine = watch->meeting[h.now];
    mine = {watch->arrived_at[h.now], mask, 0};
    for (int other = 0; other < LANES && first + other < h.launch->threads; ++other) {
        Meeting& theirs = watch->meeting[first + other];
        if (theirs.place != mine.place) continue;
        const bool names = mask >> other & 1, named = theirs.mask >> own & 1;
        if (names && !named) mine.ignored_by |= 1u << other;
        if (named && !names && h.state[first + other] == AT_WARP_BARRIER) theirs.ignored_by |= 1u << own;
    }
}

void on_release(Host& h, int first, uint32_t group) {
    for (uint32_t rest = group; rest; rest &= rest - 1) {
        const int one = first + __builtin_ctz(rest);
        Meeting& mine = watch->meeting[one];
        for (uint32_t others = mine.ignored_by; others; others &= others - 1) {
            const int other = __builtin_ctz(others);
            const bool came = group >> other & 1 && watch->meeting[first + other].place == mine.place;
            if (!came) on_bad_mask(h, one, first + other);
        }
        mine.ignored_by = 0;
    }
}

void on_warp_barrier(Host&, int first, uint32_t group) { pass_warp_barrier(watch->clock, first, group); }

// A shuffle asks a lane for its value that its mask leaves out, that has returned, or that the block has not.
void on_missing_lane(Host& h, int thread, int source) {
    Finding* finding = report(h, MISSING_LANE, -1, watch->arrived_at[thread], -1, source);
    if (finding) finding->thread = thread;
}

// A lane passes a mask that leaves itself out (then `other` is itself), or not the one that a lane it meets passes.
void on_bad_mask(Host& h, int thread, int other) {
    const int elsewhere = other == thread ? -1 : watch->arrived_at[other];
    Finding* finding = report(h, BAD_MASK, -1, watch->arrived_at[thread], elsewhere, other);
    if (finding) finding->thread = thread;
}

void on_deadlock(Host& h) {
    int first = -1, second = -1;  // who waits at barriers of two kinds
    constexpr State KINDS[] = {AT_BLOCK_BARRIER, AT_WARP_BARRIER, AT_BARRIER_OBJECT};
    for (State kind : KINDS) {
        int waits = -1;
        for (int t = 0; t < h.launch->threads; ++t)
            if (h.state[t] == kind) waits = t;
        if (first < 0) first = waits;
        else if (second < 0) second = waits;
    }
    if (first < 0) first = h.now;
    Finding* finding = report(h, DEADLOCK, -1, watch->arrived_at[first], second < 0 ? -1 : watch->arrived_at[second], second);
    if (finding) finding->thread = first;
}

// ---- beginning and end --------------------------------------------------------------------------------------------

static bool enter(uintptr_t begin, size_t size, bool given, Memory memory) {
    Array& array = watch->array[watch->arrays++];
    array = {begin, begin + size, nullptr, given, memory == SHARED, memory == CONSTANT, 2};
    array.cells = static_cast<Cell*>(take(array.bytes_of_cells()));
    return array.cells;
}

static bool enter_globals(int count, const uint64_t* sizes, const bool* given, void** addresses) {
    char* reserved = static_cast<char*>(take((count + 1) * SPAN, PROT_NONE));
    if (!reserved) return false;
    watch->reserved = reserved, watch->globals = count;
    watch->spans = (reinterpret_cast<uintptr_t>(reserved) + SPAN - 1) & ~(SPAN - 1);
    for (int i = 0; i < count; ++i) {
        // As far behind a boundary of 16 bytes as the host has it.
        const uintptr_t begin = watch->spans + i * SPAN + SPAN / 2 + reinterpret_cast<uintptr_t>(addresses[i]) % 16;
        const size_t accessible = (RED_ZONE + 16 + sizes[i] + RED_ZONE + PAGE - 1) & ~(PAGE - 1);
        if (mprotect(reinterpret_cast<void*>((begin - RED_ZONE) & ~(PAGE - 1)), accessible, PROT_READ | PROT_WRITE)) return false;
        if (!enter(begin, sizes[i], given[i], GLOBAL)) return false;
        addresses[i] = reinterpret_cast<void*>(begin);
    }
    return true;
}

static bool enter_variables(size_t dynamic) {
    for (Variable* each = minigan_variables; each->begin; ++each) {
        const uintptr_t begin = reinterpret_cast<uintptr_t>(each->begin), end = begin + each->size;
        if (!watch->variables_begin || begin - minigan_gap < watch->variables_begin) watch->variables_begin = begin - minigan_gap;
        if (end + minigan_gap > watch->variables_end) watch->variables_end = end + minigan_gap;
    }
    watch->owner = static_cast<uint8_t*>(take(watch->variables_end - watch->variables_begin + 16));
    if (!watch->owner) return false;
    for (Variable* each = minigan_variables; each->begin; ++each) {
        const uintptr_t begin = reinterpret_cast<uintptr_t>(each->begin);
        if (!enter(begin, each->size, each->memory != SHARED, each->memory)) return false;
        const uintptr_t from = begin - minigan_gap - watch->variables_begin, to = begin + each->size + minigan_gap - watch->variables_begin;
        memset(watch->owner + from / 16, watch->arrays, to / 16 - from / 16);
    }
    return enter(reinterpret_cast<uintptr_t>(host_number(0)->shared), dynamic, false, SHARED);
}
}  // namespace minigan

// Begin to watch: arrays of these sizes, some `given` with what the host wrote, get places in memory. 0 where there is none.
MINIGAN_API int minigan_watch(int count, const uint64_t* sizes, const bool* given, void** addresses, uint64_t dynamic) {
    using namespace minigan;
    watch = static_cast<Watch*>(take(sizeof(Watch)));
    return watch && enter_globals(count, sizes, given, addresses) && enter_variables(dynamic);
}

MINIGAN_API int minigan_findings(const minigan::Finding** findings) {
    minigan::look_back();
    *findings = minigan::watch->finding;
    return minigan::watch->findings;
}

MINIGAN_API int minigan_size_of_finding() { return sizeof(minigan::Finding); }  // for its mirror in sanitizer.py

MINIGAN_API int minigan_last_site() { return minigan::watch->last_site; }

MINIGAN_API void minigan_unwatch() {
    using namespace minigan;
    if (!watch) return;
    for (int i = 0; i < watch->arrays; ++i) {
        munmap(watch->array[i].cells, watch->array[i].bytes_of_cells());
        for (auto& arrays : watch->aside)
            if (arrays[i].cells) munmap(arrays[i].cells, arrays[i].bytes_of_cells());
    }
    forget(watch->clock);
    if (watch->owner) munmap(watch->owner, watch->variables_end - watch->variables_begin + 16);
    if (watch->reserved) munmap(watch->reserved, (watch->globals + 1) * SPAN);
    munmap(watch, sizeof(Watch));
    watch = nullptr;
}

// ---- what the compiler's announcements become: see instrument.py ---------------------------------------------------

// The compilers announce what may lie anywhere as unaligned: any other access of 16 bytes lies at a multiple of 8 at least.
// (g++ also checks the 16, see below.)
#define MINIGAN_LOOK(KIND, SIZE, READS, WRITES)                                                         \
    static __attribute__((noinline)) void look_##KIND##SIZE(uintptr_t address, int site) {              \
        minigan::look(address, SIZE, site, READS, WRITES);                                              \
    }                                                                                                   \
    extern "C" void minigan_##KIND##SIZE(uintptr_t address, int site) {                                 \
        constexpr int alignment = SIZE < 8 ? SIZE : 8;                                                  \
        if (minigan::is_own(address)) return;                                                           \
        if (SIZE == 4 && READS && minigan::is_one_more_reader(address, site)) return;                   \
        if (address % alignment) minigan::misaligned(address, SIZE, WRITES, site);                      \
        look_##KIND##SIZE(address, site);                                                               \
    }                                                                                                   \
    extern "C" void minigan_unaligned_##KIND##SIZE(uintptr_t address, int site) {                       \
        look_##KIND##SIZE(address, site);                                                               \
    }                                                                                                   \
    extern "C" void minigan_volatile_##KIND##SIZE(uintptr_t address, int site) {                        \
        minigan::look(address, SIZE, site, READS, WRITES, minigan::Record::SEEN_BY_BLOCKS);                                 \
    }
#define MINIGAN_LOOKS(SIZE) MINIGAN_LOOK(read, SIZE, true, false) MINIGAN_LOOK(write, SIZE, false, true)
MINIGAN_LOOKS(1) MINIGAN_LOOKS(2) MINIGAN_LOOKS(4) MINIGAN_LOOKS(8) MINIGAN_LOOKS(16)

extern "C" void minigan_read_range(uintptr_t address, uint64_t size, int site) { minigan::look(address, size, site, true, false); }
extern "C" void minigan_write_range(uintptr_t address, uint64_t size, int site) { minigan::look(address, size, site, false, true); }
extern "C" void* minigan_memcpy(void* to, const void* from, size_t size, int site) {
    minigan_read_range(reinterpret_cast<uintptr_t>(from), size, site);
    minigan_write_range(reinterpret_cast<uintptr_t>(to), size, site);
    return __builtin_memmove(to, from, size);
}
extern "C" void* minigan_memset(void* to, int value, size_t size, int site) {
    minigan_write_range(reinterpret_cast<uintptr_t>(to), size, site);
    return __builtin_memset(to, value, size);
}

// ---- what -fsanitize=alignment announces, laid out as its runtime has it --------------------------------------------

struct TypeMismatch { const char* file; uint32_t line, column; const void* type; unsigned char log_alignment, what; };
constexpr int A_STORE = 1;

extern "C" void __ubsan_handle_type_mismatch_v1(const TypeMismatch* found, uintptr_t address) {
    const int site = minigan::place_number({found->file, int(found->line)});
    minigan::misaligned(address, 1 << found->log_alignment, found->what == A_STORE, site);
}

// ---- what -fsanitize=bounds announces: an index that does not fit an array whose length the compiler knows -------------

struct TypeName { uint16_t kind, info; char text[]; };
struct OutOfBounds { const char* file; uint32_t line, column; const TypeName *array, *index; };

extern "C" void __ubsan_handle_out_of_bounds(const OutOfBounds* found, uintptr_t index) {
    minigan::Host& h = minigan::here();
    const int site = minigan::place_number({found->file, int(found->line)});
    minigan::Finding* finding = minigan::report(h, minigan::OUT_OF_BOUNDS, -1, site);
    if (finding) finding->offset = int64_t(index), finding->type = found->array->text;
}
