// y = leaky_relu(op(a) op(b) + bias), where op transposes or not.
//
//   op(a) is (m, k), op(b) is (k, n), y is (m, n), row-major; bias is (n) or null.
//   op(a)[i, p] stands at a[i * a_row + p * a_column]: the launcher swaps the two strides to transpose, so one kernel
//   serves all four cases. The identity is leaky_relu with slope 1.
//
//   v1  naive         one thread an output element, straight from the formula
//   v2  shared tile   each operand element is fetched from global memory once per 16 x 16 tile instead of once per use
//   v3  register tile 4 x 4 outputs a thread: an element is fetched from shared memory once for 4 uses, coalesced either way
//   v4  vectorised    8 x 8 outputs a thread, four floats an instruction
//   v5  double buffer the next strips are on their way while these are multiplied: accumulate() in tile.cuh
//   v6  tensor cores  factors rounded to TF32, 1024 multiply-adds an instruction of a warp
#include "run.cuh"

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

// Grid (n / 64, m / 64), block 256. A thread makes 4 x 4 outputs, 16 rows and columns apart: of each 8 elements that it reads
// from shared memory it makes 16 multiply-adds, where v2 made one of two. The block's 256 threads fetch a strip so that
// neighbours in a warp are neighbours in memory, whichever way the operand lies.
constexpr int WIDE = 64;                // the side of the tile
constexpr int WIDE_PITCH = WIDE + 2;    // of a strip in shared memory: two lines of 16 steps hit 32 different banks

// Fill strip[p][line] from the element (line, p) at from[line * line_step + p * p_step]; zero outside.
__device__ inline void fetch_strip(const real* from, int first_line, int lines, int start, int k, int line_step, int p_step,
                                   real (&strip)[TILE][WIDE_PITCH]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const int t = threadIdx.x + 256 * i;
        const int line = p_step == 1 ? t / TILE : t % WIDE, p = p_step == 1 ? t % TILE : t / WIDE;
        const bool inside = first_line + line < lines && start + p < k;
        strip[p][line] = inside ? from[(first_line + line) * line_step + (start + p) * p_step] : real(0);
    }
}

extern "C" __global__ void __launch_bounds__(256)
    matmul_v3(const real* a, const real* b, const real* bias, real* y, int m, int n, int k, int a_row, int a_column,
              int b_row, int b_column, real slope) {
    __shared__ real a_strip[TILE][WIDE_PITCH], b_strip[TILE][WIDE_PITCH];
    const int first_row = blockIdx.y * WIDE, first_column = blockIdx.x * WIDE, tx = threadIdx.x % 16, ty = threadIdx.x / 16;
    real sum[4][4] = {};
    for (int start = 0; start < k; start += TILE) {
        fetch_strip(a, first_row, m, start, k, a_row, a_column, a_strip);
        fetch_strip(b, first_column, n, start, k, b_column, b_row, b_strip);
        __syncthreads();
#pragma unroll
        for (int p = 0; p < TILE; ++p)
#pragma unroll
            for (int i = 0; i < 4; ++i)
#pragma unroll
                for (int j = 0; j < 4; ++j) sum[i][j] += a_strip[p][ty + 16 * i] * b_strip[p][tx + 16 * j];
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            const int row = first_row + ty + 16 * i, column = first_column + tx + 16 * j;
            if (row < m && column < n) y[row * n + column] = epilogue(sum[i][j], bias, column, slope);
        }
}

#if SINGLE

// Grid (n / 128, m / 128), block 256. A thread makes 8 x 8 outputs, and moves four floats with every instruction: from global
// memory (load_four), to and from shared memory (Run<4>), and back (store). Of each 16 numbers that it reads from shared memory,
// by four instructions, it makes 64 multiply-adds, where v3 made 16 of 8, by eight.
constexpr int LARGE = 128;              // the side of the tile
constexpr int LARGE_DEPTH = 8;          // steps along k of a strip: 1024 numbers, four for each thread
constexpr int LARGE_PITCH = LARGE + 4;  // four lines of a step, or four steps of a line, are stored without a conflict

// Where a thread's four numbers begin in a strip, which has a line for each row of a or column of b: along whichever axis they
// are neighbours in memory. Along k a pair of threads takes 32 bytes, a whole sector, of one line.
__device__ inline int line_of_four(bool along_k) { return along_k ? threadIdx.x / 2 : threadIdx.x % 32 * 4; }
__device__ inline int p_of_four(bool along_k) { return along_k ? threadIdx.x % 2 * 4 : threadIdx.x / 32; }

// These four, out of global memory: element (line, p) stands at from[line * line_step + p * p_step], where one of the steps is
// 1; zero outside.
__device__ inline Run<4> fetch_four(const float* from, int lines, int start, int k, int line_step, int p_step) {
    const bool along_k = p_step == 1;
    const int line = line_of_four(along_k), p = start + p_of_four(along_k);
    const int left = line < lines && p < k ? (along_k ? k - p : lines - line) : 0;
    return load_four(from + line * line_step + p * p_step, left);
}

__device__ inline void put_four(const Run<4>& x, bool along_k, float (&strip)[LARGE_DEPTH][LARGE_PITCH]) {
    float* to = &strip[p_of_four(along_k)][line_of_four(along_k)];
    if (!along_k) *reinterpret_cast<Run<4>*>(to) = x;
    else
        for (int c = 0; c < 4; ++c) to[c * LARGE_PITCH] = x.of[c];
}

