// Winograd's convolution, for stride 1 and filters of up to 7 rows and columns: conv2d's v6. Float only.
//
// A convolution is a product of polynomials, and a polynomial of degree 7 is known from its values at 8 points: so 8 products
// make what r taps times m = 9 - r results would take r m of. In two dimensions it is 64 instead of r^2 m^2: 6.25 times fewer
// for a filter of 5 x 5, 5.06 times for 3 x 3. (Winograd 1980; Lavin and Gray 2016, section 4.)
//
// ' is the transpose, E is take_values, E' take_moments, B take_windows:
//
//   windows  B x B'  the image, cut into overlapping windows of 8 x 8, as values at 8 x 8 points
//   filters  E w E'  the filter, likewise: E takes a polynomial's coefficients to its values
//   product          at each point a matrix product over the channels: 64 of them, which is where the arithmetic is
//   pixels   E' y E  back to m x m pixels. The transpose of taking values is what turns a correlation's products into sums
//
// The same for the gradients: the data's is a convolution with the flipped filter, and the weights' has the roles of filter and
// result exchanged: w = E' (E g E' * B x B') E. The points are 0, 1, -1, 2, -2, 1/2, -1/2 and infinity; a value at infinity is the
// leading coefficient. Powers of two up to 2^6 weigh the terms: that costs about a digit of precision.
//
// The launches are, forward: filters, windows, products, pixels; for the data's gradient the same, with the filters flipped; for
// the weights': slopes, windows, products, weights. A thread transforms a tile that it has in registers. What the tiles of a
// block are made of, or make, lies in shared memory on the way, so that lanes are neighbours in the image: rows as in
// staged.cuh, or the weights as they lie.
#include "staged.cuh"
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
    for (int i = 0; i < POINTS; ++i)  // x[count - 1] would need an array in memory
        y[POINTS - 1] += (i == count - 1 ? 1.0f : 0.0f) * x[i];
}

// The transpose of take_values: y[i] is the i-th moment, the sum of x[j] times point j to the power of i.
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

// ---- tiles of images ---------------------------------------------------------------------------------------------------

constexpr int BLOCK = 128;

// A gap after every 32 words: the tiles of neighbouring lanes are 2 to 8 words apart, and would meet in the same banks.
__device__ inline int spread(int word) { return word + word / 32; }

#define TILES                                                                                                           \
    int images, int channels, int height, int width, int down, int across, int tall, int wide, int run, int rows, int pitch, \
        int stack

// Tiles as the windows of a convolution, `down` by `across` of them on each image (and not a stride), `tall` and `wide` apart.
// A block has `run` of them, whole rows of tiles of one channel, blockIdx.y; a thread has the tile number `tile`, if there is
// such a one.
struct TileRows {
    Stage stage;
    int first, tile;

    __device__ inline TileRows(TILES, int top, int left)
        : stage({images, channels, height, width, {images * down * across, down, across, 0, 0, tall, wide, -top, -left}}, run,
                rows, pitch, stack, blockIdx.x * run),
          first(blockIdx.x * run), tile(threadIdx.x < run ? first + threadIdx.x : all()) {}
    // Of a channel: how many there are, and with those of zeros that fill the last sector of their points.
    __device__ inline int count() const { return stage.windows.corners.count; }
    __device__ inline int all() const { return (count() + 7) / 8 * 8; }
    __device__ inline int own() const { return stage.window(tile); }

    __device__ inline void bring(const float* image, float* staged) const {
        for (int i = threadIdx.x; i < spread(stage.plane()); i += BLOCK) staged[i] = 0.0f;
        __syncthreads();
        for (int r = stage.first_row(); r < stage.tall; r += stage.at_once()) {
            const Run<4> x = stage.load(image, stage.element(r, blockIdx.y));
            for (int c = 0; c < 4; ++c) staged[spread(stage.place(r) + c)] = x.of[c];
        }
        __syncthreads();
    }

    __device__ inline void take_away(const float* staged, float* image, float add) const {
        __syncthreads();
        for (int r = stage.first_row(); r < stage.tall; r += stage.at_once()) {
            const int element = stage.element(r, blockIdx.y), left = stage.windows.width - element % stage.windows.width;
            if (element < 0) continue;
            Run<4> x;
            for (int c = 0; c < 4; ++c) x.of[c] = c < left ? staged[spread(stage.place(r) + c)] + add : 0.0f;
            store(image + element, x, left);
        }
    }

    // As many points as all channels' tiles have, those of this thread's tile among them.
    __device__ inline int points() const { return stage.windows.channels * all(); }
    __device__ inline int number() const { return blockIdx.y * all() + tile; }
};

// Points of tiles of `tall` by `wide`, zero beyond.
template <void take(const float (&)[POINTS], float (&)[POINTS], int)>
__device__ inline void take_points(const TileRows& of, const float* image, float* points, int tall, int wide) {
    extern __shared__ float staged[];
    of.bring(image, staged);
    if (of.tile >= of.all()) return;
    const int own = of.own();
    if (of.tile >= of.count()) tall = 0;
    Square tile;
#pragma unroll
    for (int i = 0; i < POINTS; ++i)
#pragma unroll
        for (int j = 0; j < POINTS; ++j) tile[i][j] = i < tall && j < wide ? staged[spread(own + i * of.stage.pitch + j)] : 0.0f;
    transform<take>(tile, tall, wide);
    scatter(tile, points, of.points(), of.number());
}

