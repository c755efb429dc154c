// What is known to have happened before what: the sanitizer's clock.
//
// One host runs all threads one after the other, so everything has a time. On a GPU only this is in order: what one thread
// does; what a barrier keeps apart; and what one thread told another: it fenced, then wrote to an atomic or volatile
// variable, and the other has read this variable since. Between blocks there is no barrier, and a fence or atomic of a
// block's own scope tells nothing.
#pragma once

#include "threads.h"

namespace minigan {

// An access: when, where in the text, by which thread of the block, to which of four bytes. Two bits say of what scope it
// is: plain has none, volatile the first, an atomic of the block the second, any other atomic both.
struct Record {
    uint64_t bits;
    static constexpr uint64_t SEEN_BY_BLOCKS = 1 << 15, ATOMIC = 1 << 4;
    uint32_t time() const { return bits >> 32; }
    int site() const { return bits >> 16 & 0xffff; }
    int thread() const { return bits >> 5 & 0x3ff; }
    bool atomic() const { return bits & ATOMIC; }
    bool is_wide_atomic() const { return (bits & (SEEN_BY_BLOCKS | ATOMIC)) == (SEEN_BY_BLOCKS | ATOMIC); }
    // Not plain, for the threads that it is to reach: what others wait for may be so.
    bool strong(bool between_blocks) const { return bits & (between_blocks ? SEEN_BY_BLOCKS : SEEN_BY_BLOCKS | ATOMIC); }
    uint32_t bytes() const { return bits & 15; }
};

struct Fenced { uint32_t time, phase; };  // when, and the time of the last barrier before
struct Told { uint32_t until, at; uint64_t where; };  // at a time and place, what was done until another time
constexpr int TOLD = 8;                   // a thread's last ones that are remembered

struct Clock {
    uint32_t time;   // counts barriers and fences
    uint32_t phase;  // of the block's last barrier: what happened before is over
    uint32_t block;  // of the block's beginning: what is older is another block's
    uint32_t grid;   // of the last barrier of the grid: what any block did before is over
    uint32_t fresh;  // of the last barrier of the block, of any of its warps, or of a barrier object
    uint32_t known[MAX_THREADS][LANES];  // up to when a thread knows what each lane of its warp did

    // Of the block that runs: by scope, the block's own first.
    Fenced fenced[2][MAX_THREADS];
    uint32_t told_fence[2][MAX_THREADS];  // the fence that others were last told of
    uint64_t told_where[2][MAX_THREADS];  // and through which variables
    uint32_t looked[2][MAX_THREADS];      // when each thread last read an atomic or volatile variable
    uint64_t heard[2][MAX_THREADS];       // and which ones it has read in this block
    uint64_t someone_heard, all_heard;    // of the wide scope: what any thread has read, and what before a barrier
    Told told[MAX_THREADS][TOLD];
    uint32_t tellings[MAX_THREADS];

