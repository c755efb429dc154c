from pathlib import Path

import pytest

from minigan import data, emulator
from minigan.data.digits import digits


@pytest.fixture
def shared_data():
    """The folder with the real MNIST, for the tests that need it; they are skipped where it is not there."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not (folder / "mnist").is_dir():
        pytest.skip("needs the real MNIST in ../shared/data")
    return folder


@pytest.fixture(scope="session")
def cache(pytestconfig):
    """One cache for all tests, kept for the next run: what the emulator has built of a text is built once."""
    return pytestconfig.cache.mkdir("minigan")


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path, monkeypatch, cache):
    """No test reads or writes the user's cache, data folder or working folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.delenv("MINIGAN_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def images():
    return data.Images("digits", *digits(200))


@pytest.fixture(params=emulator.ORDERS)
def order(request):
    with emulator.settings(order=request.param, seed=11):
        yield request.param
