// y = leaky_relu(op(a) op(b) + bias), where op transposes or not.
//
//   op(a) is (m, k), op(b) is (k, n), y is (m, n), row-major; bias is (n) or null.
//   op(a)[i, p] stands at a[i * a_row + p * a_column]: the launcher swaps the two strides to transpose, so one kernel
//   serves all four cases. The identity is leaky_relu with slope 1.
//
//   v1  naive         one thread an output element, straight from the formula
//   v2  shared tile   each operand element is fetched from global memory once per 16 x 16 tile instead of once per use

// What happens to a finished sum on its way out.
__device__ inline real epilogue(real sum, const real* bias, int column, real slope) {
    if (bias) sum += bias[column];
    return sum > real(0) ? sum : slope * sum;
}

// Grid (n / 16, m / 16), block (16, 16). Reads 2 k elements an output: 2 k flops against 8 k bytes in float, 0.25 flop
// a byte, so memory is the limit. threadIdx.x runs along a row of y: neighbours read neighbouring elements of b.
extern "C" __global__ void matmul_v1(const real* a, const real* b, const real* bias, real* y, int m, int n, int k,
                                     int a_row, int a_column, int b_row, int b_column, real slope) {
    const int column = blockIdx.x * blockDim.x + threadIdx.x;
    const int row = blockIdx.y * blockDim.y + threadIdx.y;
    if (row >= m || column >= n) return;
    real sum = real(0);
    for (int p = 0; p < k; ++p) sum += a[row * a_row + p * a_column] * b[p * b_row + column * b_column];
    y[row * n + column] = epilogue(sum, bias, column, slope);
}

// Grid (n / 16, m / 16), block (16, 16). The block walks along k in steps of 16. In each step its 256 threads fetch one
// element of a and one of b each, then every thread uses 16 of both from shared memory: 16 times fewer global bytes.
constexpr int TILE = 16;

extern "C" __global__ void matmul_v2(const real* a, const real* b, const real* bias, real* y, int m, int n, int k,
                                     int a_row, int a_column, int b_row, int b_column, real slope) {
    __shared__ real a_tile[TILE][TILE];
    __shared__ real b_tile[TILE][TILE];
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int column = blockIdx.x * TILE + tx;
    const int row = blockIdx.y * TILE + ty;
    real sum = real(0);
    for (int start = 0; start < k; start += TILE) {
        // Threads outside the matrices stay for the barriers, and bring zeros, which add nothing.
        const int p_of_a = start + tx, p_of_b = start + ty;
        a_tile[ty][tx] = row < m && p_of_a < k ? a[row * a_row + p_of_a * a_column] : real(0);
        b_tile[ty][tx] = p_of_b < k && column < n ? b[p_of_b * b_row + column * b_column] : real(0);
        __syncthreads();  // the tiles are filled before anyone reads them
        for (int p = 0; p < TILE; ++p) sum += a_tile[ty][p] * b_tile[p][tx];
        __syncthreads();  // and read by everyone before they are filled again
    }
    if (row < m && column < n) y[row * n + column] = epilogue(sum, bias, column, slope);
}
