"""The command line, run as a user runs it: what it prints, what it leaves, how it ends."""

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from command import minigan
from PIL import Image

from minigan import devices
from minigan.checkpoint import load_arrays

SMALL = ["--data", "digits", "--device", "cpu", "--steps", "3", "--batch-size", "10"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small finished run."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    done = minigan("train", "gan", *SMALL, "--out", folder, "--seed", 5, "--loss", "minimax", "--kernels", "matmul=v1")
    assert done.returncode == 0, done.stderr
    assert "gan (tuned, minimax) on 12,000 samples of digits, on cpu: G 130,576 and D 117,121 parameters" in done.stdout
    assert "--kernels chooses among the CUDA kernels, of which none runs on cpu" in done.stdout
    return folder


def test_train_leaves_a_run(run):
    config = json.loads((run / "config.json").read_text())
    assert config["seed"] == 5 and config["recipe"]["loss"] == "minimax" and config["kernels"] == {"matmul": "v1"}
    with open(run / "metrics.csv") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["3.0"]
    for picture in (*(run / "samples").iterdir(), run / "losses.png", run / "first-and-last.png", run / "training.gif"):
        with Image.open(picture) as opened:
            opened.verify()


def test_resume_goes_on(run):
    done = minigan("train", "--resume", run, "--steps", 5)
    assert done.returncode == 0 and "step 5: see" in done.stdout, done.stderr
    again = minigan("train", "--resume", run, "--steps", 5)
    assert again.returncode == 2 and "is at step 5 already: ask for more by --epochs or --steps" in again.stderr


def test_sample(run, tmp_path):
    done = minigan("sample", run, "-n", 30)
    assert done.returncode == 0
    with Image.open(run / "sample.png") as picture:
        assert picture.size == (2 * (6 * 30 - 2), 2 * (5 * 30 - 2))  # 30 images in 5 rows of 6
    for _ in range(2):
        done = minigan("sample", run, "-n", 7, "--raw", "out.npy", "--seed", 9)
        images = np.load(tmp_path / "out.npy")
        assert images.shape == (7, 1, 28, 28) and images.dtype == np.float32 and np.abs(images).max() <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "."], "it is a folder, expected a file name"),
        (["--raw", "nowhere/x.npy"], "there is no folder nowhere"),
        (["--seed", "-1"], "seed -1: expected 0 to"),
        (["-n", "99999999999"], "not enough memory"),
    ],
)
def test_sample_with_bad_places_and_numbers(run, arguments, message):
    done = minigan("sample", run, *arguments)
    assert done.returncode == 2 and message in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_a_picture_needs_no_ending(run, tmp_path):
    assert minigan("sample", run, "--out", "picture").returncode == 0
    with Image.open(tmp_path / "picture") as picture:
        assert picture.format == "PNG"


def test_train_on_the_emulator(tmp_path):
    arguments = [
        "train",
        "gan",
        "--data",
        "digits",
        "--device",
        "emulator",
        "--steps",
        2,
        "--batch-size",
        10,
        "--out",
        "run",
    ]
    done = minigan(*arguments)
    assert done.returncode == 0 and "on emulator" in done.stdout, done.stderr
    assert minigan("sample", "run", "-n", 4, "--device", "cpu").returncode == 0


def test_without_the_graph_the_numbers_are_the_same(tmp_path):
    """Also where one half of a run is replayed and the other is not."""
    digits, steps = ("--data", "digits", "--batch-size", "10", "--device", "emulator"), ("--steps", "5")
    for options in (["--out", "replayed"], ["--out", "eager", "--no-graph"]):
        assert minigan("train", "gan", *digits, *steps, *options).returncode == 0
    assert minigan("train", "gan", *digits, "--steps", "2", "--out", "mixed").returncode == 0
    assert minigan("train", "--resume", "mixed", *steps, "--no-graph").returncode == 0
    states = [load_arrays(tmp_path / run / "checkpoint.npz") for run in ("replayed", "eager", "mixed")]
    for name, values in states[0].items():
        assert all(np.array_equal(values, other[name]) for other in states[1:]), name


def test_default_folders_are_numbered(tmp_path):
    for _ in range(2):
        assert minigan("train", "gan", *SMALL).returncode == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["gan-1", "gan-2"]


@pytest.mark.parametrize("command", [[], ["train"], ["sample"], ["check"]])
def test_help_shows_an_example(command):
    done = minigan(*command, "--help")
    assert done.returncode == 0 and ("minigan " + " ".join(command)).strip() in done.stdout
    assert not command or f"examples:\n  minigan {command[0]}" in done.stdout


def test_no_command_is_bad_input():
    assert minigan().returncode == 2


