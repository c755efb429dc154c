// k(f32[64]) <<<1, 64>>>: clean
static const float weights[3] = {1, 2, 3};
__device__ const int steps[2] = {4, 5};
__global__ void k(float* x) { x[threadIdx.x] = weights[threadIdx.x % 3] * steps[threadIdx.x % 2]; }
