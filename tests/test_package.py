"""The project as a whole: what is installed, what importing costs, how the house stands."""

import re
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


def test_import_is_quick_and_imports_neither_cupy_nor_matplotlib():
    program = (
        "import sys, minigan; print('cupy' in sys.modules, 'matplotlib' in sys.modules, 'minigan.gans' in sys.modules)"
    )
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        best = min(best, time.perf_counter() - start)
        assert done.stdout.split() == ["False", "False", "False"], done.stdout + done.stderr
    assert best < 1.0  # 0.3 s on a free machine


def test_every_kernel_stem_has_its_rooms():
    for path in (ROOT / "kernels").glob("*.cu"):
        for room in (f"minigan/reference/{path.stem}.py", f"minigan/cuda/{path.stem}.py", f"tests/test_{path.stem}.py"):
            assert (ROOT / room).is_file(), room
    for path in (ROOT / "minigan" / "ops").glob("[a-z]*.py"):
        assert (ROOT / f"tests/test_{path.stem}.py").is_file(), path


@pytest.mark.parametrize("package", ["ops", "reference", "cpu", "cuda", "tensor", "shapes"])
def test_arrows_point_one_way(package):
    """cli → gans → nn, optim → ops → tensor → cpu | cuda; cpu → reference; nothing below ops knows Tensors."""
    above = {
        "ops": "gans|nn|optim|cli",
        "tensor": "ops|gans|nn|optim|cli",
        "cpu": "ops|tensor|gans|nn|cli|cuda",
        "cuda": "ops|tensor|gans|nn|cli|cpu|reference",
        "reference": "ops|tensor|gans|nn|cli|cpu|cuda",
        "shapes": "ops|tensor|gans|nn|cpu|cuda|reference",
    }
    forbidden = above[package]
    place = ROOT / "minigan" / package
    for path in place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]:
        imports = re.findall(r"^\s*(?:from|import) (\S+)(?: import (.*))?$", path.read_text("utf-8"), re.MULTILINE)
        dots = "." * (len(path.relative_to(ROOT / "minigan").parts))
        for module, names in imports:
            reached = [module.removeprefix(dots)] if module != dots else [name.strip() for name in names.split(",")]
            if module.startswith(dots):
                assert not any(re.fullmatch(forbidden, each.split(".")[0]) for each in reached), (
                    f"{path.name}: {module}"
                )


def test_ruff_passes():
    done = subprocess.run([sys.executable, "-m", "ruff", "check", str(ROOT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_no_file_is_too_long_to_read():
    for path in (*(ROOT / "minigan").rglob("*.py"), *(ROOT / "kernels").iterdir()):
        assert len(path.read_text("utf-8").splitlines()) <= 400, path
