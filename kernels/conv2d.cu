// 2-D convolution and its two adjoints; a transposed convolution is the first of them. No kernel is flipped.
//
//   x (images, channels, height, width), w (outputs, channels, kernel_height, kernel_width), y (images, outputs, rows, columns), all
//   row-major. y[image, o, i, j] is made from the window of x whose upper left pixel is (i down - top, j right - left).
//
//   v1  direct          one thread a result, straight from the formula; every sum in a fixed order, so no atomics
//   v2  implicit GEMM   the same sums as a matrix product whose second factor is never built: tiles in shared memory
//   v3  register tile   8 x 8 results a thread, vectors, two strips of each factor: what matmul_v5 is
//   v4  tensor cores    what matmul_v6 is
//   v5  Winograd        in conv2d_winograd.cu
//
// Direct convolution reads both factors of every product from global memory: 2 flops for 8 bytes in float, 0.25 flop a byte.
#define TILE_OLD
#include "pairs.cuh"
#include "staged.cuh"

// Grid ceil(n / 256) for n results, block 256. Neighbours walk along a row of y: at stride 1 they read neighbouring
// pixels, and all of them the same weight.
extern "C" __global__ void conv2d_v1(const real* x, const real* w, const real* bias, real* y, int n, int channels,
                                     int height, int width, int outputs, int kernel_height, int kernel_width, int rows,
                                     int columns, int down, int right, int top, int left) {
    const int i = global_index();
    if (i >= n) return;
    const int column = i % columns, row = i / columns % rows, output = i / (columns * rows) % outputs;
    const int image = i / (columns * rows * outputs);
    const int first_row = row * down - top, first_column = column * right - left;
    real sum = bias ? bias[output] : real(0);
    for (int c = 0; c < channels; ++c) {
        const real* plane = x + (image * channels + c) * height * width;
        const real* weights = w + (output * channels + c) * kernel_height * kernel_width;
        for (int p = 0; p < kernel_height; ++p)
            for (int q = 0; q < kernel_width; ++q) {
                const int r = first_row + p, s = first_column + q;
                if (r >= 0 && r < height && s >= 0 && s < width)
                    sum += plane[r * width + s] * weights[p * kernel_width + q];
            }
    }
    y[i] = sum;
}

// What y's gradient says about x: every pixel gathers from the results that it went into. A pixel (r, s) went into row i
// through the kernel's row p where r + top - p = i down. Grid ceil(n / 256), block 256.
extern "C" __global__ void conv2d_backward_data_v1(const real* gradient, const real* w, const real* bias, real* x, int n,
                                                   int channels, int height, int width, int outputs, int kernel_height,
                                                   int kernel_width, int rows, int columns, int down, int right, int top,
                                                   int left) {
    const int i = global_index();
    if (i >= n) return;
    const int s = i % width, r = i / width % height, c = i / (width * height) % channels;
    const int image = i / (width * height * channels);
    real sum = bias ? bias[c] : real(0);
    for (int o = 0; o < outputs; ++o) {
        const real* plane = gradient + (image * outputs + o) * rows * columns;
        const real* weights = w + (o * channels + c) * kernel_height * kernel_width;
        // The first row of the kernel that fits the stride, then every down-th.
        for (int p = (r + top) % down; p < kernel_height; p += down) {
            const int row = (r + top - p) / down;
            if (r + top < p || row >= rows) continue;
            for (int q = (s + left) % right; q < kernel_width; q += right) {
                const int column = (s + left - q) / right;
                if (s + left < q || column >= columns) continue;
                sum += plane[row * columns + column] * weights[p * kernel_width + q];
            }
        }
    }
    x[i] = sum;
}

// What y's gradient says about w: every weight sums over all images and all places it was used at.
// Grid ceil(n / 256), block 256.
extern "C" __global__ void conv2d_backward_weight_v1(const real* gradient, const real* x, real* w, int n, int images,
                                                     int channels, int height, int width, int outputs, int kernel_height,
                                                     int kernel_width, int rows, int columns, int down, int right, int top,
                                                     int left) {
    const int i = global_index();
    if (i >= n) return;
    const int q = i % kernel_width, p = i / kernel_width % kernel_height;
    const int c = i / (kernel_width * kernel_height) % channels, o = i / (kernel_width * kernel_height * channels);
    real sum = real(0);
    for (int image = 0; image < images; ++image) {
        const real* slopes = gradient + (image * outputs + o) * rows * columns;
        const real* plane = x + (image * channels + c) * height * width;
        for (int row = 0; row < rows; ++row) {
            const int r = row * down - top + p;
            if (r < 0 || r >= height) continue;
            for (int column = 0; column < columns; ++column) {
                const int s = column * right - left + q;
                if (s >= 0 && s < width) sum += slopes[row * columns + column] * plane[r * width + s];
            }
        }
    }
    w[i] = sum;
}

