"""`minigan bench`: what is wrong is not timed, what is right is; a user's kernel is found by its parameters' names."""

import json
import os
import re
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import minigan as mg
from minigan import bench, check, devices, reference
from minigan.bench import Table, clock, compare_at, comparison, problems, step, your_kernel
from minigan.bench.clock import Machine, Timing
from minigan.bench.table import Row, save_roofline
from minigan.check.calls import converted, relative_error, results_of
from minigan.cli import main
from minigan.cuda import nvrtc
from minigan.plan import recording

LIMITS = Machine("a machine", 1e12, 1e11)
SMALL = problems.matmul(20, 30, 40)
NO_GPU = devices.why_no_cuda() is not None

PRODUCT = """
__global__ void product(const float* A, const float* B, float* C, int m, int n, int k) {
    int row = blockIdx.y * blockDim.y + threadIdx.y, column = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= m || column >= n) return;
    float sum = 0;
    for (int i = FIRST; i < k; ++i) sum += A[row * k + i] * B[i * n + column];
    C[row * n + column] = sum;
}
"""


@pytest.fixture
def quick(monkeypatch):
    """Times that cost no time."""
    monkeypatch.setattr(clock, "MOST", 3)
    monkeypatch.setattr(clock, "ENOUGH", 0.0)


@pytest.fixture
def product(tmp_path):
    (tmp_path / "mine.cu").write_text(PRODUCT.replace("FIRST", "0"))
    (tmp_path / "wrong.cu").write_text(PRODUCT.replace("FIRST", "1"))
    return tmp_path / "mine.cu"


def test_only_what_is_right_is_timed(quick):
    functions = {
        "right": lambda a, b: a @ b,
        "wrong": lambda a, b: a @ b * np.float32(1.001),
        "nan": lambda a, b: a @ b * np.nan,
        "shape": lambda a, b: (a @ b).T,
        "two": lambda a, b: (a @ b, a @ b),
    }
    rows = {row.name: row for row in compare_at(SMALL, LIMITS, functions)}
    assert [name for name in functions if rows[name].is_right] == ["right"]
    assert rows["right"].seconds > 0 and rows["right"].ratios and rows["wrong"].seconds is None
    assert rows["wrong"].error == pytest.approx(1e-3, rel=0.01) and rows["nan"].error == np.inf
    assert rows["right"].flops == 2 * 20 * 30 * 40 and rows["right"].bytes == 4 * (20 * 30 + 30 * 40 + 20 * 40)


@pytest.mark.parametrize("stem", problems.ON_CPU)
def test_every_peer_computes_the_same(stem, quick):
    """PyTorch's function and NumPy's, on the small problems that the emulator counts."""
    for problem in problems.COUNTED[stem]:
        rows = compare_at(problem, LIMITS, {})
        assert rows and all(row.is_right for row in rows), [(str(problem), row.name, row.error) for row in rows]
        if find_spec("torch") and problem.primitive != "rmsprop":
            assert any(row.name.startswith("PyTorch") for row in rows)


def test_the_least_time_is_the_limits():
    (row, *_) = compare_at(SMALL, Machine("slow arithmetic", 1e6, 1e12), {})
    assert row.limit == pytest.approx(2 * 20 * 30 * 40 / 1e6)
    (row, *_) = compare_at(SMALL, Machine("slow memory", 1e12, 1e6), {})
    assert row.limit == pytest.approx(4 * (20 * 30 + 30 * 40 + 20 * 40) / 1e6)


