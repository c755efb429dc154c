"""Accesses that go astray: out of bounds, misaligned, to what nothing has written."""

import numpy as np

from .fault import Fault, out

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
        "null-pointer",
        None,
        """
float* p = n ? (float*)(long long)(n - 128) : x;
if (i == 7) *p = 1;  //!
""",
        "n ?",
        "!n ?",
    ),
    Fault(
        "behind constants",
        "out-of-bounds",
        "table",
        """
__device__ const float table[3] = {1, 2, 3};
__global__ void f(float* x) {
    const float* weights = table;
    x[threadIdx.x] = weights[threadIdx.x % 4];  //!
}
""",
        "% 4",
        "% 3",
        grid=1,
        args=lambda: (out(64),),
    ),
    Fault(
        "behind constants, by their name",
        "out-of-bounds",
        None,
        """
static const int table[2] = {4, 5};
__global__ void f(int* x) {
    x[threadIdx.x] = table[threadIdx.x % 3];  //!
}
""",
        "% 3",
        "% 2",
        grid=1,
        args=lambda: (out(64, dtype=np.int32),),
    ),
    Fault(
        "a write to what is const",
        "write-to-constant",
        "table",
        """
template <class T> struct Of { static constexpr T table[3] = {1, 2, 3}; };
__global__ void f(float* x) {
    const float* table = Of<float>::table;
    if (threadIdx.x == 3) const_cast<float*>(table)[2] = 1;  //!
    x[threadIdx.x] = table[threadIdx.x % 3];
}
""",
        "    if (threadIdx.x == 3) const_cast<float*>(table)[2] = 1;",
        "",
        grid=1,
        args=lambda: (out(64),),
    ),
    Fault(
        "a write to constants",
        "write-to-constant",
        "table",
        """
__constant__ float table[32];
__global__ void f(float* x) {
    if (threadIdx.x == 3) table[threadIdx.x] = 1;  //!
    x[threadIdx.x] = table[threadIdx.x % 32];
}
""",
        "    if (threadIdx.x == 3) table[threadIdx.x] = 1;",
        "",
        grid=1,
        args=lambda: (out(64),),
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
        "beyond a thread's own array",
        "out-of-bounds",
        None,
        """
float mine[4] = {0, 1, 2, 3};
mine[n % 128 + t % 5] = 7;  //!
x[i] = mine[t % 4];""",
        "t % 5",
        "t % 4",
    ),
    Fault(
        "the second result of a function",
        "out-of-bounds",
        "x",
        "if (i < 63) sincospif(0.5f, &x[i], &x[66 + i]);  //!",
        "66 + i",
        "65 + i",
    ),
)