// ---- v2 to v4: implicit matrix products, see windows.cuh ---------------------------------------------------------------

// Weights phase by phase, each as a matrix (outputs x taps, channels), so that the data's gradient reads neighbours. A block
// turns 32 channels of an output round in shared memory, so that lanes are neighbours along the taps where it reads and along
// the channels where it writes. On the way it makes the tickets 0, see pairs.cuh. Grid (outputs, channels / 32), block 256.
extern "C" __global__ void conv2d_phases_v1(const real* w, real* phases, int* tickets, int pairs, int channels, int outputs,
                                            int kernel_height, int kernel_width, int down, int right) {
    const int block = blockIdx.y * gridDim.x + blockIdx.x, blocks = gridDim.x * gridDim.y;
    for (int i = block * blockDim.x + threadIdx.x; i < pairs; i += blocks * blockDim.x) tickets[i] = 0;
    constexpr int OF_BLOCK = 32, AT_ONCE = 64;  // channels, taps
    __shared__ real turned[OF_BLOCK * (AT_ONCE + 1)];
    const int o = blockIdx.x, first = blockIdx.y * OF_BLOCK, here = min(OF_BLOCK, channels - first);
    const int all_taps = kernel_height * kernel_width;
    for (int first_tap = 0; first_tap < all_taps; first_tap += AT_ONCE) {
        const int taps = min(AT_ONCE, all_taps - first_tap), pitch = taps | 1;  // odd: a column's words lie in different banks
        for (int i = threadIdx.x; i < here * taps; i += blockDim.x) {
            const int c = i / taps, tap = i % taps;
            turned[c * pitch + tap] = w[(o * channels + first + c) * all_taps + first_tap + tap];
        }
        __syncthreads();
        for (int i = threadIdx.x; i < here * taps; i += blockDim.x) {
            const int c = i % here, tap = i / here, p = (first_tap + tap) / kernel_width, q = (first_tap + tap) % kernel_width;
            const Phase phase(p % down * right + q % right, nullptr, 0, 1, 1, outputs, kernel_height, kernel_width, 1, 1, down,
                              right, 0, 0);
            const int k = (o * phase.kernel_height + p / down) * phase.kernel_width + q / right;
            phases[(phase.before * outputs + k) * channels + first + c] = turned[c * pitch + tap];
        }
        __syncthreads();
    }
}

#define GEOMETRY                                                                                                        \
    int images, int channels, int height, int width, int outputs, int kernel_height, int kernel_width, int rows,         \
        int columns, int down, int right, int top, int left
#define WINDOWS_OF_X                                                                                                     \
    windows_of(x, images, channels, height, width, kernel_height, kernel_width, rows, columns, down, right, top, left)
#define PHASE(NUMBER)                                                                                                    \
    Phase(NUMBER, gradient, images, height, width, outputs, kernel_height, kernel_width, rows, columns, down, right, \
          top, left)

constexpr int TILE = 16;

// One element of the product, by tiles in shared memory as in matmul_v2, over k from `begin` to `end`.
template <class A, class B> __device__ inline real tiled_sum(const A& a, const B& b, int row, int column, int begin, int end) {
    __shared__ real a_tile[TILE][TILE], b_tile[TILE][TILE];
    const int tx = threadIdx.x, ty = threadIdx.y;
    real sum = real(0);
    for (int start = begin; start < end; start += TILE) {
        a_tile[ty][tx] = element(a, row, start + tx);
        b_tile[ty][tx] = element(b, column, start + ty);
        __syncthreads();
        for (int p = 0; p < TILE; ++p) sum += a_tile[ty][p] * b_tile[p][tx];
        __syncthreads();
    }
    return sum;
}