def test_list():
    done = minigan("train", "--list")
    assert done.returncode == 0 and "gan-smooth" in done.stdout and "Goodfellow et al. 2014" in done.stdout


def test_describe():
    done = minigan("train", "dcgan", "--preset", "seed", "--describe")
    assert done.returncode == 0, done.stderr
    for part in (
        "ConvTranspose2d(256, 256, (5, 5), stride=1", "256×32×32", "1,638,656 parameters", "in all", "GFLOP",
        "Radford et al. 2016", "repairs: ", "lr 2e-05",
    ):  # fmt: skip
        assert part in done.stdout, part


def test_ring_counts_its_modes(tmp_path):
    done = minigan("train", "ring", "--steps", "20", "--width", "0.2", cwd=tmp_path)
    assert done.returncode == 0 and "of 8 modes; " in done.stdout, done.stderr
    done = minigan("sample", "runs/ring-1", "-n", "7", "--raw", "points.npy", cwd=tmp_path)
    assert done.returncode == 0 and np.load(tmp_path / "points.npy").shape == (7, 2)
    done = minigan("sample", "runs/ring-1", cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "runs" / "ring-1" / "sample.png").is_file(), done.stderr


def test_what_d_is_asked_about_is_there_before_the_training(tmp_path):
    options = "deconv-gan", "--width", "0.1", "--batch-size", "4", "--steps", "2"
    (tmp_path / "data_batch_1.bin").write_bytes(bytes(3073 * 20))
    done = minigan("train", *options, "--data", "cifar10", "--data-dir", ".", cwd=tmp_path)
    assert done.returncode == 2 and "no test_batch.bin" in done.stderr and not (tmp_path / "runs").exists()
    (tmp_path / "test_batch.bin").write_bytes(bytes(3073 * 7))
    done = minigan("train", *options, "--data", "cifar10", "--data-dir", ".", cwd=tmp_path)
    assert done.returncode == 0 and "of 7 held-out images" in done.stdout, done.stderr
    (tmp_path / "mine").mkdir()
    for i in range(5):
        Image.new("RGB", (16, 16), (40 * i, 0, 0)).save(tmp_path / "mine" / f"{i}.png")
    done = minigan("train", *options, "--data", "mine", "--image-size", "16", cwd=tmp_path)
    assert (
        done.returncode == 0
        and "mine is held out: the second phase, in which D learns on alone, is left out" in done.stdout
    )
    (tmp_path / "mine").rename(tmp_path / "moved")
    done = minigan("train", "--resume", "runs/deconv-gan-2", "--steps", "3", cwd=tmp_path)
    assert done.returncode == 2 and f"there is no folder {tmp_path / 'mine'}" in done.stderr


def test_d_learns_on_alone_and_leaves_the_pair_as_it_is(tmp_path):
    options = "--data", "digits", "--width", "0.1", "--batch-size", "500"
    done = minigan("train", "deconv-gan", *options, "--steps", "3", cwd=tmp_path)
    assert done.returncode == 0 and "D alone: takes " in done.stdout, done.stderr
    run = tmp_path / "runs" / "deconv-gan-1"
    result = json.loads((run / "alone" / "alone.json").read_text())
    assert result["asked"] == 1000 and 0 <= result["fake"] <= 1 and result["real"] + result["fake"] > 1.2
    assert {path.name for path in (run / "alone").iterdir()} == {
        "alone.json",
        "generated.png",
        "held-out.png",
        "side-by-side.png",
    }
    before = load_arrays(run / "checkpoint.npz")
    done = minigan("train", "--resume", "runs/deconv-gan-1", "--steps", "4", cwd=tmp_path)
    whole = minigan("train", "deconv-gan", *options, "--steps", "4", cwd=tmp_path)
    assert done.returncode == whole.returncode == 0, done.stderr + whole.stderr
    again, unbroken = (load_arrays(tmp_path / "runs" / f"deconv-gan-{i}" / "checkpoint.npz") for i in (1, 2))
    assert before["steps_done"] == 3 and all((again[name] == unbroken[name]).all() for name in unbroken)


def test_train_on_a_folder_of_images_and_go_on_from_elsewhere(tmp_path):
    for i in range(12):
        path = tmp_path / "pictures" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (20, 30), (20 * i, 0, 0)).save(path)
    options = "--data", "pictures", "--image-size", "16", "--batch-size", "4", "--width", "0.1"
    done = minigan("train", "dcgan", *options, "--steps", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "elsewhere").mkdir()
    done = minigan("train", "--resume", "../runs/dcgan-1", "--steps", "3", cwd=tmp_path / "elsewhere")
    assert done.returncode == 0, done.stderr


