// cooperative_groups for the emulator: the block, and tiles of a warp.
#pragma once

namespace cooperative_groups {

struct thread_block {
    static void sync(MINIGAN_PLACE) { minigan::count_in_block(false, place); }
    static unsigned int thread_rank() { return (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x; }
    static unsigned int size() { return blockDim.x * blockDim.y * blockDim.z; }
    static unsigned int num_threads() { return size(); }
    static dim3 group_index() { return blockIdx; }
    static dim3 thread_index() { return threadIdx; }
    static dim3 group_dim() { return blockDim; }
    static dim3 dim_threads() { return blockDim; }
};
inline thread_block this_thread_block() { return {}; }

// SIZE neighbouring lanes of a warp, from a multiple of SIZE on.
template <unsigned int SIZE, class Parent = thread_block> struct thread_block_tile {
    static_assert(SIZE >= 1 && SIZE <= 32 && (SIZE & (SIZE - 1)) == 0, "tiles are of 1, 2, 4, 8, 16 or 32 lanes");
    static unsigned int first() { return minigan::lane() & ~(SIZE - 1); }
    static unsigned int lanes() { return (SIZE == 32 ? ~0u : (1u << SIZE % 32) - 1) << first(); }
    static void sync(MINIGAN_PLACE) { minigan::wait_for_warp(lanes(), place); }
    static unsigned int thread_rank() { return minigan::lane() % SIZE; }
    static constexpr unsigned int size() { return SIZE; }
    static constexpr unsigned int num_threads() { return SIZE; }
    static unsigned int meta_group_rank() { return Parent::thread_rank() / SIZE; }
    static unsigned int meta_group_size() { return (Parent::size() + SIZE - 1) / SIZE; }
    template <class T> static T shfl(T value, int rank, MINIGAN_PLACE) { return __shfl_sync(lanes(), value, rank, SIZE, place); }
    template <class T> static T shfl_up(T value, unsigned int delta, MINIGAN_PLACE) {
        return __shfl_up_sync(lanes(), value, delta, SIZE, place);
    }
    template <class T> static T shfl_down(T value, unsigned int delta, MINIGAN_PLACE) {
        return __shfl_down_sync(lanes(), value, delta, SIZE, place);
    }
    template <class T> static T shfl_xor(T value, int bits, MINIGAN_PLACE) {
        return __shfl_xor_sync(lanes(), value, bits, SIZE, place);
    }
    static unsigned int ballot(int predicate, MINIGAN_PLACE) { return __ballot_sync(lanes(), predicate, place) >> first(); }
    static int any(int predicate, MINIGAN_PLACE) { return __any_sync(lanes(), predicate, place); }
    static int all(int predicate, MINIGAN_PLACE) { return __all_sync(lanes(), predicate, place); }
    template <class T> static unsigned int match_any(T value, MINIGAN_PLACE) {
        return __match_any_sync(lanes(), value, place) >> first();
    }
};
template <unsigned int SIZE, class Parent> thread_block_tile<SIZE, Parent> tiled_partition(const Parent&) { return {}; }

template <class T = void> void this_grid() {
    static_assert(sizeof(T*) == 0, "this_grid: a grid that waits for itself is not emulated, blocks run one after the other");
}
template <class Group> void sync(const Group&, MINIGAN_PLACE) { Group::sync(place); }

template <class T = void> struct plus { T operator()(T a, T b) const { return a + b; } };
template <class T = void> struct less { T operator()(T a, T b) const { return b < a ? b : a; } };
template <class T = void> struct greater { T operator()(T a, T b) const { return a < b ? b : a; } };
template <class Tile, class T, class Combine> T reduce(const Tile&, T value, Combine combine, MINIGAN_PLACE) {
    for (unsigned int bits = Tile::size() / 2; bits; bits /= 2) value = combine(value, Tile::shfl_xor(value, bits, place));
    return value;
}
}  // namespace cooperative_groups
