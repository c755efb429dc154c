// How conv2d.cu sees its three kernels as matrix products of which one factor or both are never built.
//
// Each of the three is a product of matrices with rows, columns and a common axis k:
//
//                              rows       columns            k                  row factor    column factor
//   conv2d                     outputs    images x pixels    channels x taps    w             windows of x
//   conv2d_backward_data       channels   images x pixels    outputs x taps     w             windows of the gradient
//   conv2d_backward_weight     outputs    channels x taps    images x pixels    the gradient  windows of x
//
// A window's element is found by adding two spots, one of a pixel (which window) and one of a tap (where in it).

#pragma once

struct Spot { int element, row, column; };

// What the numbers 0, 1, … along an axis stand for. Each is three digits, (image, i, j) of a pixel or (channel, p, q) of a
// tap, the last two of which say on which row and column of an image it stands; it depends on the other axis whether these are
// inside. Of the pixels of y, number n is j = n % columns, i = n / columns % rows of image n / (rows columns), whose window
// begins on row i down - top: row_step is down, and first_row -top.
struct Axis {
    int count, middle, low;  // numbers; different middle and low digits
    int of_high, of_row;     // elements from one high digit to the next, from one row to the next
    int row_step, column_step, first_row, first_column;

    __device__ inline Spot spot(int number) const {
        const int above = number / max(low, 1);  // a phase may have no taps, or no pixels
        const int row = first_row + above % max(middle, 1) * row_step;
        const int column = first_column + number % max(low, 1) * column_step;
        const int element = above / max(middle, 1) * of_high + row * of_row + column;
        // Beyond the last number it is far outside, whatever is added.
        return number < count ? Spot{element, row, column} : Spot{-(1 << 29), -(1 << 29), column};
    }
};

// A factor of a product. Its element (line, k) is the pixel of an image where the two spots add up to, and zero outside.
struct Factor {
    const real* image;
    int height, width;
    Axis lines, ks;

    __device__ inline real at(const Spot& line, const Spot& k) const {
        const int row = line.row + k.row, column = line.column + k.column;
        const bool inside = row >= 0 && row < height && column >= 0 && column < width;
        return inside ? image[line.element + k.element] : real(0);
    }
};

// Where the sums of a product go: its rows are channels of an image tensor, its columns pixels, or taps.
struct Result {
    real* y;
    const real* bias;
    int channels, area;  // elements from channel to channel
    Axis columns;

    // Where a column stands in channel 0; negative beyond the last one.
    __device__ inline int place(int column) const { return columns.spot(column).element; }
    __device__ inline void put(int channel, int place, real sum) const {
        if (channel >= channels || place < 0) return;
        y[channel * area + place] = sum + (bias ? bias[channel] : real(0));
    }
};

struct Gemm { Factor a, b; Result y; };

// A matrix that lies in memory, as images of one pixel.
__device__ inline Factor matrix(const real* from, int lines, int of_line, int ks, int of_k) {
    return {from, 1, 1, {lines, 1, 1, of_line}, {ks, 1, 1, of_k}};
}

// Windows of an image tensor (images, channels, height, width): their upper left corners, and their taps from there.
struct Windows {
    int images, channels, height, width;
    Axis corners, taps;
};

// x (images, channels, height, width), y (images, outputs, rows, columns), and how the filter goes over x: the stride
// (down, right), the padding (top, left).
#define GEOMETRY                                                                                                        \
    int images, int channels, int height, int width, int outputs, int filter_height, int filter_width, int rows,        \
        int columns, int down, int right, int top, int left
#define NUMBERS images, channels, height, width, outputs, filter_height, filter_width, rows, columns, down, right, top, left

// The windows of x that y is made of.
__device__ inline Windows windows_of_x(GEOMETRY) {
    const int pixels = images * rows * columns, taps = channels * filter_height * filter_width, area = height * width;
    return {images, channels, height, width, {pixels, rows, columns, channels * area, width, down, right, -top, -left},
            {taps, filter_height, filter_width, area, width, 1, 1}};
}

__device__ inline Axis pixels_of_y(GEOMETRY) {
    return {images * rows * columns, rows, columns, outputs * rows * columns, columns, 1, 1};
}

__device__ inline Gemm forward(const real* x, const real* w, const real* bias, real* y, GEOMETRY) {
    const Windows windows = windows_of_x(NUMBERS);
    const int k = windows.taps.count;
    return {matrix(w, outputs, k, k, 1), {x, height, width, windows.corners, windows.taps},
            {y, bias, outputs, rows * columns, pixels_of_y(NUMBERS)}};
}

// Each layer of the grid (blockIdx.z) makes the sums over some of the pixels, into a part of its own.
__device__ inline Gemm backward_weight(const real* gradient, const real* x, real* parts, GEOMETRY) {
    const Windows windows = windows_of_x(NUMBERS);
    const int taps = windows.taps.count;
    return {{gradient, rows, columns, {outputs, 1, 1, rows * columns}, pixels_of_y(NUMBERS)},
            {x, height, width, windows.taps, windows.corners},
            {parts + blockIdx.z * outputs * taps, nullptr, outputs, taps, {taps, 1, 1, 1}}};
}

// The data's gradient at stride (down, right) falls into down x right phases: the pixels with one remainder meet the taps
// with one remainder, and among them the stride is 1. Each phase is a convolution of the gradient with a part of the
// filter, walked backwards, and no tap is tried in vain. Phase (p0, q0) has the taps (p0 + down p, q0 + right q).
// Along one of the axes, where it is phase number `number` of `step`: how many taps, and how many the phases before it have; its
// first pixel, and how many; where the first pixel's window of the gradient begins.
struct PhaseAlong {
    int taps, before, pixel, count, corner;

    __device__ inline PhaseAlong(int number, int step, int filter, int size, int padding)
        : taps((filter - number + step - 1) / step), before(number * (filter / step) + min(number, filter % step)),
          pixel(((number - padding) % step + step) % step), count((size - pixel + step - 1) / step),
          corner((pixel + padding - number) / step - (taps - 1)) {}
};

struct Phase {
    Windows windows;  // of the gradient
    Axis pixels;      // of x
    int before;       // how many taps of a channel come before it where weights lie phase by phase

    Phase() = default;
    __device__ inline Phase(int number, GEOMETRY) {
        const PhaseAlong i(number / right, down, filter_height, height, top);
        const PhaseAlong j(number % right, right, filter_width, width, left);
        pixels = {images * i.count * j.count, i.count, j.count, channels * height * width, width, down, right, i.pixel, j.pixel};
        windows = {images, outputs, rows, columns,
                   {pixels.count, i.count, j.count, outputs * rows * columns, columns, 1, 1, i.corner, j.corner},
                   {outputs * i.taps * j.taps, i.taps, j.taps, rows * columns, columns, -1, -1, i.taps - 1, j.taps - 1}};
        before = i.before * filter_width + i.taps * j.before;
    }
};

// `phases` is what conv2d_phases_v1 made of w.
__device__ inline Gemm backward_data(const real* gradient, const real* phases, const real* bias, real* x, const Phase& of,
                                     GEOMETRY) {
    return {matrix(phases + of.before * outputs * channels, channels, 1, of.windows.taps.count, channels),
            {gradient, rows, columns, of.windows.corners, of.windows.taps}, {x, bias, channels, height * width, of.pixels}};
}
