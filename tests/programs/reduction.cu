// Sum: each thread adds up many numbers, a warp by shuffles, the block's warps through shared memory.
#include <cub/cub.cuh>
#include <thrust/device_vector.h>
#include <nvtx3/nvToolsExt.h>

constexpr unsigned FULL_MASK = 0xffffffff;

__inline__ __device__ float warpReduceSum(float val)
{
    for (int offset = warpSize / 2; offset > 0; offset /= 2) val += __shfl_down_sync(FULL_MASK, val, offset);
    return val;
}

__inline__ __device__ float blockReduceSum(float val)
{
    static __shared__ float shared[32];
    int lane = threadIdx.x % warpSize, wid = threadIdx.x / warpSize;
    val = warpReduceSum(val);
    if (lane == 0) shared[wid] = val;
    __syncthreads();
    val = (threadIdx.x < blockDim.x / warpSize) ? shared[lane] : 0;
    if (wid == 0) val = warpReduceSum(val);
    return val;
}

__global__ void deviceReduceKernel(const float *in, float *out, int N)
{
    float sum = 0;
    const float4 *in4 = reinterpret_cast<const float4 *>(in);
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < N / 4; i += blockDim.x * gridDim.x) {
        float4 v = in4[i];
        sum += v.x + v.y + v.z + v.w;
    }
    if (blockIdx.x == 0 && threadIdx.x < N % 4) sum += in[N - 1 - threadIdx.x];
    sum = blockReduceSum(sum);
    if (threadIdx.x == 0) atomicAdd(out, sum);
}

float deviceReduce(thrust::device_vector<float> &v)
{
    nvtxRangePushA("reduce");
    thrust::device_vector<float> out(1);
    deviceReduceKernel<<<1024, 512>>>(v.data().get(), out.data().get(), v.size());
    size_t bytes = 0;
    cub::DeviceReduce::Sum(nullptr, bytes, v.begin(), out.begin(), v.size());
    return out[0];
}
