"""`minigan check` as a user types it."""

import numpy as np
import pytest
from command import minigan
from PIL import Image


def test_check_of_one_stem():
    done = minigan("check", "loss")
    assert done.returncode == 0 and "least_squares" in done.stdout and "\nall passed" in done.stdout, done.stdout


SAXPY = """// y = a x + y
extern "C" __global__ void saxpy(int n, float a, const float* x, float* y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i <= n) y[i] = a * x[i] + y[i];
}
"""


ARGUMENTS = ["--grid", "4", "--block", "256", "--arg", "i32=1000", "--arg", "f32=2", "--arg", "f32[1000]"]


def test_check_of_a_kernel_of_ones_own(tmp_path):
    (tmp_path / "mine.cu").write_text(SAXPY)
    done = minigan("check", tmp_path / "mine.cu:saxpy", *ARGUMENTS, "--arg", "f32[1000]")
    assert done.returncode == 1 and not done.stderr
    assert (
        "mine.cu:4: out-of-bounds: in block (3, 0, 0), thread (232, 0, 0) reads x[1000], which has 1000 elements"
        in done.stdout
    )
    assert "       4 | if (i <= n) y[i] = a * x[i] + y[i];" in done.stdout
    (tmp_path / "mine.cu").write_text(SAXPY.replace("<=", "<"))
    done = minigan("check", tmp_path / "mine.cu:saxpy", *ARGUMENTS, "--arg", "f32[1000]", "--shared", "60000")
    assert (done.returncode, done.stdout) == (0, "nothing found, in 3 orders of the threads\n")
    assert done.stderr == "a program asks for that first: kernel.max_dynamic_shared_size_bytes = 60000\n"
    done = minigan("check", tmp_path / "mine.cu:saxpy", *ARGUMENTS, "--arg", "out:f32[10,100]")
    assert done.returncode == 1 and "uninitialised: in block (0, 0, 0), thread (0, 0, 0) reads y[0]" in done.stdout


def test_a_race_of_one_value_is_an_error_only_where_it_is_strict(tmp_path):
    (tmp_path / "mine.cu").write_text(
        """__global__ void k(const float* x, float* y) {
    y[threadIdx.x / 32] = x[threadIdx.x / 32];
}"""
    )
    launch = (tmp_path / "mine.cu:k", "--block", "64", "--arg", "f32[2]", "--arg", "f32[2]")
    for strict, status in (((), 0), (("--strict",), 1)):
        done = minigan("check", *launch, *strict)
        assert done.returncode == status and "mine.cu:2: same-value-race: " in done.stdout
        assert "which one is undefined" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine.cu:saxpy"], "kernel saxpy takes 4 arguments (int, float, const float*, float*), got 0"),
        (["mine.cu:saxpy", "--block", "2000"], "got 0"),
        (["mine.cu:saxpy", *ARGUMENTS, "--arg", "f64[1000]"], "argument y is float64, expected float32"),
        (["mine.cu:saxpy", "--arg", "float[3]"], "--arg float[3]: expected f32[1000], out:f32[1000]"),
        (["mine.cu:saxpy", "--arg", "out:f32=3"], "--arg out:f32=3: expected f32[1000]"),
        (["mine.cu:saxpy", "--arg", "f32"], "--arg f32: expected f32[1000]"),
        (["mine.cu:saxpy", "--arg", "i8=300"], "--arg i8=300: '300' is not a number that int8 can hold"),
        (["mine.cu:saxpy", "--arg", "f32[99999999999]"], "399,999,999,996 bytes, at most 2,147,483,648"),
        (["mine.cu:saxpy", "--grid", "4,x"], "--grid 4,x: expected whole numbers as 4 or 4,2"),
        (["mine.cu:saxpy", *ARGUMENTS, "--arg", "f32[1000]", "--shared", "300000"], "300000 bytes of shared memory"),
        (["mine.cu:saxpi", *ARGUMENTS, "--arg", "f32[1000]"], "mine.cu has no kernel 'saxpi'"),
        (["mine.cu"], "'mine.cu', expected \"file.cu:name\""),
        (["yours.cu:saxpy"], "cannot read yours.cu: No such file"),
        (["mine.cu:saxpy", *ARGUMENTS, "--arg", "f32[1000]", "--shared", "65537", "--chip", "sm_75"], "65536 on sm_75"),
        (["mine.cu:saxpy", *ARGUMENTS, "--arg", "f32[1000]", "--chip", "sm_76"], "unknown chip sm_76: choose from sm_75, sm_80"),
        (["matmul", "--chip", "sm_75"], "--chip goes with a kernel, FILE.cu:KERNEL"),
        (["matmul", "--strict"], "--strict goes with a kernel, FILE.cu:KERNEL"),
        (["matmul", "--grid", "3"], "--grid goes with a kernel, FILE.cu:KERNEL"),
    ],
)  # fmt: skip
def test_bad_checks_are_one_line(arguments, message, tmp_path):
    (tmp_path / "mine.cu").write_text(SAXPY)
    done = minigan("check", *arguments, cwd=tmp_path)
    assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize(("factor", "status", "verdict"), [(1.0, 0, "ok"), (1 + 1e-6, 1, "FAIL"), (np.nan, 1, "FAIL")])
def test_check_of_a_recipe(factor, status, verdict, tmp_path, monkeypatch, capsys):
    from minigan.check import run_checks, training

    real = training.losses_of
    factors = np.array([1.0, factor]).reshape(2, 1, 1)
    monkeypatch.setattr(training, "STEPS", {"float64": 2, "float32": 2})
    monkeypatch.setattr(training, "losses_of", lambda *arguments: real(*arguments) * factors)
    assert run_checks("gan") == status
    assert f", {verdict}" in capsys.readouterr().out
    with Image.open(tmp_path / "check-gan.png") as picture:
        assert picture.size == (880, 660)
