// What sanitizer.cpp and profiler.cpp have in common: the variables of the text, and the numbers of its places.
#pragma once

#define MINIGAN_OBSERVER
#include "runtime.h"

#define MINIGAN_API extern "C" __attribute__((visibility("default")))
#define MINIGAN_TABLE extern "C" __attribute__((visibility("hidden")))  // written by instrument.py

namespace minigan {
enum Memory : uint64_t { GLOBAL, SHARED, CONSTANT };
struct Variable { char* begin; uint64_t size; Memory memory; };
static_assert(sizeof(Variable) == 3 * 8, "instrument.py writes three words of eight bytes");
MINIGAN_TABLE Variable minigan_variables[];  // all that are no thread's own, with a gap of nothing around each; ended by a null
MINIGAN_TABLE int minigan_first_place;       // of barriers and atomics; the places of accesses have the numbers below
extern "C" __attribute__((visibility("hidden"))) char __ehdr_start[], _end[];  // this library, from the linker

static inline bool lies_in(uintptr_t address, const void* begin, size_t size) {
    return address - reinterpret_cast<uintptr_t>(begin) < size;
}

// The __shared__ variables of a block, of which there is one set, while it waits for other blocks.
static char* aside[MAX_HOSTS];

template <class Do> static void for_shared_variables(char* kept, Do copy) {
    for (Variable* each = minigan_variables; each->begin; ++each)
        if (each->memory == SHARED) copy(each->begin, kept, each->size), kept += each->size;
}

static void put_aside(Host& h) {
    size_t bytes = 0;
    for_shared_variables(nullptr, [&](char*, char*, size_t size) { bytes += size; });
    aside[h.number] = static_cast<char*>(realloc(aside[h.number], bytes + 1));
    for_shared_variables(aside[h.number], [](char* own, char* kept, size_t size) { memcpy(kept, own, size); });
}

static void bring_back(Host& h) {
    for_shared_variables(aside[h.number], [](char* own, char* kept, size_t size) { memcpy(own, kept, size); });
}

// The places of barriers and atomics, which are known by the names of their files.
constexpr int MAX_PLACES = 4096;
static Place places[MAX_PLACES];
static int count_of_places;

static int place_number(Place place) {
    for (int i = 0; i < count_of_places; ++i)
        if (places[i].line == place.line && places[i].file == place.file) return minigan_first_place + i;
    if (count_of_places == MAX_PLACES) return minigan_first_place;
    places[count_of_places] = place;
    return minigan_first_place + count_of_places++;
}
}  // namespace minigan

MINIGAN_API int minigan_place(int number, const char** file) {
    const minigan::Place& place = minigan::places[number - minigan::minigan_first_place];
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
