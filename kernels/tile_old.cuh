// The old tile.cuh, for conv2d.cu alone, until that is adapted to the new one: to be deleted with it.
// The tiled product that the upper rungs of matmul.cu, conv2d.cu and conv2d_winograd.cu share. Float only.
//
// A block makes 128 x 128 sums of products, of 128 rows of a matrix a and 128 columns of a matrix b. It walks along their
// common axis k in steps; at each step a strip of a and a strip of b lie in shared memory, strip[p][line], so that
// neighbours in a strip are neighbours along the side of the tile. Three kinds of parts are put together:
//
//   a source    brings one operand's strips: fetch() from global memory to registers, put() from there to shared memory;
//               before the barrier that comes before a fetch(), it may prepare() what all threads need for it
//   a product   multiplies two strips into sums that stay in registers: RegisterProduct, or TensorProduct by tensor cores
//   a target    takes the finished sums: put(row, column, sums) those that a thread has side by side, or, by hand_over(),
//               put(row, place, sum) one of each lane, where lanes are neighbours along a row and place(column) is worked out once
#pragma once
#include "run.cuh"
#if SINGLE

constexpr int SIDE = 128;

// 16 bytes at once where all four numbers exist and lie on a boundary of 16 bytes, else one by one; zero where none is left.
__device__ inline float4 old_load_four(const float* from, int left, bool aligned) {
    if (aligned && left >= 4) return *reinterpret_cast<const float4*>(from);
    return make_float4(left > 0 ? from[0] : 0.0f, left > 1 ? from[1] : 0.0f, left > 2 ? from[2] : 0.0f,
                       left > 3 ? from[3] : 0.0f);
}

__device__ inline bool on_boundary(const void* address) { return reinterpret_cast<uint64>(address) % 16 == 0; }

// As many numbers at once as a thread has side by side, 4 or 2.
template <int N> __device__ inline void store_run(float* to, const float (&values)[N], int left, bool aligned) {
    if (aligned && left >= N) {
        if constexpr (N == 4) *reinterpret_cast<float4*>(to) = make_float4(values[0], values[1], values[2], values[3]);
        else *reinterpret_cast<float2*>(to) = make_float2(values[0], values[1]);
    } else {
#pragma unroll
        for (int c = 0; c < N; ++c)
            if (c < left) to[c] = values[c];
    }
}

// ---- products ---------------------------------------------------------------------------------------------------------

// 256 threads, each with 8 x 8 sums: 16 numbers out of shared memory feed 64 multiply-adds. A warp makes 64 x 32 of them;
// a thread's rows and columns come in fours, 32 and 16 apart, so that each read is one of 16 bytes, and the different
// addresses of a warp lie in different banks. The pitch of 128 + 4 keeps strips apart that are stored against the grain.
struct RegisterProduct {
    static constexpr int THREADS = 256, DEPTH = 8, PITCH = SIDE + 4;
    // On a multiprocessor at once: two, which leaves a thread 128 registers. Blackwell's compiler would spill some of them.
    static constexpr int BLOCKS = __CUDA_ARCH__ < 1000 ? 2 : 1;
    typedef float Strip[DEPTH][PITCH];
    float sum[8][8] = {};

    static __device__ inline float rounded(float x) { return x; }
    static __device__ inline int first_row() { return threadIdx.x / 128 * 64 + threadIdx.x % 32 / 4 * 4; }
    static __device__ inline int first_column() { return threadIdx.x / 32 % 4 * 32 + threadIdx.x % 4 * 4; }

    static __device__ inline void read_eight(const float* from, int apart, float (&x)[8]) {
        const float4 low = *reinterpret_cast<const float4*>(from), high = *reinterpret_cast<const float4*>(from + apart);
        x[0] = low.x, x[1] = low.y, x[2] = low.z, x[3] = low.w;
        x[4] = high.x, x[5] = high.y, x[6] = high.z, x[7] = high.w;
    }

