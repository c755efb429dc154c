"""Kernels with one planted fault each, and what repairs it."""

from dataclasses import dataclass

import numpy as np

import minigan as mg
from minigan import emulator


@dataclass(frozen=True)
class Fault:
    """A kernel `f(float* x, int n)` with a fault in the line marked //!, and what repairs it."""

    name: str
    kind: str
    array: str | None
    body: str
    wrong: str
    right: str
    block: object = 64
    grid: object = 2
    length: int = 128
    n: int = 128
    shared: int = 0
    output: bool = False

    def text(self, body):
        head = "const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;"
        return f"__global__ void f(float* x, int n) {{\n{head}\n{body}\n}}"

    @property
    def line(self):
        return next(number for number, line in enumerate(self.text(self.body).splitlines(), 1) if "//!" in line)

    def report(self, body, order):
        """What the sanitizer finds in this body."""
        x = np.zeros(self.length, np.float32)
        args = (mg.out(x) if self.output else x, self.n)
        kernel = mg.kernel(source=self.text(body), name="f")
        return emulator.check(kernel, self.grid, self.block, args, self.shared, order, seed=3)


FAULTS = (
    Fault("write guard off by one", "out-of-bounds", "x", "if (i <= n) x[i] = 1;  //!", "<=", "<", length=100, n=100),
    Fault("no guard", "out-of-bounds", "x", "if (i < n) x[i] = 1;  //!", "if (i < n) ", "if (i < 100) ", length=100),
    Fault(
        "negative index",
        "out-of-bounds",
        "x",
        """
float l = x[i - 1]; //!
__syncthreads();
x[i] = l;
""",
        "x[i - 1]",
        "x[i]",
        grid=1,
    ),
    Fault("far away", "out-of-bounds", "x", "x[i + 5000000000l] = 1;  //!", "+ 5000000000l", ""),
    Fault(
        "null",
        "out-of-bounds",
        None,
        """
float* p = 0;
if (i == 7) *p = 1;  //!
""",
        "p = 0",
        "p = x",
    ),
    Fault(
        "behind a shared array",
        "out-of-bounds",
        "s",
        """
__shared__ float s[64], t2[64];
s[t] = t2[t] = i;
if (t == 63) s[t + 1] = 0;  //!
__syncthreads();
x[i] = s[t] + t2[t];
""",
        "t + 1",
        "t",
    ),
    Fault(
        "before a shared array",
        "out-of-bounds",
        "s",
        """
__shared__ float before[64], s[64];
before[t] = s[t] = 0;
__syncthreads();
x[i] = s[t - 1] + before[t];  //!
""",
        "t - 1",
        "63 - t",
    ),
    Fault(
        "too little dynamic memory",
        "out-of-bounds",
        "d",
        """
extern __shared__ float d[];
if (t > 63) return;
d[t] = i;  //!
x[i] = d[t];
""",
        "t > 63",
        "t > 62",
        shared=255,
    ),
    Fault("last byte outside", "out-of-bounds", "x", "((char*)x)[4 * i + 4] = 1;  //!", "+ 4", "+ 3"),
    Fault(
        "float4 beyond the end",
        "out-of-bounds",
        "x",
        "if (i < n / 4 + 1) ((float4*)x)[i] = make_float4(1, 2, 3, 4);  //!",
        "+ 1",
        "",
        length=99,
        n=99,
    ),
    Fault(
        "barrier dropped",
        "race",
        "s",
        """
__shared__ float s[64];
s[t] = i;
x[i] = s[63 - t];  //!
""",
        "s[t] = i;",
        "s[t] = i; __syncthreads();",
    ),
    Fault(
        "second barrier dropped",
        "race",
        "s",
        """
__shared__ float s[64];
float sum = 0;
for (int k = 0; k < 4; ++k) {
    s[t] = i + k;  //!
    __syncthreads();
    sum += s[63 - t];
}
x[i] = sum;
""",
        "sum += s[63 - t];",
        "sum += s[63 - t]; __syncthreads();",
    ),
    Fault(
        "reduction in place",
        "race",
        "s",
        """
__shared__ float s[64];
s[t] = t;
__syncthreads();
for (int stride = 32; stride > 0; stride /= 2) {
    if (t < stride) s[t] += s[t + stride];  //!
}
if (t == 0) x[blockIdx.x] = s[0];
""",
        "stride];",
        "stride];\n__syncthreads();",
    ),
    Fault(
        "all write one",
        "race",
        "s",
        """
__shared__ int s;
s = t;  //!
__syncthreads();
x[i] = s;
""",
        "s = t",
        "if (t == 5) s = t",
    ),
    Fault(
        "counter without atomic",
        "race",
        "s",
        """
__shared__ int s;
if (t == 0) s = 0;
__syncthreads();
s += 1;  //!
__syncthreads();
x[i] = s;
""",
        "s += 1",
        "atomicAdd(&s, 1)",
    ),
    Fault(
        "atomic against plain",
        "race",
        "s",
        """
__shared__ int s;
if (t == 0) s = 0;
__syncthreads();
atomicAdd(&s, 1);
if (t == 9) x[i] = s;  //!
""",
        "atomicAdd(&s, 1);",
        "atomicAdd(&s, 1); __syncthreads();",
    ),
    Fault(
        "in global memory",
        "race",
        "x",
        """
if (blockIdx.x) return;
x[t] = t;
x[64 + t] = x[63 - t];  //!
""",
        "x[t] = t;",
        "x[t] = t; __syncthreads();",
    ),
    Fault(
        "lanes in step",
        "race",
        "s",
        """
__shared__ float s[64];
s[t] = i;
x[i] = s[t ^ 1];  //!
""",
        "s[t] = i;",
        "s[t] = i; __syncwarp();",
    ),
    Fault(
        "syncwarp across warps",
        "race",
        "s",
        """
__shared__ float s[64];
s[t] = i;
__syncwarp();
x[i] = s[t ^ 32];  //!
""",
        "t ^ 32",
        "t ^ 31",
    ),
    Fault(
        "syncwarp of half a warp",
        "race",
        "s",
        """
__shared__ float s[64];
s[t] = i;
if (t % 32 < 16) __syncwarp(0xffffu); else __syncwarp(0xffff0000u);
x[i] = s[t ^ 16];  //!
""",
        "t ^ 16",
        "t ^ 15",
    ),
    Fault(
        "bytes of one word",
        "race",
        "s",
        """
__shared__ unsigned char s[64];
s[t] = 1;
x[i] = s[t / 2 * 2];  //!
""",
        "t / 2 * 2",
        "t",
    ),
    Fault(
        "shared memory not written",
        "uninitialised",
        "s",
        """
__shared__ float s[64];
if (t > 0) s[t] = 1;
__syncthreads();
x[i] = s[t];  //!
""",
        "t > 0",
        "t >= 0",
    ),
    Fault(
        "of the block before",
        "uninitialised",
        "s",
        """
__shared__ float s[64];
if (blockIdx.x == 0) s[t] = 1;
__syncthreads();
x[i] = s[t];  //!
""",
        "blockIdx.x == 0",
        "true",
    ),
    Fault("accumulator not cleared", "uninitialised", "x", "x[i] += 1;  //!", "+=", "=", output=True),
    Fault(
        "barrier in a branch",
        "divergent-barrier",
        None,
        """
if (t < 40)
    __syncthreads();  //!
x[i] = 1;
""",
        "t < 40",
        "true",
    ),
    Fault(
        "two barriers",
        "divergent-barrier",
        None,
        """
if (t < 40)
    __syncthreads();  //!
else
    __syncthreads();
x[i] = 1;
""",
        "if (t < 40)",
        "if (blockIdx.x)",
    ),
    Fault(
        "early return",
        "divergent-barrier",
        None,
        """
if (i >= n) return;
x[i] = 1;
__syncthreads();  //!
""",
        "i >= n",
        "n == 0",
        n=100,
    ),
    Fault(
        "a lane that never comes",
        "deadlock",
        None,
        """
if (t % 32 == 3) __syncthreads();
else x[i] = __shfl_sync(0xffffffffu, t, 3);
""",
        "if (t % 32 == 3) __syncthreads();\nelse ",
        "",
    ),
    Fault(
        "a float4 at any float",
        "misaligned",
        "x",
        "if (t < 32) *(float4*)(x + t) = make_float4(1, 2, 3, 4);  //!",
        "x + t)",
        "x + 4 * t)",
        grid=1,
    ),
    Fault(
        "rows of 33 floats by twos",
        "misaligned",
        "s",
        """
__shared__ float s[8 * 34];
float2* row = (float2*)(s + t / 8 * 33);
row[t % 8] = make_float2(t, t);  //!
__syncthreads();
x[i] = s[t / 8 * 34 + t % 8];""",
        "* 33",
        "* 34",
    ),
    Fault(
        "a double behind a float",
        "misaligned",
        "x",
        "if (i == 0) *(double*)(x + 1) = 2;  //!",
        "x + 1",
        "x + 2",
    ),
    Fault(
        "a count of 64 bits behind an int",
        "misaligned",
        "x",
        "atomicAdd((unsigned long long*)(x + 3), 1ull);  //!",
        "x + 3",
        "x + 4",
    ),
    Fault(
        "a neighbour block's element",
        "race",
        "x",
        """
x[i] = i;
__syncthreads();
const float other = x[(i + 64) % n];  //!
__syncthreads();
if (other < 0) x[i] = 0;""",
        "(i + 64) % n",
        "i ^ 1",
    ),
    Fault(
        "every block's own result in one place",
        "race",
        "x",
        "if (t == 0) x[0] = blockIdx.x;  //!",
        "x[0]",
        "x[blockIdx.x]",
    ),
    Fault(
        "the last block without a fence",
        "race",
        "x",
        """
__shared__ bool last;
if (t == 0) {
    x[blockIdx.x] = t + 1;
    ;
    last = atomicAdd((int*)x + 100, 1) == gridDim.x - 1;
}
__syncthreads();
if (last && t < gridDim.x) x[50 + t] = x[t];  //!""",
        "\n    ;\n",
        "\n    __threadfence();\n",
    ),
    Fault(
        "a sum that is read while others add",
        "race",
        "x",
        """
if (t == 0) atomicAdd(&x[0], 1.0f);
if (t == 0 && x[0] > 1) x[9] = 1;  //!""",
        "x[0] > 1",
        "atomicAdd(&x[0], 0.0f) > 1",
    ),
    Fault(
        "a shuffle from a lane that has returned",
        "missing-lane",
        None,
        """
if (t % 32 >= 16) return;
const float above = __shfl_down_sync(0xffffffffu, t, 16);  //!
x[i] = above;""",
        "t, 16)",
        "t, 16, 16)",
    ),
    Fault(
        "a mask that leaves out the source",
        "missing-lane",
        None,
        """
if (t % 32 < 8) {
    const float first = __shfl_sync(0xffu, t, 8);  //!
    x[i] = first;
}""",
        "t, 8)",
        "t, 7)",
    ),
    Fault(
        "a warp that is not full",
        "missing-lane",
        None,
        """
float sum = 1;
for (int d = 16; d; d /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, d);  //!
if (t < n) x[i] = sum;""",
        "d = 16",
        "d = 8",
        block=48,
    ),
)

