#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>
#include <cuda/barrier>
#include <cuda/pipeline>
#include <cuda_pipeline.h>
namespace cg = cooperative_groups;

extern "C" __global__ void forgotten_wait(float* x, float* y) {
    __shared__ float t[64];
    __pipeline_memcpy_async(&t[threadIdx.x], &x[threadIdx.x], 4);
    __pipeline_commit();
    y[threadIdx.x] = t[threadIdx.x];  // not-waited t
}

extern "C" __global__ void forgotten_commit(float* x, float* y) {
    __shared__ float t[64];
    __pipeline_memcpy_async(&t[threadIdx.x], &x[threadIdx.x], 4);
    __pipeline_wait_prior(0);
    y[threadIdx.x] = t[threadIdx.x];  // not-waited t
}

extern "C" __global__ void others_copies(float* x, float* y) {
    __shared__ float t[64];
    __pipeline_memcpy_async(&t[threadIdx.x], &x[threadIdx.x], 4);
    __pipeline_commit();
    __syncthreads();  // a barrier waits for no copies
    y[threadIdx.x] = t[63 - threadIdx.x];  // not-waited t
}

extern "C" __global__ void wait_without_barrier(float* x, float* y) {
    __shared__ float t[64];
    __pipeline_memcpy_async(&t[threadIdx.x], &x[threadIdx.x], 4);
    __pipeline_commit();
    __pipeline_wait_prior(0);
    y[threadIdx.x] = t[63 - threadIdx.x];  // race t
}

extern "C" __global__ void barrier_before_the_wait(float* x, float* y) {
    __shared__ float t[64];
    if (threadIdx.x == 0) __pipeline_memcpy_async(t, x, 4);
    __pipeline_commit();
    __syncthreads();
    __pipeline_wait_prior(0);
    if (threadIdx.x == 63) y[0] = t[0];  // race/not-waited t
}

extern "C" __global__ void group_copy(float* x, float* y) {
    __shared__ float t[64];
    auto block = cg::this_thread_block();
    cg::memcpy_async(block, t, x, sizeof t);
    block.sync();
    y[threadIdx.x] = t[threadIdx.x];  // not-waited t
}

extern "C" __global__ void used_again_too_early(float* x, float* y) {
    __shared__ float t[64];
    auto block = cg::this_thread_block();
    for (int i = 0; i < 2; ++i) {
        cg::memcpy_async(block, t, x, sizeof t);  // race t
        cg::wait(block);
        y[threadIdx.x] += t[63 - threadIdx.x];
    }
}

extern "C" __global__ void barrier_not_waited_for(float* x, float* y) {
    __shared__ cuda::barrier<cuda::thread_scope_block> bar;
    __shared__ float t[64];
    if (threadIdx.x == 0) init(&bar, blockDim.x);
    __syncthreads();
    t[threadIdx.x] = x[threadIdx.x];
    bar.arrive();
    y[threadIdx.x] = t[63 - threadIdx.x];  // race t
}

extern "C" __global__ void barrier_begun_too_late(float* x, float* y) {
    __shared__ cuda::barrier<cuda::thread_scope_block> bar;
    if (threadIdx.x == 63) init(&bar, 1);
    if (threadIdx.x == 31) bar.arrive_and_wait();  // race/uninitialised bar
}

extern "C" __global__ void one_barrier_too_few(float* x, float* y) {
    __shared__ cuda::barrier<cuda::thread_scope_block> bar;
    __shared__ float t[64];
    if (threadIdx.x == 0) init(&bar, blockDim.x);
    __syncthreads();
    for (int i = 0; i < 2; ++i) {
        t[threadIdx.x] = x[threadIdx.x] + i;  // race t
        bar.arrive_and_wait();
        y[threadIdx.x] += t[63 - threadIdx.x];
    }
}

