// Winograd's convolution, for stride 1 and kernels of up to 7 rows and columns: conv2d's v5. Float only.
//
// A convolution is a product of polynomials, and a polynomial of degree 7 is known from its values at 8 points: so 8 products
// make what r taps times m = 9 - r results would take r m of. In two dimensions it is 64 instead of r^2 m^2: 6.25 times fewer
// for a kernel of 5 x 5, 5.06 times for 3 x 3. (Winograd 1980; Lavin and Gray 2016, section 4.)
//
//   windows  B x B'  the image, cut into overlapping windows of 8 x 8, as values at 8 x 8 points
//   kernels  E w E'  the kernel, likewise: E takes a polynomial's coefficients to its values
//   product          at each point a matrix product over the channels: 64 of them, which is where the arithmetic is
//   pixels   E' y E  back to m x m pixels. The transpose of taking values is what turns a correlation's products into sums
//
// The same for the gradients: the data's is a convolution with the flipped kernel, and the weights' has the roles of kernel and
// result exchanged: w = E' (E g E' * B x B') E. The points are 0, 1, -1, 2, -2, 1/2, -1/2 and infinity; a value at infinity is the
// leading coefficient. Powers of two up to 2^6 weigh the terms: that costs about a digit of precision.
#include "tile.cuh"
#if SINGLE

constexpr int POINTS = 8;
typedef float Square[POINTS][POINTS];

// x[i], i < count, are coefficients, and the rest of x is zero: y[j] is the value at point j.
__device__ inline void take_values(const float (&x)[POINTS], float (&y)[POINTS], int count) {
    constexpr float at[POINTS - 1] = {0.0f, 1.0f, -1.0f, 2.0f, -2.0f, 0.5f, -0.5f};
#pragma unroll
    for (int j = 0; j < POINTS - 1; ++j) {
        float power = 1.0f;
        y[j] = 0.0f;
#pragma unroll
        for (int i = 0; i < POINTS; ++i, power *= at[j])
            if (power != 0.0f) y[j] += power * x[i];
    }
    y[POINTS - 1] = 0.0f;
#pragma unroll
    for (int i = 0; i < POINTS; ++i) y[POINTS - 1] += (i == count - 1 ? 1.0f : 0.0f) * x[i];  // x[count - 1] would need
                                                                                                  // an array in memory
}

// Its transpose.
__device__ inline void take_moments(const float (&x)[POINTS], float (&y)[POINTS], int count) {
    constexpr float at[POINTS - 1] = {0.0f, 1.0f, -1.0f, 2.0f, -2.0f, 0.5f, -0.5f};
    float power[POINTS - 1] = {1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f};
#pragma unroll
    for (int i = 0; i < POINTS; ++i) {
        y[i] = i == count - 1 ? x[POINTS - 1] : 0.0f;
#pragma unroll
        for (int j = 0; j < POINTS - 1; ++j) {
            if (power[j] != 0.0f) y[i] += power[j] * x[j];
            power[j] *= at[j];
        }
    }
}

// A window's part: row j has the coefficients of the product of (x - p) over the other points p, divided by its value at
// point j; the last one those of the product over all.
__device__ inline void take_windows(const float (&x)[POINTS], float (&y)[POINTS], int) {
    constexpr float of[POINTS][POINTS] = {{1.0f, 0.0f, -5.25f, 0.0f, 5.25f, 0.0f, -1.0f, 0.0f},
                                          {0.0f, 1.0f, 1.0f, -4.25f, -4.25f, 1.0f, 1.0f, 0.0f},
                                          {0.0f, -1.0f, 1.0f, 4.25f, -4.25f, -1.0f, 1.0f, 0.0f},
                                          {0.0f, 0.5f, 0.25f, -2.5f, -1.25f, 2.0f, 1.0f, 0.0f},
                                          {0.0f, -0.5f, 0.25f, 2.5f, -1.25f, -2.0f, 1.0f, 0.0f},
                                          {0.0f, 2.0f, 4.0f, -2.5f, -5.0f, 0.5f, 1.0f, 0.0f},
                                          {0.0f, -2.0f, 4.0f, 2.5f, -5.0f, -0.5f, 1.0f, 0.0f},
                                          {0.0f, -1.0f, 0.0f, 5.25f, 0.0f, -5.25f, 0.0f, 1.0f}};
    constexpr float over[POINTS] = {1.0f, -4.5f, -4.5f, 90.0f, 90.0f, 1.40625f, 1.40625f, 1.0f};
#pragma unroll
    for (int j = 0; j < POINTS; ++j) {
        y[j] = 0.0f;
#pragma unroll
        for (int i = 0; i < POINTS; ++i)
            if (of[j][i] != 0.0f) y[j] += of[j][i] / over[j] * x[i];
    }
}