def test_the_table_in_all_its_forms(tmp_path):
    rows = [
        Row("p", "mine", 1e-7, 1e-4, 2e9, 4e8, 1e-3, 2e-3, 1e-5),
        Row("p", "theirs", 1e-7, 1e-4, 2e9, 4e8, 1e-3, 1e-3, 1e-5),
        Row("p", "bad", float("nan"), 1e-4, 2e9, 4e8, 1e-3),
    ]
    table = Table(LIMITS, [row.against({"theirs": 1e-3}) for row in rows], "2026-01-01")
    assert ["mine", "2", "0%", "1,000.0", "200.0", "50%", "0.50×"] in [line.split() for line in str(table).splitlines()]
    assert "bad     WRONG: off by nan, allowed is 1e-04" in str(table)
    assert "| mine | 2 | 0% | 1,000.0 | 200.0 | 50% | 0.50× |" in table.markdown()
    assert json.loads(table.json())["rows"][0]["ratios"] == {"theirs": 0.5}
    save_roofline(tmp_path / "roof.png", table)
    assert (tmp_path / "roof.png").read_bytes().startswith(b"\x89PNG")


def test_a_users_kernel_takes_the_place_of_ours(product):
    rng = np.random.default_rng()
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((33, 20), (20, 17)))
    for grid in (None, "n/16,m/16", "2,3"):
        found = your_kernel(f"{product}:product", "matmul", grid, (16, 16))(a, b)
        assert np.allclose(found, a @ b, atol=1e-5)


def test_a_thread_a_result_unless_a_grid_is_given(tmp_path):
    text = "__global__ void f(const float* a, const float* b, float* y, int m, int n, int k) {"
    text += " int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= m * n) return; y[i] = 0;"
    (tmp_path / "flat.cu").write_text(
        f"{text} for (int p = 0; p < k; ++p) y[i] += a[i / n * k + p] * b[p * n + i % n]; }}"
    )
    rng = np.random.default_rng()
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((33, 20), (20, 17)))
    for grid in (None, "m*n/128", "n * 33 / 128"):
        assert np.allclose(your_kernel(f"{tmp_path}/flat.cu:f", "matmul", grid, (128,))(a, b), a @ b, atol=1e-5)


