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
#include "run.cuh"
#ifdef TILE_OLD  // conv2d.cu, until it is adapted
#include "tile_old.cuh"
#else
#include "tile.cuh"
#endif

struct Spot { int element, row, column; };

// A number written in three digits, (high, middle, low), of which the last two go up to `middle_size` and `low_size`.
struct Digits {
    int high, middle, low;
    __device__ inline Digits(int number, int middle_size, int low_size) {
        const int sizes = max(middle_size * low_size, 1);  // a phase may have no taps
        high = number / sizes, middle = number % sizes / max(low_size, 1), low = number % max(low_size, 1);
    }
};

// Windows of an image tensor: pixel (i, j) with tap (p, q) looks at row first_row + i row_step + p tap_step, and likewise.
struct Windows {
    const real* image;
    int channels, height, width, kernel_height, kernel_width, images, rows, columns;
    int first_row, first_column, row_step, column_step, tap_step;

    __device__ inline int pixels() const { return images * rows * columns; }
    __device__ inline int taps() const { return channels * kernel_height * kernel_width; }
    __device__ inline Digits pixel_digits(int number) const { return Digits(number, rows, columns); }
    __device__ inline Digits tap_digits(int number) const { return Digits(number, kernel_height, kernel_width); }
    __device__ inline Spot pixel(const Digits& of) const {  // of (image, i, j)
        return spot(of.high * channels, first_row + of.middle * row_step, first_column + of.low * column_step);
    }
    __device__ inline Spot tap(const Digits& of) const {  // of (channel, p, q)
        return spot(of.high, of.middle * tap_step, of.low * tap_step);
    }
    __device__ inline Spot spot(int plane, int row, int column) const {
        return {(plane * height + row) * width + column, row, column};
    }
    __device__ inline real at(const Spot& a, const Spot& b) const {
        const int row = a.row + b.row, column = a.column + b.column;
        const bool inside = row >= 0 && row < height && column >= 0 && column < width;
        return inside ? image[a.element + b.element] : real(0);
    }
};

// The windows that y is made of: of x, at the pixels of y, with the taps of w.
__device__ inline Windows windows_of(const real* x, int images, int channels, int height, int width, int kernel_height,
                                     int kernel_width, int rows, int columns, int down, int right, int top, int left) {
    return {x, channels, height, width, kernel_height, kernel_width, images, rows, columns, -top, -left, down, right, 1};
}

// y itself, or its gradient, as windows of one pixel.
__device__ inline Windows pixels_of(const real* y, int images, int outputs, int rows, int columns) {
    return {y, outputs, rows, columns, 1, 1, images, rows, columns, 0, 0, 1, 1, 1};
}

// The data's gradient at stride (down, right) falls into down x right phases: the pixels with one remainder meet the taps
// with one remainder, and among them the stride is 1. Each phase is a convolution of the gradient with a part of the
// kernel, walked backwards, and no tap is tried in vain. Phase (p0, q0) has the taps (p0 + down p, q0 + right q).
struct Phase {
    int row, column;  // its first pixel
    int kernel_height, kernel_width, before;  // how many taps of a channel come before it where weights lie phase by phase
    Windows windows;

    Phase() = default;
    static __device__ inline int share(int size, int step, int first) { return (size - first + step - 1) / step; }
    static __device__ inline int shares_before(int size, int step, int first) {
        int sum = 0;
        for (int other = 0; other < first; ++other) sum += share(size, step, other);
        return sum;
    }

    __device__ inline Phase(int number, const real* gradient, int images, int height, int width, int outputs, int all_height,
                            int all_width, int rows, int columns, int down, int right, int top, int left) {
        const int p0 = number / right, q0 = number % right;
        row = ((p0 - top) % down + down) % down, column = ((q0 - left) % right + right) % right;
        kernel_height = share(all_height, down, p0), kernel_width = share(all_width, right, q0);
        before = shares_before(all_height, down, p0) * all_width + kernel_height * shares_before(all_width, right, q0);
        windows = {gradient, outputs, rows, columns, kernel_height, kernel_width, images, share(height, down, row),
                   share(width, right, column), (row + top - p0) / down, (column + left - q0) / right, 1, 1, -1};
    }
};

// The two ways to look at windows as the lines of a factor: a line a pixel, with k along the taps, or the other way round.
struct PixelLines {
    Windows windows;
    __device__ inline int lines() const { return windows.pixels(); }
    __device__ inline int length() const { return windows.taps(); }
    __device__ inline Spot line(int number) const { return windows.pixel(windows.pixel_digits(number)); }
    __device__ inline Digits digits(int k) const { return windows.tap_digits(k); }
    __device__ inline Spot along_k(const Digits& k) const { return windows.tap(k); }
};

struct TapLines {
    Windows windows;
    __device__ inline int lines() const { return windows.taps(); }
    __device__ inline int length() const { return windows.pixels(); }
    __device__ inline Spot line(int number) const { return windows.tap(windows.tap_digits(number)); }
    __device__ inline Digits digits(int k) const { return windows.pixel_digits(k); }
    __device__ inline Spot along_k(const Digits& k) const { return windows.pixel(k); }
};

template <class Lines> __device__ inline real element(const Lines& of, int line, int k) {
    if (line >= of.lines() || k >= of.length()) return real(0);
    return of.windows.at(of.line(line), of.along_k(of.digits(k)));
}

struct MatrixLines {
    const real* from;
    int all_lines, k, line_step, p_step;
};

__device__ inline real element(const MatrixLines& of, int line, int p) {
    return line < of.all_lines && p < of.k ? of.from[line * of.line_step + p * of.p_step] : real(0);
}

// Where a finished sum goes: into channel `row` of an image tensor, at the pixel `column` of a phase (all pixels, where
// nothing is strided).
struct PixelTarget {
    const real* bias;
    real* y;
    int first_row, first_column, channels, images, rows, columns, height, width, down, right, row_of_phase, column_of_phase;

    // Where pixel number `column` stands in channel 0; -1 beyond the last one.
    __device__ inline int place(int column) const {
        column += first_column;
        if (column >= images * rows * columns) return -1;
        const int j = column % columns, i = column / columns % rows, image = column / (columns * rows);
        return (image * channels * height + row_of_phase + i * down) * width + column_of_phase + j * right;
    }
    __device__ inline void put(int row, int place, real sum) const {
        row += first_row;
        if (row < channels && place >= 0) y[row * height * width + place] = sum + (bias ? bias[row] : real(0));
    }
};

// All pixels of y (images, channels, rows, columns).
__device__ inline PixelTarget pixels_to(const real* bias, real* y, int first_row, int first_column, int channels, int images,
                                        int rows, int columns) {
    return {bias, y, first_row, first_column, channels, images, rows, columns, rows, columns, 1, 1, 0, 0};
}

// The pixels of a phase of x (images, channels, height, width).
__device__ inline PixelTarget phase_to(const real* bias, real* x, int first_row, int first_column, int channels, int height,
                                       int width, const Phase& phase, int down, int right) {
    return {bias, x, first_row, first_column, channels, phase.windows.images, phase.windows.rows, phase.windows.columns,
            height, width, down, right, phase.row, phase.column};
}
