// Exclusive prefix sum of one block, up the tree and down again (Blelloch 1990), with room left against bank conflicts.
#include <iostream>
#include <vector>
#include <cuda_runtime.h>
using namespace std;

#define NUM_BANKS 32
#define LOG_NUM_BANKS 5
#define CONFLICT_FREE_OFFSET(n) ((n) >> LOG_NUM_BANKS)

template <typename T>
__global__ void prescan(T *g_odata, const T *g_idata, int n)
{
    extern __shared__ unsigned char memory[];
    T *temp = reinterpret_cast<T *>(memory);
    int thid = threadIdx.x;
    int offset = 1;
    int ai = thid, bi = thid + n / 2;
    temp[ai + CONFLICT_FREE_OFFSET(ai)] = g_idata[ai];
    temp[bi + CONFLICT_FREE_OFFSET(bi)] = g_idata[bi];
    for (int d = n >> 1; d > 0; d >>= 1) {
        __syncthreads();
        if (thid < d) {
            int a = offset * (2 * thid + 1) - 1, b = offset * (2 * thid + 2) - 1;
            temp[b + CONFLICT_FREE_OFFSET(b)] += temp[a + CONFLICT_FREE_OFFSET(a)];
        }
        offset *= 2;
    }
    if (thid == 0) temp[n - 1 + CONFLICT_FREE_OFFSET(n - 1)] = 0;
    for (int d = 1; d < n; d *= 2) {
        offset >>= 1;
        __syncthreads();
        if (thid < d) {
            int a = offset * (2 * thid + 1) - 1, b = offset * (2 * thid + 2) - 1;
            a += CONFLICT_FREE_OFFSET(a);
            b += CONFLICT_FREE_OFFSET(b);
            T t = temp[a];
            temp[a] = temp[b];
            temp[b] += t;
        }
    }
    __syncthreads();
    g_odata[ai] = temp[ai + CONFLICT_FREE_OFFSET(ai)];
    g_odata[bi] = temp[bi + CONFLICT_FREE_OFFSET(bi)];
}

template <typename T> void scan(const vector<T> &input)
{
    T *in, *out;
    cudaMalloc((void **)&in, input.size() * sizeof(T));
    cudaMalloc((void **)&out, input.size() * sizeof(T));
    prescan<T><<<1, input.size() / 2, 2 * input.size() * sizeof(T)>>>(out, in, input.size());
    if (cudaGetLastError() != cudaSuccess) cerr << "launch failed" << endl;
}

template void scan<int>(const vector<int> &);
template void scan<float>(const vector<float> &);
