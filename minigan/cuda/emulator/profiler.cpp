// The profiler: every access of the kernel's own text to memory, in the order in which it comes, for profiler.py to count.
//
// It listens to the same announcements as the sanitizer (see instrument.py), and stands in its place.
#include "threads.h"

namespace minigan {
Host* host_number(int i);  // launch.h

enum Kind : uint8_t { READS, WRITES, ATOMIC, BARRIER };

// As profiler.py reads it.
struct Event {
    uint64_t address;
    uint32_t place, block;  // the block's number, in the order in which they run
    uint16_t thread;
    uint8_t size;           // in bytes; 255 for more
    Kind kind;
};

struct Variable { char* begin; uint64_t size, shared; };
extern "C" __attribute__((visibility("hidden"))) Variable minigan_variables[];  // by instrument.py, as the next
extern "C" __attribute__((visibility("hidden"))) int minigan_first_place;
extern "C" __attribute__((visibility("hidden"))) char __ehdr_start[], _end[];  // this library, from the linker

constexpr int MAX_PLACES = 4096;
static struct {
    Event* events;
    uint64_t count, limit;
    uint32_t blocks, whole;  // begun; and how many of them had room for all their events
    int places;
    Place place[MAX_PLACES];
} book;

static bool lies_in(uintptr_t address, const void* begin, size_t size) {
    return address - reinterpret_cast<uintptr_t>(begin) < size;
}

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
    place &= ~(1 << 20);  // instrument.py's doubt whether it is the emulator's own: only what goes to an array is counted
    if (!is_private(h, address)) note(h, address, size, place, kind);
}

static int place_number(Place place) {
    for (int i = 0; i < book.places; ++i)
        if (book.place[i].line == place.line && book.place[i].file == place.file) return minigan_first_place + i;
    if (book.places == MAX_PLACES) return minigan_first_place;
    book.place[book.places] = place;
    return minigan_first_place + book.places++;
}

void on_block(Host&) {
    if (book.count < book.limit) book.whole = book.blocks;
    ++book.blocks;
}
void on_arrival(Host& h, Place place) { note(h, 0, 0, place_number(place), BARRIER); }
void on_block_barrier(Host&) {}
void on_warp_barrier(Host&, int, uint32_t) {}
void on_deadlock(Host&) {}
void on_missing_lane(Host&, int, int) {}
void on_bad_mask(Host&, int, int) {}
void on_fence(bool) {}
void on_fault(uintptr_t) {}
void on_atomic(void* address, int size, Atomic, bool, Place place) {
    look(reinterpret_cast<uintptr_t>(address), size, place_number(place), ATOMIC);
}
}  // namespace minigan

#define MINIGAN_API extern "C" __attribute__((visibility("default")))

MINIGAN_API void minigan_profile(minigan::Event* events, uint64_t limit) {
    using namespace minigan;
    book.events = events, book.limit = limit, book.count = 0;
    book.blocks = book.whole = 0, book.places = 0;
}

// How many events there are; how many blocks they describe from beginning to end.
MINIGAN_API uint64_t minigan_profiled(uint32_t* whole) {
    using namespace minigan;
    *whole = book.count < book.limit ? book.blocks : book.whole;
    return book.count;
}

MINIGAN_API int minigan_place(int number, const char** file) {
    const minigan::Place& place = minigan::book.place[number - minigan::minigan_first_place];
    *file = place.file;
    return place.line;
}

// Where the number-th variable of the text begins, or behind the last of them dynamic shared memory.
MINIGAN_API void* minigan_variable(int number) {
    for (int i = 0; i < number; ++i)
        if (!minigan::minigan_variables[i].begin) return nullptr;
    char* begin = minigan::minigan_variables[number].begin;
    return begin ? begin : minigan::host_number(0)->shared;
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
