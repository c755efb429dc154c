#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>
#include <cuda/barrier>
#include <cuda/pipeline>
#include <cuda_awbarrier_primitives.h>
#include <cuda_pipeline.h>
namespace cg = cooperative_groups;

// Any group: the sum of its ranks' values, halved from step to step as the programming guide has it.
__device__ int sum_of(cg::thread_group group, int* shared, int value) {
    for (int half = group.size() / 2; half > 0; half /= 2) {
        shared[group.thread_rank()] = value;
        group.sync();
        if (int(group.thread_rank()) < half) value += shared[group.thread_rank() + half];
#ifdef MINIGAN_EMULATOR  // CUDA's guide has it, not every release's header
        cg::synchronize(group);
#else
        cg::sync(group);
#endif
    }
    return value;
}

extern "C" __global__ void thread_groups(const int* x, int* sums) {
    __shared__ int t[128];
    auto block = cg::this_thread_block();
    const int whole = sum_of(block, t, x[threadIdx.x]);
    cg::thread_group quad = cg::tiled_partition(block, 4);
    const int part = sum_of(quad, t + threadIdx.x / 4 * 4, x[threadIdx.x]);
    auto tile = cg::tiled_partition<16>(cg::tiled_partition<32>(block));
    const int sixteen = sum_of(tile, t + threadIdx.x / 16 * 16, x[threadIdx.x]);
    if (block.thread_rank() == 0) sums[0] = whole;
    if (quad.thread_rank() == 0) sums[1 + threadIdx.x / 4] = part;
    if (tile.thread_rank() == 0) sums[33 + threadIdx.x / 16] = sixteen;
    if (tile.thread_rank() == 0) sums[41 + threadIdx.x / 16] = tile.meta_group_rank() * 10 + tile.meta_group_size();
}

// One atomic for all lanes that come together.
extern "C" __global__ void coalesced(const int* x, int* kept, int* count, int* ranks) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (x[i] % 3 == 0) {
        cg::coalesced_group active = cg::coalesced_threads();
        int first = 0;
        if (active.thread_rank() == 0) first = atomicAdd(count, active.size());
        kept[active.shfl(first, 0) + active.thread_rank()] = x[i];
        auto pairs = cg::tiled_partition(active, 2);
        ranks[i] = active.thread_rank() * 10000 + active.ballot(x[i] % 2) % 2 * 1000 + active.any(x[i] == 0) * 100 +
                   pairs.meta_group_rank() * 10 + pairs.size();
    }
}

extern "C" __global__ void partitions(const int* x, int* by_label, int* by_sign) {
    auto warp = cg::tiled_partition<32>(cg::this_thread_block());
    auto same = cg::labeled_partition(warp, x[threadIdx.x] % 5);
    by_label[threadIdx.x] = cg::reduce(same, x[threadIdx.x], cg::plus<int>());
    auto half = cg::binary_partition(warp, x[threadIdx.x] % 2 == 0);
    by_sign[threadIdx.x] = cg::reduce(half, x[threadIdx.x], cg::greater<int>()) * 2 + half.meta_group_rank();
}

struct Three { double a, b, c; };  // more than a lane hands over at once
template <int SIZE> __device__ void reduce_and_scan(const int* x, int* y) {
    __shared__ cg::block_tile_memory<1024> memory;
    auto tile = cg::tiled_partition<SIZE>(cg::this_thread_block(memory));
    const int value = x[threadIdx.x];
    int* own = y + 8 * threadIdx.x;
    own[0] = cg::reduce(tile, value, cg::plus<int>());
    own[1] = cg::reduce(tile, value, cg::less<int>());
    own[2] = cg::reduce(tile, value, [](int a, int b) { return a > b ? a : b; });
    own[3] = cg::reduce(tile, value, cg::bit_xor<int>());
    own[4] = cg::inclusive_scan(tile, value);
    own[5] = cg::exclusive_scan(tile, value);
    own[6] = cg::inclusive_scan(tile, value, cg::greater<int>());
    own[7] = tile.shfl(value, 1) + 1000 * tile.any(value == 0) + 2000 * tile.all(value >= 0) + 10000 * tile.meta_group_rank();
}
extern "C" __global__ void scans(const int* x, int* y) {
    reduce_and_scan<8>(x, y);
    reduce_and_scan<32>(x, y + 8 * blockDim.x);
    reduce_and_scan<64>(x, y + 16 * blockDim.x);
}
extern "C" __global__ void wide_values(const int* x, double* y) {
    cg::thread_block_tile<32> warp = cg::tiled_partition<32>(cg::this_thread_block());
    const Three mine = {x[threadIdx.x] * 1.0, x[threadIdx.x] * 2.0, x[threadIdx.x] * 3.0};
    const Three all = cg::reduce(warp, mine, [](Three p, Three q) { return Three{p.a + q.a, p.b + q.b, p.c + q.c}; });
    y[threadIdx.x] = all.a + all.b + all.c + warp.meta_group_rank();
}

