// What a thread begins and waits for later: barrier objects, at which arriving and waiting are two steps, and copies.
//
// cuda/barrier, cuda/pipeline, cuda_pipeline.h and cooperative_groups.h say under CUDA's names what stands here. A copy is carried
// out when it is waited for, not before: who forgets to wait then sees old values in plain runs too.
#pragma once

#include "threads.h"

namespace minigan {

// ---- copies -------------------------------------------------------------------------------------------------------

// Begin to copy `size` bytes, of which the last are `zeros`. A barrier's phase waits for it, or whoever waits for its batch.
MINIGAN_CALLED inline void begin_copy(void* to, const void* from, int size, int zeros, int alignment, const Barrier* barrier,
                                      Place place) {
    Host& h = attend();
    Copies& own = h.copies[h.now];
    if (own.count == own.room) {
        own.room = 2 * own.room + 8;
        own.begun = static_cast<Copy*>(realloc(own.begun, own.room * sizeof(Copy)));
    }
    const Copy copy = {static_cast<char*>(to), static_cast<const char*>(from), size, zeros, own.batches, barrier};
    on_copy(copy, alignment, place);
    own.begun[own.count++] = copy;
    h.copying = true;
}

// Carry out a thread's copies of which `is_due` says so; whether there were any.
template <class IsDue> inline bool finish_copies(Host& h, int thread, IsDue is_due) {
    Copies& own = h.copies[thread];
    int left = 0;
    for (int i = 0; i < own.count; ++i) {
        const Copy copy = own.begun[i];
        if (!is_due(copy)) {
            own.begun[left++] = copy;
            continue;
        }
        memcpy(copy.to, copy.from, copy.size - copy.zeros);
        memset(copy.to + copy.size - copy.zeros, 0, copy.zeros);
        on_copied(thread, copy);
    }
    const bool any = left < own.count;
    own.count = left;
    return any;
}

// What a thread has begun to copy since the last call becomes a batch.
MINIGAN_CALLED inline void commit_copies() {
    Host& h = attend();
    ++h.copies[h.now].batches;
}

// Wait for all batches of this thread but the last few.
MINIGAN_CALLED inline void wait_for_copies(unsigned but) {
    Host& h = attend();
    const unsigned batches = h.copies[h.now].batches;
    finish_copies(h, h.now, [=](const Copy& copy) { return !copy.barrier && int(batches - copy.batch) > int(but); });
}

// A thread that copies alone.
struct JustMe {
    static unsigned int thread_rank() { return 0; }
    static unsigned int size() { return 1; }
};

// A group's threads copy together, each every so many bytes: as many at once as `alignment` allows, or the addresses where it is 1.
template <class Group> inline void copy_together(const Group& group, void* to, const void* from, size_t size, size_t alignment,
                                                 const Barrier* barrier, Place place) {
    const uintptr_t all = reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from) | size;
    size_t width = alignment > 1 && alignment < 16 ? alignment : 16;
    if (alignment == 1)
        while (all % width) width /= 2;
    for (size_t at = group.thread_rank() * width; at < size; at += group.size() * width)
        begin_copy(static_cast<char*>(to) + at, static_cast<const char*>(from) + at, int(size - at < width ? size - at : width), 0,
                   int(width), barrier, place);
}

// ---- barrier objects ----------------------------------------------------------------------------------------------

MINIGAN_CALLED inline void begin_barrier(Barrier* barrier, unsigned int expected, Place place) {
    on_barrier_begin(barrier, place);
    *barrier = {uint16_t(expected), uint16_t(expected), 0, 0};
}

// The last one has arrived: its copies are there, and whoever waits goes on.
static void complete(Host& h, Barrier* barrier) {
    for (int t = 0; h.copying && t < h.launch->threads; ++t)
        if (finish_copies(h, t, [=](const Copy& copy) { return copy.barrier == barrier; })) on_barrier_told(h, t, barrier);
    barrier->missing = barrier->expected;
    ++barrier->phase;
    on_barrier_complete(barrier);
    for (int t = 0; t < h.launch->threads; ++t)
        if (h.state[t] == AT_BARRIER_OBJECT && h.awaited[t] == barrier) {
            h.state[t] = READY;
            on_barrier_passed(h, t, barrier);
        }
}

// Arrive `count` times, and for good if this thread drops out of the phases to come; the number of the phase.
MINIGAN_CALLED inline uint32_t arrive_at(Barrier* barrier, unsigned int count, bool drops, Place place) {
    Host& h = attend();
    on_arrival(h, place);
    on_barrier_arrival(h, h.now, barrier, place);
    const uint32_t phase = barrier->phase;
    if (barrier->missing < count)
        fail_at(place, "a barrier", ": more threads arrive at it than it was begun for, or it was not begun at all;");
    barrier->expected -= drops;
    barrier->missing -= count;
    if (!barrier->missing) complete(h, barrier);
    return phase;
}

inline bool has_passed(const Barrier* barrier, uint32_t phase) { return int32_t(barrier->phase - phase) > 0; }

// Wait until a phase is complete.
MINIGAN_CALLED inline void wait_at(const Barrier* barrier, uint32_t phase, Place place) {
    Host& h = attend();
    on_arrival(h, place);
    if (has_passed(barrier, phase)) return on_barrier_passed(h, h.now, barrier);
    h.awaited[h.now] = barrier;
    suspend(h, AT_BARRIER_OBJECT);
}

// Ask whether it is complete, and let the others run if it is not.
MINIGAN_CALLED inline bool try_wait_at(const Barrier* barrier, uint32_t phase, Place place) {
    Host& h = attend();
    on_arrival(h, place);
    if (!has_passed(barrier, phase)) step_aside(h);
    if (!has_passed(barrier, phase)) return false;
    on_barrier_passed(h, h.now, barrier);
    return true;
}

// ---- tiles of several warps ---------------------------------------------------------------------------------------

// The barrier of the `size` neighbouring threads that this one belongs to; of the whole block for MAX_THREADS.
inline Barrier* barrier_of_tile(Host& h, int size) {
    Barrier* barrier = &h.tile[MAX_THREADS / size - 1 + h.now / size];
    const int first = h.now / size * size, threads = h.launch->threads - first;
    if (!barrier->expected) barrier->expected = barrier->missing = threads < size ? threads : size;
    return barrier;
}

MINIGAN_CALLED inline void wait_for_tile(int size, Place place) {
    Barrier* barrier = barrier_of_tile(attend(), size);
    wait_at(barrier, arrive_at(barrier, 1, false, place), place);
}

// Each thread of a tile gives a value; `take(rank, value)` gets all of them, from the first on.
template <class T, class Take> inline void share_in_tile(int size, T value, Take take, Place place) {
    static_assert(sizeof(T) <= sizeof(Value), "threads of a tile hand over at most 16 bytes");
    Host& h = attend();
    const int own = h.now, first = own / size * size;
    const auto slot = [&](int thread) { return &h.warp[thread / LANES].given[thread % LANES]; };
    memcpy(slot(own), &value, sizeof(T));
    wait_for_tile(size, place);
    for (int rank = 0; rank < size && first + rank < h.launch->threads; ++rank) {
        memcpy(&value, slot(first + rank), sizeof(T));
        take(rank, value);
    }
    wait_for_tile(size, place);
}
}  // namespace minigan
