// 2-D convolution and its two adjoints; a transposed convolution is the first of them. No filter is flipped.
//
//   x (images, channels, height, width), w (outputs, channels, filter_height, filter_width), y (images, outputs, rows, columns), all
//   row-major. The stride is (down, right), the padding (top, left): y[image, o, i, j] is made from the window of x whose upper left
//   pixel is (i down - top, j right - left).
//
//   v1  direct          one thread a result, straight from the formula; each result has one owner, so no atomics
//   v2  implicit GEMM   the same sums as a matrix product whose second factor is never built: tiles in shared memory
//   v3  register tile   8 x 8 results a thread, what matmul_v4 is, but that each element of a strip is gathered
//   v4  staged rows     in place of the gathering an image's rows come in once for all taps, and windows are read from shared
//                       memory: staged.cuh. With the two strips of matmul_v5
//   v5  tensor cores    v3, and not v4, by what matmul_v6 multiplies with: one idea at a time
//   v6  Winograd        64 products for what takes 400: conv2d_winograd.cu
#include "staged.cuh"

// Grid ceil(n / 256) for n results, block 256. Neighbours walk along a row of y: at stride 1 they read neighbouring
// pixels, and all of them the same weight. Both factors of every product come from global memory: 2 flops for 8 bytes in float,
// 0.25 flop a byte.
extern "C" __global__ void conv2d_v1(const real* x, const real* w, const real* bias, real* y, int n, int channels,
                                     int height, int width, int outputs, int filter_height, int filter_width, int rows,
                                     int columns, int down, int right, int top, int left) {
    const int i = global_index();
    if (i >= n) return;
    const int column = i % columns, row = i / columns % rows, output = i / (columns * rows) % outputs;
    const int image = i / (columns * rows * outputs);
    const int first_row = row * down - top, first_column = column * right - left;
    real sum = bias ? bias[output] : real(0);
    for (int c = 0; c < channels; ++c) {
        const real* plane = x + (image * channels + c) * height * width;
        const real* weights = w + (output * channels + c) * filter_height * filter_width;
        for (int p = 0; p < filter_height; ++p)
            for (int q = 0; q < filter_width; ++q) {
                const int r = first_row + p, s = first_column + q;
                if (r >= 0 && r < height && s >= 0 && s < width)
                    sum += plane[r * width + s] * weights[p * filter_width + q];
            }
    }
    y[i] = sum;
}

// What y's gradient says about x: every pixel gathers from the results that it went into. A pixel (r, s) went into row i
// through the filter's row p where r + top - p = i down. Grid ceil(n / 256), block 256.
extern "C" __global__ void conv2d_backward_data_v1(const real* gradient, const real* w, const real* bias, real* x, int n,
                                                   int channels, int height, int width, int outputs, int filter_height,
                                                   int filter_width, int rows, int columns, int down, int right, int top,
                                                   int left) {
    const int i = global_index();
    if (i >= n) return;
    const int s = i % width, r = i / width % height, c = i / (width * height) % channels;
    const int image = i / (width * height * channels);
    real sum = bias ? bias[c] : real(0);
    for (int o = 0; o < outputs; ++o) {
        const real* plane = gradient + (image * outputs + o) * rows * columns;
        const real* weights = w + (o * channels + c) * filter_height * filter_width;
        // The first row of the filter that fits the stride, then every down-th.
        for (int p = (r + top) % down; p < filter_height; p += down) {
            const int row = (r + top - p) / down;
            if (r + top < p || row >= rows) continue;
            for (int q = (s + left) % right; q < filter_width; q += right) {
                const int column = (s + left - q) / right;
                if (s + left < q || column >= columns) continue;
                sum += plane[row * columns + column] * weights[p * filter_width + q];
            }
        }
    }
    x[i] = sum;
}

