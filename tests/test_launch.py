"""Launching: plans, versions, and everything that is refused before the driver hears of it."""

import numpy as np
import pytest

import minigan as mg
from minigan import cuda, devices
from minigan.cuda import nvrtc, source, versions
from minigan.plan import Kernel, Parameter, Plan, bind

AXPY = """
struct Pair { float x, y; };
template <class T> struct Alias { typedef T type; };
#define COUNT int
extern "C" __global__ void __launch_bounds__(256) axpy(COUNT n, float a, const float* __restrict__ x, /* int, */
                                                       float* y, Alias<float>::type b) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i] + b;
}
__global__ void mangled(const double* a, const double* b, unsigned char* c, Pair* p, Pair* q, unsigned long long n) {}
extern "C" __global__ void nothing() {}
extern "C" __global__ void by_value(Pair p) {}
"""


@pytest.fixture
def kernel():
    parameters = (
        Parameter("const real*", "x", False),
        Parameter("real*", "y", True),
        Parameter("int", "n", False),
        Parameter("real", "a", False),
    )
    return Kernel("demo.cu", "demo_v1", parameters)


def planned(kernel, **numbers):
    return Plan(kernel, (1, 1, 1), (1, 1, 1), {"n": 3, "a": 2, **numbers})


def test_arguments_are_ordered_and_typed(kernel):
    x = np.ones(3)
    real, arguments = bind(planned(kernel), {"y": None, "x": x})
    assert real == "double"
    assert arguments[0] is x and arguments[1] == 0 and isinstance(arguments[1], np.uintp)
    assert isinstance(arguments[2], np.int32) and isinstance(arguments[3], np.float64)
    assert isinstance(bind(planned(kernel), {"y": None, "x": np.ones(3, np.float32)})[1][3], np.float32)


@pytest.mark.parametrize(
    ("arrays", "numbers", "message"),
    [
        (dict(x=None, y=None), {}, "argument x is None, expected an array for const real*"),
        (dict(x=np.ones(3, np.int32), y=None), {}, "argument x is int32, expected float32"),
        (dict(x=np.ones(3), y=np.ones(3, np.float32)), {}, "argument y is float32, expected float64"),
        (dict(x=np.ones((3, 2)).T, y=None), {}, r"argument x of shape \(2, 3\) is not C-contiguous"),
        (dict(x=[1.0], y=None), {}, "argument x is .1.0., expected an array"),
        (dict(x=np.float64(1), y=None), {}, "argument x is np.float64.1.0., expected an array"),
        (dict(x=np.broadcast_to(np.float32(0), 2**31), y=None), {}, "argument x has 2147483648 elements, .* at most"),
        (dict(x=np.ones(3)), {}, "argument y is missing"),
        (dict(x=np.ones(3), y=None, z=None), {}, "argument z is unknown"),
        (dict(x=np.ones(3), y=None), {"n": 2**31}, "argument n is 2147483648, which int cannot hold"),
        (dict(x=np.ones(3), y=None), {"n": 1.5}, "argument n is 1.5, which int cannot hold"),
        (dict(x=np.ones(3), y=None), {"n": "3"}, "argument n is '3'"),
        (dict(x=np.ones(3), y=None), {"n": None}, "argument n is None, expected a number for int"),
        (dict(x=np.ones(3), y=None), {"n": float("nan")}, "argument n is nan, which int cannot hold"),
        (dict(x=np.ones(3, np.float32), y=None), {"a": 1e300}, "argument a is 1e.300, which real cannot hold"),
        (dict(x=np.ones(3), y=None), {"a": None}, "argument a is None, expected a number for real"),
    ],
)
def test_bad_arguments_are_refused_by_name(kernel, arrays, numbers, message):
    with pytest.raises(mg.LaunchError, match=f"kernel demo_v1: {message}"):
        bind(planned(kernel, **numbers), arrays)


def test_more_blocks_than_a_grid_holds_are_refused(kernel):
    plan = Plan(kernel, (1, 65_536, 1), (1, 1, 1), {"n": 3, "a": 2})
    with pytest.raises(mg.LaunchError, match=r"grid \(1, 65536, 1\), at most"):
        bind(plan, {"x": np.ones(3), "y": None})


def test_different_shapes_are_refused():
    with pytest.raises(
        mg.MiniganError, match=r"tanh_backward: arrays of different shapes: gradient \(3,\), output \(4,\)"
    ):
        cuda.tanh_backward(np.ones(3), np.ones(4))


def test_versions():
    assert list(versions.versions_of("matmul")) == ["v1", "v2", "v3", "v4", "v5", "v6"]
    with pytest.raises(mg.MiniganError, match="unknown kernel 'matmull': choose from abs, adam"):
        versions.choose("matmull", "v1")
    with pytest.raises(mg.MiniganError, match="kernel matmul has no version 'v9': choose from v1, v2, v3"):
        versions.choose("matmul", "v9")


