// y = scale * (x summed over some axes). Adds in a fixed order and without atomics: the same bits every time.
//
// The launcher merges axes, so at most four are left: two that are kept, of lengths (outputs / k1, k1), and two that are
// summed, (terms / r1, r1), each with its stride in x. That is every sum over any axes of an array of up to four axes.
//
//   v1  serial   one thread an output: best where the outputs are many and neighbours read neighbours (column sums)
//   v2  block    one block an output: its threads stride through the terms, then add up by warps

__device__ inline int kept_start(int output, int k1, int ks0, int ks1) { return output / k1 * ks0 + output % k1 * ks1; }

// Grid ceil(outputs / 256), block 256.
extern "C" __global__ void sum_v1(const real* x, real* y, int outputs, int terms, int k1, int ks0, int ks1, int r1,
                                  int rs0, int rs1, real scale) {
    const int output = global_index();
    if (output >= outputs) return;
    const real* start = x + kept_start(output, k1, ks0, ks1);
    real sum = real(0);
    for (int outer = 0; outer < terms / r1; ++outer)
        for (int inner = 0; inner < r1; ++inner) sum += start[outer * rs0 + inner * rs1];
    y[output] = scale * sum;
}

// Grid outputs, block 256.
extern "C" __global__ void sum_v2(const real* x, real* y, int outputs, int terms, int k1, int ks0, int ks1, int r1,
                                  int rs0, int rs1, real scale) {
    const real* start = x + kept_start(blockIdx.x, k1, ks0, ks1);
    real sum = real(0);
    for (int term = threadIdx.x; term < terms; term += blockDim.x) sum += start[term / r1 * rs0 + term % r1 * rs1];
    sum = block_sum(sum);
    if (threadIdx.x == 0) y[blockIdx.x] = scale * sum;
}
