"""Races within a block and between blocks."""

from .fault import Fault

FAULTS = (
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
        "a shared pointer that all set",
        "same-value-race",
        "p",
        """
__shared__ float tile[64];
__shared__ float* p;
p = tile;  //!
__syncthreads();
p[t] = t;
x[i] = p[t];
""",
        "p = tile;",
        "if (t == 0) p = tile;",
    ),
    Fault(
        "a sum that every lane stores",
        "same-value-race",
        "sums",
        """
__shared__ float sums[2];
float v = t;
for (int d = 16; d; d /= 2) v += __shfl_xor_sync(0xffffffffu, v, d);
sums[t / 32] = v;  //!
__syncthreads();
x[i] = sums[t / 32];
""",
        "sums[t / 32] = v;",
        "if (t % 32 == 0) sums[t / 32] = v;",
    ),
    Fault(
        "a result that is stored again before all have read the last",
        "race",
        "s",
        """
__shared__ float s[2];
if (t % 32 == 0) s[t / 32] = t;
__syncthreads(); float top = s[0] + s[1];
if (t % 32 == 0) s[t / 32] = top - t;  //!
__syncthreads(); x[i] = s[0];
""",
        "if (t % 32 == 0) s[t / 32] = top - t;",
        "__syncthreads(); if (t % 32 == 0) s[t / 32] = top - t;",
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
        "two branches that store to one place",
        "race",
        "x",
        """
if (t < 32) x[0] = 1;  //!
else x[0] = 2;""",
        "x[0]",
        "x[i]",
    ),
    Fault(
        "what the next block changes, read first",
        "race",
        "x",
        """
const float sum = x[i] + (i + 1 < n ? x[i + 1] : 0);  //!
__syncthreads();
x[i] = sum;""",
        "i + 1 < n ?",
        "t < 63 ? ",
    ),
    Fault(
        "a counter that one block clears while another counts",
        "race",
        "x",
        """
int* count = (int*)x;
if (i == 0) *count = 0;
__syncthreads();
if (t == 0) atomicAdd(count, 1);  //!""",
        "if (i == 0) *count = 0;",
        "",
    ),
    Fault(
        "a fence before what it should tell",
        "race",
        "x",
        """
int* flag = (int*)x + 9;
if (i == 0) {
    __threadfence();
    x[0] = 7; ;
    atomicExch(flag, 1);
} else if (i == 64 && atomicAdd(flag, 0)) {
    x[1] = x[0];  //!
}""",
        "x[0] = 7; ;",
        "x[0] = 7; __threadfence();",
    ),
    Fault(
        "a flag for something else",
        "race",
        "x",
        """
int *flag = (int*)x + 9, *other = (int*)x + 10;
if (i == 0) {
    x[0] = 7;
    __threadfence();
    atomicExch(flag, 1);
} else if (i == 64) {
    atomicAdd(other, 1);
    x[1] = x[0];  //!
}""",
        "atomicAdd(other, 1);",
        "atomicAdd(flag, 1);",
    ),
    Fault(
        "a lock of one's own",
        "race",
        "x",
        """
int* lock = (int*)x + 9 + blockIdx.x;
if (t == 0) {
    while (atomicCAS(lock, 0, 1)) {}
    x[0] += 1;  //!
    __threadfence();
    atomicExch(lock, 0);
}""",
        "9 + blockIdx.x",
        "9",
    ),
    Fault(
        "a thread that tells what another did",
        "race",
        "x",
        """
int* flag = (int*)x + 9;
if (i == 1) x[0] = 7;
// all did
if (i == 0) {
    __threadfence();
    atomicExch(flag, 1);
} else if (i == 64 && atomicAdd(flag, 0)) {
    x[1] = x[0];  //!
}""",
        "// all did",
        "__syncthreads();",
    ),
    Fault(
        "bits of one byte",
        "race",
        "x",
        """
struct Halves { unsigned low : 4, high : 4; };
Halves* byte = (Halves*)x;
if (i == 0) byte->low = 3;
if (i == 1) byte->high = 3;  //!""",
        "if (i == 1) byte->high",
        "if (i == 0) byte->high",
    ),
    Fault(
        "a constant beside what is none",
        "race",
        "x",
        """
x[70] = t, x[71] = 3;  //!""",
        "x[70] = t",
        "x[i] = t",
        grid=1,
    ),
    Fault(
        "rows of twelve bytes, four apart",
        "race",
        "x",
        """
char* bytes = (char*)x;
__builtin_memcpy(bytes + 4 * t, &n, 4); __builtin_memset(bytes + 4 * t, t, 12);  //!""",
        "t, 12)",
        "t, 4)",
        grid=1,
    ),
    Fault(
        "volatile is no order",
        "race",
        "x",
        """
volatile float* sum = x;
if (t == 0) sum[0] = sum[0] + 1;  //!""",
        "sum[0] = sum[0] + 1",
        "sum[blockIdx.x] = sum[blockIdx.x] + 1",
    ),
    Fault(
        "volatile beside an atomic",
        "race",
        "x",
        """
volatile int* state = (volatile int*)x;
if (i == 0) atomicExch((int*)x, 1);
if (i == 64) state[0] = 2;  //!""",
        "state[0]",
        "state[1]",
    ),
    Fault(
        "a flag that is read too soon",
        "race",
        "x",
        """
x[0] = 1;
x[64 + t] = x[t / 64];  //!""",
        "x[0] = 1;",
        "x[0] = 1; __syncthreads();",
        grid=1,
    ),
)
