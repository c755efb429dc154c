// Attention with the softmax kept online over tiles of keys (FlashAttention: Dao et al. 2022, Algorithm 1), one block a head.
#include <cmath>
#include <torch/types.h>

template <int D>
__global__ void flash_attention(const float* Q, const float* K, const float* V, int N, int Bc, int Br, float scale, float* O)
{
    int tx = threadIdx.x;
    int bx = blockIdx.x;
    int base = bx * N * D;

    extern __shared__ float sram[];
    float* Kj = sram;
    float* Vj = &sram[Bc * D];
    float* S = &sram[2 * Bc * D];

    for (int row = tx; row < N; row += Br) {
        float q[D], acc[D], m = -INFINITY, l = 0;
        for (int d = 0; d < D; d++) q[d] = Q[base + row * D + d], acc[d] = 0;
        for (int j = 0; j < N; j += Bc) {
            int keys = min(Bc, N - j);
            __syncthreads();
            for (int i = tx; i < keys * D; i += Br) Kj[i] = K[base + j * D + i], Vj[i] = V[base + j * D + i];
            __syncthreads();
            float row_m = m;
            for (int y = 0; y < keys; y++) {
                float sum = 0;
                for (int d = 0; d < D; d++) sum += q[d] * Kj[y * D + d];
                S[tx * Bc + y] = sum *= scale;
                row_m = fmaxf(row_m, sum);
            }
            float fix = __expf(m - row_m);
            l *= fix;
            for (int d = 0; d < D; d++) acc[d] *= fix;
            for (int y = 0; y < keys; y++) {
                float p = __expf(S[tx * Bc + y] - row_m);
                l += p;
                for (int d = 0; d < D; d++) acc[d] += p * Vj[y * D + d];
            }
            m = row_m;
        }
        for (int d = 0; d < D; d++) O[base + row * D + d] = acc[d] / l;
    }
}

torch::Tensor forward(torch::Tensor Q, torch::Tensor K, torch::Tensor V)
{
    const int Bc = 32, Br = 32, B = Q.size(0), nh = Q.size(1), N = Q.size(2);
    auto O = torch::zeros_like(Q);
    const int sram_size = (2 * Bc * 64 + Bc * Br) * sizeof(float);
    int max_sram_size;
    cudaDeviceGetAttribute(&max_sram_size, cudaDevAttrMaxSharedMemoryPerBlock, 0);
    printf("Max shared memory: %d, requested shared memory: %d \n", max_sram_size, sram_size);
    flash_attention<64><<<B * nh, Br, sram_size>>>(Q.data_ptr<float>(), K.data_ptr<float>(), V.data_ptr<float>(), N, Bc, Br,
                                                   1.0f / std::sqrt(64.f), O.data_ptr<float>());
    return O;
}
