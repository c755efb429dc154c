// k(f32[64], None) <<<1, 64>>>: null-pointer in line 2
__global__ void k(float* x, const float* bias) { x[threadIdx.x] += bias[threadIdx.x]; }
