// cooperative_groups::inclusive_scan and exclusive_scan for the emulator.
#pragma once

#include "../cooperative_groups.h"
#include "operators.h"

namespace cooperative_groups {
template <class Group, class T, class Combine> T inclusive_scan(const Group& group, T value, Combine combine, MINIGAN_PLACE) {
    T result = value;
    const unsigned int own = group.thread_rank();
    group.each(value, [&](unsigned int rank, const T& theirs) {
        if (rank <= own) result = rank ? combine(result, theirs) : theirs;
    }, place);
    return result;
}
template <class Group, class T> T inclusive_scan(const Group& group, T value, MINIGAN_PLACE) {
    return inclusive_scan(group, value, plus<T>(), place);
}
// What comes before; T() for the first, which has nothing before it.
template <class Group, class T, class Combine> T exclusive_scan(const Group& group, T value, Combine combine, MINIGAN_PLACE) {
    T result = T();
    const unsigned int own = group.thread_rank();
    group.each(value, [&](unsigned int rank, const T& theirs) {
        if (rank < own) result = rank ? combine(result, theirs) : theirs;
    }, place);
    return result;
}
template <class Group, class T> T exclusive_scan(const Group& group, T value, MINIGAN_PLACE) {
    return exclusive_scan(group, value, plus<T>(), place);
}
}  // namespace cooperative_groups
