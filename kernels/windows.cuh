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

// What the numbers 0, 1, … along an axis stand for. Each is three digits, (image, i, j) of a pixel or (channel, p, q) of a tap, the
// last two of which say on which row and column of an image it stands; it depends on the other axis whether these are inside.
struct Axis {
    int count, middle, low;  // numbers; different middle and low digits
    int row_step, column_step, first_row, first_column;

    // Where images are `of_high` elements apart, and rows `of_row`. Far outside beyond the last number.
    __device__ inline Spot spot(int number, int of_high, int of_row) const {
        constexpr int FAR = -(1 << 29);
        const int above = number / max(low, 1);  // a phase may have no taps, or no pixels
        const int row = first_row + above % max(middle, 1) * row_step, column = first_column + number % max(low, 1) * column_step;
        const int element = above / max(middle, 1) * of_high + row * of_row + column;
        return {number < count ? element : FAR, number < count ? row : FAR, column};
    }
};

// A factor of a product. Its element (line, k) is the pixel of an image where the two spots add up to, and zero outside.
struct Factor {
    const real* image;
    int height, width;
    Axis lines, ks;
    int of_line, of_k;  // elements from one high digit to the next

    __device__ inline Spot line(int number) const { return lines.spot(number, of_line, width); }
    __device__ inline Spot k(int number) const { return ks.spot(number, of_k, width); }
    __device__ inline real at(const Spot& line, const Spot& k) const {
        const int row = line.row + k.row, column = line.column + k.column;
        const bool inside = row >= 0 && row < height && column >= 0 && column < width;
        return inside ? image[line.element + k.element] : real(0);
    }
};

// A matrix that lies in memory, as images of one pixel.
__device__ inline Factor matrix(const real* from, int lines, int of_line, int ks, int of_k) {
    return {from, 1, 1, {lines, 1, 1}, {ks, 1, 1}, of_line, of_k};
}

// Where the sums of a product go: its rows are channels of an image tensor, its columns pixels, or taps.
struct Result {
    real* y;
    const real* bias;
    int channels, area, of_image, width;  // elements from channel to channel, from image to image, from row to row
    Axis columns;

    // Where a column stands in channel 0; negative beyond the last one.
    __device__ inline int place(int column) const { return columns.spot(column, of_image, width).element; }
    __device__ inline void put(int channel, int place, real sum) const {
        if (channel >= channels || place < 0) return;
        y[channel * area + place] = sum + (bias ? bias[channel] : real(0));
    }
};

struct Gemm { Factor a, b; Result y; };

// Windows of an image tensor (images, channels, height, width): their upper left corners, and their taps from there.
struct Windows {
    int images, channels, height, width;
    Axis corners, taps;
};

// x (images, channels, height, width) and y (images, outputs, rows, columns), and how the filter goes over x.
struct Geometry {
    int images, channels, height, width, outputs, filter_height, filter_width, rows, columns, down, right, top, left;

    // The windows of x that y is made of.
    __device__ inline Windows windows() const {
        return {images, channels, height, width,
                {images * rows * columns, rows, columns, down, right, -top, -left},
                {channels * filter_height * filter_width, filter_height, filter_width, 1, 1}};
    }
    __device__ inline Axis pixels_of_y() const { return {images * rows * columns, rows, columns, 1, 1}; }
};

__device__ inline Result to_pixels(const real* bias, real* y, const Geometry& of) {
    const int area = of.rows * of.columns;
    return {y, bias, of.outputs, area, of.outputs * area, of.columns, of.pixels_of_y()};
}

__device__ inline Gemm forward(const real* x, const real* w, const real* bias, real* y, const Geometry& of) {
    const Windows windows = of.windows();
    const int k = windows.taps.count, area = of.height * of.width;
    return {matrix(w, of.outputs, k, k, 1),
            {x, of.height, of.width, windows.corners, windows.taps, of.channels * area, area}, to_pixels(bias, y, of)};
}

// Each layer of the grid makes the sums over some of the pixels, into a part of its own.
__device__ inline Gemm backward_weight(const real* gradient, const real* x, real* parts, const Geometry& of) {
    const Windows windows = of.windows();
    const int taps = windows.taps.count, area = of.height * of.width, area_of_y = of.rows * of.columns;
    return {{gradient, of.rows, of.columns, {of.outputs, 1, 1}, of.pixels_of_y(), area_of_y, of.outputs * area_of_y},
            {x, of.height, of.width, windows.taps, windows.corners, area, of.channels * area},
            {parts + blockIdx.z * of.outputs * taps, nullptr, of.outputs, taps, 1, 0, {taps, 1, 1}}};
}

// The data's gradient at stride (down, right) falls into down x right phases: the pixels with one remainder meet the taps
// with one remainder, and among them the stride is 1. Each phase is a convolution of the gradient with a part of the
// filter, walked backwards, and no tap is tried in vain. Phase (p0, q0) has the taps (p0 + down p, q0 + right q).
// Along one of the axes, where it is phase number `number` of `step`:
struct PhaseAlong {
    int taps, before;   // how many, and how many the phases before it have
    int pixel, pixels;  // its first pixel, and how many
    int corner;         // of the first pixel's window of the gradient

    __device__ inline PhaseAlong(int number, int step, int filter, int size, int padding)
        : taps((filter - number + step - 1) / step), before(number * (filter / step) + min(number, filter % step)),
          pixel(((number - padding) % step + step) % step), pixels((size - pixel + step - 1) / step),
          corner((pixel + padding - number) / step - (taps - 1)) {}
};

struct Phase {
    Windows windows;  // of the gradient
    Axis pixels;      // of x
    int before;       // how many taps of a channel come before it where weights lie phase by phase

    Phase() = default;
    __device__ inline Phase(const Geometry& of, int number) {
        const PhaseAlong i(number / of.right, of.down, of.filter_height, of.height, of.top);
        const PhaseAlong j(number % of.right, of.right, of.filter_width, of.width, of.left);
        pixels = {of.images * i.pixels * j.pixels, i.pixels, j.pixels, of.down, of.right, i.pixel, j.pixel};
        windows = {of.images, of.outputs, of.rows, of.columns,
                   {pixels.count, i.pixels, j.pixels, 1, 1, i.corner, j.corner},
                   {of.outputs * i.taps * j.taps, i.taps, j.taps, -1, -1, i.taps - 1, j.taps - 1}};
        before = i.before * of.filter_width + i.taps * j.before;
    }
};

__device__ inline Result to_phase(const real* bias, real* x, const Geometry& of, const Phase& phase) {
    const int area = of.height * of.width;
    return {x, bias, of.channels, area, of.channels * area, of.width, phase.pixels};
}

// `phases` is what conv2d_phases_v1 made of w.
__device__ inline Gemm backward_data(const real* gradient, const real* phases, const real* bias, real* x, const Geometry& of,
                                     const Phase& phase) {
    const Axis &corners = phase.windows.corners, &taps = phase.windows.taps;
    const int area = of.rows * of.columns;
    return {matrix(phases + phase.before * of.outputs * of.channels, of.channels, 1, taps.count, of.channels),
            {gradient, of.rows, of.columns, corners, taps, of.outputs * area, area}, to_phase(bias, x, of, phase)};
}
