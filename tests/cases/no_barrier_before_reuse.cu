// k(f32[64]) <<<1, 64>>>: race in line 6 or 7
__global__ void k(float* x) {
    __shared__ float shared[2]; float v = x[threadIdx.x];
    for (int o = 16; o; o /= 2) v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, o));
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = v;
    __syncthreads(); float top = fmaxf(shared[0], shared[1]);
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = top - v;
    __syncthreads(); x[threadIdx.x] = shared[0];
}
