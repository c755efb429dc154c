// Dropout: y = x / (1 - rate) where the element's random number is at least `rate`, else 0.
//
// No mask is kept. The random numbers are Philox's, of a counter: backward asks for the same ones again. One thread makes a
// counter's four numbers: grid ceil(n / 4 / 256), block 256.

extern "C" __global__ void dropout_v1(const uint64* counter, const real* x, real* y, int n, uint64 seed, real rate,
                                      real scale) {
    const int block = global_index();
    if (block >= n / 4 + (n % 4 > 0)) return;
    const Words words = philox(counter[0] + block, seed);
    const uint32 of_element[4] = {words.w0, words.w1, words.w2, words.w3};
#pragma unroll
    for (int k = 0; k < 4; ++k) {
        const int i = 4 * block + k;
        if (i < n) y[i] = fraction(of_element[k]) < rate ? real(0) : scale * x[i];
    }
}
