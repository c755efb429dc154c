// Copies of 4, 8 or 16 bytes that a thread begins, commits in batches, and waits for.
#pragma once

#include "async.h"

inline void __pipeline_memcpy_async(void* to, const void* from, size_t size, size_t zeros = 0, MINIGAN_PLACE) {
    if ((size != 4 && size != 8 && size != 16) || zeros > size)
        minigan::fail_at(place, "__pipeline_memcpy_async", ": it copies 4, 8 or 16 bytes, of which no more can be zeros;");
    minigan::begin_copy(to, from, int(size), int(zeros), int(size), nullptr, place);
}
inline void __pipeline_commit() { minigan::commit_copies(); }
inline void __pipeline_wait_prior(size_t batches) { minigan::wait_for_copies(unsigned(batches)); }