// Who waits late for a phase does not know what others did behind it.
extern "C" __global__ void behind_the_phase(float* x, float* y) {
    __shared__ cuda::barrier<cuda::thread_scope_block> bar;
    __shared__ float t[32];
    if (threadIdx.x == 0) init(&bar, blockDim.x);
    __syncthreads();
    if (threadIdx.x >= 32) {
        auto token = bar.arrive();
        __syncwarp();
        bar.wait(static_cast<decltype(token)&&>(token));
        y[threadIdx.x] = t[0];
    } else {
        bar.arrive_and_wait();
        if (threadIdx.x == 0) t[0] = 1;  // race t
        bar.arrive();
    }
}

extern "C" __global__ void a_later_reader(float* x, float* y) {
    __shared__ cuda::barrier<cuda::thread_scope_block> bar;
    __shared__ float t;
    if (threadIdx.x == 0) init(&bar, blockDim.x), t = 1;
    __syncthreads();
    if (threadIdx.x == 0 || threadIdx.x == 32) y[threadIdx.x] = t;
    bar.arrive_and_wait();
    if (threadIdx.x == 64) y[64] = t;
    if (threadIdx.x == 96) t = 2;  // race t
}

extern "C" __global__ void stage_not_acquired(float* x, float* y) {
    __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, 1> state;
    __shared__ float t[64];
    auto block = cg::this_thread_block();
    auto pipe = cuda::make_pipeline(block, &state);
    for (int i = 0; i < 2; ++i) {
        cuda::memcpy_async(block, t, x, sizeof t, pipe);  // race t
        pipe.producer_commit();
        pipe.consumer_wait();
        y[threadIdx.x] += t[63 - threadIdx.x];
        pipe.consumer_release();
    }
}

extern "C" __global__ void stage_not_waited_for(float* x, float* y) {
    __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, 2> state;
    __shared__ float t[64];
    auto block = cg::this_thread_block();
    auto pipe = cuda::make_pipeline(block, &state);
    pipe.producer_acquire();
    cuda::memcpy_async(block, t, x, cuda::aligned_size_t<16>(sizeof t), pipe);
    y[threadIdx.x] = t[threadIdx.x];  // not-waited t
    pipe.producer_commit();
}

extern "C" __global__ void tile_for_block(float* x, float* y) {
    __shared__ float t[128];
    t[threadIdx.x] = x[threadIdx.x % 64];
    cg::tiled_partition<64>(cg::this_thread_block()).sync();
    y[threadIdx.x % 64] = t[127 - threadIdx.x];  // race/same-value-race t y
}

extern "C" __global__ void misaligned_copy(float* x, float* y) {
    __shared__ float t[128];
    __pipeline_memcpy_async(&t[threadIdx.x], &x[threadIdx.x], 8);  // misaligned x
}

extern "C" __global__ void barrier_that_nobody_completes(float* x, float* y) {
    __shared__ cuda::barrier<cuda::thread_scope_block> bar;
    if (threadIdx.x == 0) init(&bar, blockDim.x + 1);
    __syncthreads();
    bar.arrive_and_wait();  // deadlock
}

extern "C" __global__ void block_barrier_for_grid(float* x, float* y) {
    x[64 * blockIdx.x + threadIdx.x] = 1;  // race x
    __syncthreads();
    y[threadIdx.x + 64 * blockIdx.x] = x[127 - 64 * blockIdx.x - threadIdx.x];
}

extern "C" __global__ void grid_barrier_too_early(float* x, float* y) {
    cg::this_grid().sync();
    x[64 * blockIdx.x + threadIdx.x] = 1;  // race x
    y[threadIdx.x + 64 * blockIdx.x] = x[127 - 64 * blockIdx.x - threadIdx.x];
    cg::this_grid().sync();
}

extern "C" __global__ void shared_of_a_block_before(float* x, float* y) {
    __shared__ float t[64];
    if (blockIdx.x == 0) t[threadIdx.x] = 1;
    cg::this_grid().sync();
    y[threadIdx.x + 64 * blockIdx.x] = t[threadIdx.x];  // uninitialised t
}
