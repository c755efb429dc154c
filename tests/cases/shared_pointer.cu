// k(f32[32]) <<<1, 32>>>: same-value-race in line 5
__global__ void k(float* x) {
    __shared__ float tile[32];
    __shared__ float* p;
    p = tile;
    __syncthreads();
    p[threadIdx.x] = 1; x[threadIdx.x] = p[threadIdx.x];
}
