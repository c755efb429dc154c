// k(f32[64], None) <<<1, 64>>>: clean
__global__ void k(float* x, const float* bias) { if (bias) x[threadIdx.x] += bias[threadIdx.x]; }
