// Histogram: private bins of each block in shared memory, added to the others' by atomics.
#include <cstdio>
#include <cstdlib>
#include <cuda_runtime.h>

typedef unsigned int uint;
typedef unsigned char uchar;
enum { BINS = 256 };

static uint *d_Histogram = NULL;
static cudaStream_t stream;

__global__ void histogram256(uint *bins, const uchar4 *data, int count)
{
    __shared__ uint s_Hist[BINS];
    for (int i = threadIdx.x; i < BINS; i += blockDim.x) s_Hist[i] = 0;
    __syncthreads();

    for (int pos = blockIdx.x * blockDim.x + threadIdx.x; pos < count; pos += blockDim.x * gridDim.x) {
        uchar4 four = data[pos];
        atomicAdd(&s_Hist[four.x], 1u);
        atomicAdd(s_Hist + four.y, 1u);
        atomicAdd(s_Hist + four.z, 1u);
        atomicAdd(s_Hist + four.w, 1u);
    }
    __syncthreads();
    for (int i = threadIdx.x; i < BINS; i += blockDim.x)
        if (s_Hist[i]) atomicAdd(&bins[i], s_Hist[i]);
}

extern "C" void initHistogram256(void)
{
    checkCudaErrors(cudaMalloc((void **)&d_Histogram, BINS * sizeof(uint)));
}

extern "C" void runHistogram(uint *h_Histogram, void *d_Data, uint byteCount)
{
    histogram256<<<240, 192, 0, stream>>>(d_Histogram, (uchar4 *)d_Data, byteCount / 4);
    checkCudaErrors(cudaMemcpyAsync(h_Histogram, d_Histogram, BINS * 4, cudaMemcpyDeviceToHost, stream));
}
