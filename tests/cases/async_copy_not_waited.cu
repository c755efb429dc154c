// k(f32[32], f32[32]) <<<1, 32>>>: not-waited in line 6
#include <cuda_pipeline.h>
__global__ void k(const float* x, float* y) {
    __shared__ float t[32];
    __pipeline_memcpy_async(&t[threadIdx.x], &x[threadIdx.x], 4); __pipeline_commit();
    y[threadIdx.x] = t[threadIdx.x];
}
