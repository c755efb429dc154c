// Softmax of rows, one warp a row, in one pass for maximum and sum together (Milakov and Gimelshein 2018).
#include <torch/extension.h>
#include <c10/cuda/CUDAException.h>
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <float.h>

namespace cg = cooperative_groups;

struct __align__(8) SumMax {
    float maxval;
    float sum;
};

__device__ __forceinline__ SumMax reduce_sum_max_op(SumMax a, SumMax b) {
    bool a_bigger = a.maxval > b.maxval;
    SumMax bigger = a_bigger ? a : b;
    SumMax smaller = a_bigger ? b : a;
    SumMax res;
    res.maxval = bigger.maxval;
    res.sum = bigger.sum + smaller.sum * expf(smaller.maxval - bigger.maxval);
    return res;
}

__global__ void online_softmax(float *__restrict__ out, const float *__restrict__ inp, int N, int C) {
    cg::thread_block block = cg::this_thread_block();
    cg::thread_block_tile<32> warp = cg::tiled_partition<32>(block);
    int idx = blockIdx.x * warp.meta_group_size() + warp.meta_group_rank();
    if (idx >= N) return;
    const float *x = inp + idx * C;
    SumMax sm{-FLT_MAX, 0.0f};
    for (int i = warp.thread_rank(); i < C; i += warp.size()) sm = reduce_sum_max_op(sm, {x[i], 1.0f});
    SumMax all = cg::reduce(warp, sm, reduce_sum_max_op);
    for (int i = warp.thread_rank(); i < C; i += warp.size()) out[idx * C + i] = expf(x[i] - all.maxval) / all.sum;
}

torch::Tensor softmax(torch::Tensor input) {
    TORCH_CHECK(input.is_cuda(), "input must be a CUDA tensor");
    auto output = torch::empty_like(input);
    int N = input.size(0), C = input.size(1);
    online_softmax<<<(N + 3) / 4, 128>>>(output.data_ptr<float>(), input.data_ptr<float>(), N, C);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return output;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("softmax", &softmax, "softmax of rows"); }