    // Of all blocks.
    uint64_t blocks, most_blocks;  // that have begun, that there are
    uint32_t* begun;               // when each did
    uint32_t* told_phase;          // up to which barrier each block has told others what it did
    uint32_t* told_by;             // and up to when each of its threads
    uint64_t* told_through;        // and through which variables
    int threads;
};

static void* take(size_t bytes, int protection = PROT_READ | PROT_WRITE) {
    void* memory = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? nullptr : memory;
}

static bool begin_block(Clock& c, const Launch& launch) {
    if (!c.begun) {
        c.grid = 1, c.most_blocks = launch.blocks, c.threads = launch.threads;
        c.begun = static_cast<uint32_t*>(take(c.most_blocks * sizeof *c.begun));
        c.told_phase = static_cast<uint32_t*>(take(c.most_blocks * sizeof *c.told_phase));
        c.told_by = static_cast<uint32_t*>(take(c.most_blocks * c.threads * sizeof *c.told_by));
        c.told_through = static_cast<uint64_t*>(take(c.most_blocks * sizeof *c.told_through));
        if (!c.begun || !c.told_phase || !c.told_by || !c.told_through) return false;
    }
    c.fresh = c.phase = c.block = ++c.time;
    c.begun[c.blocks++] = c.time;
    c.someone_heard = c.all_heard = 0;
    return true;
}

static void forget(Clock& c) {
    if (c.begun) munmap(c.begun, c.most_blocks * sizeof *c.begun);
    if (c.told_phase) munmap(c.told_phase, c.most_blocks * sizeof *c.told_phase);
    if (c.told_by) munmap(c.told_by, c.most_blocks * c.threads * sizeof *c.told_by);
    if (c.told_through) munmap(c.told_through, c.most_blocks * sizeof *c.told_through);
}

// A variable as a bit of a set. Two may share one: then a race is missed, once in 64 times.
static inline uint64_t bit_of(uint64_t variable) { return uint64_t(1) << (variable * 0x9E3779B97F4A7C15u >> 58); }

// The number of the block that was running at a time.
static uint64_t block_at(const Clock& c, uint32_t time) {
    uint64_t first = 0, last = c.blocks;
    while (last - first > 1) {
        const uint64_t middle = (first + last) / 2;
        (c.begun[middle] <= time ? first : last) = middle;
    }
    return first;
}

static void pass_block_barrier(Clock& c) {
    c.all_heard = c.someone_heard;
    c.fresh = c.phase = ++c.time;
}

// All blocks have met, and go on one after the other as if they began.
static void pass_grid_barrier(Clock& c) {
    c.grid = ++c.time;
    c.blocks = 0;
}

static uint64_t heard_by(const Clock& c, int thread, bool wide) {
    return c.looked[wide][thread] >= c.block ? c.heard[wide][thread] : 0;
}

static void larger(uint32_t& most, uint32_t value) { if (value > most) most = value; }

// A __syncwarp() of these lanes: each knows what the others did, what those knew, and what they have been told.
static void pass_warp_barrier(Clock& c, int first, uint32_t group) {
    uint32_t known[LANES] = {}, looked[2] = {};
    uint64_t heard[2] = {};
    for (uint32_t rest = group; rest; rest &= rest - 1) {
        const int one = first + __builtin_ctz(rest);
        for (int lane = 0; lane < LANES; ++lane) larger(known[lane], c.known[one][lane]);
        for (int wide = 0; wide < 2; ++wide) larger(looked[wide], c.looked[wide][one]), heard[wide] |= heard_by(c, one, wide);
    }
    for (uint32_t rest = group; rest; rest &= rest - 1) known[__builtin_ctz(rest)] = c.time;
    for (uint32_t rest = group; rest; rest &= rest - 1) {
        const int one = first + __builtin_ctz(rest);
        memcpy(c.known[one], known, sizeof known);
        for (int wide = 0; wide < 2; ++wide) c.looked[wide][one] = looked[wide], c.heard[wide][one] = heard[wide];
    }
    c.fresh = ++c.time;
}

static void pass_fence(Clock& c, int thread, bool wide) {
    for (int scope = 0; scope <= wide; ++scope) c.fenced[scope][thread] = {c.time, c.phase};
    ++c.time;
}

static void remember_telling(Clock& c, int thread, uint32_t until, uint64_t where) {
    uint32_t& count = c.tellings[thread];
    if (count && c.told[thread][(count - 1) % TOLD].at < c.phase) count = 0;
    if (until >= c.phase) c.told[thread][count++ % TOLD] = {until, c.time, where};
}

// A thread has written what others may read: what it and, as far as it knows, its warp did before its last fence.
static void tell(Clock& c, int thread, bool wide, uint64_t where) {
    const int own = thread % LANES, first = thread - own;
    for (int scope = 0; scope <= wide; ++scope) {
        const Fenced fence = c.fenced[scope][thread];
        uint32_t& told_fence = c.told_fence[scope][thread];
        uint64_t& told_where = c.told_where[scope][thread];
        if (fence.time < c.block || (fence.time == told_fence && told_where & where)) continue;
        told_where = fence.time == told_fence ? told_where | where : where;
        told_fence = fence.time;
        const uint64_t block = c.blocks - 1;
        if (scope) larger(c.told_phase[block], fence.phase), c.told_through[block] |= where;
        for (int lane = 0; lane < LANES && first + lane < c.threads; ++lane) {
            const uint32_t known = c.known[thread][lane], until = lane == own || known > fence.time ? fence.time : known;
            if (scope) larger(c.told_by[block * c.threads + first + lane], until);
            else remember_telling(c, first + lane, until, where);
        }
    }
}

static void listen(Clock& c, int thread, bool wide, uint64_t where) {
    for (int scope = 0; scope <= wide; ++scope) {
        c.heard[scope][thread] = heard_by(c, thread, scope) | where;
        c.looked[scope][thread] = c.time;
    }
    if (wide) c.someone_heard |= where;
}

// A thread arrives at a barrier object: whoever waits for its phase then knows what it did.
static void arrive(Clock& c, int thread, uint64_t where) {
    pass_fence(c, thread, false);
    tell(c, thread, false, where);
}

// A phase is complete; the time of that. Who reads from now on has to be remembered again.
static uint32_t pass_barrier_object(Clock& c) {
    c.fresh = ++c.time;
    return c.time - 1;
}

// A thread goes on behind a phase that was complete at a time: what others did later it does not know.
static void go_on_behind(Clock& c, int thread, uint64_t where, uint32_t complete) {
    c.heard[0][thread] = heard_by(c, thread, false) | where;
    larger(c.looked[0][thread], complete);
}

// Whether a thread of this block did something and told of it before this thread last looked.
static bool was_told(const Clock& c, int thread, Record earlier) {
    const uint32_t looked = c.looked[0][thread], count = c.tellings[earlier.thread()];
    if (looked < c.phase) return false;
    if (count > TOLD && c.told[earlier.thread()][count % TOLD].until >= earlier.time()) return true;  // the first one is forgotten
    for (uint32_t i = 0; i < TOLD && i < count; ++i) {
        const Told& told = c.told[earlier.thread()][i];
        if (told.at >= c.phase && told.at <= looked && told.until >= earlier.time() && told.where & c.heard[0][thread]) return true;
    }
    return false;
}

// The same for something that another block did.
static bool was_told_by_block(const Clock& c, int thread, Record earlier) {
    const uint64_t heard = heard_by(c, thread, true) | c.all_heard;
    if (!heard) return false;
    const uint64_t block = block_at(c, earlier.time());
    if (!(heard & c.told_through[block])) return false;
    return earlier.time() < c.told_phase[block] || earlier.time() <= c.told_by[block * c.threads + earlier.thread()];
}

// Whether nothing but the emulator's order of threads put an earlier access of this block before one of this thread.
static inline bool unordered(const Clock& c, int thread, Record earlier) {
    if (earlier.time() < c.phase || earlier.thread() == thread) return false;
    if (earlier.thread() / LANES != thread / LANES || earlier.time() >= c.fresh) return true;
    return earlier.time() > c.known[thread][earlier.thread() % LANES];
}
}  // namespace minigan
