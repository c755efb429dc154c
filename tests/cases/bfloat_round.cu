// k(f32[64], u16[64]) <<<1, 64>>>: clean
#include <cuda_bf16.h>
__global__ void k(const float* x, __nv_bfloat16* y) { y[threadIdx.x] = __float2bfloat16_rn(x[threadIdx.x]); }