def test_device_cuda_without_a_gpu_says_what_is_missing():
    if devices.why_no_cuda() is None:
        pytest.skip("there is a GPU")
    with pytest.raises(mg.DeviceError, match="device cuda needs .*--device cpu"):
        mg.tensor([1.0], device="cuda")
    assert mg.tensor([1.0], device="auto").device == "cpu"


def test_sources_carry_their_names():
    text = source.text("matmul.cu")
    assert text.index('#line 1 "common.cuh"') < text.index('#line 1 "matmul.cu"')
    assert source.folder().name == "kernels" and "matmul.cu" in source.files()


def test_a_file_is_compiled_once_for_a_dtype_until_reloaded():
    pytest.importorskip("cupy")
    mg.reload()
    first = source._module("matmul.cu", "float")
    assert source._module("matmul.cu", "float") is first and source._module("matmul.cu", "double") is not first
    mg.reload()
    assert source._module("matmul.cu", "float") is not first


@pytest.fixture
def nvrtc_here():
    if problem := nvrtc.why_missing():
        pytest.skip(problem)


def test_parameter_types_are_the_compilers(nvrtc_here):
    def types(name):
        return nvrtc.parameter_types(AXPY, "axpy.cu", ("--std=c++17",), [name])[name]

    for on_host in (True, False):
        assert [each.type for each in mg.kernel(source=AXPY, name="axpy").parameters(on_host)] == types("axpy")
    assert types("axpy") == ["int", "float", "const float*", "float*", "float"]
    assert types("mangled") == [
        "const double*",
        "const double*",
        "unsigned char*",
        "Pair*",
        "Pair*",
        "unsigned long long",
    ]
    assert types("nothing") == []
    with pytest.raises(mg.MiniganError, match="axpy.cu has no kernel 'axpby'"):
        types("axpby")


def test_a_users_kernel_is_planned_and_checked(tmp_path):
    (tmp_path / "axpy.cu").write_text(AXPY)
    k = mg.kernel(f"{tmp_path}/axpy.cu:axpy")
    x, y = np.ones(5, np.float32), np.zeros(5, np.float32)
    plan, arrays, on_host = k.plan(1, (32, 2), (5, 2, x, y, 1.0))
    assert on_host
    assert plan.grid == (1, 1, 1) and plan.block == (32, 2, 1)
    _, arguments = bind(plan, arrays)
    assert [type(value) for value in arguments] == [np.int32, np.float32, np.ndarray, np.ndarray, np.float32]
    k(1, 32, (5, 2.0, x, y, 1.0))
    assert y.tolist() == [3.0] * 5
    for args, message in (
        ((5, 2.0, x, y), r"takes 5 arguments \(int, float, const float\*, float\*, float\), got 4"),
        ((5, 2.0, x, y.astype(float), 1.0), "argument y is float64, expected float32"),
        ((5, 2.0, 7, y, 1.0), "argument x is 7, expected an array"),
        ((2**40, 2.0, x, y, 1.0), "argument n is .* which int cannot hold"),
    ):
        with pytest.raises(mg.LaunchError, match=message):
            k(1, 32, args)


@pytest.mark.parametrize(
    ("grid", "block", "message"),
    [
        (0, 32, "grid 0"),
        (1, (32, 0), "block"),
        (1, 1025, "1025 threads, at most 1024"),
        (1, (1, 2, 3, 4), "block"),
        (1, 1.5, "block 1.5"),
    ],
)
def test_bad_geometry_is_refused(grid, block, message):
    with pytest.raises(mg.LaunchError, match=message):
        mg.kernel(source=AXPY, name="nothing")(grid, block, ())


def test_a_struct_by_value_is_a_record():
    with pytest.raises(mg.LaunchError, match="argument p is 3, expected a NumPy record for Pair: make it with"):
        mg.kernel(source=AXPY, name="by_value")(1, 1, (3,))


def test_where_a_kernel_comes_from(tmp_path):
    with pytest.raises(mg.MiniganError, match="cannot read .*missing.cu: No such file"):
        mg.kernel(f"{tmp_path}/missing.cu:f")
    for arguments in ({}, {"place": "axpy"}, {"source": AXPY}, {"place": "a.cu:f", "source": AXPY, "name": "f"}):
        with pytest.raises(mg.MiniganError, match="kernel: "):
            mg.kernel(**arguments)


def test_a_kernel_that_does_not_compile_shows_the_compilers_words(nvrtc_here):
    with pytest.raises(mg.MiniganError, match=r"(?s)source does not compile for sm_90:.*source\(1\): error"):
        mg.kernel(source="__global__ void f() { oops; }", name="f").parameters(on_host=False)
    with pytest.raises(mg.MiniganError, match=r"(?s)does not compile on the host:.*source:1:.*oops"):
        mg.kernel(source="__global__ void f() { oops; }", name="f").parameters()