    __device__ inline void add(const Strip& a, const Strip& b) {
        const int row = first_row(), column = first_column();
#pragma unroll  // without it NVRTC leaves loops over k rolled
        for (int p = 0; p < DEPTH; ++p) {
            float x[8], y[8];
            read_eight(&a[p][row], 32, x);
            read_eight(&b[p][column], 16, y);
#pragma unroll
            for (int i = 0; i < 8; ++i)
#pragma unroll
                for (int j = 0; j < 8; ++j) sum[i][j] += x[i] * y[j];
        }
    }

    template <class Target> __device__ inline void hand_to(const Target& target) const {
#pragma unroll
        for (int i = 0; i < 8; ++i) {
            const int row = first_row() + i / 4 * 32 + i % 4;
            target.put(row, first_column(), {sum[i][0], sum[i][1], sum[i][2], sum[i][3]});
            target.put(row, first_column() + 16, {sum[i][4], sum[i][5], sum[i][6], sum[i][7]});
        }
    }

    // For hand_over(): a warp's sums in slabs of 8 rows.
    static constexpr int WARP_ROWS = 64, WARP_COLUMNS = 32;
    typedef float Slab[8][WARP_COLUMNS + 16];
    static __device__ inline int row_of(int slab, int r) { return slab / 4 * 32 + slab % 4 + 4 * r; }
    __device__ inline void lay(int slab, Slab& rows) const {
        float* row = &rows[threadIdx.x % 32 / 4][threadIdx.x % 4 * 4];
        *reinterpret_cast<float4*>(row) = make_float4(sum[slab][0], sum[slab][1], sum[slab][2], sum[slab][3]);
        *reinterpret_cast<float4*>(row + 16) = make_float4(sum[slab][4], sum[slab][5], sum[slab][6], sum[slab][7]);
    }
};

#if TENSOR_CORES

// To the nearest number that a tensor core takes: TF32 keeps 10 bits of a float's 23.
__device__ inline float to_tf32(float x) {
#ifdef MINIGAN_EMULATOR
    return minigan::to_tf32(x);
#else
    uint32 y;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(x));
    return __uint_as_float(y);
#endif
}

// sum (16 x 8) += a (16 x 8) b (8 x 8), by the 32 lanes of a warp together. Of lane 4 g + t: a has rows g and g + 8, at
// columns t and then t + 4; b has rows t and t + 4 of column g; sum has columns 2 t and 2 t + 1 of row g, then of row g + 8.
// (PTX ISA, "Matrix Fragments for mma.m16n8k8".)
__device__ inline void mma_tf32(float (&sum)[4], const float (&a)[4], const float (&b)[2]) {
#ifdef MINIGAN_EMULATOR
    minigan::mma_tf32(sum, a, b);
#else
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])),
                   "r"(__float_as_uint(a[3])), "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
#endif
}

// 128 threads: four warps, each with 64 x 64 sums as 4 x 8 products of a tensor core. 32 words out of shared memory feed
// 32 instructions of 1024 multiply-adds each. With a pitch of 128 + 8 the lanes' words lie in 32 different banks.
struct TensorProduct {
    static constexpr int THREADS = 128, DEPTH = 16, PITCH = SIDE + 8, BLOCKS = 2;
    typedef float Strip[DEPTH][PITCH];
    float sum[4][8][4] = {};

    static __device__ inline float rounded(float x) { return to_tf32(x); }
    static __device__ inline int first_row() { return threadIdx.x / 64 * 64 + threadIdx.x % 32 / 4; }
    static __device__ inline int first_column() { return threadIdx.x / 32 % 2 * 64; }

