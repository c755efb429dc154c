import os
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported: two workers' threads would wait for each other

from minigan import data, emulator
from minigan.data.digits import digits
from minigan.emulator import compiler


def pytest_configure(config):
    """With -n, a file's tests stay on one worker: what they build, count or compile at length is then done once."""
    if getattr(config.option, "dist", None) == "load":
        config.option.dist = "loadfile"


@pytest.fixture
def shared_data():
    """The folder with the real MNIST, for the tests that need it; they are skipped where it is not there."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not (folder / "mnist").is_dir():
        pytest.skip("needs the real MNIST in ../shared/data")
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """One cache for all tests, also of those that run in other processes: what the emulator has built is built once."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # a worker's own folder lies in the session's
    return os.environ.get("MINIGAN_TEST_CACHE") or base / "cache"


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path, monkeypatch, cache):
    """No test reads or writes the user's cache, data folder or working folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.delenv("MINIGAN_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def every_access():
    """For tests that count accesses: g++ announces each, clang the halves and the members of a vector on their own."""
    if compiler.blind_spots():
        pytest.skip(compiler.blind_spots())


@pytest.fixture(scope="module")
def images():
    return data.Images("digits", *digits(200))


@pytest.fixture(params=emulator.ORDERS)
def order(request):
    with emulator.settings(order=request.param, seed=11):
        yield request.param
