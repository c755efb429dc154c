// Pooling of x (planes, height, width), a plane for every channel of every image, to y (planes, rows, columns). Window (i, j)
// begins at pixel (i down, j right). Memory is the limit: a handful of operations for every pixel that is read.
//
//   v1  direct   one thread a result; sums in a fixed sequence, so no atomics

// The place of the largest pixel of each window within its plane; the first of equals. Grid ceil(n / 256), block 256.
extern "C" __global__ void max_pool2d_where_v1(const real* x, int* where, int n, int height, int width, int rows,
                                               int columns, int window_height, int window_width, int down, int right) {
    const int i = global_index();
    if (i >= n) return;
    const int column = i % columns, row = i / columns % rows;
    const real* plane = x + i / (columns * rows) * height * width;
    int best = row * down * width + column * right;
    for (int p = 0; p < window_height; ++p)
        for (int q = 0; q < window_width; ++q) {
            const int here = (row * down + p) * width + column * right + q;
            // A NaN is taken for the largest, as NumPy does: it must not vanish in a pool.
            if (plane[here] > plane[best] || (plane[here] != plane[here] && plane[best] == plane[best])) best = here;
        }
    where[i] = best;
}

// `places` results a plane. Grid ceil(n / 256), block 256.
extern "C" __global__ void gather_pixels_v1(const real* x, const int* where, real* y, int n, int pixels, int places) {
    const int i = global_index();
    if (i < n) y[i] = x[i / places * pixels + where[i]];
}

// One thread a plane, so that several gradients of one pixel add up one after the other. Grid ceil(n / 256) for n planes,
// block 256.
extern "C" __global__ void scatter_pixels_v1(const real* gradient, const int* where, real* x, int n, int pixels,
                                             int places) {
    const int i = global_index();
    if (i >= n) return;
    real* plane = x + i * pixels;
    for (int pixel = 0; pixel < pixels; ++pixel) plane[pixel] = real(0);
    for (int place = i * places; place < (i + 1) * places; ++place) plane[where[place]] += gradient[place];
}

// Grid ceil(n / 256), block 256.
extern "C" __global__ void sum_pool2d_v1(const real* x, real* y, int n, int height, int width, int rows, int columns,
                                         int window_height, int window_width, int down, int right, real scale) {
    const int i = global_index();
    if (i >= n) return;
    const int column = i % columns, row = i / columns % rows;
    const real* corner = x + (i / (columns * rows) * height + row * down) * width + column * right;
    real sum = real(0);
    for (int p = 0; p < window_height; ++p)
        for (int q = 0; q < window_width; ++q) sum += corner[p * width + q];
    y[i] = scale * sum;
}

// Every pixel gathers from the windows that it lies in. Grid ceil(n / 256) for n pixels, block 256.
extern "C" __global__ void sum_pool2d_backward_v1(const real* gradient, real* x, int n, int height, int width, int rows,
                                                  int columns, int window_height, int window_width, int down, int right,
                                                  real scale) {
    const int i = global_index();
    if (i >= n) return;
    const int s = i % width, r = i / width % height;
    const real* plane = gradient + i / (width * height) * rows * columns;
    real sum = real(0);
    for (int row = max(0, (r - window_height + down) / down); row < rows && row * down <= r; ++row)
        for (int column = max(0, (s - window_width + right) / right); column < columns && column * right <= s; ++column)
            sum += plane[row * columns + column];
    x[i] = scale * sum;
}