    __device__ inline void add(const Strip& a, const Strip& b) {
        const int t = threadIdx.x % 4, g = threadIdx.x % 32 / 4;
#pragma unroll
        for (int q = 0; q < DEPTH; q += 8) {
            const int p = q + t;
            float x[4][4], y[8][2];
#pragma unroll
            for (int i = 0; i < 4; ++i)
#pragma unroll
                for (int c = 0; c < 4; ++c) x[i][c] = a[p + c / 2 * 4][first_row() + 16 * i + c % 2 * 8];
#pragma unroll
            for (int j = 0; j < 8; ++j)
#pragma unroll
                for (int c = 0; c < 2; ++c) y[j][c] = b[p + 4 * c][first_column() + 8 * j + g];
#pragma unroll
            for (int i = 0; i < 4; ++i)
#pragma unroll
                for (int j = 0; j < 8; ++j) mma_tf32(sum[i][j], x[i], y[j]);
        }
    }

    template <class Target> __device__ inline void hand_to(const Target& target) const {
#pragma unroll
        for (int j = 0; j < 8; ++j)
#pragma unroll
            for (int i = 0; i < 4; ++i)
#pragma unroll
                for (int half = 0; half < 2; ++half)
                    target.put(first_row() + 16 * i + 8 * half, first_column() + 8 * j + threadIdx.x % 4 * 2,
                               {sum[i][j][2 * half], sum[i][j][2 * half + 1]});
    }

    // As in RegisterProduct.
    static constexpr int WARP_ROWS = 64, WARP_COLUMNS = 64;
    typedef float Slab[8][WARP_COLUMNS + 8];
    static __device__ inline int row_of(int slab, int r) { return 8 * slab + r; }
    __device__ inline void lay(int slab, Slab& rows) const {
#pragma unroll
        for (int j = 0; j < 8; ++j)
            *reinterpret_cast<float2*>(&rows[threadIdx.x % 32 / 4][8 * j + threadIdx.x % 4 * 2]) =
                make_float2(sum[slab / 2][j][slab % 2 * 2], sum[slab / 2][j][slab % 2 * 2 + 1]);
    }
};

#endif  // TENSOR_CORES

// ---- the walk along k --------------------------------------------------------------------------------------------------

// Two strips of each operand in shared memory: while one pair is multiplied the next one is on its way from global memory,
// in registers, and goes into the other pair. One barrier a step.
template <class Product, class SourceA, class SourceB>
__device__ inline void accumulate(Product& product, SourceA& of_a, SourceB& of_b, int begin, int end) {
    __shared__ __align__(16) typename Product::Strip a[2], b[2];
    of_a.prepare(begin);
    of_b.prepare(begin);
    __syncthreads();
    of_a.fetch(begin);
    of_b.fetch(begin);
    of_a.put(a[0]);
    of_b.put(b[0]);
    of_a.prepare(begin + Product::DEPTH);
    of_b.prepare(begin + Product::DEPTH);
    __syncthreads();
    int now = 0;
    for (int start = begin + Product::DEPTH; start < end; start += Product::DEPTH) {
        of_a.fetch(start);
        of_b.fetch(start);
        product.add(a[now], b[now]);
        now = 1 - now;
        of_a.put(a[now]);  // everybody has read this pair before the last barrier
        of_b.put(b[now]);
        of_a.prepare(start + Product::DEPTH);
        of_b.prepare(start + Product::DEPTH);
        __syncthreads();  // and it is filled before anybody reads it
    }
    product.add(a[now], b[now]);
}

// of(i, r, row) for each row that a warp has a part of, the one in shared memory that is row r of slab i. The slabs' pitch keeps
// the lanes' vectors in different banks.
template <class Product, class Of> __device__ inline void each_row(const Product& product, float* slabs, Of of) {
    typename Product::Slab& slab = reinterpret_cast<typename Product::Slab*>(slabs)[threadIdx.x / 32];
#pragma unroll
    for (int i = 0; i < 8; ++i) {
        product.lay(i, slab);
        __syncwarp();
#pragma unroll
        for (int r = 0; r < 8; ++r) of(i, r, slab[r]);
        __syncwarp();
    }
}