// Tiles of two warps wait for themselves only: the last two have returned.
extern "C" __global__ void large_tiles(const int* x, int* y) {
    __shared__ int t[256];
    auto tile = cg::tiled_partition<64>(cg::this_thread_block());
    if (tile.meta_group_rank() >= 2) return;
    for (int step = 0; step < 3; ++step) {
        t[threadIdx.x] = x[threadIdx.x] + step;
        tile.sync();
        y[threadIdx.x] += t[threadIdx.x ^ 63];
        tile.sync();  // behind
    }
}

extern "C" __global__ void split_barrier(const int* x, int* y) {
    __shared__ int t[128];
    auto block = cg::this_thread_block();
    t[threadIdx.x] = x[threadIdx.x];
    auto token = block.barrier_arrive();
    const int own = x[threadIdx.x] * 2;
    block.barrier_wait(static_cast<cg::thread_block::arrival_token&&>(token));
    y[threadIdx.x] = t[127 - threadIdx.x] + own;
}

extern "C" __global__ void barriers(const int* x, int* y, int rounds) {
    __shared__ cuda::barrier<cuda::thread_scope_block> filled, used;
    __shared__ __mbarrier_t primitive;
    __shared__ int t[64];
    if (threadIdx.x == 0) {
        init(&filled, blockDim.x);
        init(&used, blockDim.x);
        __mbarrier_init(&primitive, blockDim.x);
    }
    __syncthreads();
    const bool fills = threadIdx.x < 64;
    for (int round = 0; round < rounds; ++round) {
        if (fills) t[threadIdx.x] = x[threadIdx.x] + round;
        filled.wait(filled.arrive());
        if (!fills) y[threadIdx.x - 64] += t[127 - threadIdx.x];
        used.arrive_and_wait();
    }
    if (fills) y[64 + threadIdx.x] = x[threadIdx.x];
    const __mbarrier_token_t token = __mbarrier_arrive(&primitive);
    while (!__mbarrier_test_wait(&primitive, token)) {}
    if (!fills) y[64 + threadIdx.x] = y[191 - threadIdx.x];
}

// Half of the threads fill a ring of two stages, half use it.
extern "C" __global__ void producers(const float* x, float* y, int chunks) {
    __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, 2> state;
    __shared__ alignas(16) float ring[2][64];
    auto block = cg::this_thread_block();
    const auto role = threadIdx.x < 32 ? cuda::pipeline_role::producer : cuda::pipeline_role::consumer;
    auto pipe = cuda::make_pipeline(block, &state, role);
    for (int chunk = 0; chunk < chunks; ++chunk) {
        if (role == cuda::pipeline_role::producer) {
            pipe.producer_acquire();
            cuda::memcpy_async(&ring[chunk % 2][2 * threadIdx.x], x + chunk * 64 + 2 * threadIdx.x, cuda::aligned_size_t<8>(8), pipe);
            pipe.producer_commit();
        } else {
            pipe.consumer_wait();
            const int t = threadIdx.x - 32;
            y[t] += ring[chunk % 2][t] + ring[chunk % 2][63 - t];
            pipe.consumer_release();
        }
    }
}

