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
#include "tile.cuh"
#include "windows.cuh"
#if SINGLE

// The rows where a run of pixels has its windows; the numbers are worked out in minigan/cuda/conv2d_staged.py.
struct Stage {
    Windows windows;         // as they lie in a slot that begins with the stack
    int run;                 // pixels whose windows lie in the rows of one slot
    int tall, pitch, stack;  // rows of one channel, floats from row to row; rows from image to image
    int row, column;         // of the stack, where the slot begins
    int from;                // the column from which rows come in
    bool is_cut;             // on boundaries of sectors, where runs do not go beyond a row of pixels; else rows are the image's, whole

    Stage() = default;
    __device__ inline Stage(const Windows& windows, int run, int tall, int pitch, int stack, int pixel)
        : windows(windows), run(run), tall(tall), pitch(pitch), stack(stack) {
        Axis &corners = this->windows.corners, &taps = this->windows.taps;
        corners.of_high = stack * pitch, taps.of_high = plane(), corners.of_row = taps.of_row = pitch;
        begin_at(pixel);
    }
    __device__ inline void begin_at(int pixel) {
        const Spot corner = windows.corners.spot(pixel);
        is_cut = windows.corners.low % run == 0;
        row = (corner.element - corner.column) / pitch;
        column = is_cut ? corner.column & ~7 : min(windows.corners.first_column, 0) & ~3;
        from = is_cut ? column : 0;
    }

    __device__ inline int plane() const { return tall * pitch; }
    __device__ inline int of_channel() const { return windows.taps.middle * windows.taps.low; }
    // Where a pixel's window begins in the slot.
    __device__ inline int window(int pixel) const { return windows.corners.spot(pixel).element - row * pitch - column; }

    // Quads of a row, and rows that all threads bring at once, a quad each.
    __device__ inline int quads() const { return is_cut ? pitch / 4 : max((windows.width + 3) / 4, 1); }
    __device__ inline int at_once() const { return blockDim.x / quads(); }
    // Of a thread: its column of quads, and its first row; threads that are left over have none.
    __device__ inline int quad() const { return threadIdx.x % quads(); }
    __device__ inline int first_row() const { return threadIdx.x / quads() < at_once() ? threadIdx.x / quads() : 1 << 29; }
    __device__ inline int place(int r) const { return r * pitch + 4 * quad() + from - column; }
    // Where its quad of a row stands in the image, the slot beginning with `first_channel`; -1 outside.
    __device__ inline int element(int r, int first_channel) const {
        const int channel = first_channel + r / tall, at = row + r % tall, image = at / stack, i = at % stack;
        const int j = from + 4 * quad();
        if (at < 0 || i >= windows.height || image >= windows.images || j < 0 || j >= windows.width) return -1;
        return ((image * windows.channels + channel) * windows.height + i) * windows.width + j;
    }
    // The four neighbours there, as far as their row goes. A channel too many may stand there, which nobody reads.
    __device__ inline Run<4> load(const float* image, int element) const {
        const int width = windows.width, all = windows.images * windows.channels * windows.height * width;
        if (element < 0 || element >= all) return {};
        return load_four(image + element, width % 4 == 0 ? 4 : width - element % width);
    }
};

// ---- windows of 128 pixels, k along the taps of one channel after the other ---------------------------------------------

// Slots have the same rows of the next few channels, and form a ring. While a strip is multiplied, a first quad for each thread
// of the slot that begins in the next one is on its way; what a slot has beyond is waited for. An element is found by adding
// where its window begins and where its tap stands in a window; those of a strip's ks are worked out once for the block.
struct StagedPixels {
    static constexpr int DEPTH = RegisterProduct::DEPTH, LINES = 2, LINES_AT_ONCE = SIDE / LINES, KS_AT_ONCE = 4;
    const Stage& stage;
    const float* const image;
    const int of_slot, slots;  // channels of a slot
    float* const staged;
    int window[LINES];
    int start;                  // of the strip that is put next
    int channel = 0, slot = 0;  // of the slot that begins next: its first channel, and where it goes in shared memory
    int from = -1, to = -1;     // where the quad that comes ahead stands in the image, and in a slot; -1 for none
    Run<4> ahead;