// Hands a product to a target by way of shared memory, so that the lanes of a warp put neighbours along a row.
template <class Product, class Target>
__device__ inline void hand_over(const Product& product, const Target& target, float* slabs) {
    constexpr int LANES = 32, OF_LANE = Product::WARP_COLUMNS / LANES, ACROSS = SIDE / Product::WARP_COLUMNS;
    const int warp = threadIdx.x / LANES, lane = threadIdx.x % LANES;
    int place[OF_LANE];
#pragma unroll
    for (int c = 0; c < OF_LANE; ++c) place[c] = target.place(warp % ACROSS * Product::WARP_COLUMNS + lane + c * LANES);
    each_row(product, slabs, [&](int i, int r, const float* row) {
#pragma unroll
        for (int c = 0; c < OF_LANE; ++c)
            target.put(warp / ACROSS * Product::WARP_ROWS + Product::row_of(i, r), place[c], row[lane + c * LANES]);
    });
}

// ---- matrices ----------------------------------------------------------------------------------------------------------

// 128 lines (rows of a, columns of b) of a matrix whose element (line, p) stands at from[line * line_step + p * p_step],
// where one of the steps is 1: four neighbours at a time along whichever axis they are neighbours on. Along k a pair of
// threads takes 32 bytes, a whole sector, of one line. What lies outside is zero, which adds nothing.
template <class Product> struct MatrixSource {
    static constexpr int QUADS = SIDE * Product::DEPTH / 4 / Product::THREADS;
    const float* from;
    int lines, k, line_step, p_step;
    bool along_k, aligned;
    float4 quad[QUADS];

    // `along_k`: whether p_step is 1, which a caller may know when it is compiled.
    __device__ inline MatrixSource(const float* matrix, int first_line, int all_lines, int k, int line_step, int p_step,
                                   bool along_k)
        : from(matrix + static_cast<long long>(first_line) * line_step), lines(all_lines - first_line), k(k),
          line_step(line_step), p_step(p_step), along_k(along_k),
          aligned(on_boundary(matrix) && (along_k ? line_step : p_step) % 4 == 0) {}

    __device__ inline int line(int i) const {
        const int t = threadIdx.x + i * Product::THREADS;
        return along_k ? t / 2 % SIDE : t % 32 * 4;
    }
    __device__ inline int p(int i) const {
        const int t = threadIdx.x + i * Product::THREADS;
        return along_k ? t / (2 * SIDE) * 8 + t % 2 * 4 : t / 32;
    }

    __device__ inline void prepare(int) {}

    __device__ inline void fetch(int start) {
#pragma unroll
        for (int i = 0; i < QUADS; ++i) {
            const int at_line = line(i), at_p = start + p(i);
            const bool inside = at_line < lines && at_p < k;
            quad[i] = old_load_four(from + (inside ? at_line * line_step + at_p * p_step : 0),
                                !inside ? 0 : along_k ? k - at_p : lines - at_line, aligned);
        }
    }

    __device__ inline void put(typename Product::Strip& strip) const {
#pragma unroll
        for (int i = 0; i < QUADS; ++i) {
            const float4 v = {Product::rounded(quad[i].x), Product::rounded(quad[i].y), Product::rounded(quad[i].z),
                              Product::rounded(quad[i].w)};
            float* to = &strip[p(i)][line(i)];
            if (along_k) to[0] = v.x, to[Product::PITCH] = v.y, to[2 * Product::PITCH] = v.z, to[3 * Product::PITCH] = v.w;
            else *reinterpret_cast<float4*>(to) = v;
        }
    }
};

// A matrix (m, n), from (first_row, first_column) on.
struct MatrixTarget {
    float* y;
    int first_row, first_column, m, n;

    template <int N> __device__ inline void put(int row, int column, const float (&sums)[N]) const {
        row += first_row, column += first_column;
        if (row < m && column < n) store_run(y + row * n + column, sums, n - column, n % 4 == 0 && on_boundary(y));
    }
};

#endif  // SINGLE
