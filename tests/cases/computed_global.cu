// k(f32[64]) <<<1, 64>>>: clean
int side = 8;
int area = side * side;
struct Timer { double start; Timer() : start(side) {} } timer;
__global__ void k(float* x) { x[threadIdx.x] = threadIdx.x; }
