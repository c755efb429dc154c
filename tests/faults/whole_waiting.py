"""Barriers, masks, waits and faults as people write them: whole texts with grids of two dimensions, templates, structs,
helper functions, cooperative groups and variables outside of any kernel."""

import numpy as np

from .fault import Fault, out, zeros

FAULTS = (
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