// Along the columns, then along the rows.
template <void take(const float (&)[POINTS], float (&)[POINTS], int)>
__device__ inline void transform(Square& tile, int rows, int columns) {
#pragma unroll
    for (int j = 0; j < POINTS; ++j) {
        float x[POINTS], y[POINTS];
#pragma unroll
        for (int i = 0; i < POINTS; ++i) x[i] = tile[i][j];
        take(x, y, rows);
#pragma unroll
        for (int i = 0; i < POINTS; ++i) tile[i][j] = y[i];
    }
#pragma unroll
    for (int i = 0; i < POINTS; ++i) {
        float y[POINTS];
        take(tile[i], y, columns);
#pragma unroll
        for (int j = 0; j < POINTS; ++j) tile[i][j] = y[j];
    }
}

// Points lie one after the other in memory, each with the n numbers of all threads: neighbours write neighbours.
__device__ inline void scatter(const Square& tile, float* points, int n, int i) {
#pragma unroll
    for (int point = 0; point < POINTS * POINTS; ++point) points[point * n + i] = tile[point / POINTS][point % POINTS];
}

__device__ inline void gather(const float* points, Square& tile, int n, int i) {
#pragma unroll
    for (int point = 0; point < POINTS * POINTS; ++point) tile[point / POINTS][point % POINTS] = points[point * n + i];
}

// The part of an image (images, channels, height, width) from (row, column) on, `tall` by `wide`; zero outside of both.
__device__ inline void cut(const float* plane, Square& tile, int row, int column, int height, int width, int tall, int wide) {
#pragma unroll
    for (int i = 0; i < POINTS; ++i)
#pragma unroll
        for (int j = 0; j < POINTS; ++j) {
            const int r = row + i, s = column + j;
            const bool inside = r >= 0 && r < height && s >= 0 && s < width && i < tall && j < wide;
            tile[i][j] = inside ? plane[r * width + s] : 0.0f;
        }
}

// Which tile a thread has: number i of channels x (images x down x across) tiles.
struct Tile {
    int channel, image, row, column;
    __device__ inline Tile(int i, int images, int down, int across)
        : channel(i / (images * down * across)), image(i / (down * across) % images), row(i / across % down),
          column(i % across) {}
};

// A thread a window, grid ceil(n / 128), block 128. n = channels x images x down x across; windows are `tall` and `wide` apart.
extern "C" __global__ void winograd_windows_v1(const float* image, float* points, int n, int images, int channels, int height,
                                               int width, int down, int across, int tall, int wide, int top, int left) {
    const int i = global_index();
    if (i >= n) return;
    const Tile at(i, images, down, across);
    Square tile;
    cut(image + (at.image * channels + at.channel) * height * width, tile, at.row * tall - top, at.column * wide - left, height,
        width, POINTS, POINTS);
    transform<take_windows>(tile, 0, 0);
    scatter(tile, points, n, i);
}

