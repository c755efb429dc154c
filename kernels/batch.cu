// A batch out of the whole data set, which lies on the device as it is stored: one thread an element of the batch, grid
// ceil(n / 256), block 256.
//
// `schedule` holds `batches` rows, each with the `samples` samples of a batch; it is walked round and round. Which batch it is the
// device knows itself, from `number`: a captured launch takes the next one once the number has changed.

// Where thread i's element lies in the data; a sample has `size` elements, side by side, and so have neighbouring threads.
__device__ inline long long place_in_data(int i, const int* schedule, uint64 number, int samples, int batches, int size) {
    const int sample = schedule[int(number % batches) * samples + i / size];
    return (long long)sample * size + i % size;
}

// 0 ... 255 to -1 ... 1, rounded after the product and after the difference as NumPy rounds. A plain p * scale - 1 would be
// fused into one instruction that rounds once.
__device__ inline real brightness(unsigned char pixel) {
    const real scale = real(2) / real(255);
#if SINGLE
    return __fadd_rn(__fmul_rn(real(pixel), scale), real(-1));
#else
    return __dadd_rn(__dmul_rn(real(pixel), scale), real(-1));
#endif
}

// 5 bytes an element in float: 1 read, 4 written; and the schedule once for each sample.
extern "C" __global__ void image_batch_v1(const unsigned char* pixels, const int* schedule, const uint64* number, real* y, int n,
                                          int samples, int batches, int size) {
    const int i = global_index();
    if (i < n) y[i] = brightness(pixels[place_in_data(i, schedule, number[0], samples, batches, size)]);
}

extern "C" __global__ void point_batch_v1(const real* points, const int* schedule, const uint64* number, real* y, int n,
                                          int samples, int batches, int size) {
    const int i = global_index();
    if (i < n) y[i] = points[place_in_data(i, schedule, number[0], samples, batches, size)];
}
