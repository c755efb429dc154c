// How the threads of a CUDA block run on one thread of the host: as fibers that wait for each other.
//
// A fiber runs block after block, and in each thread after thread: a kernel without barriers is a loop. Only a thread that
// has to wait keeps its fiber, and another fiber carries on. Whoever arrives last at a barrier goes on without waiting.
// Blocks are spread over threads of the host.
#pragma once

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fibers.h"

struct uint3 { unsigned int x, y, z; };

namespace minigan {

struct Index {
    unsigned int x, y, z;
    constexpr Index(unsigned int x = 1, unsigned int y = 1, unsigned int z = 1) : x(x), y(y), z(z) {}
    constexpr Index(uint3 index) : x(index.x), y(index.y), z(index.z) {}
    constexpr operator uint3() const { return {x, y, z}; }
};

constexpr int MAX_THREADS = 1024, LANES = 32, MAX_HOSTS = 64;
constexpr size_t MAX_SHARED = 227 * 1024;  // bytes of dynamic shared memory a block can ask for, on sm_90

template <class T> struct Plain { using type = T; };
template <class T> struct Plain<const T> { using type = T; };

// What the sanitizer watches is the kernel's own code. Nothing of the emulator's shall stand in the middle of it: g++ gives a
// store that it makes of two branches no line of its own, and it would pass for the emulator's if that came just before.
// And nobody listens to what the emulator's own loops do: announcing it would be most of a build's time.
#ifdef MINIGAN_SANITIZE
#define MINIGAN_CALLED __attribute__((noinline))
#define MINIGAN_SILENT __attribute__((noinline, no_sanitize("thread"), no_sanitize("alignment"), no_sanitize("bounds")))
#else
#define MINIGAN_CALLED
#define MINIGAN_SILENT
#endif

// What runs the threads is compiled with each text, so that the two can be inlined into each other. Where accesses are announced it
// is compiled with the observer, once: a text's own build then makes no code of it, and takes half the time.
#ifndef MINIGAN_SANITIZE
#define MINIGAN_RUNTIME static inline
#elif defined(MINIGAN_OBSERVER)
#define MINIGAN_RUNTIME
#else
#define MINIGAN_RUNTIME extern inline __attribute__((gnu_inline, noinline))
#endif

// threadIdx, blockIdx, blockDim, gridDim. A variable that nothing points to: the compiler knows that no store of a kernel
// changes it, and keeps the thread's number in a register while it loops over threads.
struct BuiltIn { Index thread, block, block_size, grid_size; };
#ifdef MINIGAN_SANITIZE
extern BuiltIn built_in;  // there is one host then, and sanitizer.cpp wants to know too
#else
static thread_local BuiltIn built_in;
#endif
#if defined(MINIGAN_SANITIZE) && defined(__x86_64__)  // an access that the compiler does not announce: nobody is to look at it
inline unsigned int unseen(const unsigned int& at) { unsigned int value; asm("movl %1, %0" : "=r"(value) : "m"(at)); return value; }
#elif defined(MINIGAN_SANITIZE)
inline unsigned int unseen(const unsigned int& at) { unsigned int value; asm("ldr %w0, %1" : "=r"(value) : "m"(at)); return value; }
#else
inline unsigned int unseen(const unsigned int& at) { return at; }
#endif
inline Index unseen(const Index& index) { return Index(unseen(index.x), unseen(index.y), unseen(index.z)); }
inline Index thread_index() { return unseen(built_in.thread); }
inline Index block_index() { return unseen(built_in.block); }
inline Index block_size() { return unseen(built_in.block_size); }
inline Index grid_size() { return unseen(built_in.grid_size); }

enum State : unsigned char { UNSTARTED, READY, AT_BLOCK_BARRIER, AT_WARP_BARRIER, AT_ACTIVE_MASK, AT_BARRIER_OBJECT, DONE };

struct Value { uint64_t words[2]; };  // what a lane hands over: at most 16 bytes

struct Warp {
    uint32_t alive, arrived, votes;
    uint32_t mask[LANES];  // whom each waiting lane waits for
    Value given[LANES], got[LANES];
    int source[LANES];
    float factors[2][LANES][6];  // for a tensor core: see bring_to_tensor_core
    uint8_t turn[LANES];
};

// An object that threads arrive at and wait for, and copies that somebody still has to wait for: see async.h.
struct Barrier { uint16_t expected, missing; uint32_t phase, completed; };  // completed: when the last phase was, by order.h
struct Copy { char* to; const char* from; int size, zeros; unsigned batch; const Barrier* barrier; };
struct Copies { Copy* begun; int count, room; unsigned batches; };
constexpr int TILES = 32;  // of more than a warp that a block can be parted into, of all sizes; and one for the block

struct Turns;  // of the blocks of a cooperative launch: see grid.h

struct Launch {
    void (*work)();  // what a fiber does: see `live`
    void** arguments;
    Index grid, block;
    int threads;
    const int* order;  // the order in which the threads of a block are taken
    bool forward;      // it is 0, 1, 2 …
    uint64_t blocks, next_block;
    Turns* turns;  // null for a launch that is not cooperative
    bool failed;
    char message[512];
};

struct Place { const char* file; int line, column; };  // of a kernel's text
#ifdef __clang__
#define MINIGAN_COLUMN __builtin_COLUMN()
#else  // g++ tells it as the C++ library's source_location, which C++17 has not
}  // namespace minigan
namespace std {
struct source_location { struct __impl { const char *_M_file_name, *_M_function_name; unsigned _M_line, _M_column; }; };
}  // namespace std
namespace minigan {
#define MINIGAN_COLUMN int(static_cast<const std::source_location::__impl*>(__builtin_source_location())->_M_column)
#endif
#define MINIGAN_PLACE minigan::Place place = {__builtin_FILE(), __builtin_LINE(), MINIGAN_COLUMN}  // as a default argument: the caller's

// One thread of the host, and the block it is running.
struct Host {
    bool independent;  // no thread of this block has waited for another so far, and no books are kept
    bool at_grid_barrier, copying;  // its threads wait for other blocks too; it has begun copies
    int number;  // among the launch's hosts
    uint64_t grid_barriers;  // that this block has passed
    int now, cursor;   // the thread that runs, and its place in the order; without books, the order's place only
    int alive, at_barrier, votes, vote_result;
    Launch* launch;
    int free_fibers, used_fibers;  // of this launch
    char* stacks;  // of its fibers
    State state[MAX_THREADS];
    Fiber* fiber[MAX_THREADS];   // of each thread that has started
    Fiber* free_list[MAX_THREADS + 1];
    Index index[MAX_THREADS];
    Warp warp[MAX_THREADS / LANES];
    Barrier tile[TILES];
    const Barrier* awaited[MAX_THREADS];  // by each thread that waits for a barrier object
    Copies copies[MAX_THREADS];           // that each thread has begun
    Fiber fibers[MAX_THREADS + 1], base;
    Fiber* running;
    sigjmp_buf escape;
    pthread_t self;
    volatile bool busy;
    alignas(256) char below[4096];  // an index below 0 hits nothing that matters
    char shared[MAX_SHARED];
};

enum Atomic { UPDATES, OVERWRITES, COMPARES };  // what an atomic does with the old value

#ifdef MINIGAN_SANITIZE
// What sanitizer.cpp is told. There is one host, so nothing has to be atomic: the instrumentation would replace it.
void on_block(Host& h);
void on_arrival(Host& h, Place place);
void on_block_barrier(Host& h);
void on_meeting(Host& h, uint32_t mask);  // of the lanes that a mask names
void on_release(Host& h, int first, uint32_t group);
void on_warp_barrier(Host& h, int first, uint32_t group);
void on_deadlock(Host& h);
void on_missing_lane(Host& h, int thread, int source);
void on_bad_mask(Host& h, int thread, int other);
void on_fence(bool wide);
void on_fault(Host& h, uintptr_t code, uintptr_t address);  // at which instruction, for which address
void on_atomic(void* address, int size, Atomic kind, bool wide, Place place);  // wide: not only of the block's scope
void on_barrier_begin(Barrier* barrier, Place place);
void on_barrier_arrival(Host& h, int thread, Barrier* barrier, Place place);
void on_barrier_told(Host& h, int thread, const Barrier* barrier);     // what a thread did until now, to whoever waits for it
void on_barrier_complete(Barrier* barrier);
void on_barrier_passed(Host& h, int thread, const Barrier* barrier);
void on_copy(const Copy& copy, int alignment, Place place);
void on_copied(int thread, const Copy& copy);
void on_leaving(Host& h);    // while other blocks run, until all come to the grid's barrier
void on_returning(Host& h);
__attribute__((noinline)) static void copy(void* to, const void* from, size_t size) { memcpy(to, from, size); }
__attribute__((noinline)) static bool equal(const void* a, const void* b, size_t size) { return !memcmp(a, b, size); }
template <class T> inline void load(T* address, T* old) { copy(old, address, sizeof(T)); }
template <class T> inline bool swap(T* address, T* old, T* next) {
    const bool as_expected = equal(address, old, sizeof(T));
    as_expected ? copy(address, next, sizeof(T)) : copy(old, address, sizeof(T));
    return as_expected;
}
inline void fence(bool wide) { on_fence(wide); }
#else
inline void on_block(Host&) {}
inline void on_arrival(Host&, Place) {}
inline void on_block_barrier(Host&) {}
inline void on_meeting(Host&, uint32_t) {}
inline void on_release(Host&, int, uint32_t) {}
inline void on_warp_barrier(Host&, int, uint32_t) {}
inline void on_deadlock(Host&) {}
inline void on_missing_lane(Host&, int, int) {}
inline void on_bad_mask(Host& h, int thread, int other);
inline void on_atomic(void*, int, Atomic, bool, Place) {}
inline void on_barrier_begin(Barrier*, Place) {}
inline void on_barrier_arrival(Host&, int, Barrier*, Place) {}
inline void on_barrier_told(Host&, int, const Barrier*) {}
inline void on_barrier_complete(Barrier*) {}
inline void on_barrier_passed(Host&, int, const Barrier*) {}
inline void on_copy(const Copy&, int, Place) {}
inline void on_copied(int, const Copy&) {}
inline void on_leaving(Host&) {}
inline void on_returning(Host&) {}
template <class T> inline void load(T* address, T* old) { __atomic_load(address, old, __ATOMIC_RELAXED); }
template <class T> inline bool swap(T* address, T* old, T* next) {  // else *old is what is there
    return __atomic_compare_exchange(address, old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}
inline void fence(bool) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
#endif

// The host whose fiber is running.
inline Host& here() { return *static_cast<Host*>(owner_of_stack()); }

[[noreturn]] __attribute__((format(printf, 2, 3))) MINIGAN_RUNTIME void fail(Host& h, const char* format, ...) {
    bool failed = false, fails = true;
    if (swap(&h.launch->failed, &failed, &fails)) {
        char* end = h.launch->message + sizeof h.launch->message;
        char* text = h.launch->message;
        va_list values;
        va_start(values, format);
        text += vsnprintf(text, end - text, format, values);
        va_end(values);
        const Index &block = built_in.block, &thread = built_in.thread;
        text += snprintf(text, end - text, " in block (%u, %u, %u)", block.x, block.y, block.z);
        // While a block is a loop, its thread is in a register that nobody here knows.
        if (!h.independent || !h.launch->forward)
            snprintf(text, end - text, ", thread (%u, %u, %u)", thread.x, thread.y, thread.z);
    }
    siglongjmp(h.escape, 1);
}

// Where the text says so: assert() and __trap().
[[noreturn]] inline void fail_at(Place place, const char* what, const char* happens) {
    on_arrival(here(), place);
    fail(here(), "%s of line %d%s", what, place.line, happens);
}

#ifndef MINIGAN_SANITIZE
inline void on_bad_mask(Host& h, int thread, int other) {
    if (thread == other) fail(h, "a mask in which the lane that passes it is not itself");
}
#endif

// ---- who runs next ------------------------------------------------------------------------------------------------

// The next thread that can run, round and round in the launch's order; -1 where there is none.
MINIGAN_RUNTIME int pick(Host& h) {
    const int count = h.launch->threads;
    for (int tried = 0; tried < count; ++tried) {
        const int thread = h.launch->order[h.cursor];
        if (++h.cursor == count) h.cursor = 0;
        if (h.state[thread] <= READY) return thread;
    }
    return -1;
}

MINIGAN_RUNTIME void become(Host& h, int thread) {
    h.now = thread;
    built_in.thread = h.index[thread];
}

// Lanes that asked who is active go on when nobody else can: those of a warp who asked at the same place are.
MINIGAN_RUNTIME bool answer_who_is_active(Host& h) {
    bool answered = false;
    for (int first = 0; first < h.launch->threads; first += LANES) {
        Warp& warp = h.warp[first / LANES];
        uint32_t asking = 0;
        for (int one = 0; one < LANES && first + one < h.launch->threads; ++one)
            if (h.state[first + one] == AT_ACTIVE_MASK) asking |= 1u << one;
        while (asking) {
            uint32_t together = 0;
            for (uint32_t rest = asking; rest; rest &= rest - 1)
                if (warp.source[__builtin_ctz(rest)] == warp.source[__builtin_ctz(asking)]) together |= rest & -rest;
            for (uint32_t rest = together; rest; rest &= rest - 1) {
                warp.got[__builtin_ctz(rest)].words[0] = together;
                h.state[first + __builtin_ctz(rest)] = READY;
            }
            asking &= ~together;
            answered = true;
        }
    }
    return answered;
}

MINIGAN_RUNTIME void deadlock(Host& h) {
    on_deadlock(h);
    int waiting[DONE] = {};
    for (int t = 0; t < h.launch->threads; ++t)
        if (h.state[t] < DONE) ++waiting[h.state[t]];
    char objects[64] = "";
    if (waiting[AT_BARRIER_OBJECT]) snprintf(objects, sizeof objects, ", %d for a barrier's phase", waiting[AT_BARRIER_OBJECT]);
    fail(h, "deadlock: %d threads wait at __syncthreads and %d at a warp's barrier or shuffle%s, and nobody comes;"
            " the last to wait is", waiting[AT_BLOCK_BARRIER], waiting[AT_WARP_BARRIER], objects);
}

// A fiber that is not in the middle of a thread.
MINIGAN_RUNTIME Fiber* free_fiber(Host& h) {
    if (h.free_fibers) return h.free_list[--h.free_fibers];
    Fiber& fresh = h.fibers[h.used_fibers];
    fresh.restart(h.used_fibers++, h.stacks, &h, h.launch->work);
    return &fresh;
}

// The stacks of a block's fibers do not fit into the first cache: fetch what the one after the next will need.
MINIGAN_RUNTIME void prefetch_stack(const Fiber* fiber) {
    if (!fiber) return;
    const char* top = static_cast<const char*>(fiber->sp);
    for (int line = 0; line < 5; ++line) __builtin_prefetch(top + 64 * line);
}

MINIGAN_RUNTIME int pick_or_fail(Host& h) {
    int thread = pick(h);
    if (thread < 0 && answer_who_is_active(h)) thread = pick(h);
    if (thread < 0) deadlock(h);
    return thread;
}

// Leave the running fiber where it is, and go on with somebody else.
MINIGAN_RUNTIME void pass_on(Host& h) {
    const int thread = pick_or_fail(h);
    Fiber* next = h.state[thread] == READY ? h.fiber[thread] : free_fiber(h);
    become(h, thread);
    if (next == h.running) return;
    prefetch_stack(h.fiber[h.launch->order[h.cursor]]);
    Fiber* from = h.running;
    h.running = next;
    minigan_switch(&from->sp, next->sp);
}

MINIGAN_RUNTIME void suspend(Host& h, State why) {
    const int thread = h.now;
    h.state[thread] = why;
    h.fiber[thread] = h.running;
    pass_on(h);
}

// Called by the first thread of a block that waits for others. Until then nobody kept books: threads ran one after the
// other, and all before this one have returned.
MINIGAN_RUNTIME __attribute__((noinline)) void keep_books(Host& h) {
    const Launch& l = *h.launch;
    const Index& thread = built_in.thread;
    h.independent = false;
    h.now = (thread.z * l.block.y + thread.y) * l.block.x + thread.x;
    if (l.forward) h.cursor = h.now;
    memset(h.state, UNSTARTED, l.threads);
    h.alive = l.threads - h.cursor, h.at_barrier = h.votes = 0;
    for (int w = 0; w * LANES < l.threads; ++w) {
        const int lanes = l.threads - w * LANES;
        h.warp[w].alive = lanes >= LANES ? ~0u : (1u << lanes) - 1;
        h.warp[w].arrived = h.warp[w].votes = 0;
        memset(h.warp[w].turn, 0, sizeof h.warp[w].turn);
    }
    for (int i = 0; i < h.cursor; ++i) {
        h.state[l.order[i]] = DONE;
        h.warp[l.order[i] / LANES].alive &= ~(1u << l.order[i] % LANES);
    }
    h.cursor = (h.cursor + 1) % l.threads;
    if (h.copying)  // what a block before this one did not wait for
        for (int t = 0; t < l.threads; ++t) h.copies[t].count = 0;
    h.copying = false;
}

// The running thread's host, with books kept.
MINIGAN_RUNTIME Host& attend() {
    Host& h = here();
    if (h.independent) keep_books(h);
    return h;
}
MINIGAN_RUNTIME int lane() { return attend().now % LANES; }

// Let the others run, if there are any.
MINIGAN_RUNTIME void step_aside(Host& h) {
    attend();
    suspend(h, READY);
}

// ---- barriers -----------------------------------------------------------------------------------------------------

MINIGAN_RUNTIME void meet_grid(Host& h);  // grid.h

MINIGAN_RUNTIME void release_block(Host& h) {
    on_block_barrier(h);
    if (h.at_grid_barrier) meet_grid(h);
    for (int t = 0; t < h.launch->threads; ++t)
        if (h.state[t] == AT_BLOCK_BARRIER) h.state[t] = READY;
    h.at_barrier = 0;
    h.vote_result = h.votes;
    h.votes = 0;
}

// Wait until every thread of the block that has not returned is here; the number of those who voted yes.
MINIGAN_RUNTIME int count_in_block(bool vote, Place place) {
    Host& h = attend();
    on_arrival(h, place);
    h.votes += vote;
    if (++h.at_barrier == h.alive) release_block(h);
    else suspend(h, AT_BLOCK_BARRIER);
    return h.vote_result;
}

constexpr int VOTES = -1, NOTHING = -2;  // what a lane may ask for instead of another lane's value

inline int purpose(int source) { return source < 0 ? source : 0; }

// Whoever arrives last hands every lane of the group its value and lets it go on.
MINIGAN_RUNTIME void release_lanes(Host& h, Warp& warp, int first, uint32_t group) {
    const int one_of_them = __builtin_ctz(group);
    on_release(h, first, group);
    if (warp.source[one_of_them] == NOTHING) on_warp_barrier(h, first, group);
    for (uint32_t rest = group; rest; rest &= rest - 1) {
        const int one = __builtin_ctz(rest), source = warp.source[one];
        warp.got[one] = source >= 0 && source < LANES && group >> source & 1 ? warp.given[source] : warp.given[one];
        if (source >= 0 && !(group >> source & 1)) on_missing_lane(h, first + one, first + source);
        if (purpose(source) != purpose(warp.source[one_of_them])) on_bad_mask(h, first + one, first + one_of_them);
        if (source == VOTES) warp.got[one].words[0] = warp.votes & group;
        if (h.state[first + one] == AT_WARP_BARRIER) h.state[first + one] = READY;
    }
    warp.arrived &= ~group;
}

// The mask to wait by. A lane that is not in its own waits for nobody.
MINIGAN_RUNTIME uint32_t agreed_mask(Host& h, const Warp& warp, uint32_t mask, int own, int first) {
    if (!(mask >> own & 1)) on_bad_mask(h, h.now, h.now);
    if (!(mask >> own & 1)) return 1u << own;
    for (uint32_t rest = warp.arrived & warp.alive & ~(1u << own); rest; rest &= rest - 1) {
        const int other = __builtin_ctz(rest);
        const bool meets = mask >> other & 1 && warp.mask[other] >> own & 1;  // else one of them comes here later, perhaps
        if (meets && (mask ^ warp.mask[other]) & warp.alive) on_bad_mask(h, h.now, first + other);
    }
    return mask;
}

MINIGAN_RUNTIME Value& meet(uint32_t mask, int source, Place place) {
    Host& h = attend();
    on_arrival(h, place);
    const int own = h.now % LANES, first = h.now - own;
    Warp& warp = h.warp[h.now / LANES];
    mask = agreed_mask(h, warp, mask, own, first);
    on_meeting(h, mask);
    warp.source[own] = source;
    warp.mask[own] = mask;
    warp.arrived |= 1u << own;
    const uint32_t group = mask & warp.alive;
    if ((warp.arrived & group) == group) release_lanes(h, warp, first, group);
    else suspend(h, AT_WARP_BARRIER);
    return warp.got[own];
}

MINIGAN_RUNTIME void wait_for_warp(uint32_t mask, Place place) { meet(mask, NOTHING, place); }

// The value that lane `source` brings; the own one where that lane does not take part.
template <class T> MINIGAN_CALLED inline T exchange(uint32_t mask, T value, int source, Place place) {
    static_assert(sizeof(T) <= sizeof(Value), "a lane hands over at most 16 bytes");
    memcpy(&attend().warp[here().now / LANES].given[lane()], &value, sizeof(T));
    memcpy(&value, &meet(mask, source, place), sizeof(T));
    return value;
}

// The same by parts, for values of more bytes.
template <class T> inline T exchange_any(uint32_t mask, T value, int source, Place place) {
    if constexpr (sizeof(T) <= sizeof(Value)) return exchange(mask, value, source, place);
    char* bytes = reinterpret_cast<char*>(&value);
    for (size_t at = 0; at < sizeof(T); at += sizeof(Value)) {
        const size_t size = sizeof(T) - at < sizeof(Value) ? sizeof(T) - at : sizeof(Value);
        Value part = {};
        memcpy(&part, bytes + at, size);
        part = exchange(mask, part, source, place);
        memcpy(bytes + at, &part, size);
    }
    return value;
}

// What all lanes bring to a tensor core, six words each. There are two places for it, taken in turn: who goes on first may
// come back with new words while others still read the old ones, but no lane can be two turns ahead.
typedef const float (&Factors)[LANES][6];
MINIGAN_RUNTIME Factors bring_to_tensor_core(const float* a, const float* b, Place place) {
    const int own = lane();
    Warp& warp = attend().warp[here().now / LANES];
    auto& factors = warp.factors[warp.turn[own] ^= 1];
    memcpy(factors[own], a, 4 * sizeof *a);
    memcpy(factors[own] + 4, b, 2 * sizeof *b);
    meet(0xffffffffu, NOTHING, place);
    return factors;
}

MINIGAN_RUNTIME uint32_t ballot(uint32_t mask, bool vote, Place place) {
    Warp& warp = attend().warp[here().now / LANES];
    warp.votes = (warp.votes & ~(1u << lane())) | uint32_t(vote) << lane();
    return uint32_t(meet(mask, VOTES, place).words[0]);
}

// The lanes of this warp that come here together: as many as can, where a GPU promises no more than one.
MINIGAN_RUNTIME uint32_t active_lanes(Place place) {
    Host& h = attend();
    on_arrival(h, place);
    Warp& warp = h.warp[h.now / LANES];
    warp.source[lane()] = place.line << 10 | (place.column & 1023);
    suspend(h, AT_ACTIVE_MASK);
    return uint32_t(warp.got[lane()].words[0]);
}

// ---- a thread's end, a block, a launch ----------------------------------------------------------------------------

// Nobody waits any longer for a thread that has returned.
MINIGAN_RUNTIME void finish_thread(Host& h) {
    const int own = h.now % LANES, first = h.now - own;
    h.state[h.now] = DONE;
    if (--h.alive && h.at_barrier == h.alive) release_block(h);
    Warp& warp = h.warp[h.now / LANES];
    warp.alive &= ~(1u << own);
    if (!warp.arrived) return;
    for (int one = 0; one < LANES; ++one) {
        const uint32_t group = warp.mask[one] & warp.alive;
        if (warp.arrived >> one & 1 && (warp.arrived & group) == group) release_lanes(h, warp, first, group);
    }
}

// The next block that no host has taken; false where there is none.
MINIGAN_RUNTIME bool take_block(Host& h) {
    Launch& l = *h.launch;
    uint64_t number, next;
    load(&l.next_block, &number);
    do next = number + 1;
    while (!swap(&l.next_block, &number, &next));
    if (l.failed || number >= l.blocks) return false;
    built_in.block = Index(number % l.grid.x, number / l.grid.x % l.grid.y, number / l.grid.x / l.grid.y);
    on_block(h);
    return true;
}

template <class Run> __attribute__((noinline)) static void call(Run run_thread) { run_thread(); }

// The threads of a block, one after the other, until the last has returned or one has waited for others and returned.
// `run_thread` calls the kernel: a template, so that the compiler can put the kernel into the innermost loop.
template <class Run> MINIGAN_SILENT inline void run_in_order(Host& h, Run run_thread) {
    const Launch& l = *h.launch;
    if (l.forward) {
        const Index size = l.block;
        for (unsigned z = 0; z < size.z; ++z)
            for (unsigned y = 0; y < size.y; ++y)
                for (unsigned x = 0; x < size.x; ++x) {
                    built_in.thread.x = x, built_in.thread.y = y, built_in.thread.z = z;
                    run_thread();
                    if (!h.independent) return;
                }
        return;
    }
    for (h.cursor = 0; h.cursor < l.threads; ++h.cursor) {
        become(h, l.order[h.cursor]);
        call(run_thread);
        if (!h.independent) return;
    }
}

// What a fiber does all its life. The first one takes blocks. One that was started because somebody waits runs the thread
// it was given, then takes the next; where that one has a fiber of its own, it steps aside until another thread needs one.
template <class Run> MINIGAN_SILENT inline void live(Host& h, Run run_thread) {
    for (;;) {
        if (h.independent) {
            if (!take_block(h)) minigan_switch(&h.running->sp, h.base.sp);
            run_in_order(h, run_thread);
            if (h.independent) continue;
        } else {
            call(run_thread);
        }
        finish_thread(h);
        if (!h.alive) {  // the block is done, and every other fiber is free
            h.independent = true;
            continue;
        }
        const int thread = pick_or_fail(h);
        const bool started = h.state[thread] == READY;
        become(h, thread);
        if (!started) continue;
        Fiber* own = h.running;
        h.free_list[h.free_fibers++] = own;
        h.running = h.fiber[thread];
        minigan_switch(&own->sp, h.running->sp);
    }
}

MINIGAN_RUNTIME void run_blocks(Host& h) {
    built_in.block_size = h.launch->block, built_in.grid_size = h.launch->grid;
    h.independent = true;
    h.running = free_fiber(h);
    minigan_switch(&h.base.sp, h.running->sp);
}

MINIGAN_RUNTIME void prepare(Host& h, int number, Launch& launch, char* stacks) {
    h.number = number, h.launch = &launch, h.stacks = stacks;
    for (int t = 0; t < launch.threads; ++t)
        h.index[t] = Index(t % launch.block.x, t / launch.block.x % launch.block.y, t / launch.block.x / launch.block.y);
    memset(h.tile, 0, sizeof h.tile);
    h.at_grid_barrier = false, h.grid_barriers = 0;
    h.free_fibers = h.used_fibers = 0;  // also after a failure, which left fibers in the middle of something
}
}  // namespace minigan