// A thread a tile of m x m slopes, for the weights' gradient: they do not overlap.
extern "C" __global__ void winograd_slopes_v1(const float* image, float* points, int n, int images, int channels,
                                              int height, int width, int down, int across, int tall, int wide) {
    const int i = global_index();
    if (i >= n) return;
    const Tile at(i, images, down, across);
    Square tile;
    cut(image + (at.image * channels + at.channel) * height * width, tile, at.row * tall, at.column * wide, height, width,
        tall, wide);
    transform<take_values>(tile, tall, wide);
    scatter(tile, points, n, i);
}

// A thread a kernel: points[k][line] from w[line * line_step + k * k_step], flipped for the data's gradient. n = lines x length.
extern "C" __global__ void winograd_kernels_v1(const float* w, float* points, int n, int lines, int line_step, int k_step,
                                               int kernel_height, int kernel_width, bool flipped) {
    const int i = global_index();
    if (i >= n) return;
    const float* kernel = w + (i % lines * line_step + i / lines * k_step) * kernel_height * kernel_width;
    Square tile;
#pragma unroll
    for (int p = 0; p < POINTS; ++p)
#pragma unroll
        for (int q = 0; q < POINTS; ++q) {
            const int tap = p * kernel_width + q, last = kernel_height * kernel_width - 1;
            const bool inside = p < kernel_height && q < kernel_width;
            tile[p][q] = inside ? kernel[flipped ? last - tap : tap] : 0.0f;
        }
    transform<take_values>(tile, kernel_height, kernel_width);
    scatter(tile, points, n, i);
}

// The 64 products: as matmul_v5, a layer of the grid for each point. Grid (n / 128, m / 128, 64), block 256.
extern "C" __global__ void __launch_bounds__(256, 2)
    winograd_products_v1(const float* a, const float* b, float* y, int m, int n, int k, int a_row, int a_column, int b_row,
                         int b_column) {
    const int row = blockIdx.y * SIDE, column = blockIdx.x * SIDE;
    MatrixSource<RegisterProduct> of_a(a + blockIdx.z * m * k, row, m, k, a_row, a_column, a_column == 1);
    MatrixSource<RegisterProduct> of_b(b + blockIdx.z * k * n, column, n, k, b_column, b_row, b_row == 1);
    RegisterProduct product;
    accumulate(product, of_a, of_b, 0, k);
    product.hand_to(MatrixTarget{y + blockIdx.z * m * n, row, column, m, n});
}

// A thread a tile of m x m pixels of y (images, channels, height, width), with the bias. n = channels x images x down x across.
extern "C" __global__ void winograd_pixels_v1(const float* points, const float* bias, float* y, int n, int images,
                                              int channels, int height, int width, int down, int across, int tall,
                                              int wide) {
    const int i = global_index();
    if (i >= n) return;
    const Tile at(i, images, down, across);
    Square tile;
    gather(points, tile, n, i);
    transform<take_moments>(tile, tall, wide);
    float* plane = y + (at.image * channels + at.channel) * height * width;
    const float add = bias ? bias[at.channel] : 0.0f;
#pragma unroll
    for (int a = 0; a < POINTS; ++a)
#pragma unroll
        for (int b = 0; b < POINTS; ++b) {
            const int row = at.row * tall + a, column = at.column * wide + b;
            if (a < tall && b < wide && row < height && column < width) plane[row * width + column] = tile[a][b] + add;
        }
}

// A thread a kernel of the weights' gradient. n = outputs x channels.
extern "C" __global__ void winograd_weights_v1(const float* points, float* w, int n, int kernel_height, int kernel_width) {
    const int i = global_index();
    if (i >= n) return;
    Square tile;
    gather(points, tile, n, i);
    transform<take_moments>(tile, kernel_height, kernel_width);
#pragma unroll
    for (int p = 0; p < POINTS; ++p)
#pragma unroll
        for (int q = 0; q < POINTS; ++q)
            if (p < kernel_height && q < kernel_width) w[(i * kernel_height + p) * kernel_width + q] = tile[p][q];
}

#endif  // SINGLE
