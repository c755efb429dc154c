// Uniform and normal numbers from Philox4x32-10, which common.cuh has.
//
// One thread makes one counter's four numbers: grid ceil(n / 4 / 256), block 256. Thread i uses counter[0] + i, so the
// numbers do not depend on how the grid is cut, and they are those of the NumPy reference.

__device__ inline void store_four(real* y, int block, int n, real y0, real y1, real y2, real y3) {
    const int i = 4 * block;
    if (i < n) y[i] = y0;
    if (i + 1 < n) y[i + 1] = y1;
    if (i + 2 < n) y[i + 2] = y2;
    if (i + 3 < n) y[i + 3] = y3;
}

extern "C" __global__ void uniform_v1(const uint64* counter, real* y, int n, uint64 seed, real low, real width) {
    const int block = global_index();
    if (block >= n / 4 + (n % 4 > 0)) return;
    const Words x = philox(counter[0] + block, seed);
    store_four(y, block, n, low + width * fraction(x.w0), low + width * fraction(x.w1), low + width * fraction(x.w2),
               low + width * fraction(x.w3));
}

// Box and Muller: two uniforms make two normals. u1 is moved into (0, 1], so ln 0 cannot happen.
__device__ inline void box_muller(uint32 word1, uint32 word2, real* n1, real* n2) {
    const real radius = sqrt(real(-2) * log(fraction(word1) + real(1.0f / 16777216)));
    real sine, cosine;
    sincospi(real(2) * fraction(word2), &sine, &cosine);  // of pi times: no range reduction, hence no local memory
    *n1 = radius * cosine;
    *n2 = radius * sine;
}

extern "C" __global__ void normal_v1(const uint64* counter, real* y, int n, uint64 seed, real mean, real deviation) {
    const int block = global_index();
    if (block >= n / 4 + (n % 4 > 0)) return;
    const Words x = philox(counter[0] + block, seed);
    real n0, n1, n2, n3;
    box_muller(x.w0, x.w1, &n0, &n1);
    box_muller(x.w2, x.w3, &n2, &n3);
    store_four(y, block, n, mean + deviation * n0, mean + deviation * n1, mean + deviation * n2, mean + deviation * n3);
}

// counter[0] += by. A launch of its own, grid 1, block 1: inside the kernels above, some threads would read the counter
// before and some after.
extern "C" __global__ void advance_v1(uint64* counter, uint64 by) { counter[0] += by; }

// The same, for who wants to draw these numbers later, and again: where the counter stood goes into `before`.
extern "C" __global__ void reserve_v1(uint64* counter, uint64* before, uint64 by) {
    before[0] = counter[0];
    counter[0] += by;
}
