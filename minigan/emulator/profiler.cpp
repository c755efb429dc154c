// The profiler: every access of the kernel's own text to memory, in the order in which it comes, for profiler.py to count.
//
// It listens to the same announcements as the sanitizer (see instrument.py), and stands in its place.
#include "observer.h"

namespace minigan {
enum Kind : uint8_t { READS, WRITES, ATOMIC, BARRIER };

// As profiler.py reads it.
struct Event {
    uint64_t address;
    uint32_t place, block;  // the block's number, in the order in which they run
    uint16_t thread;
    uint8_t size;           // in bytes; 255 for more
    Kind kind;
};

static struct {
    Event* events;
    uint64_t count, limit;
    uint32_t blocks, whole;  // begun; and how many of them had room for all their events
    uint64_t* counts;        // how often each counter had been passed when they had run
} book;

MINIGAN_TABLE uint64_t minigan_counts[];  // by instrument.py, as the next
MINIGAN_TABLE int minigan_counters;       // how many there are

// Of the text, and no thread's own.
static bool is_variable(const Host& h, uintptr_t address) {
    if (lies_in(address, h.shared, sizeof h.shared)) return true;
    for (Variable* each = minigan_variables; each->begin; ++each)
        if (lies_in(address, each->begin, each->size)) return true;
    return false;
}

// Memory that is no array's: a thread's own variables, the library's, the emulator's.
static bool is_private(const Host& h, uintptr_t address) {
    const uintptr_t stack = reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) & ~(FIBER_BYTES - 1);
    if (lies_in(address, reinterpret_cast<void*>(stack), FIBER_BYTES)) return true;
    return (lies_in(address, __ehdr_start, _end - __ehdr_start) || lies_in(address, &h, sizeof h)) && !is_variable(h, address);
}

static void note(Host& h, uintptr_t address, uint64_t size, int place, Kind kind) {
    if (book.count == book.limit) return;
    book.events[book.count++] = {address, uint32_t(place), book.blocks - 1, uint16_t(h.now), uint8_t(size < 255 ? size : 255), kind};
}

static void look(uintptr_t address, uint64_t size, int place, Kind kind) {
    Host& h = here();
    if (!is_private(h, address)) note(h, address, size, place, kind);
}

static void end_blocks() {
    book.whole = book.blocks;
    memcpy(book.counts, minigan_counts, minigan_counters * sizeof *minigan_counts);
}

void on_block(Host&) {
    if (book.count < book.limit) end_blocks();
    ++book.blocks;
}
void on_arrival(Host& h, Place place) { note(h, 0, 0, place_number(place), BARRIER); }
void on_block_barrier(Host&) {}
void on_warp_barrier(Host&, int, uint32_t) {}
void on_deadlock(Host&) {}
void on_missing_lane(Host&, int, int) {}
void on_bad_mask(Host&, int, int) {}
void on_fence(bool) {}
void on_fault(Host&, uintptr_t, uintptr_t) {}
void on_atomic(void* address, int size, Atomic, bool, Place place) {
    look(reinterpret_cast<uintptr_t>(address), size, place_number(place), ATOMIC);
}
void on_copy(const Copy& copy, int, Place place) {
    const int number = place_number(place);
    if (copy.size > copy.zeros) look(reinterpret_cast<uintptr_t>(copy.from), copy.size - copy.zeros, number, READS);
    look(reinterpret_cast<uintptr_t>(copy.to), copy.size, number, WRITES);
}
void on_barrier_begin(Barrier*, Place) {}
void on_barrier_arrival(Host&, int, Barrier*, Place) {}
void on_barrier_told(Host&, int, const Barrier*) {}
void on_barrier_complete(Barrier*) {}
void on_barrier_passed(Host&, int, const Barrier*) {}
void on_copied(int, const Copy&) {}
void on_leaving(Host&) {}  // no cooperative launch is profiled
void on_returning(Host&) {}
}  // namespace minigan

MINIGAN_API int minigan_size_of_event() { return sizeof(minigan::Event); }  // for its mirror in profiler.py

MINIGAN_API int minigan_count_counters() { return minigan::minigan_counters; }

MINIGAN_API void minigan_profile(minigan::Event* events, uint64_t limit, uint64_t* counts) {
    using namespace minigan;
    book.events = events, book.limit = limit, book.count = 0, book.counts = counts;
    memset(minigan_counts, 0, minigan_counters * sizeof *minigan_counts);
    book.blocks = book.whole = 0;
}

// How many events there are; how many blocks they describe from beginning to end.
MINIGAN_API uint64_t minigan_profiled(uint32_t* whole) {
    using namespace minigan;
    if (book.count < book.limit) end_blocks();
    *whole = book.whole;
    return book.count;
}

#define MINIGAN_LOOK(KIND, SIZE, NOTED)                                                       \
    extern "C" void minigan_##KIND##SIZE(uintptr_t address, int site) {                       \
        minigan::look(address, SIZE, site, minigan::NOTED);                                   \
    }
#define MINIGAN_LOOKS(SIZE)                                                                   \
    MINIGAN_LOOK(read, SIZE, READS) MINIGAN_LOOK(unaligned_read, SIZE, READS)                 \
    MINIGAN_LOOK(volatile_read, SIZE, READS) MINIGAN_LOOK(write, SIZE, WRITES)                \
    MINIGAN_LOOK(unaligned_write, SIZE, WRITES) MINIGAN_LOOK(volatile_write, SIZE, WRITES)
MINIGAN_LOOKS(1) MINIGAN_LOOKS(2) MINIGAN_LOOKS(4) MINIGAN_LOOKS(8) MINIGAN_LOOKS(16)

extern "C" void minigan_read_range(uintptr_t address, uint64_t size, int site) { minigan::look(address, size, site, minigan::READS); }
extern "C" void minigan_write_range(uintptr_t address, uint64_t size, int site) { minigan::look(address, size, site, minigan::WRITES); }
extern "C" void* minigan_memcpy(void* to, const void* from, size_t size, int site) {
    minigan_read_range(reinterpret_cast<uintptr_t>(from), size, site);
    minigan_write_range(reinterpret_cast<uintptr_t>(to), size, site);
    return __builtin_memmove(to, from, size);
}
extern "C" void* minigan_memset(void* to, int value, size_t size, int site) {
    minigan_write_range(reinterpret_cast<uintptr_t>(to), size, site);
    return __builtin_memset(to, value, size);
}
extern "C" void __ubsan_handle_type_mismatch_v1(const void*, uintptr_t) {}  // the sanitizer's matter, as is the next
extern "C" void __ubsan_handle_out_of_bounds(const void*, uintptr_t) {}
