// Windows for the products of tile.cuh, by way of shared memory. Float only.
//
// 32 neighbouring pixels of a window that is shifted by one lie in five sectors where four would do, and a pixel lies in as many
// windows as there are taps. So the rows of an image come in as they lie, by 16 bytes, once for all taps, and the windows are
// read from there.
//
// The images of a batch are thought of as one stack of rows, with as many rows of zeros between two images as windows reach
// out of one. The windows of a run of pixels then lie in a run of rows. A *slot* holds such rows of a few channels; it serves
// at least one strip of the product, and at most one slot begins in a strip.
#pragma once
#include "windows.cuh"
#if SINGLE

// How an image is staged; the numbers are worked out in minigan/cuda/conv2d_staged.py.
struct Stage {
    struct Place { int row, column; };  // in the stack of images

    Windows windows;
    int run;      // pixels whose windows lie in the rows of one slot
    int of_slot;  // channels of a slot where k runs along the taps, pixels of a slot where it runs along the pixels
    int slots, tall, pitch, stack;  // slots, rows of one, floats from row to row; rows from image to image

    __device__ inline int plane() const { return tall * pitch; }
    __device__ inline int area() const { return windows.height * windows.width; }
    __device__ inline int taps() const { return windows.kernel_height * windows.kernel_width; }
    __device__ inline bool backwards() const { return windows.tap_step < 0; }

    // The upper left corner of a pixel's window.
    __device__ inline Place corner(int pixel) const {
        const Digits at = windows.pixel_digits(pixel);
        return {at.high * stack + at.middle * windows.row_step + windows.first_row - backwards() * (windows.kernel_height - 1),
                at.low * windows.column_step + windows.first_column - backwards() * (windows.kernel_width - 1)};
    }
    // Where runs do not go beyond a row of pixels, a slot's rows are cut out on boundaries of sectors; else they are the image's, whole.
    __device__ inline bool in_one_row() const { return windows.columns % run == 0; }
    // Where the rows begin for the run of pixels from this one on, with the zeros to the left of an image.
    __device__ inline Place origin(int pixel) const {
        Place at = corner(pixel);
        if (!in_one_row()) at.column = min(corner(0).column, 0);
        at.column -= at.column & (in_one_row() ? 7 : 3);
        return at;
    }
    __device__ inline int offset(const Place& at, const Place& origin) const {
        return (at.row - origin.row) * pitch + at.column - origin.column;
    }
    // From the corner of a window to its pixel under a tap (channel, p, q).
    __device__ inline int tap(const Digits& of) const {
        return (backwards() ? windows.kernel_height - 1 - of.middle : of.middle) * pitch +
               (backwards() ? windows.kernel_width - 1 - of.low : of.low);
    }
    // A row of a slot comes in as so many quads.
    __device__ inline int quads() const { return in_one_row() ? pitch / 4 : max((windows.width + 3) / 4, 1); }
    __device__ inline int place(int row, int quad, const Place& origin) const {
        return row * pitch + 4 * quad - (in_one_row() ? 0 : origin.column);
    }
    // Where a quad stands in the image, of a row of a slot with `first_channel`; -1 outside.
    __device__ inline int element(int row, int quad, int first_channel, const Place& origin) const {
        const int channel = first_channel + row / tall, at = origin.row + row % tall;
        const int column = 4 * quad + (in_one_row() ? origin.column : 0), image = at / stack, r = at % stack;
        if (at < 0 || r >= windows.height || image >= windows.images || column < 0 || column >= windows.width) return -1;
        return ((image * windows.channels + channel) * windows.height + r) * windows.width + column;
    }
    // The four neighbours there, as far as their row goes. A channel too many may stand there, which nobody reads.
    __device__ inline Run<4> load(const float* image, int element) const {
        if (element < 0 || element >= windows.images * windows.channels * area()) return {};
        return load_four(image + element, windows.width % 4 == 0 ? 4 : windows.width - element % windows.width);
    }
};

// Lines are pixels; k runs along the taps of one channel after the other. All slots have the same rows.
struct StagedPixels {
    static constexpr bool K_IS_PIXELS = false, IS_AHEAD = true;
    Stage stage;
    Stage::Place origin;

    StagedPixels() = default;
    __device__ inline StagedPixels(const Stage& stage, int first_line) : stage(stage), origin(stage.origin(first_line)) {}
    __device__ inline int ks() const { return stage.of_slot * stage.taps(); }  // of a slot
    __device__ inline int channels() const { return stage.of_slot; }
    // Of the slot that begins with this k:
    __device__ inline int first_channel(int k) const { return k / max(stage.taps(), 1); }  // a phase may have none
    __device__ inline Stage::Place origin_of(int) const { return origin; }
    __device__ inline int line(int number) const {
        return number < stage.windows.pixels() ? stage.offset(stage.corner(number), origin) : 0;
    }
    __device__ inline int along(int k) const {
        const Digits at = stage.windows.tap_digits(k);
        return at.high % (stage.slots * stage.of_slot) * stage.plane() + stage.tap(at);
    }
};

