// k(f32[64]) <<<1, 64>>>: clean
#include <cooperative_groups.h>
namespace cg = cooperative_groups;
__global__ void k(float* x) {
    __shared__ float t[64];
    cg::thread_block block = cg::this_thread_block();
    t[63 - threadIdx.x] = x[threadIdx.x];
    cg::synchronize(block);
    x[threadIdx.x] = t[threadIdx.x];
}
