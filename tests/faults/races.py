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
)
