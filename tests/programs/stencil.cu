// A stencil of three dimensions, fourth order: planes pass through registers, a plane's halo lies in shared memory.
#include "FDTD3dGPU.h"
#include <algorithm>
#include <helper_cuda.h>

#define RADIUS 2
#define k_blockDimX 16
#define k_blockDimY 8

__constant__ float stencil[RADIUS + 1] = {-2.5f, 4.0f / 3.0f, -1.0f / 12.0f};

__global__ void FiniteDifferences3D(float *output, const float *input, const int dimx, const int dimy, const int dimz)
{
    __shared__ float tile[k_blockDimY + 2 * RADIUS][k_blockDimX + 2 * RADIUS];
    const int tx = threadIdx.x + RADIUS, ty = threadIdx.y + RADIUS;
    const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    const bool valid = x < dimx && y < dimy;
    const int stride = dimx * dimy, index = y * dimx + x;
    auto at = [&](int xx, int yy, int zz) {
        return xx >= 0 && xx < dimx && yy >= 0 && yy < dimy && zz >= 0 && zz < dimz ? input[zz * stride + yy * dimx + xx] : 0.0f;
    };

    float infront[RADIUS], behind[RADIUS], current = at(x, y, 0);
    for (int i = 0; i < RADIUS; i++) infront[i] = at(x, y, i + 1), behind[i] = 0.0f;

    for (int iz = 0; iz < dimz; iz++) {
        __syncthreads();
        tile[ty][tx] = current;
        if (threadIdx.y < RADIUS) {
            tile[threadIdx.y][tx] = at(x, y - RADIUS, iz);
            tile[threadIdx.y + blockDim.y + RADIUS][tx] = at(x, y + (int)blockDim.y, iz);
        }
        if (threadIdx.x < RADIUS) {
            tile[ty][threadIdx.x] = at(x - RADIUS, y, iz);
            tile[ty][threadIdx.x + blockDim.x + RADIUS] = at(x + (int)blockDim.x, y, iz);
        }
        __syncthreads();

        float value = 3 * stencil[0] * current;
#pragma unroll
        for (int i = 1; i <= RADIUS; i++)
            value += stencil[i] * (infront[i - 1] + behind[i - 1] + tile[ty - i][tx] + tile[ty + i][tx] + tile[ty][tx - i] +
                                   tile[ty][tx + i]);
        if (valid) output[iz * stride + index] = value;

        for (int i = RADIUS - 1; i > 0; i--) behind[i] = behind[i - 1];
        behind[0] = current;
        current = infront[0];
        for (int i = 0; i < RADIUS - 1; i++) infront[i] = infront[i + 1];
        infront[RADIUS - 1] = at(x, y, iz + RADIUS + 1);
    }
}

bool fdtdGPU(float *output, const float *input, const float *coeff, int dimx, int dimy, int dimz, int timesteps)
{
    dim3 dimBlock(k_blockDimX, std::min(k_blockDimY, dimy)), dimGrid(dimx / k_blockDimX, dimy / k_blockDimY);
    checkCudaErrors(cudaMemcpyToSymbol(stencil, (void *)coeff, (RADIUS + 1) * sizeof(float)));
    for (int it = 0; it < timesteps; it++) FiniteDifferences3D<<<dimGrid, dimBlock>>>(output, input, dimx, dimy, dimz);
    return true;
}