// What y's gradient says about w: every weight sums over all images and all places it was used at.
// Grid ceil(n / 256), block 256.
extern "C" __global__ void conv2d_backward_weight_v1(const real* gradient, const real* x, real* w, int n, int images,
                                                     int channels, int height, int width, int outputs, int filter_height,
                                                     int filter_width, int rows, int columns, int down, int right, int top,
                                                     int left) {
    const int i = global_index();
    if (i >= n) return;
    const int q = i % filter_width, p = i / filter_width % filter_height;
    const int c = i / (filter_width * filter_height) % channels, o = i / (filter_width * filter_height * channels);
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

// ---- v2, v3 and v5: implicit matrix products, see windows.cuh ----------------------------------------------------------

// Weights phase by phase, each as a matrix (outputs x taps, channels), so that the data's gradient reads neighbours. A block
// turns 32 channels of an output round in shared memory, so that lanes are neighbours along the taps where it reads and along
// the channels where it writes. Grid (outputs, channels / 32), block 256.
extern "C" __global__ void conv2d_phases_v1(const real* w, real* phases, int channels, int outputs, int filter_height,
                                            int filter_width, int down, int right) {
    constexpr int OF_BLOCK = 32, AT_ONCE = 64;  // channels, taps
    __shared__ real turned[OF_BLOCK * (AT_ONCE + 1)];
    const int o = blockIdx.x, first = blockIdx.y * OF_BLOCK, here = min(OF_BLOCK, channels - first);
    const int all_taps = filter_height * filter_width;
    for (int first_tap = 0; first_tap < all_taps; first_tap += AT_ONCE) {
        const int taps = min(AT_ONCE, all_taps - first_tap), pitch = taps | 1;  // odd: a column's words lie in different banks
        for (int i = threadIdx.x; i < here * taps; i += blockDim.x) {
            const int c = i / taps, tap = i % taps;
            turned[c * pitch + tap] = w[(o * channels + first + c) * all_taps + first_tap + tap];
        }
        __syncthreads();
        for (int i = threadIdx.x; i < here * taps; i += blockDim.x) {
            const int c = i % here, tap = i / here, p = (first_tap + tap) / filter_width, q = (first_tap + tap) % filter_width;
            const PhaseAlong rows(p % down, down, filter_height, 1, 0), columns(q % right, right, filter_width, 1, 0);
            const int before = rows.before * filter_width + rows.taps * columns.before;
            const int k = (o * rows.taps + p / down) * columns.taps + q / right;
            phases[(before * outputs + k) * channels + first + c] = turned[c * pitch + tap];
        }
        __syncthreads();
    }
}

constexpr int TILE = 16;

// matmul_v2 but for one thing, which is all of v2: an element is not a[row, k], it is looked for in the image at the spot of its
// line and its k (Factor::at in windows.cuh). Over k from `begin` to `end`; `across` is the tile's number along a row of the
// result.
__device__ inline void tiled(const Gemm& of, int across, int begin, int end) {
    __shared__ real a_tile[TILE][TILE], b_tile[TILE][TILE];
    const int tx = threadIdx.x, ty = threadIdx.y, row = blockIdx.y * TILE + ty, column = across * TILE + tx;
    const Spot line_of_a = of.a.lines.spot(row), line_of_b = of.b.lines.spot(column);
    real sum = real(0);
    for (int start = begin; start < end; start += TILE) {
        a_tile[ty][tx] = of.a.at(line_of_a, of.a.ks.spot(start + tx));
        b_tile[ty][tx] = of.b.at(line_of_b, of.b.ks.spot(start + ty));
        __syncthreads();
        for (int p = 0; p < TILE; ++p) sum += a_tile[ty][p] * b_tile[p][tx];
        __syncthreads();
    }
    of.y.put(row, of.y.place(column), sum);
}

// Grid (pixels / 16, outputs / 16), block (16, 16).
extern "C" __global__ void conv2d_v2(const real* x, const real* w, const real* bias, real* y, GEOMETRY) {
    const Gemm of = forward(x, w, bias, y, NUMBERS);
    tiled(of, blockIdx.x, 0, of.a.ks.count);
}

// Grid (pixels of a phase / 16 x phases, channels / 16), block (16, 16). `phases` is what conv2d_phases_v1 made of w. The
// phases of one place are neighbours in the grid: each writes a part of every sector, and the parts should meet in the L2
// cache.
extern "C" __global__ void conv2d_backward_data_v2(const real* gradient, const real* phases, const real* bias, real* x,
                                                   GEOMETRY) {
    const Gemm of = backward_data(gradient, phases, bias, x, Phase(blockIdx.x % (down * right), NUMBERS), NUMBERS);
    tiled(of, blockIdx.x / (down * right), 0, of.a.ks.count);
}

// Grid (channels x taps / 16, outputs / 16, parts), block (16, 16). The few weights leave most of a chip idle, and their sums
// are long: each layer of the grid (blockIdx.z) makes `share` of the terms, a multiple of 16, into a part of its own; `sum` adds
// the parts up.
extern "C" __global__ void conv2d_backward_weight_v2(const real* gradient, const real* x, real* parts, int share, GEOMETRY) {
    const Gemm of = backward_weight(gradient, x, parts, NUMBERS);
    const int begin = blockIdx.z * share;
    tiled(of, blockIdx.x, begin, min(begin + share, of.a.ks.count));
}

#if SINGLE

// 128 lines of a factor, gathered element by element for a product of tile.cuh. A thread knows where its lines begin, and works
// out where a k stands once for all of them. Lanes are neighbours where elements are: along k, or from line to line. Not by whole
// sectors: 32 neighbouring pixels of a window that is shifted by one lie in five of them, where four would do.
template <class Product, bool ALONG_K> struct GatheredSource {
    static constexpr int KS_AT_ONCE = ALONG_K ? 8 : 4, LINES_AT_ONCE = Product::THREADS / KS_AT_ONCE;
    static constexpr int KS = Product::DEPTH / KS_AT_ONCE, LINES = SIDE / LINES_AT_ONCE;
    const Factor& of;
    const int k = ALONG_K ? threadIdx.x % KS_AT_ONCE : threadIdx.x / LINES_AT_ONCE;
    const int line = ALONG_K ? threadIdx.x / KS_AT_ONCE : threadIdx.x % LINES_AT_ONCE;
    Spot begins[LINES];
    float value[KS][LINES];

    __device__ inline GatheredSource(const Factor& of, int first) : of(of) {
        for (int j = 0; j < LINES; ++j) begins[j] = of.lines.spot(first + line + j * LINES_AT_ONCE);
    }
    __device__ inline void fetch(int start) {
        for (int i = 0; i < KS; ++i) {
            const Spot at = of.ks.spot(start + k + i * KS_AT_ONCE);
            for (int j = 0; j < LINES; ++j) value[i][j] = of.at(begins[j], at);
        }
    }
    __device__ inline void put(typename Product::Strip& strip) const {
        for (int i = 0; i < KS; ++i)
            for (int j = 0; j < LINES; ++j)
                strip[k + i * KS_AT_ONCE][line + j * LINES_AT_ONCE] = Product::rounded(value[i][j]);
    }
};

// A tile of the result: what v3 and v5 have in common. The flags say whether the elements of a and of b are neighbours along k.
template <class Product, bool A_ALONG_K, bool B_ALONG_K>
__device__ inline void gathered(const Gemm& of, int across, int begin, int end) {
    __shared__ __align__(16) typename Product::Strip a, b;
    const int first_row = blockIdx.y * SIDE, first_column = across * SIDE;
    GatheredSource<Product, A_ALONG_K> of_a(of.a, first_row);
    GatheredSource<Product, B_ALONG_K> of_b(of.b, first_column);
    Product product;
    for (int start = begin; start < end; start += Product::DEPTH) {
        of_a.fetch(start), of_b.fetch(start);
        of_a.put(a), of_b.put(b);
        __syncthreads();
        product.add(a, b);
        __syncthreads();
    }
    product.hand_to([&](int row, int column, auto sums) {
        for (int c = 0; c < sizeof sums / sizeof(float); ++c)
            of.y.put(first_row + row, of.y.place(first_column + column + c), sums.of[c]);
    });
}

// Grids as of v2, but for tiles of 128; block 256.
extern "C" __global__ void __launch_bounds__(RegisterProduct::THREADS, RegisterProduct::BLOCKS)
    conv2d_v3(const float* x, const float* w, const float* bias, float* y, GEOMETRY) {
    const Gemm of = forward(x, w, bias, y, NUMBERS);
    gathered<RegisterProduct, true, false>(of, blockIdx.x, 0, of.a.ks.count);
}

extern "C" __global__ void __launch_bounds__(RegisterProduct::THREADS, RegisterProduct::BLOCKS)
    conv2d_backward_data_v3(const float* gradient, const float* phases, const float* bias, float* x, GEOMETRY) {
    const Gemm of = backward_data(gradient, phases, bias, x, Phase(blockIdx.x % (down * right), NUMBERS), NUMBERS);
    gathered<RegisterProduct, false, false>(of, blockIdx.x / (down * right), 0, of.a.ks.count);
}

extern "C" __global__ void __launch_bounds__(RegisterProduct::THREADS, RegisterProduct::BLOCKS)
    conv2d_backward_weight_v3(const float* gradient, const float* x, float* parts, int share, GEOMETRY) {
    const Gemm of = backward_weight(gradient, x, parts, NUMBERS);
    const int begin = blockIdx.z * share;
    gathered<RegisterProduct, true, true>(of, blockIdx.x, begin, min(begin + share, of.a.ks.count));
}

// ---- v4: rows staged in shared memory, see staged.cuh ------------------------------------------------------------------

// Of a slot: its channels (for the weights' gradient its pixels), how many slots take turns, rows of a channel, floats from row to
// row; and the rows from image to image. See Stage in staged.cuh.
#define STAGING int of_slot, int slots, int tall, int pitch, int stack

// Grids and blocks as of v3, with dynamic shared memory for the rows, and for hand_over().
extern "C" __global__ void __launch_bounds__(RegisterProduct::THREADS, RegisterProduct::BLOCKS)
    conv2d_v4(const float* x, const float* w, const float* bias, float* y, GEOMETRY, STAGING) {
    const int row = blockIdx.y * SIDE, column = blockIdx.x * SIDE, k = channels * filter_height * filter_width;
    extern __shared__ __align__(16) float staged[];
    __shared__ Stage stage;
    if (threadIdx.x == 0) stage = Stage(windows_of_x(NUMBERS), SIDE, tall, pitch, stack, column);
    __syncthreads();
    MatrixSource<RegisterProduct> of_w{w + size_t(row) * k, outputs - row, k, k, 1, true};
    StagedPixels of_x(stage, x, column, of_slot, slots, staged);
    RegisterProduct product;
    accumulate(product, of_w, of_x, 0, k);
    hand_over(product, Result{y, bias, outputs, rows * columns, pixels_of_y(NUMBERS)}, row, column, staged);
}

extern "C" __global__ void __launch_bounds__(RegisterProduct::THREADS, RegisterProduct::BLOCKS)
    conv2d_backward_data_v4(const float* gradient, const float* phases, const float* bias, float* x, GEOMETRY, STAGING) {
    const int row = blockIdx.y * SIDE, column = blockIdx.x / (down * right) * SIDE;
    extern __shared__ __align__(16) float staged[];
    __shared__ Phase phase;
    __shared__ Stage stage;
    if (threadIdx.x == 0)
        phase = Phase(blockIdx.x % (down * right), NUMBERS), stage = Stage(phase.windows, SIDE, tall, pitch, stack, column);
    __syncthreads();
    if (column >= phase.pixels.count) return;  // the grid is the largest phase's
    const int k = phase.windows.taps.count;
    phases += phase.before * outputs * channels;
    MatrixSource<RegisterProduct> of_w{phases + row, channels - row, k, 1, channels, false};
    StagedPixels of_gradient(stage, gradient, column, of_slot, slots, staged);
    RegisterProduct product;
    accumulate(product, of_w, of_gradient, 0, k);
    hand_over(product, Result{x, bias, channels, height * width, phase.pixels}, row, column, staged);
}

// `share` is a multiple of `of_slot`.
extern "C" __global__ void __launch_bounds__(RegisterProduct::THREADS, RegisterProduct::BLOCKS)
    conv2d_backward_weight_v4(const float* gradient, const float* x, float* parts, int share, GEOMETRY, STAGING) {
    const int first_row = blockIdx.y * SIDE, first_column = blockIdx.x * SIDE, taps = channels * filter_height * filter_width;
    const int begin = blockIdx.z * share, end = min(begin + share, images * rows * columns);
    extern __shared__ __align__(16) float staged[];
    __shared__ Stage stage;
    if (threadIdx.x == 0) stage = Stage(windows_of_x(NUMBERS), of_slot, tall, pitch, stack, begin);
    __syncthreads();
    SlopeSource of_gradient(gradient, outputs, rows * columns, first_row, begin, end);
    StagedTaps of_x(stage, x, first_column, begin, end, staged);
    RegisterProduct product;
    accumulate(product, of_gradient, of_x, begin, end);
    parts += blockIdx.z * outputs * taps;
    product.hand_to([&](int row, int column, auto sums) {
        row += first_row, column += first_column;
        store(parts + row * taps + column, sums, row < outputs ? taps - column : 0);
    });
}

#endif  // SINGLE
#if TENSOR_CORES

// ---- v5: v3 by tensor cores --------------------------------------------------------------------------------------------

// Grids as of v3; block 128.
extern "C" __global__ void __launch_bounds__(TensorProduct::THREADS, TensorProduct::BLOCKS)
    conv2d_v5(const float* x, const float* w, const float* bias, float* y, GEOMETRY) {
    const Gemm of = forward(x, w, bias, y, NUMBERS);
    gathered<TensorProduct, true, false>(of, blockIdx.x, 0, of.a.ks.count);
}

extern "C" __global__ void __launch_bounds__(TensorProduct::THREADS, TensorProduct::BLOCKS)
    conv2d_backward_data_v5(const float* gradient, const float* phases, const float* bias, float* x, GEOMETRY) {
    const Gemm of = backward_data(gradient, phases, bias, x, Phase(blockIdx.x % (down * right), NUMBERS), NUMBERS);
    gathered<TensorProduct, false, false>(of, blockIdx.x / (down * right), 0, of.a.ks.count);
}

extern "C" __global__ void __launch_bounds__(TensorProduct::THREADS, TensorProduct::BLOCKS)
    conv2d_backward_weight_v5(const float* gradient, const float* x, float* parts, int share, GEOMETRY) {
    const Gemm of = backward_weight(gradient, x, parts, NUMBERS);
    const int begin = blockIdx.z * share;
    gathered<TensorProduct, true, true>(of, blockIdx.x, begin, min(begin + share, of.a.ks.count));
}

#endif  // TENSOR_CORES
