"""Races as people write them: whole texts with grids of two dimensions, templates, structs, helper functions,
vectors, cooperative groups and variables outside of any kernel."""

import numpy as np

from .fault import Fault, out, zeros

FAULTS = (
    Fault(
        "a scan in place with half its barriers",
        "race",
        "s",
        """
__global__ void f(float *X, float *Y, int n) {
    __shared__ float s[128];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    s[threadIdx.x] = i < n ? X[i] : 0.0f;
    for (unsigned int stride = 1; stride < blockDim.x; stride *= 2) {
        __syncthreads();
        if (threadIdx.x >= stride)
            s[threadIdx.x] += s[threadIdx.x - stride];  //!
    }
    if (i < n) Y[i] = s[threadIdx.x];
}
""",
        """        if (threadIdx.x >= stride)
            s[threadIdx.x] += s[threadIdx.x - stride];  //!""",
        """        float t = threadIdx.x >= stride ? s[threadIdx.x - stride] : 0.0f;
        __syncthreads();
        s[threadIdx.x] += t;""",
        128,
        args=lambda: (zeros(250), out(250), 250),
    ),
    Fault(
        "a private histogram without atomics",
        "race",
        "hist",
        """
#define BINS 16
__global__ void f(const int *data, int *result, int n)
{
    __shared__ int hist[BINS];
    if (threadIdx.x < BINS) hist[threadIdx.x] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        hist[data[i] % BINS]++;  //!
    __syncthreads();
    if (threadIdx.x < BINS) atomicAdd(&result[threadIdx.x], hist[threadIdx.x]);
}
""",
        "hist[data[i] % BINS]++;",
        "atomicAdd(hist + data[i] % BINS, 1);",
        args=lambda: (np.arange(1000, dtype=np.int32) % 37, zeros(16, dtype=np.int32), 1000),
    ),
    Fault(
        "a tile that is turned too soon",
        "race",
        "tile",
        """
template <int DIM> struct Turn {
    static __device__ void copy(const float* in, float* out, int width) {
        __shared__ float tile[DIM][DIM + 1];
        int x = blockIdx.x * DIM + threadIdx.x, y = blockIdx.y * DIM + threadIdx.y;
        for (int j = 0; j < DIM; j += 4) tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * width + x];
        x = blockIdx.y * DIM + threadIdx.x, y = blockIdx.x * DIM + threadIdx.y;
        for (int j = 0; j < DIM; j += 4)
            out[(y + j) * width + x] = tile[threadIdx.x][threadIdx.y + j];  //!
    }
};
__global__ void f(const float* in, float* out, int width) { Turn<16>::copy(in, out, width); }
""",
        "        x = blockIdx.y",
        "        __syncthreads();\n        x = blockIdx.y",
        (16, 4),
        (2, 2),
        args=lambda: (zeros(32 * 32), out(32 * 32), 32),
    ),
    Fault(
        "sorting by neighbours out of step",
        "race",
        "key",
        """
__device__ inline void order(int& a, int& b) {
    if (a > b) { int t = a; a = b; b = t; }  //!
}
__global__ void f(int* keys) {
    __shared__ int key[128];
    key[2 * threadIdx.x] = keys[2 * threadIdx.x];
    key[2 * threadIdx.x + 1] = keys[2 * threadIdx.x + 1];
    __syncthreads();
    for (int round = 0; round < 64; ++round) {
        order(key[2 * threadIdx.x], key[2 * threadIdx.x + 1]);
        __syncthreads();
        if (threadIdx.x < 63) order(key[2 * threadIdx.x + 1], key[2 * threadIdx.x + 2]);
        // and around again
    }
    __syncthreads();
    keys[2 * threadIdx.x] = key[2 * threadIdx.x];
    keys[2 * threadIdx.x + 1] = key[2 * threadIdx.x + 1];
}
""",
        "// and around again",
        "__syncthreads();",
        grid=1,
        args=lambda: (np.arange(128, dtype=np.int32)[::-1].copy(),),
    ),
    Fault(
        "a counter for all blocks by an atomic of one",
        "race",
        "total",
        """
__device__ unsigned long long total;
__global__ void f(unsigned long long* seen) {
    __shared__ unsigned long long mine;
    if (threadIdx.x == 0) mine = 0;
    __syncthreads();
    atomicAdd_block(&mine, 1ull);
    __syncthreads();
    if (threadIdx.x == 0) seen[blockIdx.x] = atomicAdd_block(&total, mine);  //!
}
""",
        "atomicAdd_block(&total",
        "atomicAdd(&total",
        args=lambda: (out(2, dtype=np.uint64),),
    ),
    Fault(
        "a fence for one block only",
        "race",
        "partial",
        """
__device__ unsigned int finished = 0;
__global__ void f(const float* in, volatile float* partial, float* sum) {
    __shared__ bool amLast;
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = in[blockIdx.x];
        __threadfence_block();
        amLast = atomicInc(&finished, gridDim.x - 1) == gridDim.x - 1;
    }
    __syncthreads();
    if (amLast && threadIdx.x == 0) {
        float t = 0;
        for (int i = 0; i < gridDim.x; ++i) t += ((float*)partial)[i];  //!
        *sum = t;
    }
}
""",
        "__threadfence_block()",
        "__threadfence()",
        grid=4,
        args=lambda: (zeros(4), out(4), out(1)),
    ),
    Fault(
        "a lock that leaves what it guards behind",
        "race",
        "balance",
        """
struct Lock {
    int* state;
    __device__ void take() { while (atomicCAS(state, 0, 1) != 0) {} }
    __device__ void release() {
        /* tell them */
        atomicExch(state, 0);
    }
};
__global__ void f(int* mutex, float* balance) {
    Lock lock = {mutex};
    if (threadIdx.x == 0) {
        lock.take();
        *balance = *balance + 1.0f;  //!
        lock.release();
    }
}
""",
        "/* tell them */",
        "__threadfence();",
        grid=5,
        args=lambda: (zeros(1, dtype=np.int32), zeros(1)),
    ),
    Fault(
        "a flag that comes before what it announces",
        "race",
        "message",
        """
__global__ void f(int* result) {
    __shared__ volatile int ready;
    __shared__ int message;
    if (threadIdx.x == 0) ready = 0;
    __syncthreads();
    if (threadIdx.x == 32) {
        message = 42;
        ;
        ready = 1;
    } else if (threadIdx.x == 0) {
        while (ready == 0) {}
        *result = message;  //!
    }
}
""",
        "        ;\n",
        "        __threadfence_block();\n",
        grid=1,
        args=lambda: (out(1, dtype=np.int32),),
    ),
    Fault(
        "the last warp unrolled, as it was before Volta",
        "race",
        "sdata",
        """
__device__ void warpReduce(volatile int *sdata, int tid) {
    int v = sdata[tid];
    for (int d = 16; d; d /= 2) {
        v += sdata[tid + d]; //!
        sdata[tid] = v;
    }
}
__global__ void f(int *g_idata, int *g_odata) {
    __shared__ int sdata[64];
    int tid = threadIdx.x;
    sdata[tid] = g_idata[blockIdx.x * blockDim.x + tid];
    __syncthreads();
    if (tid < 32) warpReduce(sdata, tid);
    __syncthreads();
    if (tid == 0) g_odata[blockIdx.x] = sdata[0];
}
""",
        """        v += sdata[tid + d]; //!
        sdata[tid] = v;""",
        """        v += sdata[tid + d]; __syncwarp();
        sdata[tid] = v; __syncwarp();""",
        args=lambda: (zeros(128, dtype=np.int32), out(2, dtype=np.int32)),
    ),
    Fault(
        "a group that does not wait",
        "race",
        "shared",
        """
#include <cooperative_groups.h>
namespace cg = cooperative_groups;
__global__ void f(const float* in, float* out) {
    __shared__ float shared[64];
    cg::thread_block block = cg::this_thread_block();
    auto tile = cg::tiled_partition<32>(block);
    shared[block.thread_rank()] = in[block.thread_rank()];
    tile.sync();
    out[block.thread_rank()] = shared[block.size() - 1 - block.thread_rank()];  //!
}
""",
        "tile.sync()",
        "block.sync()",
        grid=1,
        args=lambda: (zeros(64), out(64)),
    ),
    Fault(
        "a vector over its neighbour's scalar",
        "race",
        "y",
        """
__global__ void f(float4* y) {
    float* scalars = reinterpret_cast<float*>(y);
    y[threadIdx.x] = make_float4(1.f, 2.f, 3.f, 4.f);
    // all vectors first
    scalars[4 * threadIdx.x + 5] += 1.f;  //!
}
""",
        "// all vectors first",
        "__syncthreads();",
        grid=1,
        args=lambda: (zeros(264),),
    ),
    Fault(
        "a stencil in place",
        "race",
        "grid",
        """
__global__ void f(float* grid, float* next, int width, int height) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < 1 || y < 1 || x >= width - 1 || y >= height - 1) return;
    int at = y * width + x;
    grid[at] = 0.25f * (grid[at - 1] + grid[at + 1] + grid[at - width] + grid[at + width]);  //!
}
""",
        "    grid[at] =",
        "    next[at] =",
        (8, 8),
        (3, 2),
        args=lambda: (zeros(21 * 13), zeros(21 * 13), 21, 13),
    ),
    Fault(
        "a counter that is cleared too late",
        "race",
        "used",
        """
__global__ void f(const int* in, int* out, int n) {
    __shared__ int used;
    if (threadIdx.x == 0) used = 0;
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int keep = i < n && in[i] >= 0;
    if (keep) atomicAdd(&used, 1);  //!
    __syncthreads();
    if (threadIdx.x == 0) out[blockIdx.x] = used;
}
""",
        "    int keep",
        "    __syncthreads();\n    int keep",
        args=lambda: (zeros(128, dtype=np.int32), zeros(128, dtype=np.int32), 128),
    ),
    Fault(
        "the wrong one of two buffers",
        "race",
        "buffer",
        """
__global__ void f(const float* a, float* sums, int steps) {
    __shared__ float buffer[2][64];
    float sum = 0.f;
    buffer[0][threadIdx.x] = a[threadIdx.x];
    for (int k = 0; k < steps; ++k) {
        __syncthreads();
        if (k + 1 < steps) buffer[k & 1][threadIdx.x] = a[threadIdx.x + k];  //!
        sum += buffer[k & 1][63 - threadIdx.x];
    }
    sums[threadIdx.x] = sum;
}
""",
        "if (k + 1 < steps) buffer[k & 1]",
        "if (k + 1 < steps) buffer[~k & 1]",
        grid=1,
        args=lambda: (zeros(80), out(64), 8),
    ),
    Fault(
        "two halves of a byte",
        "race",
        "nibbles",
        """
__global__ void f(unsigned char* nibbles, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    nibbles[i / 2] |= 9 << 4 * (i % 2);  //!
}
""",
        "nibbles[i / 2] |= 9 << 4 * (i % 2)",
        "if (i % 2 == 0) nibbles[i / 2] = 0x99",
        args=lambda: (zeros(50, dtype=np.uint8), 100),
    ),
)
