// 2-D convolution and its two adjoints; a transposed convolution is the first of them. No kernel is flipped.
//
//   x (images, channels, height, width), w (outputs, channels, kernel_height, kernel_width), y (images, outputs, rows, columns), all
//   row-major. y[image, o, i, j] is made from the window of x whose upper left pixel is (i down - top, j right - left).
//
//   v1  direct   one thread a result, straight from the formula; every sum in a fixed order, so no atomics
//
// Direct convolution reads both factors of every product from global memory: 2 flops for 8 bytes in float, 0.25 flop a byte.

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