def test_version_names_what_is_here():
    done = minigan("--version")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "minigan", "Python", "NumPy", "CuPy", "NVRTC", "device", "host",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "needs a recipe: see minigan train --list"),
        (["train", "gna"], "unknown recipe 'gna': choose from gan, gan-smooth"),
        (["train", "gan", "--preset", "best"], "no preset 'best': choose from tuned, seed"),
        (["train", "gan", "--data", "mnits"], "unknown data set 'mnits': choose from digits, mnist"),
        (["train", "gan", "--data", "."], " holds no image: expected PNG or JPEG files"),
        (["train", "gan", "--data", "digits", "--image-size", "32"], "--image-size goes with a folder of images"),
        (
            ["train", "gan", "--data", "digits", "--net", "resnet"],
            "unknown net 'resnet': choose from mlp, deconv, pool, dcgan",
        ),
        (["train", "gan", "--data", "digits", "--net", "dcgan64"], "--net dcgan64 makes images of 64×64"),
        (["train", "ring", "--net", "dcgan"], "--net dcgan makes images whose sides are multiples of 4"),
        (["train", "gan", "--data", "digits", "--width", "0"], "width 0.0: expected"),
        (["train", "dcgan", "--data-dir", "."], "no cifar-10-binary.tar.gz and no data_batch_"),
        (["train", "gan", "--describe", "--net", "resnet"], "unknown net 'resnet'"),
        (["train", "gan", "--describe", "--data", "mnits"], "unknown data set 'mnits'"),
        (["train", "gan", "--describe", "--batch-size", "0"], "--batch-size 0: expected at least 1"),
        (
            ["train", "dcgan", "--preset", "paper"],
            "this recipe is for images of your own: name their folder, --data FOLDER",
        ),
        (["train", "dcgan", "--data", "nowhere/images"], "there is no folder nowhere/images"),
        (["train", "dcgan", "--data", "~nobody-here/a"], "~nobody-here/a: there is no such user here"),
        (["train", "gan", "--data-dir", "~nobody-here/a"], "~nobody-here/a: there is no such user here"),
        (["train", "gan", "--data", ".", "--data-dir", "."], " is a folder itself: leave --data-dir away"),
        (["train", "gan", "--data", "digits", "--image-size", "0"], "--image-size goes with a folder of images"),
        (["train", "gan", "--data", ".", "--image-size", "0"], "--image-size 0: expected 8 to 512"),
        (["train", "wgan", "--beta1", "0.3"], "--beta1 is Adam's, and wgan (tuned) descends by rmsprop"),
        (["train", "--describe"], "needs a recipe"),
        (
            ["train", "gan", "--data", "digits", "--device", "gpu"],
            "unknown device 'gpu': choose from auto, cpu, cuda, emulator",
        ),
        (["train", "gan", "--data", "digits", "--loss", "l1"], "unknown loss 'l1': choose from heuristic"),
        (["train", "gan", "--data", "digits", "--batch-size", "0"], "--batch-size 0: expected at least 1"),
        (["train", "gan", "--data", "digits", "--batch-size", "12001"], "batch size 12001: expected 1 to 12000"),
        (["train", "gan", "--data", "digits", "--steps", "0"], "--steps 0: expected at least 1"),
        (["train", "gan", "--data", "digits", "--lr", "-1"], "lr -1.0"),
        (["train", "gan", "--data", "digits", "--seed", "-1"], "--seed -1: expected 0 to"),
        (["train", "gan", "--data", "digits", "--kernels", "matmul"], "--kernels matmul: expected KERNEL=VERSION"),
        (["train", "gan", "--data", "digits", "--kernels", "matmul=v7"], "no version 'v7': choose from v1, v2, v3"),
        (["train", "gan", "--data-dir", "nowhere"], "no train-images-idx3-ubyte.gz in nowhere"),
        (["train", "gan", "--steps", "x"], "invalid int value: 'x'"),
        (["train", "--resume", "nowhere"], "nowhere holds no run"),
        (["train", "gan", "--resume", "nowhere", "--lr", "1"], "leave out recipe, lr"),
        (["sample", "nowhere"], "nowhere holds no run"),
        (["sample", "nowhere", "--out", "a.jpg"], "--out a.jpg: the picture is a PNG"),
        (["sample", "nowhere", "-n", "0"], "-n 0: expected at least 1"),
        (["sample", "nowhere", "--out", "a.png", "--raw", "b.npy"], "not allowed with argument"),
        (["train", "gan", "--data", "digits", "--lr", "inf"], "expected a finite lr"),
        (["train", "gan", "--data", "digits", "--data-dir", "."], "digits is drawn, not read"),
        (["check", "matmull"], "unknown stem 'matmull': choose from activation"),
        (["tarin"], "invalid choice: 'tarin'"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, message, tmp_path):
    done = minigan(*arguments)
    assert done.returncode == 2 and message in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 or lines[0].startswith("usage:")
    assert not (tmp_path / "runs").exists()