    __device__ inline StagedPixels(const Stage& stage, const float* image, int first, int of_slot, int slots, float* staged)
        : stage(stage), image(image), of_slot(of_slot), slots(slots), staged(staged) {
        for (int i = threadIdx.x; i < slots * of_slot * stage.plane(); i += RegisterProduct::THREADS) staged[i] = 0.0f;
        for (int j = 0; j < LINES; ++j)  // beyond the last pixel that one's again: nobody stores what is made of it
            window[j] = stage.window(min(first + line_of(j), stage.windows.corners.count - 1));
        if (stage.first_row() < of_slot * stage.tall) from = stage.element(stage.first_row(), 0);
        if (from >= 0) to = stage.place(stage.first_row());
        fetch(-DEPTH);
        __syncthreads();
        prepare(0);
        __syncthreads();
    }

    static __device__ inline int line_of(int j) { return threadIdx.x % LINES_AT_ONCE + j * LINES_AT_ONCE; }
    // Of two strips: while one thread prepares the next, another may still read this one's.
    static __device__ inline int& tap_of(int k) {
        __shared__ int taps[2 * DEPTH];
        return taps[k % (2 * DEPTH)];
    }
    __device__ inline bool slot_begins_in(int strip) const {
        return channel * stage.of_channel() < min(strip + DEPTH, stage.windows.taps.count);
    }

    __device__ inline void fetch(int strip) {
        start = strip;
        if (to >= 0 && slot_begins_in(start + DEPTH)) ahead = stage.load(image, from);
    }

    __device__ inline void put(RegisterProduct::Strip& strip) {
        for (int i = 0; i < DEPTH; i += KS_AT_ONCE) {
            const int k = i + threadIdx.x / LINES_AT_ONCE, tap = tap_of(start + k);
            for (int j = 0; j < LINES; ++j) strip[k][line_of(j)] = tap < 0 ? 0.0f : staged[window[j] + tap];
        }
        prepare(start + DEPTH);
    }

    __device__ inline void prepare(int strip) {
        const int floats = of_slot * stage.plane(), rows = of_slot * stage.tall;
        if (slot_begins_in(strip)) {
            if (slots == 1) __syncthreads();  // the one before has been read by everybody
            if (to >= 0) *reinterpret_cast<Run<4>*>(staged + slot + to) = ahead;
            if (rows > stage.at_once())
                for (int r = stage.first_row() + stage.at_once(); r < rows; r += stage.at_once())
                    *reinterpret_cast<Run<4>*>(staged + slot + stage.place(r)) = stage.load(image, stage.element(r, channel));
            channel += of_slot, from += of_slot * stage.windows.height * stage.windows.width;
            slot = slot + floats == slots * floats ? 0 : slot + floats;
        }
        if (threadIdx.x < DEPTH) {
            const int tap = stage.windows.taps.spot(strip + threadIdx.x).element;
            tap_of(strip + threadIdx.x) = tap < 0 ? -1 : tap % (slots * floats);
        }
    }
};

// Hands a product over by way of shared memory, so that the lanes of a warp store neighbours along a row: a slab of 8 rows a warp
// at a time, whose pitch of 32 + 16 keeps the lanes' runs in different banks.
__device__ inline void hand_over(const RegisterProduct& product, const Result& result, int first_row, int first_column,
                                 float* slabs) {
    float(*slab)[48] = reinterpret_cast<float(*)[48]>(slabs) + threadIdx.x / 32 * 8;
    const int lane = threadIdx.x % 32, place = result.place(first_column + threadIdx.x / 32 % 4 * 32 + lane);
    product.hand_to([&](int row, int column, const Run<4>& sums) {
        *reinterpret_cast<Run<4>*>(&slab[lane / 4][column % 32]) = sums;
        if (column % 32 < 16) return;  // the other half of these rows comes next
        __syncwarp();
        for (int r = 0; r < 8; ++r) result.put(first_row + row + 4 * (r - lane / 4), place, slab[r][lane]);
        __syncwarp();
    });
}

// ---- windows under 128 taps, k along the pixels -------------------------------------------------------------------------

// A slot has the rows of all channels that the taps are of, for so many pixels. It is large, and lasts for many strips. Lanes are
// neighbours along the pixels: eight of them have eight ks, and a thread every 32nd line.
struct StagedTaps {
    static constexpr int DEPTH = RegisterProduct::DEPTH, LINES = 4, LINES_AT_ONCE = SIDE / LINES;
    Stage& stage;
    const float* const image;
    const int end;
    float* const staged;
    int channel, rows;  // the first channel and the rows of all slots
    int tap[LINES];
    int start, next;  // the strip that is put next, and the k where the next slot begins

