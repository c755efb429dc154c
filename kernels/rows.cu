// Rows put into their place in a larger array: one thread an element, grid ceil(n / 256), block 256.

// y[start + i] = x[i] for i < n. Where `number` is given, y is `slots` arrays of `size` elements, and the copy goes to the one
// of that number, counted round and round: a captured launch writes elsewhere once the number has changed.
// 8 bytes an element in float: 4 read, 4 written.
extern "C" __global__ void copy_rows_v1(const real* x, real* y, const uint64* number, int n, int start, int slots, int size) {
    const int i = global_index();
    if (i >= n) return;
    const int slot = number ? int(number[0] % slots) : 0;
    y[slot * size + start + i] = x[i];
}
