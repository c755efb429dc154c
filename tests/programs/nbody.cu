// N-body: all pairs, tile after tile of bodies in shared memory (Nyland, Harris and Prins 2007).
#include <GL/glew.h>
#include <cuda_gl_interop.h>
#include <cooperative_groups.h>

__constant__ float softeningSquared;

template <class T> struct vec3 { };
template <> struct vec3<float> { typedef float3 Type; };
template <> struct vec3<double> { typedef double3 Type; };
template <class T> struct vec4 { };
template <> struct vec4<float> { typedef float4 Type; };
template <> struct vec4<double> { typedef double4 Type; };

template <class T> struct SharedMemory {
    __device__ inline operator T *() { extern __shared__ int __smem[]; return (T *)__smem; }
    __device__ inline operator const T *() const { extern __shared__ int __smem[]; return (T *)__smem; }
};

cudaError_t setSofteningSquared(float softeningSq)
{
    return cudaMemcpyToSymbol(softeningSquared, &softeningSq, sizeof(float), 0, cudaMemcpyHostToDevice);
}

template <typename T>
__device__ typename vec3<T>::Type bodyBodyInteraction(typename vec3<T>::Type ai, typename vec4<T>::Type bi, typename vec4<T>::Type bj)
{
    typename vec3<T>::Type r;
    r.x = bj.x - bi.x, r.y = bj.y - bi.y, r.z = bj.z - bi.z;
    T distSqr = r.x * r.x + r.y * r.y + r.z * r.z + T(softeningSquared);
    T invDist = rsqrt(distSqr);
    T s = bj.w * invDist * invDist * invDist;
    ai.x += r.x * s, ai.y += r.y * s, ai.z += r.z * s;
    return ai;
}

template <typename T>
__global__ void integrateBodies(typename vec4<T>::Type *__restrict__ newPos, const typename vec4<T>::Type *__restrict__ oldPos,
                                typename vec4<T>::Type *vel, unsigned int numBodies, float deltaTime, int numTiles)
{
    namespace cg = cooperative_groups;
    cg::thread_block cta = cg::this_thread_block();
    int index = blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= numBodies) return;  // as the number of bodies is a multiple of the block's
    typename vec4<T>::Type *sharedPos = SharedMemory<typename vec4<T>::Type>();
    typename vec4<T>::Type position = oldPos[index];
    typename vec3<T>::Type accel = {0, 0, 0};
    for (int tile = 0; tile < numTiles; tile++) {
        sharedPos[threadIdx.x] = oldPos[tile * blockDim.x + threadIdx.x];
        cg::sync(cta);
#pragma unroll 128
        for (unsigned int counter = 0; counter < blockDim.x; counter++)
            accel = bodyBodyInteraction<T>(accel, position, sharedPos[counter]);
        cg::sync(cta);
    }
    typename vec4<T>::Type velocity = vel[index];
    velocity.x += accel.x * deltaTime, velocity.y += accel.y * deltaTime, velocity.z += accel.z * deltaTime;
    position.x += velocity.x * deltaTime, position.y += velocity.y * deltaTime, position.z += velocity.z * deltaTime;
    newPos[index] = position;
    vel[index] = velocity;
}

template <typename T> void integrateNbodySystem(DeviceData<T> *deviceData, cudaGraphicsResource **pgres, unsigned int numBodies)
{
    int blockSize = 256, numBlocks = (numBodies + blockSize - 1) / blockSize;
    cudaGraphicsMapResources(2, pgres, 0);
    integrateBodies<T><<<numBlocks, blockSize, blockSize * 4 * sizeof(T)>>>(
        (typename vec4<T>::Type *)deviceData[0].dPos[1], (typename vec4<T>::Type *)deviceData[0].dPos[0],
        (typename vec4<T>::Type *)deviceData[0].dVel, numBodies, 0.016f, numBlocks);
    getLastCudaError("Kernel execution failed");
}

template void integrateNbodySystem<float>(DeviceData<float> *, cudaGraphicsResource **, unsigned int);
template void integrateNbodySystem<double>(DeviceData<double> *, cudaGraphicsResource **, unsigned int);
