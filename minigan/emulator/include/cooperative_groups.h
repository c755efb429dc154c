// cooperative_groups for the emulator: the grid, the block, tiles, and lanes of a warp that came together.
#pragma once

#include "async.h"
#include "grid.h"

namespace cooperative_groups {
using minigan::Place;

// A group that is only known at run time: some lanes of a warp; else so many neighbouring threads, or the block.
class thread_group {
  protected:
    unsigned int lanes_, threads_;  // a mask, 0 for none; 0 for the block
    unsigned int meta_rank = 0, meta_size = 1;

  public:
    thread_group(unsigned int lanes, unsigned int threads) : lanes_(lanes), threads_(threads) {}
    unsigned int lanes() const { return lanes_; }
    unsigned int size() const {
        return lanes_ ? __popc(lanes_) : threads_ ? threads_ : blockDim.x * blockDim.y * blockDim.z;
    }
    unsigned int num_threads() const { return size(); }
    unsigned int thread_rank() const {
        const unsigned int thread = minigan::attend().now;
        return lanes_ ? __popc(lanes_ & ((1u << thread % 32) - 1)) : threads_ ? thread % threads_ : thread;
    }
    void sync(MINIGAN_PLACE) const {
        if (lanes_) minigan::wait_for_warp(lanes_, place);
        else if (threads_) minigan::wait_for_tile(threads_, place);
        else minigan::count_in_block(false, place);
    }
};

struct thread_block {
    struct arrival_token { uint32_t phase; };
    operator thread_group() const { return {0, 0}; }
    static void sync(MINIGAN_PLACE) { minigan::count_in_block(false, place); }
    static arrival_token barrier_arrive(MINIGAN_PLACE) {
        return {minigan::arrive_at(minigan::barrier_of_tile(minigan::attend(), minigan::MAX_THREADS), 1, false, place)};
    }
    static void barrier_wait(arrival_token&& token, MINIGAN_PLACE) {
        minigan::wait_at(minigan::barrier_of_tile(minigan::attend(), minigan::MAX_THREADS), token.phase, place);
    }
    static unsigned int thread_rank() { return (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x; }
    static unsigned int size() { return blockDim.x * blockDim.y * blockDim.z; }
    static unsigned int num_threads() { return size(); }
    static dim3 group_index() { return blockIdx; }
    static dim3 thread_index() { return threadIdx; }
    static dim3 group_dim() { return blockDim; }
    static dim3 dim_threads() { return blockDim; }
};
inline thread_block this_thread_block() { return {}; }

// Memory for tiles of more than a warp. The emulator needs none.
template <unsigned int MOST_THREADS = 1024> struct block_tile_memory { char unused[8]; };
template <unsigned int MOST_THREADS> thread_block this_thread_block(block_tile_memory<MOST_THREADS>&) { return {}; }

struct grid_group {
    struct arrival_token {};
    static bool is_valid() { return minigan::here().launch->turns; }
    static void sync(MINIGAN_PLACE) { minigan::wait_for_grid(place); }
    static unsigned long long num_blocks() { return 1ull * gridDim.x * gridDim.y * gridDim.z; }
    static unsigned long long block_rank() { return (1ull * blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x; }
    static unsigned long long num_threads() { return num_blocks() * thread_block::size(); }
    static unsigned long long size() { return num_threads(); }
    static unsigned long long thread_rank() { return block_rank() * thread_block::size() + thread_block::thread_rank(); }
    static dim3 block_index() { return blockIdx; }
    static dim3 dim_blocks() { return gridDim; }
    static dim3 group_dim() { return gridDim; }
};
inline grid_group this_grid() { return {}; }

// What lanes of a warp can do together, whichever they are. `Lanes` has lanes(), lane_of(rank), rank and size.
template <class Lanes> struct Exchanges {
    template <class T> T from(unsigned int rank, const T& value, Place place) const {
        return minigan::exchange_any(own().lanes(), value, own().lane_of(rank), place);
    }
    template <class T> T shfl(T value, unsigned int rank, MINIGAN_PLACE) const { return from(rank % own().size(), value, place); }
    template <class T> T shfl_up(T value, unsigned int delta, MINIGAN_PLACE) const {
        const unsigned int rank = own().thread_rank();
        return from(delta <= rank ? rank - delta : rank, value, place);
    }
    template <class T> T shfl_down(T value, unsigned int delta, MINIGAN_PLACE) const {
        const unsigned int rank = own().thread_rank();
        return from(rank + delta < own().size() ? rank + delta : rank, value, place);
    }
    template <class T> T shfl_xor(T value, unsigned int bits, MINIGAN_PLACE) const {
        const unsigned int rank = own().thread_rank();
        return from((rank ^ bits) < own().size() ? rank ^ bits : rank, value, place);
    }
    unsigned int ballot(int predicate, MINIGAN_PLACE) const { return by_rank(__ballot_sync(own().lanes(), predicate, place)); }
    int any(int predicate, MINIGAN_PLACE) const { return __any_sync(own().lanes(), predicate, place); }
    int all(int predicate, MINIGAN_PLACE) const { return __all_sync(own().lanes(), predicate, place); }
    template <class T> unsigned int match_any(T value, MINIGAN_PLACE) const {
        return by_rank(__match_any_sync(own().lanes(), value, place));
    }
    template <class T> unsigned int match_all(T value, int& all, MINIGAN_PLACE) const {
        const unsigned int equal = match_any(value, place);
        all = __popc(equal) == int(own().size());
        return all ? equal : 0;
    }
    // Calls take(rank, value) with what each lane gave, from the first on.
    template <class T, class Take> void each(const T& value, Take take, Place place) const {
        for (unsigned int rank = 0; rank < own().size(); ++rank) take(rank, from(rank, value, place));
    }

  private:
    const Lanes& own() const { return static_cast<const Lanes&>(*this); }
    unsigned int by_rank(unsigned int lanes) const {
        unsigned int ranks = 0;
        for (unsigned int rank = 0; rank < own().size(); ++rank) ranks |= (lanes >> own().lane_of(rank) & 1u) << rank;
        return ranks;
    }
};

class coalesced_group : public thread_group, public Exchanges<coalesced_group> {
  public:
    explicit coalesced_group(unsigned int lanes, unsigned int rank = 0, unsigned int count = 1) : thread_group(lanes, 0) {
        meta_rank = rank, meta_size = count;
    }
    unsigned int meta_group_rank() const { return meta_rank; }
    unsigned int meta_group_size() const { return meta_size; }
    unsigned int lane_of(unsigned int rank) const {
        unsigned int rest = lanes_;
        while (rank--) rest &= rest - 1;
        return __builtin_ctz(rest);
    }
};
inline coalesced_group coalesced_threads(MINIGAN_PLACE) { return coalesced_group(minigan::active_lanes(place)); }

// So many neighbouring lanes of a warp, from a multiple of that on.
template <unsigned int SIZE> struct TileOfWarp : Exchanges<TileOfWarp<SIZE>> {
    operator thread_group() const { return {lanes(), 0}; }
    static unsigned int first() { return minigan::lane() & ~(SIZE - 1); }
    static unsigned int lanes() { return (SIZE == 32 ? ~0u : (1u << SIZE % 32) - 1) << first(); }
    static unsigned int lane_of(unsigned int rank) { return first() + rank; }
    static void sync(MINIGAN_PLACE) { minigan::wait_for_warp(lanes(), place); }
    static unsigned int thread_rank() { return minigan::lane() % SIZE; }
    static constexpr unsigned int size() { return SIZE; }
    static constexpr unsigned int num_threads() { return SIZE; }
};

// Several warps: they meet at a barrier of their own.
template <unsigned int SIZE> struct TileOfBlock {
    operator thread_group() const { return {0, SIZE}; }
    static void sync(MINIGAN_PLACE) { minigan::wait_for_tile(SIZE, place); }
    static unsigned int thread_rank() { return thread_block::thread_rank() % SIZE; }
    static constexpr unsigned int size() { return SIZE; }
    static constexpr unsigned int num_threads() { return SIZE; }
    template <class T, class Take> static void each(const T& value, Take take, Place place) {
        minigan::share_in_tile(SIZE, value, take, place);
    }
    template <class T> static T shfl(T value, unsigned int from, MINIGAN_PLACE) {
        T result = value;
        each(value, [&](unsigned int rank, const T& theirs) { if (rank == from % SIZE) result = theirs; }, place);
        return result;
    }
    static int any(int predicate, MINIGAN_PLACE) {
        int result = 0;
        each(predicate, [&](unsigned int, int theirs) { result |= theirs != 0; }, place);
        return result;
    }
    static int all(int predicate, MINIGAN_PLACE) { return !any(!predicate, place); }
};

template <bool, class This, class Other> struct Choice { using type = This; };
template <class This, class Other> struct Choice<false, This, Other> { using type = Other; };
template <unsigned int SIZE> using KindOfTile = typename Choice<SIZE <= 32, TileOfWarp<SIZE>, TileOfBlock<SIZE>>::type;
template <unsigned int SIZE> struct Tile : KindOfTile<SIZE> {
    static_assert(SIZE >= 1 && SIZE <= 1024 && (SIZE & (SIZE - 1)) == 0, "tiles are of 1, 2, 4 … 1024 threads");
};

template <unsigned int SIZE, class Parent = void> struct thread_block_tile : Tile<SIZE> {
    static unsigned int meta_group_rank() { return Parent::thread_rank() / SIZE; }
    static unsigned int meta_group_size() { return (Parent::size() + SIZE - 1) / SIZE; }
};
// One that has forgotten of what it is a tile.
template <unsigned int SIZE> struct thread_block_tile<SIZE, void> : Tile<SIZE> {
    template <class Parent> thread_block_tile(const thread_block_tile<SIZE, Parent>& tile)
        : meta_rank(tile.meta_group_rank()), meta_size(tile.meta_group_size()) {}
    unsigned int meta_group_rank() const { return meta_rank; }
    unsigned int meta_group_size() const { return meta_size; }

  private:
    unsigned int meta_rank, meta_size;
};
template <unsigned int SIZE, class Parent> thread_block_tile<SIZE, Parent> tiled_partition(const Parent&) {
    static_assert(!__is_same(Parent, coalesced_group), "tiled_partition<N>: of a coalesced_group by tiled_partition(group, N)");
    return {};
}

// Those of a group's lanes that have the ranks of this thread's tile.
inline coalesced_group tiled_partition(const coalesced_group& group, unsigned int size) {
    const unsigned int first = group.thread_rank() / size * size;
    unsigned int lanes = 0;
    for (unsigned int rank = first; rank < first + size && rank < group.size(); ++rank) lanes |= 1u << group.lane_of(rank);
    return coalesced_group(lanes, first / size, (group.size() + size - 1) / size);
}
inline thread_group tiled_partition(const thread_group& group, unsigned int size, MINIGAN_PLACE) {
    if (size < 1 || size > 32 || size & (size - 1)) minigan::fail_at(place, "tiled_partition", ": 1, 2, 4, 8, 16 or 32 threads;");
    if (group.lanes()) return tiled_partition(coalesced_group(group.lanes()), size);
    const unsigned int first = minigan::lane() & ~(size - 1);
    return {(size == 32 ? ~0u : (1u << size) - 1) << first, 0};
}
inline thread_group tiled_partition(const thread_block& block, unsigned int size, MINIGAN_PLACE) {
    return tiled_partition(thread_group(block), size, place);
}

template <class Group, class Label> coalesced_group labeled_partition(const Group& group, Label label, MINIGAN_PLACE) {
    return coalesced_group(__match_any_sync(group.lanes(), label, place));
}
template <class Group> coalesced_group binary_partition(const Group& group, bool predicate, MINIGAN_PLACE) {
    const unsigned int yes = __ballot_sync(group.lanes(), predicate, place), no = __ballot_sync(group.lanes(), !predicate, place);
    return coalesced_group(predicate ? yes : no, predicate, 2);
}

template <class Group> void sync(const Group& group, MINIGAN_PLACE) { group.sync(place); }
template <class Group> void synchronize(const Group& group, MINIGAN_PLACE) { group.sync(place); }

template <class Group, class Function, class... Arguments>
void invoke_one(const Group& group, Function&& function, Arguments&&... arguments) {
    if (!group.thread_rank()) function(static_cast<Arguments&&>(arguments)...);
}
template <class Group, class Function, class... Arguments>
auto invoke_one_broadcast(const Group& group, Function&& function, Arguments&&... arguments)
    -> decltype(function(static_cast<Arguments&&>(arguments)...)) {
    decltype(function(static_cast<Arguments&&>(arguments)...)) result{};
    if (!group.thread_rank()) result = function(static_cast<Arguments&&>(arguments)...);
    return group.shfl(result, 0);
}
}  // namespace cooperative_groups