# Kernels without a fault, in which a sanitizer that is too eager might see one.
INNOCENT = {
    "one thread adds up in a loop": """
        __shared__ int s;
        if (t == 0) s = 0;
        for (int k = 0; k < n; ++k) if (t == 0) s += k;
        __syncthreads();
        x[i] = s;""",
    "one thread reads back in a loop": """
        __shared__ int s[4];
        if (t == 0) s[0] = 5;
        for (int k = 0; k < n; ++k) if (t == 0) x[blockIdx.x * 64 + k % 64] = s[0] * k;""",
    "a struct with gaps": """
        struct Gaps { char c; int i; short h; };
        __shared__ Gaps s[64];
        s[t].c = 1, s[t].i = 2, s[t].h = 3;
        __syncthreads();
        Gaps g = s[63 - t];
        x[i] = g.c + g.i + g.h;""",
    "atomicExch as the first write": """
        __shared__ int s;
        if (t == 0) atomicExch(&s, 3);
        __syncthreads();
        x[i] = s;""",
    "static __shared__": """
        static __shared__ float s[64];
        s[t] = i;
        __syncthreads();
        x[i] = s[63 - t];""",
    "bytes side by side": """
        __shared__ char s[64];
        s[t] = t;
        x[i] = s[t];""",
    "a tree of warps": """
        __shared__ volatile float s[64];
        s[t] = t;
        __syncthreads();
        if (t < 32)
            for (int d = 32; d > 0; d /= 2) {
                float other = s[t + d];
                __syncwarp();
                s[t] = s[t] + other;
                __syncwarp();
            }
        if (t == 0) x[blockIdx.x] = s[0];""",
    "a double by atomicCAS": """
        double* sum = (double*)x;
        unsigned long long *p = (unsigned long long*)sum, old = *p, assumed;
        do {
            assumed = old;
            double next = *(double*)&assumed + 1.0;
            old = atomicCAS(p, assumed, *(unsigned long long*)&next);
        } while (old != assumed);""",
    "counted by atomics": """
        __shared__ unsigned count;
        if (t == 0) count = 0;
        __syncthreads();
        atomicInc(&count, 1000u);
        atomicAdd(&x[t % 3], 0.5f);
        __syncthreads();
        if (t == 0) x[64 * blockIdx.x + 5] = count;""",
    "a flag that all set": """
        __shared__ bool any;
        if (t == 0) any = false;
        __syncthreads();
        if (i % 3 == 0) any = true;
        if (i % 7 == 0) x[0] = 1;
        __syncthreads();
        if (i > 0) x[i] = any;""",
    "a lock": """
        if (t == 0) {
            int* lock = (int*)x + 100;
            while (atomicCAS(lock, 0, 1)) {}
            x[3] += 1;
            __threadfence();
            atomicExch(lock, 0);
        }""",
    "a chain of blocks": """
        volatile int* done = (volatile int*)x + 100;
        if (t == 0) {
            while (blockIdx.x && !done[blockIdx.x - 1]) {}
            x[0] += 1;
            __threadfence();
            done[blockIdx.x] = 1;
        }""",
}