@pytest.mark.skipif(devices.why_no_cuda() is None, reason="there is a GPU")
def test_cuda_without_a_gpu_says_what_is_missing():
    done = minigan("train", "gan", "--data", "digits", "--device", "cuda")
    assert done.returncode == 2 and "device cuda needs" in done.stderr and "use --device cpu" in done.stderr


def test_a_folder_with_another_run_is_refused_and_left_alone(run):
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    done = minigan("train", "gan", *SMALL, "--out", run)
    assert done.returncode == 2 and f"{run} is not empty: choose another --out" in done.stderr
    assert before == {path: path.stat().st_mtime_ns for path in run.rglob("*")}


def test_damaged_runs(run, tmp_path):
    for name, content, message in (
        ("config.json", "{", "cannot read"),
        ("config.json", "{}", "another version"),
        ("checkpoint.npz", "x", "cannot read the checkpoint"),
        ("config.json", '{"recipe": 3}', "is missing or wrong"),
    ):
        folder = tmp_path / name / message.replace(" ", "-")
        folder.mkdir(parents=True)
        for each in ("config.json", "checkpoint.npz"):
            (folder / each).write_bytes((run / each).read_bytes())
        (folder / name).write_text(content)
        for command in (["sample", folder], ["train", "--resume", folder, "--steps", 9]):
            done = minigan(*command)
            assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_a_metrics_row_that_was_cut_short_is_dropped(run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    with open(folder / "metrics.csv", "a") as file:
        file.write("4,0.3")
    assert minigan("train", "--resume", folder, "--steps", 7).returncode == 0
    with open(folder / "metrics.csv") as file:
        rows = list(csv.reader(file))
    assert {len(row) for row in rows} == {11} and rows[-1][0] == "7.0"


def test_resume_uses_the_runs_kernels(run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"kernels": {"matmul": "v9"}}))
    done = minigan("train", "--resume", folder, "--steps", 9)
    assert done.returncode == 2 and "kernel matmul has no version 'v9'" in done.stderr


def test_a_diverging_run_says_so_and_is_kept(tmp_path):
    done = minigan(
        "train", "gan", "--data", "digits", "--device", "cpu", "--lr", "1e30", "--steps", "400", "--out", "run"
    )
    assert done.returncode == 2 and "is not a number at step" in done.stderr and "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    with np.load(tmp_path / "run" / "checkpoint.npz") as state:
        assert all(np.isfinite(state[name]).all() for name in state)


@pytest.mark.parametrize("arguments", [["train", "--list"], ["--version"], ["inspect", "loss"]], ids=" ".join)
def test_a_reader_that_has_seen_enough(arguments):
    talking = subprocess.Popen(
        [sys.executable, "-m", "minigan", *arguments], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    talking.stdout.close()
    assert (talking.stderr.read(), talking.wait(timeout=60)) == ("", 141)
    talking.stderr.close()


def test_no_output_at_all():
    done = subprocess.run(f"{sys.executable} -m minigan train --list >&-", shell=True, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("device", ["cpu", "emulator"])
def test_ctrl_c_saves_and_exits_130(tmp_path, device):
    training = subprocess.Popen(
        [sys.executable, "-m", "minigan", "train", "gan-smooth", "--data", "digits", "--width", "0.1", "--device", device,
         "--out", "run"],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    for _ in range(600):
        time.sleep(0.1)
        if len(list(tmp_path.glob("run/samples/*.png"))) > 1:
            break
    training.send_signal(signal.SIGINT)
    _out, errors = training.communicate(timeout=30)
    assert training.returncode == 130 and "stopped at step" in errors and "Traceback" not in errors, errors
    with np.load(tmp_path / "run" / "checkpoint.npz") as state:
        steps = int(state["steps_done"])
    assert f"stopped at step {steps} of" in errors and (tmp_path / "run" / "losses.png").is_file()
    assert minigan("train", "--resume", "run", "--steps", steps + 2).returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a limit on file sizes")
def test_a_full_disk_is_one_line_and_the_last_state_is_kept(tmp_path):
    """A limit on file sizes stands for the full disk: both fail in the middle of a write."""
    assert minigan("train", "gan", *SMALL, "--out", "run").returncode == 0
    before = (tmp_path / "run" / "checkpoint.npz").read_bytes()

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = minigan("train", "--resume", "run", "--steps", "300", preexec_fn=limit)
    assert done.returncode == 2 and "File too large" in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert "minigan train --resume run" in done.stderr
    assert (tmp_path / "run" / "checkpoint.npz").read_bytes() == before
    assert not list((tmp_path / "run").rglob("*.part*"))
    assert minigan("train", "--resume", "run", "--steps", "4").returncode == 0