// Lines are taps, of as many channels as that takes; k runs along the pixels. All slots have the same channels. Slots are large,
// and last for many strips.
struct StagedTaps {
    static constexpr bool K_IS_PIXELS = true, IS_AHEAD = false;
    Stage stage;
    int begin, first, last;  // k; channels

    StagedTaps() = default;
    __device__ inline StagedTaps(const Stage& stage, int first_line, int begin)
        : stage(stage), begin(begin), first(first_line / stage.taps()),
          last(min((first_line + SIDE - 1) / stage.taps(), stage.windows.channels - 1)) {}
    __device__ inline int ks() const { return stage.of_slot; }
    __device__ inline int channels() const { return last - first + 1; }
    // Of the slot that begins with this k:
    __device__ inline int first_channel(int) const { return first; }
    __device__ inline Stage::Place origin_of(int k) const { return stage.origin(k); }
    __device__ inline int line(int number) const {
        const Digits at = stage.windows.tap_digits(number);
        return number < stage.windows.taps() ? (at.high - first) * stage.plane() + stage.tap(at) : 0;
    }
    __device__ inline int along(int k) const {
        return stage.offset(stage.corner(k), origin_of(k - (k - begin) % stage.of_slot));
    }
};

// 128 lines for a product, each element found by adding where its line begins and where its k stands along a line; those of a
// strip's ks are worked out once for the block, and lie in shared memory. -1 says that there is only zero. Lanes are neighbours
// along the pixels: where these are lines a warp has one k, else eight lanes have eight neighbours along k.
template <class Product, bool ALONG_K> struct Gather {
    typedef int Alongs[2][Product::DEPTH];
    static constexpr int KS_AT_ONCE = ALONG_K ? 8 : Product::THREADS / 64, KS = Product::DEPTH / KS_AT_ONCE;
    static constexpr int LINES_AT_ONCE = Product::THREADS / KS_AT_ONCE, LINES = SIDE / LINES_AT_ONCE;
    Alongs& alongs;
    int line[LINES];

    __device__ inline explicit Gather(Alongs& alongs) : alongs(alongs) {}

    static __device__ inline int k_of(int i) {
        return (ALONG_K ? threadIdx.x % KS_AT_ONCE : threadIdx.x / LINES_AT_ONCE) + i * KS_AT_ONCE;
    }
    static __device__ inline int line_of(int j) {
        return (ALONG_K ? threadIdx.x / KS_AT_ONCE : threadIdx.x % LINES_AT_ONCE) + j * LINES_AT_ONCE;
    }

    // Two sets take turns: while one thread prepares the next, another may still read these.
    __device__ inline int* alongs_of(int start) const { return alongs[start / Product::DEPTH % 2]; }

    // of(i, j, where) for each element that a thread brings, number i of its ks and number j of its lines.
    template <class Of> __device__ inline void each(int start, Of of) const {
#pragma unroll
        for (int i = 0; i < KS; ++i) {
            const int along = alongs_of(start)[k_of(i)];
#pragma unroll
            for (int j = 0; j < LINES; ++j) of(i, j, (line[j] | along) < 0 ? -1 : line[j] + along);
        }
    }
};

// The gradient of y (images, outputs, area) as lines of outputs along all pixels.
template <class Product> struct SlopeSource : Gather<Product, true> {
    typedef Gather<Product, true> Base;
    const float* gradient;
    const int outputs, area, end;
    float value[Base::KS][Base::LINES];

    // k up to `end`. `alongs` is in shared memory.
    __device__ inline SlopeSource(const float* gradient, int outputs, int area, int first_line, int end,
                                  typename Base::Alongs& alongs)
        : Base(alongs), gradient(gradient), outputs(outputs), area(area), end(end) {
#pragma unroll
        for (int j = 0; j < this->LINES; ++j) {
            const int number = first_line + this->line_of(j);
            this->line[j] = number < outputs ? number * area : -1;
        }
    }
    __device__ inline void prepare(int start) {
        const int k = start + threadIdx.x;
        if (threadIdx.x < Product::DEPTH) this->alongs_of(start)[threadIdx.x] = k < end ? k + k / area * (outputs - 1) * area : -1;
    }
    __device__ inline void fetch(int start) {
        this->each(start, [&](int i, int j, int where) { value[i][j] = where < 0 ? 0.0f : gradient[where]; });
    }
    __device__ inline void put(typename Product::Strip& strip) const {
#pragma unroll
        for (int i = 0; i < Base::KS; ++i)
#pragma unroll
            for (int j = 0; j < Base::LINES; ++j) strip[this->k_of(i)][this->line_of(j)] = Product::rounded(value[i][j]);
    }
};

