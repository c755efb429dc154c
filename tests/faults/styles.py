"""The same faults as people write them: whole texts with grids of two dimensions, templates, structs, helper functions,
vectors, cooperative groups and variables outside of any kernel."""

import numpy as np

from .fault import Fault, out, zeros

FAULTS = (
    Fault(
        "width and height confused",
        "out-of-bounds",
        "image",
        """
extern "C" __global__ void f(unsigned char* image, int width, int height)
{
    int col = blockIdx.x * blockDim.x + threadIdx.x;
    int row = blockIdx.y * blockDim.y + threadIdx.y;
    if (row < width && col < height) {
        image[row * width + col] = 255;  //!
    }
}
""",
        "row < width && col < height",
        "row < height && col < width",
        (16, 16),
        (2, 2),
        args=lambda: (zeros(23 * 17, dtype=np.uint8), 23, 17),
    ),
    Fault(
        "a halo at the edge",
        "out-of-bounds",
        "in",
        """
#define RADIUS 3
__global__ void f(const int *in, int *out, int n) {
    __shared__ int temp[64 + 2 * RADIUS];
    int gindex = threadIdx.x + blockIdx.x * blockDim.x;
    int lindex = threadIdx.x + RADIUS;
    temp[lindex] = in[gindex];
    if (threadIdx.x < RADIUS) {
        temp[lindex - RADIUS] = gindex >= 0 ? in[gindex - RADIUS] : 0;  //!
        temp[lindex + 64] = gindex + 64 < n ? in[gindex + 64] : 0;
    }
    __syncthreads();
    int result = 0;
    for (int offset = -RADIUS; offset <= RADIUS; offset++) result += temp[lindex + offset];
    out[gindex] = result;
}
""",
        "gindex >= 0",
        "gindex >= RADIUS",
        args=lambda: (zeros(128, dtype=np.int32), out(128, dtype=np.int32), 128),
    ),
    Fault(
        "one particle too many",
        "out-of-bounds",
        "p",
        """
struct Particle { float3 position, velocity; float mass; };
__device__ void push(Particle& it, float dt) {
    it.position.x += dt * it.velocity.x;  //!
}
__global__ void f(float* p, int count) {
    for (int i = threadIdx.x; i <= count; i += blockDim.x) push(reinterpret_cast<Particle*>(p)[i], 0.5f);
}
""",
        "i <= count",
        "i < count",
        grid=1,
        args=lambda: (zeros(100, 7), 100),
    ),
    Fault(
        "a column beyond a tile of a template",
        "out-of-bounds",
        "tile",
        """
template <typename T, int TILE>
__device__ T corner(const T* in, int shift)
{
    __shared__ T tile[TILE][TILE];
    tile[threadIdx.y][threadIdx.x] = in[threadIdx.y * TILE + threadIdx.x];
    __syncthreads();
    return tile[TILE - 1][threadIdx.x + shift];  //!
}
__global__ void f(const float* in, float* out)
{
    out[threadIdx.y * 8 + threadIdx.x] = corner<float, 8>(in, 1);
}
""",
        "(in, 1)",
        "(in, 0)",
        (8, 8),
        1,
        args=lambda: (zeros(64), out(64)),
    ),
    Fault(
        "a class that the table has not",
        "out-of-bounds",
        "palette",
        """
__constant__ float palette[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
__global__ void f(const int* label, float* colour) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    colour[i] = palette[label[i] + i % 11];  //!
}
""",
        "% 11",
        "% 10",
        args=lambda: (zeros(128, dtype=np.int32), out(128)),
    ),
    Fault(
        "an unsigned index below nought",
        "out-of-bounds",
        "a",
        """
__global__ void f(double* a, unsigned n) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        unsigned left = i - 1;
        double mean = (a[left] + a[i]) / 2;  //!
        if (mean > 1) a[i] = mean;
    }
}
""",
        "i - 1",
        "i ? i - 1 : 0",
        grid=1,
        args=lambda: (zeros(64, dtype=np.float64), 64),
    ),
    Fault(
        "a histogram's last bin",
        "out-of-bounds",
        "bins",
        """
__global__ void f(const unsigned char* data, unsigned int* bins, int n) {
    const int stride = blockDim.x * gridDim.x;
    for (int i = threadIdx.x + blockIdx.x * blockDim.x; i < n; i += stride)
        atomicAdd(&bins[data[i] / 25], 1u);  //!
}
""",
        "/ 25",
        "/ 26",
        args=lambda: (np.arange(256, dtype=np.uint8), zeros(10, dtype=np.uint32), 256),
    ),
    Fault(
        "four bytes where one is left",
        "out-of-bounds",
        "bytes",
        """
__global__ void f(unsigned char* bytes, int n) {
    int i = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n) *(uchar4*)&bytes[i] = make_uchar4(1, 2, 3, 4);  //!
}
""",
        "i < n",
        "i + 3 < n",
        args=lambda: (zeros(101, dtype=np.uint8), 101),
    ),
    Fault(
        "more shared memory than was asked for",
        "out-of-bounds",
        "buffer",
        """
extern __shared__ char buffer[];
__global__ void f(const float* in, float* out, int n) {
    float* values = (float*)buffer;
    int* counts = (int*)(values + blockDim.x);
    values[threadIdx.x] = in[threadIdx.x];
    counts[threadIdx.x] = n;  //!
    __syncthreads();
    out[threadIdx.x] = values[n - 1 - threadIdx.x] * counts[threadIdx.x];
}
""",
        "int* counts = (int*)",
        "unsigned char* counts = (unsigned char*)",
        grid=1,
        shared=500,
        args=lambda: (zeros(64), out(64), 64),
    ),
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
    Fault(
        "dynamic sums that are never cleared",
        "uninitialised",
        "sums",
        """
extern __shared__ float sums[];
__global__ void f(const float* x, float* y, int n) {
    // sums[threadIdx.x] = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) sums[threadIdx.x] += x[i];  //!
    y[threadIdx.x] = sums[threadIdx.x];
}
""",
        "// sums",
        "sums",
        32,
        1,
        shared=128,
        args=lambda: (zeros(100), out(32), 100),
    ),
    Fault(
        "the border of a tile that nobody fills",
        "uninitialised",
        "tile",
        """
__global__ void f(const float* in, float* out, int n) {
    __shared__ float tile[66];
    const int t = threadIdx.x + 1, i = blockIdx.x * blockDim.x + threadIdx.x;
    tile[t] = i < n ? in[i] : 0.f;
    if (threadIdx.x == 0) tile[0] = 0.f;
    if (threadIdx.x == 0) tile[65] = 0.f;
    __syncthreads();
    if (i < n) out[i] = tile[t - 1] + tile[t + 1];  //!
}
""",
        "tile[65]",
        "tile[64]",
        63,
        1,
        args=lambda: (zeros(63), out(63), 63),
    ),
    Fault(
        "a tail that adds what only the guarded wrote",
        "uninitialised",
        "cache",
        """
#define THREADS 64
__global__ void f(const int* a, int* total, int n)
{
    __shared__ int cache[THREADS];
    if (threadIdx.x < n) cache[threadIdx.x] = a[threadIdx.x];
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half >>= 1) {
        if (threadIdx.x < half) cache[threadIdx.x] += cache[threadIdx.x + half];  //!
        __syncthreads();
    }
    if (threadIdx.x == 0) *total = cache[0];
}
""",
        "if (threadIdx.x < n) cache[threadIdx.x] = a[threadIdx.x];",
        "cache[threadIdx.x] = threadIdx.x < n ? a[threadIdx.x] : 0;",
        grid=1,
        args=lambda: (zeros(50, dtype=np.int32), out(1, dtype=np.int32), 50),
    ),
    Fault(
        "a second pass over more than the first wrote",
        "uninitialised",
        "y",
        """
__global__ void f(const double* x, double* y, int n) {
    for (int i = threadIdx.x; i < n - 1; i += blockDim.x) y[i] = x[i + 1] - x[i];
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += blockDim.x) y[i] *= 0.5;  //!
}
""",
        "i < n; i += blockDim.x) y[i] *=",
        "i < n - 1; i += blockDim.x) y[i] *=",
        grid=1,
        args=lambda: (zeros(100, dtype=np.float64), out(100, dtype=np.float64), 100),
    ),
    Fault(
        "a barrier in a loop of uneven length",
        "divergent-barrier",
        None,
        """
__global__ void f(float* a, int n) {
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        a[i] = i;
        __syncthreads();  //!
    }
}
""",
        "        __syncthreads();  //!\n    }\n",
        "    }\n    __syncthreads();\n",
        grid=1,
        args=lambda: (zeros(100), 100),
    ),
    Fault(
        "a barrier in one case of a switch",
        "divergent-barrier",
        None,
        """
__device__ void wait() { __syncthreads(); }  //!
__global__ void f(int* a) {
    switch (threadIdx.x / 32) {
        case 0: a[threadIdx.x] = 1; break;
        default: a[threadIdx.x] = 2; wait();
    }
}
""",
        "case 0: a[threadIdx.x] = 1;",
        "case 0: a[threadIdx.x] = 1; wait();",
        grid=1,
        args=lambda: (zeros(64, dtype=np.int32),),
    ),
    Fault(
        "a vote that not all take part in",
        "divergent-barrier",
        None,
        """
__global__ void f(const int* a, int* count, int n) {
    int i = threadIdx.x;
    if (i >= n) return;
    int c = __syncthreads_count(a[i] == 0);  //!
    if (i == 0) *count = c;
}
""",
        "    if (i >= n) return;\n    int c = __syncthreads_count(a[i] == 0);",
        "    int c = __syncthreads_count(i < n && a[i] == 0);",
        grid=1,
        args=lambda: (zeros(50, dtype=np.int32), out(1, dtype=np.int32), 50),
    ),
    Fault(
        "a group's barrier in a branch",
        "divergent-barrier",
        None,
        """
#include <cooperative_groups.h>
using namespace cooperative_groups;
__global__ void f(float* x) {
    thread_block g = this_thread_block();
    if (g.thread_rank() < 48) {
        x[g.thread_rank()] = 1;
        g.sync();  //!
    }
}
""",
        "< 48",
        "< 64",
        grid=1,
        args=lambda: (zeros(64),),
    ),
    Fault(
        "a double at any byte",
        "misaligned",
        "packet",
        """
__global__ void f(unsigned char* packet, double* value) {
    *value = *(const double*)(packet + 4);  //!
}
""",
        "packet + 4",
        "packet + 8",
        1,
        1,
        args=lambda: (zeros(64, dtype=np.uint8), out(1, dtype=np.float64)),
    ),
    Fault(
        "rows of seven by vectors of four",
        "misaligned",
        "m",
        """
__global__ void f(int* m, int rows, int pitch) {
    if (threadIdx.x < rows) {
        int4* row = reinterpret_cast<int4*>(m + threadIdx.x * pitch);
        row[0] = make_int4(1, 2, 3, 4);  //!
    }
}
""",
        "threadIdx.x * pitch",
        "threadIdx.x * (pitch + 1)",
        grid=1,
        args=lambda: (zeros(100, dtype=np.int32), 10, 7),
    ),
    Fault(
        "an odd short",
        "misaligned",
        "text",
        """
__global__ void f(char* text) { *(short*)(text + threadIdx.x) = 7; }  //!
""",
        "text + threadIdx.x",
        "text + 2 * threadIdx.x",
        32,
        1,
        args=lambda: (zeros(64, dtype=np.int8),),
    ),
    Fault(
        "a warp's sum of a tail",
        "missing-lane",
        None,
        """
__inline__ __device__ int warpReduceSum(int val) {
    for (int offset = warpSize / 2; offset > 0; offset /= 2)
        val += __shfl_down_sync(0xffffffff, val, offset);  //!
    return val;
}
__global__ void f(const int* in, int* out, int n) {
    int i = threadIdx.x;
    if (i < n) {
        int sum = warpReduceSum(in[i]);
        if (i == 0) *out = sum;
    }
}
""",
        """    if (i < n) {
        int sum = warpReduceSum(in[i]);
        if (i == 0) *out = sum;
    }""",
        """    int sum = warpReduceSum(i < n ? in[i] : 0);
    if (i == 0) *out = sum;""",
        32,
        1,
        args=lambda: (zeros(20, dtype=np.int32), out(1, dtype=np.int32), 20),
    ),
    Fault(
        "a broadcast by a lane that stayed away",
        "missing-lane",
        None,
        """
#include <cooperative_groups.h>
namespace cg = cooperative_groups;
__global__ void f(int* x) {
    auto four = cg::tiled_partition<4>(cg::this_thread_block());
    if (four.thread_rank() == 0) return;
    x[threadIdx.x] = four.shfl(int(threadIdx.x), 0);  //!
}
""",
        "if (four.thread_rank() == 0) return;",
        "",
        grid=1,
        args=lambda: (zeros(64, dtype=np.int32),),
    ),
    Fault(
        "a mask without oneself",
        "bad-mask",
        None,
        """
__global__ void f(int* x) {
    unsigned mask = __ballot_sync(0xffffffffu, threadIdx.x % 2);
    if (threadIdx.x % 2 == 0) __syncwarp(~mask >> 1);  //!
    x[threadIdx.x] = mask;
}
""",
        "~mask >> 1",
        "~mask",
        32,
        1,
        args=lambda: (zeros(32, dtype=np.int32),),
    ),
    Fault(
        "half a warp's mask for the whole",
        "bad-mask",
        None,
        """
__global__ void f(const float* x, int* any) {
    int found = __any_sync(0x0000ffff, x[threadIdx.x] > 0);  //!
    if (threadIdx.x == 0) *any = found;
}
""",
        "0x0000ffff",
        "0xffffffff",
        32,
        1,
        args=lambda: (zeros(32), out(1, dtype=np.int32)),
    ),
    Fault(
        "masks that lanes do not agree on",
        "bad-mask",
        None,
        """
__global__ void f(int* x) {
    unsigned mask = threadIdx.x < 16 ? 0x0001ffffu : 0xffff8000u;
    x[threadIdx.x] = __ballot_sync(mask, 1);  //!
}
""",
        "0x0001ffffu : 0xffff8000u",
        "0x0000ffffu : 0xffff0000u",
        32,
        1,
        args=lambda: (zeros(32, dtype=np.int32),),
    ),
    Fault(
        "one lane at the block's barrier, the rest at the warp's",
        "deadlock",
        None,
        """
__global__ void f(int* x) {
    if (threadIdx.x == 0) __syncthreads();
    else __syncwarp();
    x[threadIdx.x] = 1;
}
""",
        "if (threadIdx.x == 0) __syncthreads();\n    else __syncwarp();",
        "__syncthreads();\n    __syncwarp();",
        grid=1,
        args=lambda: (zeros(64, dtype=np.int32),),
    ),
    Fault(
        "a tile that waits for lanes at the block's barrier",
        "deadlock",
        None,
        """
#include <cooperative_groups.h>
__global__ void f(int* x) {
    auto block = cooperative_groups::this_thread_block();
    auto tile = cooperative_groups::tiled_partition<16>(block);
    if (tile.thread_rank() < 8) tile.sync();
    else block.sync();
    x[threadIdx.x] = 1;
}
""",
        "if (tile.thread_rank() < 8) tile.sync();\n    else block.sync();",
        "tile.sync();\n    block.sync();",
        grid=1,
        args=lambda: (zeros(64, dtype=np.int32),),
    ),
    Fault(
        "a search that never ends",
        "fault",
        None,
        """
__global__ void f(const int* next, int* end, int start) {
    int at = start;
    while (next[at] != at) at = next[at];  //!
    *end = at;
}
""",
        "next[at] != at)",
        "next[at] > at)",
        1,
        1,
        args=lambda: (np.array([1, 2, 0], np.int32), out(1, dtype=np.int32), 1),
    ),
    Fault(
        "a flag that is set behind the barrier",
        "fault",
        None,
        """
__global__ void f(volatile int* flag) {
    if (threadIdx.x == 0) {
        while (*flag == 0) {}  //!
    }
    __syncthreads();
    if (threadIdx.x == 1) *flag = 1;
}
""",
        """    __syncthreads();
    if (threadIdx.x == 1) *flag = 1;""",
        """    if (threadIdx.x == 1) *flag = 1;
    __syncthreads();""",
        grid=1,
        args=lambda: (zeros(1, dtype=np.int32),),
    ),
    Fault(
        "a remainder by nothing",
        "fault",
        None,
        """
__global__ void f(int* x, int columns) {
    int row = threadIdx.x / columns, column = threadIdx.x % columns;  //!
    x[row + column] = 1;
}
""",
        "int columns) {",
        "int columns) {\n    if (!columns) return;",
        1,
        1,
        args=lambda: (zeros(8, dtype=np.int32), 0),
    ),
    Fault(
        "an assertion",
        "fault",
        None,
        """
#include <assert.h>
__global__ void f(float* x, int n) {
    x[threadIdx.x] = n;
    assert(n % 4 == 0);  //!
}
""",
        "n % 4 == 0",
        "n % 2 == 0",
        1,
        1,
        args=lambda: (zeros(8), 6),
    ),
)
