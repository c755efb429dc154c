"""A whole CUDA program as the text of its kernels."""

import numpy as np
import pytest

import minigan as mg
from minigan import emulator
from minigan.errors import MiniganError

PROGRAM = """#include <iostream>
#include <cuda_runtime.h>
#include "helper_cuda.h"
using namespace std;
#define CHECK(call) do { cudaError_t e = (call); if (e != cudaSuccess) { cerr << cudaGetErrorString(e); exit(1); } } while (0)

const int N = 100;  // {
__device__ float twice(float x) { return 2 * x; }
struct Scale { float by; __device__ float operator()(float x) const { return by * twice(x); } };

namespace tools {
template <typename T> __global__ void scale(T* a, T by, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x; /* } */
    if (i < n) a[i] = Scale{by}(a[i]);
}
void report(const float* h) { std::cout << h[0] << "}\\n"; }
}

static void run(float* h) {
    float* d;
    CHECK(cudaMalloc(&d, N * sizeof(float)));
    tools::scale<float><<<(N + 31) / 32, 32>>>(d, 2.f, N);
}
extern "C" {
__global__ void last(int* x) { x[0] = N; }
}
int main() {
    float h[N];
    run(h);
    tools::report(h);
    return 0;
}
"""


def test_host_functions_are_left_out_and_lines_stay():
    kept = mg.kernel(source=PROGRAM, name="tools::scale<float>").text
    assert kept.count("\n") == PROGRAM.count("\n")
    for gone in ("<<<", "main", "iostream", "helper_cuda", "std", "cudaMalloc(&d"):
        assert gone not in kept
    assert kept.splitlines()[13] == PROGRAM.splitlines()[13]
    assert "x[0] = N;" not in kept and "struct Scale" in kept
    assert "x[0] = N;" in mg.kernel(source=PROGRAM, name="last").text


def test_kernels_of_a_program_run():
    a, x = np.ones(100, np.float32), np.zeros(1, np.int32)
    mg.kernel(source=PROGRAM, name="tools::scale<float>")(4, 32, (a, 3, 100))
    mg.kernel(source=PROGRAM, name="last")(1, 1, (x,))
    assert (a == 6).all() and x[0] == 100
    doubles = np.ones(7)
    mg.kernel(source=PROGRAM, name="tools::scale<double>")(1, 32, (doubles, 0.5, 5))
    assert doubles.tolist() == [1] * 7
    assert not emulator.check(mg.kernel(source=PROGRAM, name="tools::scale<float>"), 4, 32, (a, 3, 100)).findings


def test_a_template_has_to_be_named_with_its_types():
    with pytest.raises(
        MiniganError, match=r"source: kernel scale is a template: name one of its instances, as scale<float>"
    ):
        mg.kernel(source="template <class T> __global__ void scale(T* a) { a[0] = 1; }", name="scale")
    several = """template <typename T, int STEP> __global__ void fill(T* a, int n) {
        for (int i = STEP * threadIdx.x; i < n; i += STEP * blockDim.x) a[i] = STEP;
    }"""
    a = np.zeros(10, np.int32)
    mg.kernel(source=several, name="fill<int, 3>")(1, 2, (a, 10))
    assert a.tolist() == [3, 0, 0] * 3 + [3]


def test_what_is_included_is_put_in(tmp_path):
    (tmp_path / "inner.cuh").write_text("#pragma once\n__device__ int one() { return 1; }\n")
    (tmp_path / "outer.cuh").write_text('#include "inner.cuh"\n__device__ int two() { return 2 * one(); }\n')
    (tmp_path / "k.cu").write_text(
        '#include "inner.cuh"\n#include "outer.cuh"\n\n__global__ void k(int* x) {\n  x[threadIdx.x] = two();\n}\n'
    )
    kernel, x = mg.kernel(f"{tmp_path}/k.cu:k"), np.zeros(3, np.int32)
    kernel(1, 3, (x,))
    assert x.tolist() == [2, 2, 2]
    (finding,) = emulator.check(kernel, 1, 4, (x,)).findings
    assert (finding.file, finding.line, finding.code) == ("k.cu", 5, "x[threadIdx.x] = two();")


def test_a_fault_in_what_is_included_is_named_there(tmp_path):
    (tmp_path / "store.cuh").write_text("__device__ void store(int* x, int i) {\n  x[i] = i;\n}\n")
    (tmp_path / "k.cu").write_text('#include "store.cuh"\n__global__ void k(int* x) { store(x, threadIdx.x); }\n')
    (finding,) = emulator.check(f"{tmp_path}/k.cu:k", 1, 4, (np.zeros(3, np.int32),)).findings
    assert (finding.file, finding.line, finding.code) == ("store.cuh", 2, "x[i] = i;")


def test_a_file_that_includes_itself_ends(tmp_path):
    (tmp_path / "k.cu").write_text('#include "k.cu"\n__global__ void k(int* x) { x[0] = 1; }\n')
    x = np.zeros(1, np.int32)
    mg.kernel(f"{tmp_path}/k.cu:k")(1, 1, (x,))
    assert x[0] == 1


def test_what_is_missing_is_named(tmp_path):
    (tmp_path / "k.cu").write_text('#include "missing.cuh"\n__global__ void k(int* x) { x[0] = one(); }\n')
    with pytest.raises(
        MiniganError, match=r"k.cu:2:36: error: .one. .*\n\(unknown headers were left out: missing.cuh\)"
    ):
        mg.kernel(f"{tmp_path}/k.cu:k")(1, 1, (np.zeros(1, np.int32),))
