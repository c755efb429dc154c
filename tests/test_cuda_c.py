"""What the emulator knows of CUDA C: the language as tutorials write it."""

import numpy as np
from compare import assert_close
from launching import run

import minigan as mg
from minigan import emulator


def test_dynamic_shared_memory_of_two_types(order):
    x, y = np.arange(96, dtype=np.float32), np.zeros(96, np.float32)
    run(
        """turn(const float* x, float* y, int n) {
            extern __shared__ float s[];
            s[threadIdx.x] = x[threadIdx.x];
            __syncthreads();
            y[threadIdx.x] = s[n - 1 - threadIdx.x];
        }""",
        1, 96, x, y, 96, shared=4 * 96,
    )  # fmt: skip
    assert y.tolist() == x[::-1].tolist()


def test_shuffles(order):
    results = np.zeros((5, 64), np.int32)
    run(
        """shuffle(int* out) {
            int t = threadIdx.x, n = blockDim.x;
            out[t] = __shfl_sync(0xffffffffu, t, 5);
            out[n + t] = __shfl_up_sync(0xffffffffu, t, 3);
            out[2 * n + t] = __shfl_down_sync(0xffffffffu, t, 30);
            out[3 * n + t] = __shfl_xor_sync(0xffffffffu, t, 12);
            out[4 * n + t] = __shfl_down_sync(0xffffffffu, t, 2, 8);
        }""",
        1, 64, results,
    )  # fmt: skip
    t = np.arange(64)
    lane = t % 32
    assert results[0].tolist() == (t - lane + 5).tolist()
    assert results[1].tolist() == np.where(lane >= 3, t - 3, t).tolist()
    assert results[2].tolist() == np.where(lane + 30 < 32, t + 30, t).tolist()
    assert results[3].tolist() == (t ^ 12).tolist()
    assert results[4].tolist() == np.where(t % 8 + 2 < 8, t + 2, t).tolist()


def test_votes_and_masks(order):
    results = np.zeros((6, 64), np.uint32)
    run(
        """vote(unsigned int* out) {
            int t = threadIdx.x, n = blockDim.x, lane = t % 32;
            out[t] = __ballot_sync(0xffffffffu, lane % 3 == 0);
            out[n + t] = __any_sync(0xffffffffu, t == 40);
            out[2 * n + t] = __all_sync(0xffffffffu, t < 32);
            if (lane < 8) out[3 * n + t] = __ballot_sync(0xffu, lane > 5);
            else if (lane >= 16) out[3 * n + t] = __shfl_xor_sync(0xffff0000u, lane, 1);
            out[4 * n + t] = __syncthreads_count(t % 5 == 0);
            out[5 * n + t] = 2 * __syncthreads_or(t == 63) + __syncthreads_and(t >= 0);
        }""",
        1, 64, results,
    )  # fmt: skip
    lane = np.arange(64) % 32
    assert set(results[0]) == {sum(1 << i for i in range(0, 32, 3))}
    assert results[1].tolist() == [0] * 32 + [1] * 32 and results[2].tolist() == [1] * 32 + [0] * 32
    assert results[3].tolist() == np.select([lane < 8, lane >= 16], [0b11000000, lane ^ 1], 0).tolist()
    assert set(results[4]) == {13} and set(results[5]) == {3}


def test_vectors_constants_templates_and_device_functions(order):
    text = """
    struct Pair { float a, b; };
    __constant__ float weights[3] = {1.0f, 10.0f, 100.0f};
    template <class T, int N> __device__ __forceinline__ T sum(const T* x) {
        T s = T(0);
        for (int i = 0; i < N; ++i) s += x[i];
        return s;
    }
    __device__ Pair both(float4 v) { return {v.x + v.y, v.z + v.w}; }
    __global__ void __launch_bounds__(64) vectors(const float4* __restrict__ x, float2* y) {
        const int i = threadIdx.x;
        float4 v = x[i];
        Pair p = both(v);
        float w[3] = {weights[0], weights[1], weights[2]};
        y[i] = make_float2(p.a * sum<float, 3>(w), fmaxf(p.b, __fdividef(1.0f, 4.0f)));
    }"""
    x = np.random.default_rng(0).uniform(0, 1, (64, 4)).astype(np.float32)
    y = np.zeros((64, 2), np.float32)
    mg.kernel(source=text, name="vectors")(1, 64, (x, y))
    assert_close(y, np.stack([111 * (x[:, 0] + x[:, 1]), np.maximum(x[:, 2] + x[:, 3], 0.25)], 1), 1e-6)


def test_what_tutorials_write_runs():
    text = """#include <cuda_runtime.h>
    #include "device_launch_parameters.h"
    #define n 64
    extern __shared__ float buffer[];
    __global__ void turn(float* x, const unsigned length) {
        extern __shared__
        float own[];
        static __shared__ float s[n];
        buffer[threadIdx.x] = s[threadIdx.x] = x[threadIdx.x];
        __syncthreads();
        x[threadIdx.x] = own[min(n - 1 - threadIdx.x, length)] + s[threadIdx.x] - *(buffer + threadIdx.x);
    }"""
    x = np.arange(64, dtype=np.float32)
    kernel = mg.kernel(source=text, name="turn")
    kernel([1, 1], np.int64(64), (x, np.uint32(100)), shared=256)
    assert x.tolist() == list(range(63, -1, -1))
    assert not mg.emulator.check(kernel, 1, 64, (x, 100), shared=256).findings
    (finding,) = mg.emulator.check(kernel, 1, 64, (x[:10].copy(), 100), shared=256).findings[:1]
    assert finding.code.startswith("buffer[threadIdx.x] = s[threadIdx.x] = x")