// Windows out of slots. While a strip is multiplied, a first quad for each thread of the slot that begins in the next one is on its
// way; what a slot has beyond is waited for.
template <class Product, class Lines> struct StagedSource : Gather<Product, Lines::K_IS_PIXELS> {
    typedef Gather<Product, Lines::K_IS_PIXELS> Base;
    static constexpr int AHEAD = Lines::IS_AHEAD, AT_ONCE = 2 - AHEAD;
    const Lines& lines;
    const float* const image;
    const int end;
    float* const staged;
    int start;  // of the strip that is put next
    int next, ring;  // where the next slot begins along k, and in shared memory
    int from = -1, to = -1;  // where the quad that comes ahead stands in the image and in a slot; -1 for none
    bool has_more;
    Run<4> ahead;

    // k from `begin` to `end`. `lines`, `alongs` and `staged` are in shared memory.
    __device__ inline StagedSource(const Lines& lines, const float* image, int first_line, int begin, int end,
                                   typename Base::Alongs& alongs, float* staged)
        : Base(alongs), lines(lines), image(image), end(end), staged(staged), next(begin), ring(0) {
        const int floats = lines.stage.slots * lines.channels() * lines.stage.plane();
        for (int i = threadIdx.x; i < floats; i += Product::THREADS) staged[i] = 0.0f;
#pragma unroll
        for (int j = 0; j < this->LINES; ++j) this->line[j] = lines.line(first_line + this->line_of(j));
        if (AHEAD && row(0) < rows()) from = element(row(0));
        if (from >= 0) to = place(row(0));
        has_more = row(AHEAD) < rows();
        fetch(begin - Product::DEPTH);
        __syncthreads();
    }

    __device__ inline bool begins_in(int start) const { return next < min(start + Product::DEPTH, end); }

    // A thread's quads are one below the other; threads that are left over have none.
    __device__ inline int rows() const { return lines.channels() * lines.stage.tall; }
    __device__ inline int row(int i) const {
        const int at_once = Product::THREADS / lines.stage.quads(), row = threadIdx.x / lines.stage.quads();
        return row < at_once ? row + i * at_once : rows();
    }
    __device__ inline int quad() const { return threadIdx.x % lines.stage.quads(); }
    // Of the next slot:
    __device__ inline int element(int row) const {
        return lines.stage.element(row, quad(), lines.first_channel(next), lines.origin_of(next));
    }
    __device__ inline int place(int row) const { return lines.stage.place(row, quad(), lines.origin_of(next)); }
    __device__ inline void put_quad(int place, const Run<4>& quad) { *reinterpret_cast<Run<4>*>(staged + ring + place) = quad; }

    __device__ inline void store() {
        if (to >= 0) put_quad(to, ahead);
        for (int begin = AHEAD; has_more && row(begin) < rows(); begin += AT_ONCE) {
            Run<4> quad[AT_ONCE];
#pragma unroll
            for (int i = 0; i < AT_ONCE; ++i)
                if (row(begin + i) < rows()) quad[i] = lines.stage.load(image, element(row(begin + i)));
#pragma unroll
            for (int i = 0; i < AT_ONCE; ++i)
                if (row(begin + i) < rows()) put_quad(place(row(begin + i)), quad[i]);
        }
    }

    __device__ inline void advance() {
        const int of_slot = lines.channels() * lines.stage.plane();
        next += lines.ks();
        ring = ring == (lines.stage.slots - 1) * of_slot ? 0 : ring + of_slot;
        from += lines.stage.of_slot * lines.stage.area();
    }

    __device__ inline void prepare(int start) {
        if (begins_in(start)) {
            if (lines.stage.slots == 1) __syncthreads();  // the one before has been read by everybody
            store();
            advance();
        }
        const int k = start + threadIdx.x;
        if (threadIdx.x < Product::DEPTH) this->alongs_of(start)[threadIdx.x] = k < end ? lines.along(k) : -1;
    }

    __device__ inline void fetch(int strip) {
        start = strip;
        if (to >= 0 && begins_in(start + Product::DEPTH)) ahead = lines.stage.load(image, from);
    }

    __device__ inline void put(typename Product::Strip& strip) const {
        this->each(start, [&](int i, int j, int where) {
            strip[this->k_of(i)][this->line_of(j)] = where < 0 ? 0.0f : Product::rounded(staged[where]);
        });
    }
};

#endif  // SINGLE
