// k({i32 count=60, f32 factor=3}, f32[64]) <<<1, 64>>>: clean
struct Settings { int count; float factor; };
__global__ void k(Settings s, float* x) { if (threadIdx.x < s.count) x[threadIdx.x] *= s.factor; }
