// The tiled product that the upper rungs of matmul.cu, conv2d.cu and conv2d_winograd.cu share. Float only.
//
// A block makes 128 x 128 sums of products, of 128 rows of a matrix a and 128 columns of a matrix b. It walks along their
// common axis k in steps; at each step a strip of a and a strip of b lie in shared memory, strip[p][line], so that
// neighbours in a strip are neighbours along the side of the tile. Three kinds of parts are put together:
//
//   a source    brings one operand's strips: fetch() from global memory to registers, put() from there to shared memory
//   a product   multiplies two strips into sums that stay in registers: RegisterProduct, or TensorProduct by tensor cores
//   a target    takes the finished sums, as many as a thread has side by side: target(row, column, run)
#pragma once
#include "run.cuh"
#if SINGLE

constexpr int SIDE = 128;

// ---- products ---------------------------------------------------------------------------------------------------------

// 256 threads, each with 8 x 8 sums, as matmul_v4 makes them: 16 numbers out of shared memory feed 64 multiply-adds. A warp
// makes 64 x 32 of them; a thread's rows and columns come in fours, 32 and 16 apart, so that the different addresses of a
// warp's reads lie in different banks. The pitch of 128 + 4 keeps strips apart that are stored against the grain.
struct RegisterProduct {
    static constexpr int THREADS = 256, DEPTH = 8, PITCH = SIDE + 4;
    // On a multiprocessor at once: two, which leaves a thread 128 registers. Blackwell's compiler would spill some of them.
    static constexpr int BLOCKS = __CUDA_ARCH__ < 1000 ? 2 : 1;
    typedef float Strip[DEPTH][PITCH];
    const int row = threadIdx.x / 128 * 64 + threadIdx.x % 32 / 4 * 4;
    const int column = threadIdx.x / 32 % 4 * 32 + threadIdx.x % 4 * 4;
    float sum[8][8] = {};

    static __device__ inline float rounded(float x) { return x; }

    __device__ inline void add(const Strip& a, const Strip& b) {
#pragma unroll  // without it NVRTC leaves loops over k rolled
        for (int p = 0; p < DEPTH; ++p) {
            const Run<4> x[2] = {four_at(&a[p][row]), four_at(&a[p][row + 32])};
            const Run<4> y[2] = {four_at(&b[p][column]), four_at(&b[p][column + 16])};
            for (int i = 0; i < 8; ++i)
                for (int j = 0; j < 8; ++j) sum[i][j] += x[i / 4].of[i % 4] * y[j / 4].of[j % 4];
        }
    }

    template <class Target> __device__ inline void hand_to(const Target& target) const {
#pragma unroll
        for (int i = 0; i < 8; ++i) {
            const int of_y = row + i / 4 * 32 + i % 4;
            target(of_y, column, Run<4>{sum[i][0], sum[i][1], sum[i][2], sum[i][3]});
            target(of_y, column + 16, Run<4>{sum[i][4], sum[i][5], sum[i][6], sum[i][7]});
        }
    }
};

#if TENSOR_CORES

#ifdef MINIGAN_EMULATOR
using minigan::to_tf32;  // this and mma_tf32: what the PTX below does, in C++
#else

// To the nearest number that a tensor core takes: TF32 keeps 10 bits of a float's 23.
__device__ inline float to_tf32(float x) {
    uint32 y;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(x));
    return __uint_as_float(y);
}

// sum (16 x 8) += a (16 x 8) b (8 x 8), by the 32 lanes of a warp together. Of lane 4 g + t: a has rows g and g + 8, at
// columns t and then t + 4; b has rows t and t + 4 of column g; sum has columns 2 t and 2 t + 1 of row g, then of row g + 8.
// (PTX ISA, "Matrix Fragments for mma.m16n8k8".)
__device__ inline void mma_tf32(float (&sum)[4], const float (&a)[4], const float (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])),
                   "r"(__float_as_uint(a[3])), "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
}

#endif  // MINIGAN_EMULATOR

// 128 threads: four warps, each with 64 x 64 sums as 4 x 8 products of a tensor core. 32 words out of shared memory feed
// 32 instructions of 1024 multiply-adds each. With a pitch of 128 + 8 the lanes' words lie in 32 different banks.
struct TensorProduct {
    static constexpr int THREADS = 128, DEPTH = 16, PITCH = SIDE + 8, BLOCKS = 2;
    typedef float Strip[DEPTH][PITCH];
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    const int row = threadIdx.x / 64 * 64 + g, column = threadIdx.x / 32 % 2 * 64;
    float sum[4][8][4] = {};

