// Bitonic sort (Batcher 1968) of keys with their values, one block for each batch.
#include <assert.h>
#include <helper_cuda.h>
#include "sortingNetworks_common.h"
#include "sortingNetworks_common.cuh"

#define SHARED_SIZE_LIMIT 256U
typedef unsigned int uint;

__device__ inline void Comparator(uint &keyA, uint &valA, uint &keyB, uint &valB, uint dir)
{
    uint t;
    if ((keyA > keyB) == dir) {
        t = keyA; keyA = keyB; keyB = t;
        t = valA; valA = valB; valB = t;
    }
}

extern "C" __global__ void bitonicSortShared(uint *d_DstKey, uint *d_DstVal, const uint *d_SrcKey, const uint *d_SrcVal, uint dir)
{
    __shared__ uint s_key[SHARED_SIZE_LIMIT], s_val[SHARED_SIZE_LIMIT];
    const uint first = blockIdx.x * SHARED_SIZE_LIMIT + threadIdx.x, half = SHARED_SIZE_LIMIT / 2;
    s_key[threadIdx.x] = d_SrcKey[first];
    s_val[threadIdx.x] = d_SrcVal[first];
    s_key[threadIdx.x + half] = d_SrcKey[first + half];
    s_val[threadIdx.x + half] = d_SrcVal[first + half];

    for (uint size = 2; size <= SHARED_SIZE_LIMIT; size <<= 1) {
        const uint ddd = dir ^ ((threadIdx.x & (size / 2)) != 0 && size < SHARED_SIZE_LIMIT);
        for (uint stride = size / 2; stride > 0; stride >>= 1) {
            __syncthreads();
            uint pos = 2 * threadIdx.x - (threadIdx.x & (stride - 1));
            Comparator(s_key[pos], s_val[pos], s_key[pos + stride], s_val[pos + stride], ddd);
        }
    }
    __syncthreads();
    d_DstKey[first] = s_key[threadIdx.x];
    d_DstVal[first] = s_val[threadIdx.x];
    d_DstKey[first + half] = s_key[threadIdx.x + half];
    d_DstVal[first + half] = s_val[threadIdx.x + half];
}

extern "C" uint bitonicSort(uint *d_DstKey, uint *d_DstVal, uint *d_SrcKey, uint *d_SrcVal, uint batchSize, uint dir)
{
    assert(batchSize % 2 == 0);
    bitonicSortShared<<<batchSize, SHARED_SIZE_LIMIT / 2>>>(d_DstKey, d_DstVal, d_SrcKey, d_SrcVal, dir != 0);
    getLastCudaError("bitonicSortShared<<<>>> failed");
    return batchSize;
}
