// k(f32[128]) <<<1, 128>>>: same-value-race in line 5
__global__ void k(float* x) {
    __shared__ float sums[4]; float v = x[threadIdx.x];
    for (int o = 16; o; o /= 2) v += __shfl_xor_sync(0xffffffffu, v, o);
    sums[threadIdx.x / 32] = v;
    __syncthreads();
    x[threadIdx.x] = sums[threadIdx.x / 32];
}