// Grid (pixels / 16, outputs / 16), block (16, 16).
extern "C" __global__ void conv2d_v2(const real* x, const real* w, const real* bias, real* y, GEOMETRY) {
    const int row = blockIdx.y * TILE + threadIdx.y, column = blockIdx.x * TILE + threadIdx.x;
    const PixelLines windows = {WINDOWS_OF_X};
    const int k = windows.length();
    const real sum = tiled_sum(MatrixLines{w, outputs, k, k, 1}, windows, row, column, 0, k);
    const PixelTarget pixels = pixels_to(bias, y, 0, 0, outputs, images, rows, columns);
    pixels.put(row, pixels.place(column), sum);
}

// Grid (pixels of a phase / 16 x phases, channels / 16), block (16, 16). `phases` is what conv2d_phases_v1 made of w. The phases of
// one place are neighbours in the grid: each writes a part of every sector, and the parts should meet in the L2 cache.
extern "C" __global__ void conv2d_backward_data_v2(const real* gradient, const real* phases, const real* bias, real* x,
                                                   GEOMETRY) {
    const int row = blockIdx.y * TILE + threadIdx.y, column = blockIdx.x / (down * right) * TILE + threadIdx.x;
    const Phase phase = PHASE(blockIdx.x % (down * right));
    const PixelLines windows = {phase.windows};
    const MatrixLines weights = {phases + phase.before * outputs * channels, channels, windows.length(), 1, channels};
    const real sum = tiled_sum(weights, windows, row, column, 0, windows.length());
    const PixelTarget pixels = phase_to(bias, x, 0, 0, channels, height, width, phase, down, right);
    pixels.put(row, pixels.place(column), sum);
}

// Grid (channels x taps / 16, outputs / 16, parts), block (16, 16). The few weights leave most of a chip idle, and their sums
// are long: each layer of the grid makes `share` of the terms, a multiple of 16, into a part of its own.
extern "C" __global__ void conv2d_backward_weight_v2(const real* gradient, const real* x, real* parts, int share, GEOMETRY) {
    const int row = blockIdx.y * TILE + threadIdx.y, column = blockIdx.x * TILE + threadIdx.x;
    const TapLines slopes = {pixels_of(gradient, images, outputs, rows, columns)}, windows = {WINDOWS_OF_X};
    const int begin = blockIdx.z * share, taps = windows.lines();
    const real sum = tiled_sum(slopes, windows, row, column, begin, min(begin + share, windows.length()));
    if (row < outputs && column < taps) parts[(blockIdx.z * outputs + row) * taps + column] = sum;
}

#if SINGLE

// How x, or the gradient, is staged: see staged.cuh. There is dynamic shared memory for it, and for hand_over().
#define STAGING int of_slot, int slots, int tall, int pitch, int stack
#define STAGE_OF(WINDOWS, RUN) {WINDOWS, RUN, of_slot, slots, tall, pitch, stack}

template <class Product>
__device__ inline void conv2d_tile(const float* x, const float* w, const float* bias, float* y, GEOMETRY, STAGING) {
    const int row = blockIdx.y * SIDE, column = blockIdx.x * SIDE, k = channels * kernel_height * kernel_width;
    typedef StagedSource<Product, StagedPixels> Source;
    __shared__ typename Source::Alongs alongs;
    extern __shared__ __align__(16) float staged[];
    __shared__ StagedPixels lines;
    if (threadIdx.x == 0) lines = StagedPixels(STAGE_OF(WINDOWS_OF_X, SIDE), column);
    __syncthreads();
    MatrixSource<Product> of_w(w, row, outputs, k, k, 1, true);
    Source of_x(lines, x, column, 0, k, alongs, staged);
    Product product;
    accumulate(product, of_w, of_x, 0, k);
    hand_over(product, pixels_to(bias, y, row, column, outputs, images, rows, columns), staged);
}