// The whole block does both, two chunks ahead.
extern "C" __global__ void unified(const float* x, float* y, int chunks) {
    __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, 2> state;
    __shared__ alignas(16) float ring[2][64];
    auto block = cg::this_thread_block();
    auto pipe = cuda::make_pipeline(block, &state);
    for (int chunk = 0, next = 0; chunk < chunks; ++chunk) {
        for (; next < chunks && next < chunk + 2; ++next) {
            pipe.producer_acquire();
            cuda::memcpy_async(block, ring[next % 2], x + next * 64, sizeof(float) * 64, pipe);
            pipe.producer_commit();
        }
        pipe.consumer_wait();
        y[threadIdx.x] += ring[chunk % 2][63 - threadIdx.x];
        pipe.consumer_release();
    }
}

extern "C" __global__ void primitives(const float4* x, float* y, int chunks) {
    __shared__ float4 ring[2][32];
    __pipeline_memcpy_async(&ring[0][threadIdx.x], &x[threadIdx.x], sizeof(float4));
    __pipeline_commit();
    for (int chunk = 0; chunk < chunks; ++chunk) {
        if (chunk + 1 < chunks)
            __pipeline_memcpy_async(&ring[(chunk + 1) % 2][threadIdx.x], &x[(chunk + 1) * 32 + threadIdx.x], 16, chunk == 1 ? 8 : 0);
        __pipeline_commit();
        __pipeline_wait_prior(1);
        __syncthreads();
        const float4 theirs = ring[chunk % 2][31 - threadIdx.x];
        y[threadIdx.x] += theirs.x + theirs.w;
        __syncthreads();
    }
}

extern "C" __global__ void group_copies(const float* x, float* y, int n) {
    extern __shared__ float t[];
    auto block = cg::this_thread_block();
    cg::memcpy_async(block, t, x, sizeof(float) * n);
    cg::memcpy_async(block, t + n, n, x + n, 2 * n);
    cg::wait_prior<1>(block);
    y[threadIdx.x] = t[n - 1 - threadIdx.x];
    cg::wait(block);
    y[threadIdx.x] += t[2 * n - 1 - threadIdx.x];
}

extern "C" __global__ void barrier_copies(const float* x, float* y) {
    __shared__ cuda::barrier<cuda::thread_scope_block> bar;
    __shared__ float t[64];
    auto block = cg::this_thread_block();
    if (block.thread_rank() == 0) init(&bar, block.size());
    block.sync();
    cuda::memcpy_async(block, t, x + 64 * blockIdx.x, sizeof t, bar);
    bar.arrive_and_wait();
    y[64 * blockIdx.x + threadIdx.x] = t[63 - threadIdx.x];
}

// Each block gives its neighbour what it has, step by step; a sum of all goes through shared memory that stays.
extern "C" __global__ void across(int* x, int* y, int steps) {
    __shared__ int kept[64];
    extern __shared__ int mine[];
    cg::grid_group grid = cg::this_grid();
    const int n = grid.size(), i = grid.thread_rank();
    kept[threadIdx.x] = x[i];
    mine[63 - threadIdx.x] = i;
    for (int step = 0; step < steps; ++step) {
        y[i] = x[(i + 64) % n] + 1;
        grid.sync();
        x[i] = y[(i + 1) % n];
        cg::sync(grid);
    }
    y[i] = kept[63 - threadIdx.x] * 1000 + mine[threadIdx.x] + grid.block_rank() * grid.num_blocks();
}

// Two that are wrong, and are also run without the sanitizer.
extern "C" __global__ void one_batch_too_few(float* x, float* y) {
    __shared__ float t[2][64];
    for (int i = 0; i < 2; ++i) {
        __pipeline_memcpy_async(&t[i][threadIdx.x], &x[threadIdx.x], 4);
        __pipeline_commit();
    }
    __pipeline_wait_prior(1);
    y[threadIdx.x] = t[0][threadIdx.x];
    y[threadIdx.x] += t[1][threadIdx.x];  // not-waited t
}

extern "C" __global__ void block_that_returns(float* x, float* y) {
    if (blockIdx.x == 1) return;
    cg::this_grid().sync();  // deadlock
}
