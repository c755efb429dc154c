// k(f32[64]) <<<1, 64>>>: clean
#include <cublas_v2.h>
#include "helper_cuda.h"
__global__ void k(float* x) { x[threadIdx.x] = 1; }
static cublasHandle_t handle;
void launch(float* x) { k<<<1, 64>>>(x); }
void dispatch(int which, float* x) { if (which) launch(x); checkCudaErrors(cudaGetLastError()); }