@pytest.mark.skipif(not NO_GPU, reason="there is a GPU")
def test_a_users_kernel_is_sanitized_first(tmp_path, quick, capsys, monkeypatch):
    """What it does out of bounds it would do to this process."""
    monkeypatch.setitem(problems.COUNTED, "matmul", [SMALL])
    text = "__global__ void f(const float* a, float* y, int m, int n) { y[m * n + threadIdx.x] = a[0]; }"
    (tmp_path / "far.cu").write_text(text)
    assert main(["bench", "matmul", "--kernel", f"{tmp_path}/far.cu:f", "--grid", "1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "far.cu:f at matmul 20×30, 30×40: " in line and "out-of-bounds" in line and "Nothing was timed" in line


@pytest.mark.skipif(not NO_GPU, reason="there is a GPU")
def test_a_missing_guard_is_found_before_it_does_harm(tmp_path, quick, capsys):
    """What the kernel of docs/ladders.md does without its `return`: nothing where tiles are whole."""
    page = (Path(__file__).parents[1] / "docs" / "ladders.md").read_text("utf-8")
    text = re.search(r"```cuda\n(extern.*?product\(.*?)```", page, re.S)[1]
    assert text.count("return;") == 1
    (tmp_path / "mine.cu").write_text(text.replace("return;", ";"))
    launched = ["--block", "16,16", "--grid", "n/16,m/16"]
    assert main(["bench", "matmul", "--kernel", f"{tmp_path}/mine.cu:product", *launched]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "out-of-bounds" in line and "Nothing was timed" in line


@pytest.mark.skipif(not NO_GPU, reason="there is a GPU")
def test_a_users_kernel_with_dynamic_shared_memory(tmp_path, quick, capsys, monkeypatch):
    for table in (problems.COUNTED, problems.ON_CPU):
        monkeypatch.setitem(table, "activation", problems.activations(1000)[:1])
    source = "extern __shared__ float own[]; __global__ void f(float* y, const float* x, float slope, int n)"
    source += "{ int t = threadIdx.x, i = blockIdx.x * blockDim.x + t; if (i >= n) return;"
    source += " own[t] = x[i]; y[i] = own[t] > 0 ? own[t] : slope * own[t]; }"
    (tmp_path / "leaky.cu").write_text(source)
    arguments = ["bench", "leaky_relu", "--kernel", f"{tmp_path}/leaky.cu:f", "--shared"]
    assert main([*arguments, "1024"]) == 0
    assert re.search(r"\n  f .* 1,024 ", capsys.readouterr().out)
    assert main([*arguments, "1020"]) == 2
    assert "out-of-bounds" in capsys.readouterr().err


def test_what_is_wrong_is_said_where():
    def unfinished(a, b):
        y = a @ b
        y[3, 4] = np.nan
        return y

    found = {
        "nan": unfinished,
        "off": lambda a, b: a @ b + np.eye(20, 40, 7, dtype="float32"),
        "flat": lambda a, b: (a @ b)[0],
    }
    rows = {row.name: row for row in compare_at(SMALL, LIMITS, found, untimed=found)}
    assert rows["nan"].where.startswith("[3, 4] is nan, as if never written, expected ")
    assert re.match(r"\[\d+, \d+\] is [\d.]+, expected [\d.]+", rows["off"].where)
    assert rows["flat"].where == "its results have the shapes [(40,)], expected [(20, 40)]"
    assert "WRONG: off by inf, allowed is 1e-04; [3, 4] is nan" in str(Table(LIMITS, list(rows.values())))


def test_a_users_elementwise_kernel(tmp_path, quick):
    source = "__global__ void f(float* out, const float* x, float slope, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x;"
    (tmp_path / "leaky.cu").write_text(f"{source} if (i < n) out[i] = x[i] > 0 ? x[i] : slope * x[i]; }}")
    function = your_kernel(f"{tmp_path}/leaky.cu:f", "leaky_relu")
    (row, *_) = compare_at(problems.activations(1000)[0], LIMITS, {"mine": function}, untimed=("mine",))
    assert row.is_right and row.seconds is None


def test_a_pipe_or_a_device_is_not_replaced(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    assert main(["bench", "matmul", "--json", str(tmp_path / "pipe")]) == 2
    assert "pipe: it is no plain file" in capsys.readouterr().err


def test_a_kernel_without_its_launch(product):
    with pytest.raises(mg.MiniganError, match="mine is a kernel without its launch: pass mg.bench.your_kernel"):
        bench.compare("matmul", {"mine": mg.kernel(f"{product}:product")})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bench", "matmull"], "unknown 'matmull': choose from matmul, conv2d, .* or step RECIPE"),
        (["bench", "step"], "bench step takes a recipe"),
        (["bench", "step", "gann"], "unknown recipe 'gann'"),
        (["bench", "matmul", "gan"], "expected one name, or step RECIPE"),
        (["bench", "matmul", "--grid", "4"], "--grid, --block, --shared, -D and -I go with --kernel"),
        (["bench", "activation", "--kernel", "{mine}:product"], "--kernel takes the place of a primitive"),
        (["bench", "matmul", "--kernel", "{mine}:product", "--block", "a"], "--block a: expected whole numbers"),
        (["bench", "matmul", "--kernel", "{mine}:product", "--grid", "q/3"], "--grid q/3: expected"),
        (["bench", "leaky_relu", "--kernel", "{mine}:product"], "parameter A is none of x, y, n, slope"),
        (["bench", "matmul", "--kernel", "nowhere.cu:f"], "cannot read nowhere.cu"),
        (["bench", "--figure", "nowhere/roof.png"], "cannot write nowhere/roof.png: there is no folder nowhere"),
    ],
)
def test_bad_input_is_one_line(arguments, message, product, capsys):
    assert main([each.replace("{mine}", str(product)) for each in arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and re.search(message, lines[0]), lines


@pytest.mark.skipif(not NO_GPU, reason="there is a GPU")
def test_without_a_gpu_the_emulator_counts(product, quick, monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(problems.ON_CPU, "matmul", [SMALL])
    monkeypatch.setitem(problems.COUNTED, "matmul", [SMALL])
    files = [f"--{name}={tmp_path / name}" for name in ("json", "markdown", "figure")]
    kernel = f"--kernel={product}:product"
    assert main(["bench", "matmul", kernel, "--block", "16,16", "--grid", "n/16,m/16", *files]) == 0
    text = capsys.readouterr().out
    assert "No GPU answers, so no kernel was timed" in text and "matmul_v6" in text and "\n  product" in text
    assert all((tmp_path / name).stat().st_size for name in ("json", "markdown", "figure"))
    counted = json.loads((tmp_path / "json").read_text())["counted"]
    assert {"matmul_v1", "matmul_v6", "product"} <= {each["kernel"] for each in counted}
    if not nvrtc.why_missing():
        assert all(0 < chip["registers"] < 256 for each in counted for chip in each["on_chips"])
        if nvrtc.disassembler():
            assert all(chip["instructions"] for each in counted for chip in each["on_chips"])
        assert re.search(r"\n  product .* of 64 ", text)
    assert main(["bench", "matmul", kernel.replace("mine", "wrong"), "--block", "16,16"]) == 1
    assert "WRONG: off by" in capsys.readouterr().out


def test_the_step_is_pytorchs(capsys, monkeypatch):
    """The losses of the first step agree with PyTorch's on the same weights, batches and noise; then both are timed."""
    pytest.importorskip("torch")
    monkeypatch.setattr(step, "_time", lambda function, device: function() and Timing(1e-3, 1e-5))
    for recipe in ("gan", "lsgan", "wgan", "wgan-gp", "ring"):
        assert main(["bench", "step", recipe]) == 0
        text = capsys.readouterr().out
        assert "minigan" in text and "PyTorch" in text and "differ by" in text


def test_a_step_that_is_not_pytorchs_is_not_timed(monkeypatch, capsys):
    pytest.importorskip("torch")
    from minigan.bench import torch_gan

    monkeypatch.setattr(torch_gan, "_g_loss", lambda recipe, fake: fake.mean() + 1)
    assert main(["bench", "step", "gan"]) == 2
    assert "off PyTorch's: nothing was timed" in capsys.readouterr().err


@pytest.mark.parametrize("stem", comparison.ANY_BLOCK)
@pytest.mark.parametrize("threads", comparison.BLOCKS)
def test_these_stems_run_in_blocks_of_any_size(stem, threads):
    for problem in problems.COUNTED[stem]:
        for version in check.versions_of(stem):
            call = problem.call()
            truth = results_of(call, getattr(reference, problem.primitive), "float64")
            prepare = partial(comparison._version, problem.primitive, version, threads=threads)
            found = results_of(call, lambda *arguments, prepare=prepare: prepare(*arguments)(), "float32")
            assert all(relative_error(mine, right, 1.0) < 1e-5 for mine, right in zip(found, truth))
            with recording() as launches:
                prepare(*converted(call.args, "float32"))()
            assert [each.plan.block for each in launches] == [(threads, 1, 1)]


@pytest.mark.parametrize(("number", "of_element"), [(0, 28), (1, 20)], ids=["adam", "rmsprop"])
def test_what_stays_is_not_written(number, of_element):
    """Adam reads four arrays and writes three, RMSProp three and two: the gradient is only read."""
    (row, *_) = compare_at(problems.optimizers(1000)[number], LIMITS, {})
    assert of_element * 1000 <= row.bytes < of_element * 1000 + 100  # the count and the rate


@pytest.mark.parametrize("what", ["matmul", "conv2d_backward_data"])
def test_compare_takes_a_primitive_or_a_stem(what, quick, monkeypatch):
    monkeypatch.setitem(problems.ON_CPU, "matmul", [SMALL])
    monkeypatch.setitem(problems.ON_CPU, "conv2d", problems.COUNTED["conv2d"])
    table = mg.bench.compare(what)
    assert {row.problem.split()[0] for row in table.rows} == {what} and "NumPy" in {row.name for row in table.rows}
