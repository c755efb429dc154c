"""The project as a whole: what is installed, what importing costs, how the house stands."""

import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel that pip builds from a clean copy of the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    skip = shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", "__pycache__", "runs", ".*_cache")
    shutil.copytree(ROOT, source, ignore=skip)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("minigan-*.whl"))


def test_the_wheel_holds_every_module_and_every_kernel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in names if name.endswith(".py")} == {
        str(path.relative_to(ROOT)) for path in (ROOT / "minigan").rglob("*.py")
    }
    kernels = {f"minigan/kernels/{path.name}" for path in (ROOT / "kernels").iterdir() if path.suffix != ".py"}
    assert kernels == {name for name in names if name.startswith("minigan/kernels/")}
    assert "minigan/kernels/common.cuh" in names and "minigan/py.typed" in names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"minigan"}


def test_the_wheel_trains_in_another_folder(wheel, tmp_path):
    """Unpacked where no checkout is near: it finds its kernels, and trains."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    program = (
        "import sys; sys.path.insert(0, 'site')\n"
        "import minigan, minigan.cli\n"
        "from minigan.cuda import source\n"
        "assert 'site/minigan/kernels' in str(source.folder()), source.folder()\n"
        "assert minigan.cli.main('train gan --data digits --device cpu --steps 2 --out run'.split()) == 0\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "checkpoint.npz").is_file()


HEAVY = (
    "cupy",
    "matplotlib",
    "PIL",
    "tqdm",
    *(f"minigan.{room}" for room in ["data", "plots", "gans", "check", "bench", "cli"]),
)


def test_import_is_quick_and_loads_nothing_heavy():
    program = f"import sys, minigan; print([name for name in {HEAVY} if name in sys.modules])"
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        best = min(best, time.perf_counter() - start)
        assert done.stdout.strip() == "[]", done.stdout + done.stderr
    assert best < 1.0  # 0.3 s on a free machine


def test_every_kernel_stem_has_its_rooms():
    for path in (ROOT / "kernels").glob("*.cu"):
        for room in (f"minigan/reference/{path.stem}.py", f"minigan/cuda/{path.stem}.py", f"tests/test_{path.stem}.py"):
            assert (ROOT / room).is_file(), room
    for path in (ROOT / "minigan" / "ops").glob("[a-z]*.py"):
        assert (ROOT / f"tests/test_{path.stem}.py").is_file(), path


def test_ruff_passes():
    done = subprocess.run([sys.executable, "-m", "ruff", "check", str(ROOT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


LONG = ("tensor.py", "nn.py", "check/calls.py")  # one thing each, in many parts


def test_no_file_is_too_long_to_read():
    for path in (ROOT / "minigan").rglob("*.py"):
        most = 400 if str(path.relative_to(ROOT / "minigan")) in LONG else 300
        assert len(path.read_text("utf-8").splitlines()) <= most, path
    for path in (ROOT / "kernels").iterdir():
        assert len(path.read_text("utf-8").splitlines()) <= 400, path