    static __device__ inline float rounded(float x) { return to_tf32(x); }

    __device__ inline void add(const Strip& a, const Strip& b) {
#pragma unroll
        for (int p = 0; p < DEPTH; p += 8)
            for (int i = 0; i < 4; ++i)
                for (int j = 0; j < 8; ++j) {
                    const float *x = &a[p + t][row + 16 * i], *y = &b[p + t][column + 8 * j + g];
                    mma_tf32(sum[i][j], {x[0], x[8], x[4 * PITCH], x[4 * PITCH + 8]}, {y[0], y[4 * PITCH]});
                }
    }

    template <class Target> __device__ inline void hand_to(const Target& target) const {
#pragma unroll
        for (int i = 0; i < 8; ++i)
            for (int j = 0; j < 8; ++j)
                target(row + 8 * i, column + 8 * j + 2 * t,
                       Run<2>{sum[i / 2][j][i % 2 * 2], sum[i / 2][j][i % 2 * 2 + 1]});
    }
};

#endif  // TENSOR_CORES

// ---- the walk along k --------------------------------------------------------------------------------------------------

// Two strips of each operand in shared memory: while one pair is multiplied the next one is on its way from global memory,
// in registers, and goes into the other pair. One barrier a step.
template <class Product, class SourceA, class SourceB>
__device__ inline void accumulate(Product& product, SourceA& of_a, SourceB& of_b, int begin, int end) {
    __shared__ __align__(16) typename Product::Strip a[2], b[2];
    of_a.fetch(begin), of_b.fetch(begin);
    of_a.put(a[0]), of_b.put(b[0]);
    __syncthreads();
    int now = 0;
    for (int start = begin + Product::DEPTH; start < end; start += Product::DEPTH, now = 1 - now) {
        of_a.fetch(start), of_b.fetch(start);
        product.add(a[now], b[now]);
        of_a.put(a[1 - now]), of_b.put(b[1 - now]);  // everybody has read this pair before the last barrier
        __syncthreads();                             // and it is filled before anybody reads it
    }
    product.add(a[now], b[now]);
}

// ---- matrices ----------------------------------------------------------------------------------------------------------

// 128 lines (rows of a, columns of b) of a matrix whose element (line, p) stands at from[line * line_step + p * p_step],
// where one of the steps is 1: four neighbours at a time along whichever axis they are neighbours on, as in matmul_v4. Of
// lines there are `lines` from there on; what lies outside is zero, which adds nothing.
template <class Product> struct MatrixSource {
    static constexpr int QUADS = SIDE * Product::DEPTH / 4 / Product::THREADS;
    const float* from;
    int lines, k, line_step, p_step;
    bool along_k;  // whether p_step is 1, which a caller may know when it is compiled
    Run<4> quad[QUADS];

    // Where the quad number t of a strip begins. Along k a pair of threads takes 32 bytes, a whole sector, of one line.
    __device__ inline int line(int t) const { return along_k ? t / 2 % SIDE : t % 32 * 4; }
    __device__ inline int p(int t) const { return along_k ? t / (2 * SIDE) * 8 + t % 2 * 4 : t / 32; }

    __device__ inline void fetch(int start) {
        for (int i = 0, t = threadIdx.x; i < QUADS; ++i, t += Product::THREADS) {
            const int at_line = line(t), at_p = start + p(t);
            const int left = at_line < lines && at_p < k ? (along_k ? k - at_p : lines - at_line) : 0;
            quad[i] = load_four(from + at_line * line_step + at_p * p_step, left);
        }
    }

    __device__ inline void put(typename Product::Strip& strip) {
        for (int i = 0, t = threadIdx.x; i < QUADS; ++i, t += Product::THREADS) {
            for (float& x : quad[i].of) x = Product::rounded(x);
            float* to = &strip[p(t)][line(t)];
            if (!along_k) *reinterpret_cast<Run<4>*>(to) = quad[i];
            else
                for (int c = 0; c < 4; ++c) to[c * Product::PITCH] = quad[i].of[c];
        }
    }
};

#endif  // SINGLE