    // k from `begin` to `end`. `stage` and `staged` are in shared memory.
    __device__ inline StagedTaps(Stage& stage, const float* image, int first, int begin, int end, float* staged)
        : stage(stage), image(image), end(end), staged(staged), next(begin) {
        const int last = stage.windows.taps.count - 1;
        channel = first / stage.of_channel();
        rows = (min(first + SIDE - 1, last) / stage.of_channel() - channel + 1) * stage.tall;
        for (int i = threadIdx.x; i < rows * stage.pitch; i += RegisterProduct::THREADS) staged[i] = 0.0f;
        for (int j = 0; j < LINES; ++j)
            tap[j] = stage.windows.taps.spot(min(first + line_of(j), last)).element - channel * stage.plane();
        prepare(begin);
        __syncthreads();
    }

    static __device__ inline int line_of(int j) { return threadIdx.x / DEPTH + j * LINES_AT_ONCE; }
    // Of two strips, as above.
    static __device__ inline int& window_of(int k) {
        __shared__ int windows[2 * DEPTH];
        return windows[k % (2 * DEPTH)];
    }

    __device__ inline void fetch(int strip) { start = strip; }

    __device__ inline void put(RegisterProduct::Strip& strip) {
        const int k = threadIdx.x % DEPTH, window = window_of(start + k);
        for (int j = 0; j < LINES; ++j) strip[k][line_of(j)] = window < 0 ? 0.0f : staged[tap[j] + window];
        prepare(start + DEPTH);
    }

    __device__ inline void prepare(int strip) {
        if (next < min(strip + DEPTH, end)) {
            __syncthreads();  // the one before has been read by everybody
            if (threadIdx.x == 0) stage.begin_at(next);
            __syncthreads();
            for (int r = stage.first_row(); r < rows; r += 2 * stage.at_once()) {  // two quads are on their way at once
                const int other = r + stage.at_once();
                const Run<4> one = stage.load(image, stage.element(r, channel));
                const Run<4> two = other < rows ? stage.load(image, stage.element(other, channel)) : Run<4>{};
                *reinterpret_cast<Run<4>*>(staged + stage.place(r)) = one;
                if (other < rows) *reinterpret_cast<Run<4>*>(staged + stage.place(other)) = two;
            }
            next += stage.run;
        }
        const int k = strip + threadIdx.x;
        if (threadIdx.x < DEPTH) window_of(k) = k < end ? stage.window(k) : -1;
    }
};

// The gradient of y (images, outputs, area) as lines of outputs along all pixels, k from `begin` to `end`. A thread has every 32nd
// line, and walks along k in steps of a strip.
struct SlopeSource {
    static constexpr int DEPTH = RegisterProduct::DEPTH, LINES = 4, LINES_AT_ONCE = SIDE / LINES;
    const float* gradient;  // the thread's first line of an image
    const int outputs, area, end, line;
    int k, pixel;  // of the next strip; in its image
    float value[LINES];

    __device__ inline SlopeSource(const float* gradient, int outputs, int area, int first, int begin, int end)
        : outputs(outputs), area(area), end(end), line(first + threadIdx.x / DEPTH), k(begin + threadIdx.x % DEPTH),
          pixel(k % area) {
        this->gradient = gradient + (k / area * outputs + line) * area;
    }
    __device__ inline void fetch(int) {
        for (int j = 0; j < LINES; ++j) {
            const bool is_inside = k < end && line + j * LINES_AT_ONCE < outputs;
            value[j] = is_inside ? gradient[j * LINES_AT_ONCE * area + pixel] : 0.0f;
        }
        k += DEPTH;
        for (pixel += DEPTH; pixel >= area && k < end; pixel -= area) gradient += outputs * area;
    }
    __device__ inline void put(RegisterProduct::Strip& strip) const {
        for (int j = 0; j < LINES; ++j) strip[threadIdx.x % DEPTH][threadIdx.x / DEPTH + j * LINES_AT_ONCE] = value[j];
    }
};

#endif  // SINGLE