def test_lanes_reduce_match_and_are_active(order):
    out = np.zeros((9, 64), np.uint32)
    run(
        """lanes(unsigned* out) {
            const unsigned t = threadIdx.x, all = 0xffffffffu;
            out[t] = __reduce_add_sync(all, t), out[64 + t] = __reduce_min_sync(all, t ^ 5);
            out[128 + t] = __reduce_max_sync(all, t), out[192 + t] = __reduce_xor_sync(all, t * t);
            out[256 + t] = __match_any_sync(all, t % 5);
            int same;
            out[448 + t] = __match_all_sync(all, t / 64, &same) / 2 + same;
            out[512 + t] = __match_all_sync(all, t / 63, &same) / 2 + same;
            __shared__ volatile int ready;
            if (t == 0) ready = 0;
            __syncthreads();
            if (t == 63) ready = 1;
            while (!ready) __nanosleep(100);
            if (t % 3 == 0) {
                const unsigned together = __activemask();
                out[320 + t] = together;
                out[384 + t] = __shfl_sync(together, t, __ffs(together) - 1);
            }
        }""",
        1, 64, out,
    )  # fmt: skip
    lanes = np.arange(64, dtype=np.uint32).reshape(2, 32)
    assert (out[0].reshape(2, 32) == lanes.sum(1, keepdims=True)).all()
    assert (out[1].reshape(2, 32) == (lanes ^ 5).min(1, keepdims=True)).all()
    assert (out[2].reshape(2, 32) == lanes.max(1, keepdims=True)).all()
    assert (out[3].reshape(2, 32) == np.bitwise_xor.reduce(lanes * lanes, 1, keepdims=True)).all()
    assert (out[7] == 2**31).all() and out[8].tolist() == [2**31] * 32 + [0] * 32
    bits = 1 << (lanes[0].astype(np.uint64))
    for thread in range(64):
        mates = [int(bits[t % 32]) for t in range(thread // 32 * 32, thread // 32 * 32 + 32) if t % 5 == thread % 5]
        assert out[4, thread] == sum(mates)
        asking = [t for t in range(thread // 32 * 32, thread // 32 * 32 + 32) if t % 3 == 0]
        assert out[5, thread] == (sum(int(bits[t % 32]) for t in asking) if thread % 3 == 0 else 0)
        assert out[6, thread] == (asking[0] if thread % 3 == 0 else 0)


def test_cooperative_groups(order):
    x, sums, fours = np.arange(96, dtype=np.float32), np.zeros(4, np.float32), np.zeros(96, np.float32)
    kernel = mg.kernel(
        source="""#include <cooperative_groups.h>
            #include <cooperative_groups/reduce.h>
            namespace cg = cooperative_groups;
            template <class Tile> __device__ float sum(Tile tile, float v) {
                for (int d = tile.size() / 2; d > 0; d /= 2) v += tile.shfl_down(v, d);
                return v;
            }
            __global__ void groups(const float* x, float* sums, float* fours) {
                __shared__ float s[96];
                cg::thread_block block = cg::this_thread_block();
                const int t = block.thread_rank();
                s[95 - t] = x[t];
                block.sync();
                cg::thread_block_tile<32> warp = cg::tiled_partition<32>(block);
                const float total = sum(warp, s[t]);
                if (warp.thread_rank() == 0) sums[warp.meta_group_rank()] = total;
                if (t == 0) sums[3] = warp.meta_group_size() + block.group_index().x;
                const auto four = cg::tiled_partition<4>(warp);
                fours[t] = cg::reduce(four, x[t], cg::plus<float>()) + 1000 * four.any(t == 7) + 10000 * four.ballot(t % 4 == 2);
                cg::sync(warp);
            }""",
        name="groups",
    )
    kernel(1, (32, 3), (x, sums, fours))
    assert sums.tolist() == [x[64:].sum(), x[32:64].sum(), x[:32].sum(), 3]
    expected = x.reshape(-1, 4).sum(1).repeat(4) + 40000
    expected[4:8] += 1000
    assert (fours == expected).all()
    assert not emulator.check(kernel, 1, (32, 3), (x, sums, fours)).findings


def test_functions_of_bits_and_numbers():
    """What each of them should give, by hand."""
    expected = {
        "__popcll(0xf0f0ull)": 8, "__clzll(1ll << 40)": 23, "__ffsll(1ll << 40)": 41, "__brevll(1ull) >> 60": 8,
        "__mulhi(-(1 << 30), 8)": -2, "__mul24(-3, 5)": -15, "__umul24(0x1000002u, 3u)": 6,
        "__funnelshift_l(0x80000000u, 1u, 1)": 3, "__funnelshift_r(2u, 1u, 1) >> 31": 1, "__float2int_rd(-1.5f)": -2,
        "__float2int_ru(1.2f)": 2, "__float2uint_rn(2.5f)": 2, "__double2int_rn(3.5)": 4, "10 * sinpif(0.5f)": 10,
        "100 * normcdff(0.0f)": 50, "8 * rcbrtf(8.0f)": 4, "make_short2(1, 2).y": 2, "make_uchar4(1, 2, 3, 255).w": 255,
        "make_uint3(7, 8, 9).z": 9, "sizeof(float3) + sizeof(short4) + alignof(longlong2)": 36, "CUDART_INF_F > 1e38f": 1,
    }  # fmt: skip
    out = np.zeros(len(expected), np.int32)
    run("bits(int* out) {" + "".join(f"out[{i}] = {each};" for i, each in enumerate(expected)) + "}", 1, 1, out)
    assert dict(zip(expected, out.tolist())) == expected