extern "C" __global__ void __launch_bounds__(256)
    matmul_v4(const float* a, const float* b, const float* bias, float* y, int m, int n, int k, int a_row, int a_column,
              int b_row, int b_column, float slope) {
    __shared__ __align__(16) float a_strip[LARGE_DEPTH][LARGE_PITCH], b_strip[LARGE_DEPTH][LARGE_PITCH];
    const int first_row = blockIdx.y * LARGE, first_column = blockIdx.x * LARGE;
    // A warp makes 64 x 32 outputs. A thread's rows and columns come in fours, 32 and 16 apart, so that the different
    // addresses of a warp's 16-byte reads lie in different banks.
    const int ty = threadIdx.x / 128 * 64 + threadIdx.x % 32 / 4 * 4, tx = threadIdx.x / 32 % 4 * 32 + threadIdx.x % 4 * 4;
    float sum[8][8] = {};
    for (int start = 0; start < k; start += LARGE_DEPTH) {
        const Run<4> of_a = fetch_four(a + size_t(first_row) * a_row, m - first_row, start, k, a_row, a_column);
        const Run<4> of_b = fetch_four(b + size_t(first_column) * b_column, n - first_column, start, k, b_column, b_row);
        put_four(of_a, a_column == 1, a_strip);
        put_four(of_b, b_row == 1, b_strip);
        __syncthreads();
#pragma unroll  // without it NVRTC leaves loops over k rolled
        for (int p = 0; p < LARGE_DEPTH; ++p) {
            const Run<4> of_rows[2] = {four_at(&a_strip[p][ty]), four_at(&a_strip[p][ty + 32])};
            const Run<4> of_columns[2] = {four_at(&b_strip[p][tx]), four_at(&b_strip[p][tx + 16])};
            for (int i = 0; i < 8; ++i)
                for (int j = 0; j < 8; ++j) sum[i][j] += of_rows[i / 4].of[i % 4] * of_columns[j / 4].of[j % 4];
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 8; ++i)
#pragma unroll
        for (int j = 0; j < 8; j += 4) {
            const int row = first_row + ty + i / 4 * 32 + i % 4, column = first_column + tx + j * 4;
            const int left = row < m ? n - column : 0;
            Run<4> run = {sum[i][j], sum[i][j + 1], sum[i][j + 2], sum[i][j + 3]};
            for (int c = 0; c < 4; ++c) run.of[c] = epilogue(run.of[c], c < left ? bias : nullptr, column + c, slope);
            store(y + row * n + column, run, left);
        }
}

#include "tile.cuh"

// Grid (n / 128, m / 128), block 256. While a strip is multiplied the next one is on its way, in registers: accumulate() has
// two strips of each operand. That is all that is new. What v4 wrote out is now in parts that conv2d.cu uses too: fetch_four and
// put_four are those of a MatrixSource; what was multiplied and stored is RegisterProduct's add() and hand_to(), which calls the
// function below for each four sums.
extern "C" __global__ void __launch_bounds__(256, RegisterProduct::BLOCKS)
    matmul_v5(const float* a, const float* b, const float* bias, float* y, int m, int n, int k, int a_row, int a_column,
              int b_row, int b_column, float slope) {
    const int first_row = blockIdx.y * SIDE, first_column = blockIdx.x * SIDE;
    MatrixSource<RegisterProduct> of_a{a + size_t(first_row) * a_row, m - first_row, k, a_row, a_column, a_column == 1};
    MatrixSource<RegisterProduct> of_b{b + size_t(first_column) * b_column, n - first_column, k, b_column, b_row, b_row == 1};
    RegisterProduct product;
    accumulate(product, of_a, of_b, 0, k);
    product.hand_to([&](int row, int column, auto run) {
        row += first_row, column += first_column;
        const int left = row < m ? n - column : 0, size = sizeof run / sizeof(float);
        for (int c = 0; c < size && c < left; ++c) run.of[c] = epilogue(run.of[c], bias, column + c, slope);
        store(y + row * n + column, run, left);
    });
}

#endif  // SINGLE
#if TENSOR_CORES

// Grid (n / 128, m / 128), block 128. As v5, but a TensorProduct multiplies the strips. Factors are rounded to
// TF32, 10 bits behind the point, their products and the sums are float: relative errors are some 1e-3 and not 1e-7.
extern "C" __global__ void __launch_bounds__(128)
    matmul_v6(const float* a, const float* b, const float* bias, float* y, int m, int n, int k, int a_row, int a_column,
              int b_row, int b_column, float slope) {
    const int first_row = blockIdx.y * SIDE, first_column = blockIdx.x * SIDE;
    MatrixSource<TensorProduct> of_a{a + size_t(first_row) * a_row, m - first_row, k, a_row, a_column, a_column == 1};
    MatrixSource<TensorProduct> of_b{b + size_t(first_column) * b_column, n - first_column, k, b_column, b_row, b_row == 1};
    TensorProduct product;
    accumulate(product, of_a, of_b, 0, k);
    product.hand_to([&](int row, int column, auto run) {
        row += first_row, column += first_column;
        const int left = row < m ? n - column : 0, size = sizeof run / sizeof(float);
        for (int c = 0; c < size && c < left; ++c) run.of[c] = epilogue(run.of[c], bias, column + c, slope);
        store(y + row * n + column, run, left);
    });
}

#endif  // TENSOR_CORES