// At stride 2 along the rows there are `tickets` and `buffers`, one for each two blocks whose pixels take turns: see pairs.cuh.
template <class Product>
__device__ inline void conv2d_backward_data_tile(const float* gradient, const float* phases, const float* bias, float* x,
                                                 float* buffers, int* tickets, GEOMETRY, STAGING) {
    const int row = blockIdx.y * SIDE, column = blockIdx.x / (down * right) * SIDE, number = blockIdx.x % (down * right);
    __shared__ Phase phase, other;
    __shared__ StagedPixels lines;
    if (threadIdx.x == 0 && tickets) other = PHASE(number ^ 1);
    if (threadIdx.x == 0) phase = PHASE(number), lines = StagedPixels(STAGE_OF(phase.windows, SIDE), column);
    __syncthreads();
    if (column >= phase.windows.pixels()) return;  // the grid is the largest phase's
    const int k = phase.windows.taps();
    typedef StagedSource<Product, StagedPixels> Source;
    __shared__ typename Source::Alongs alongs;
    extern __shared__ __align__(16) float staged[];
    MatrixSource<Product> of_w(phases + phase.before * outputs * channels, row, channels, k, 1, channels, false);
    Source of_gradient(lines, gradient, column, 0, k, alongs, staged);
    Product product;
    accumulate(product, of_w, of_gradient, 0, k);
    const PixelTarget pixels = phase_to(bias, x, row, column, channels, height, width, phase, down, right);
    if (!tickets || column >= other.windows.pixels()) return hand_over(product, pixels, staged);
    const PixelTarget between = phase_to(bias, x, row, column, channels, height, width, other, down, right);
    const int pair = blockIdx.x / 2 * gridDim.y + blockIdx.y;
    hand_over_in_pairs(product, pixels, between, buffers + pair * SIDE * SIDE, tickets + pair, staged);
}

template <class Product>
__device__ inline void conv2d_backward_weight_tile(const float* gradient, const float* x, float* parts, int share, GEOMETRY,
                                                   STAGING) {
    const int row = blockIdx.y * SIDE, column = blockIdx.x * SIDE, taps = channels * kernel_height * kernel_width;
    const int begin = blockIdx.z * share, end = min(begin + share, images * rows * columns);
    typedef StagedSource<Product, StagedTaps> Source;
    __shared__ typename Source::Alongs alongs[2];
    extern __shared__ __align__(16) float staged[];
    __shared__ StagedTaps lines;
    if (threadIdx.x == 0) lines = StagedTaps(STAGE_OF(WINDOWS_OF_X, of_slot), column, begin);
    __syncthreads();
    SlopeSource<Product> of_gradient(gradient, outputs, rows * columns, row, end, alongs[0]);
    Source of_x(lines, x, column, begin, end, alongs[1], staged);
    Product product;
    accumulate(product, of_gradient, of_x, begin, end);
    product.hand_to(MatrixTarget{parts + blockIdx.z * outputs * taps, row, column, outputs, taps});
}

#define NUMBERS                                                                                                         \
    images, channels, height, width, outputs, kernel_height, kernel_width, rows, columns, down, right, top, left,       \
        of_slot, slots, tall, pitch, stack

// Grids as of v2, but for tiles of 128; block 256 for v3, 128 for v4. `share` is a multiple of `of_slot`.
#define TILED(VERSION, PRODUCT)                                                                                         \
    extern "C" __global__ void __launch_bounds__(PRODUCT::THREADS, PRODUCT::BLOCKS)                                     \
        conv2d_##VERSION(const float* x, const float* w, const float* bias, float* y, GEOMETRY, STAGING) {              \
        conv2d_tile<PRODUCT>(x, w, bias, y, NUMBERS);                                                                   \
    }                                                                                                                   \
    extern "C" __global__ void __launch_bounds__(PRODUCT::THREADS, PRODUCT::BLOCKS) conv2d_backward_data_##VERSION(     \
        const float* gradient, const float* phases, const float* bias, float* x, float* buffers, int* tickets,          \
        GEOMETRY, STAGING) {                                                                                            \
        conv2d_backward_data_tile<PRODUCT>(gradient, phases, bias, x, buffers, tickets, NUMBERS);                       \
    }                                                                                                                   \
    extern "C" __global__ void __launch_bounds__(PRODUCT::THREADS, PRODUCT::BLOCKS) conv2d_backward_weight_##VERSION(   \
        const float* gradient, const float* x, float* parts, int share, GEOMETRY, STAGING) {                            \
        conv2d_backward_weight_tile<PRODUCT>(gradient, x, parts, share, NUMBERS);                                       \
    }

TILED(v3, RegisterProduct)

#endif  // SINGLE
#if TENSOR_CORES

TILED(v4, TensorProduct)

#endif  // TENSOR_CORES
