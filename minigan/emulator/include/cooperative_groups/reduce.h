// cooperative_groups::reduce for the emulator.
#pragma once

#include "../cooperative_groups.h"
#include "operators.h"

namespace cooperative_groups {
// A tile of a warp adds up in a butterfly, so that every lane has the same sum to the last bit; other groups by rank.
template <unsigned int SIZE, class T, class Combine>
T reduce_lanes(const TileOfWarp<SIZE>& tile, T value, Combine combine, Place place) {
    for (unsigned int bits = SIZE / 2; bits; bits /= 2) value = combine(value, tile.shfl_xor(value, bits, place));
    return value;
}
template <class Group, class T, class Combine> T reduce_lanes(const Group& group, T value, Combine combine, Place place) {
    T result = value;
    group.each(value, [&](unsigned int rank, const T& theirs) { result = rank ? combine(result, theirs) : theirs; }, place);
    return result;
}
template <unsigned int SIZE, class Parent, class T, class Combine>
T reduce(const thread_block_tile<SIZE, Parent>& tile, T value, Combine combine, MINIGAN_PLACE) {
    return reduce_lanes(static_cast<const KindOfTile<SIZE>&>(tile), value, combine, place);
}
template <class T, class Combine> T reduce(const coalesced_group& group, T value, Combine combine, MINIGAN_PLACE) {
    return reduce_lanes(group, value, combine, place);
}
}  // namespace cooperative_groups