#define OF_TILES images, channels, height, width, down, across, tall, wide, run, rows, pitch, stack

// Windows of 8 x 8, `tall` and `wide` apart, the first from (-top, -left) on. Grid (tiles / run, channels), block 128.
extern "C" __global__ void winograd_windows_v1(const float* image, float* points, TILES, int top, int left) {
    take_points<take_windows>(TileRows(OF_TILES, top, left), image, points, POINTS, POINTS);
}

// Tiles of m x m slopes, for the weights' gradient: they do not overlap.
extern "C" __global__ void winograd_slopes_v1(const float* image, float* points, TILES) {
    take_points<take_values>(TileRows(OF_TILES, 0, 0), image, points, tall, wide);
}

// The way back: tiles of m x m pixels of y (images, channels, height, width), with the bias.
extern "C" __global__ void winograd_pixels_v1(const float* points, const float* bias, float* y, TILES) {
    extern __shared__ float staged[];
    const TileRows of(OF_TILES, 0, 0);
    if (of.tile < of.count()) {
        const int own = of.own();
        Square tile;
        gather(points, tile, of.points(), of.number());
        transform<take_moments>(tile, tall, wide);
#pragma unroll
        for (int i = 0; i < POINTS; ++i)
#pragma unroll
            for (int j = 0; j < POINTS; ++j)
                if (i < tall && j < wide) staged[spread(own + i * pitch + j)] = tile[i][j];
    }
    of.take_away(staged, y, bias ? bias[blockIdx.y] : 0.0f);
}

// ---- filters -----------------------------------------------------------------------------------------------------------

// move(i, word) for all weights of a block's filters, of which thread t has number t: where they stand in memory from those
// of thread 0 on, and in shared memory, an odd number of words apart.
template <class Move> __device__ inline void each_weight(int filters, int taps, Move move) {
    for (int i = threadIdx.x; i < min(filters, BLOCK) * taps; i += BLOCK) move(i, i / taps * (taps | 1) + i % taps);
}

// A thread a filter of w, n = outputs x channels of them, flipped for the data's gradient. Grid ceil(n / 128), block 128.
extern "C" __global__ void winograd_filters_v1(const float* w, float* points, int n, int filter_height, int filter_width,
                                               bool flipped) {
    extern __shared__ float staged[];
    const int first = blockIdx.x * BLOCK, i = first + threadIdx.x, taps = filter_height * filter_width;
    each_weight(n - first, taps, [&](int i, int word) { staged[word] = w[first * taps + i]; });
    __syncthreads();
    if (i >= n) return;
    const float* filter = staged + threadIdx.x * (taps | 1);
    Square tile;
#pragma unroll
    for (int p = 0; p < POINTS; ++p)
#pragma unroll
        for (int q = 0; q < POINTS; ++q) {
            const int tap = p * filter_width + q;
            const bool inside = p < filter_height && q < filter_width;
            tile[p][q] = inside ? filter[flipped ? taps - 1 - tap : tap] : 0.0f;
        }
    transform<take_values>(tile, filter_height, filter_width);
    scatter(tile, points, n, i);
}

// A thread a filter of the weights' gradient.
extern "C" __global__ void winograd_weights_v1(const float* points, float* w, int n, int filter_height, int filter_width) {
    extern __shared__ float staged[];
    const int first = blockIdx.x * BLOCK, i = first + threadIdx.x, taps = filter_height * filter_width;
    if (i < n) {
        Square tile;
        gather(points, tile, n, i);
        transform<take_moments>(tile, filter_height, filter_width);
#pragma unroll
        for (int p = 0; p < POINTS; ++p)
#pragma unroll
            for (int q = 0; q < POINTS; ++q)
                if (p < filter_height && q < filter_width) staged[threadIdx.x * (taps | 1) + p * filter_width + q] = tile[p][q];
    }
    __syncthreads();
    each_weight(n - first, taps, [&](int i, int word) { w[first * taps + i] = staged[word]; });
}

// ---- products ----------------------------------------------------------------------------------------------------------

// The 64 products: as matmul_v5, a layer of the grid for each point. Grid (n / 128, m / 128, 64), block 256.
extern "C" __global__ void __launch_bounds__(256, 2)
    winograd_products_v1(const float* a, const float* b, float* y, int m, int n, int k, int a_row, int a_column, int b_row,
                         int b_column) {
    const int first_row = blockIdx.y * SIDE, first_column = blockIdx.x * SIDE;
    a += blockIdx.z * m * k, b += blockIdx.z * k * n, y += blockIdx.z * m * n;
    MatrixSource<RegisterProduct> of_a{a + size_t(first_row) * a_row, m - first_row, k, a_row, a_column, a_column == 1};
    MatrixSource<RegisterProduct> of_b{b + size_t(first_column) * b_column, n - first_column, k, b_column, b_row, b_row == 1};
    RegisterProduct product;
    accumulate(product, of_a, of_b, 0, k);
    product.hand_to([&](int row, int column, auto sums) {
        row += first_row, column += first_column;
        if (row < m) store(y + row * n + column, sums, n - column);
    });
}

#endif  // SINGLE
