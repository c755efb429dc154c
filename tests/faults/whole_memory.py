"""Accesses that go astray as people write them: whole texts with grids of two dimensions, templates, structs, helper functions,
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
)
