// Matrix transpose through shared memory, with a column of padding against bank conflicts.
#include <stdio.h>
#include <assert.h>
#include "helper_cuda.h"

#define checkCuda(call) check((call), #call, __FILE__, __LINE__)

const int TILE_DIM = 32;
const int BLOCK_ROWS = 8;
const int NUM_REPS = 100;

__global__ void transposeNoBankConflicts(float *odata, const float *idata, int width, int height)
{
  __shared__ float tile[TILE_DIM][TILE_DIM+1];

  int x = blockIdx.x * TILE_DIM + threadIdx.x;
  int y = blockIdx.y * TILE_DIM + threadIdx.y;

  for (int j = 0; j < TILE_DIM; j += BLOCK_ROWS)
    if (x < width && y + j < height)
      tile[threadIdx.y+j][threadIdx.x] = idata[(y+j)*width + x];

  __syncthreads();

  x = blockIdx.y * TILE_DIM + threadIdx.x;
  y = blockIdx.x * TILE_DIM + threadIdx.y;

  for (int j = 0; j < TILE_DIM; j += BLOCK_ROWS)
    if (x < height && y + j < width)
      odata[(y+j)*height + x] = tile[threadIdx.x][threadIdx.y + j];
}

int main(int argc, char **argv)
{
  const int nx = 1024, ny = 1024;
  dim3 dimGrid(nx/TILE_DIM, ny/TILE_DIM, 1), dimBlock(TILE_DIM, BLOCK_ROWS, 1);
  int devId = argc > 1 ? atoi(argv[1]) : 0;
  cudaDeviceProp prop;
  checkCuda(cudaGetDeviceProperties(&prop, devId));
  float *d_idata, *d_tdata, ms;
  checkCuda(cudaMalloc(&d_idata, nx*ny*sizeof(float)));
  checkCuda(cudaMalloc(&d_tdata, nx*ny*sizeof(float)));
  cudaEvent_t startEvent, stopEvent;
  checkCuda(cudaEventCreate(&startEvent));
  for (int i = 0; i < NUM_REPS; i++)
    transposeNoBankConflicts<<<dimGrid, dimBlock>>>(d_tdata, d_idata, nx, ny);
  printf("%20.2f\n", 2 * nx * ny * sizeof(float) * 1e-6 * NUM_REPS / ms);
}
