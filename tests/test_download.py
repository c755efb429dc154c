"""Downloads: mirrors, parts that are resumed, the cache."""

import dataclasses
import hashlib
import http.server
import threading

import numpy as np
import pytest

from minigan import MiniganError, data, paths
from minigan.data import mnist as mnist_module
from minigan.data.download import download

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """/good serves all, /ranges serves ranges too, /broken breaks off half way, /wrong serves another file."""

    def do_GET(self):
        start = 0
        place = self.path.split("/")[1]
        self.server.asked.append((place, self.headers.get("Range")))
        if place == "missing":
            return self.send_error(404)
        if place in ("ranges", "broken") and self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if start >= len(CONTENT):
                return self.send_error(416)
            self.send_response(206)
        else:
            self.send_response(200)
        body = CONTENT[start:] if place != "wrong" else b"another file"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if place == "broken" else body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as served:
        served.asked = []
        thread = threading.Thread(target=served.serve_forever, daemon=True)
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def address(server, place):
    return f"http://127.0.0.1:{server.server_port}/{place}/file"


def test_download_and_then_the_cache(server, tmp_path):
    path = download("file", [address(server, "good")], SHA256, tmp_path / "new")
    assert path.read_bytes() == CONTENT and [each.name for each in path.parent.iterdir()] == ["file"]
    assert download("file", [], SHA256, tmp_path / "new") == path and len(server.asked) == 1


def test_the_next_mirror_is_tried_and_a_broken_one_is_resumed(server, tmp_path):
    places = [address(server, place) for place in ("missing", "wrong", "broken", "ranges")]
    assert download("file", places, SHA256, tmp_path).read_bytes() == CONTENT
    assert server.asked == [("missing", None), ("wrong", None), ("broken", None), ("ranges", "bytes=150000-")]


def test_a_later_call_resumes_and_a_server_without_ranges_starts_over(server, tmp_path):
    for place in ("ranges", "good"):
        (tmp_path / "file.part").write_bytes(CONTENT[:1000])
        assert download("file", [address(server, place)], SHA256, tmp_path).read_bytes() == CONTENT
        (tmp_path / "file").unlink()


def test_a_part_that_is_whole_already(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT)
    assert download("file", [address(server, "ranges")], SHA256, tmp_path).read_bytes() == CONTENT


def test_a_rotten_part_is_thrown_away(server, tmp_path):
    (tmp_path / "file.part").write_bytes(b"x" * len(CONTENT))
    places = [address(server, "ranges"), address(server, "good")]
    assert download("file", places, SHA256, tmp_path).read_bytes() == CONTENT


def test_no_mirror_works_is_one_line_that_names_each(server, tmp_path):
    places = [address(server, "missing"), address(server, "wrong"), "http://127.0.0.1:1/file"]
    with pytest.raises(
        MiniganError, match=r"missing/file: Not Found; .*wrong SHA-256; .*refused.*--data digits"
    ) as error:
        download("file", places, SHA256, tmp_path)
    assert "\n" not in str(error.value) and not (tmp_path / "file").exists()


def test_a_wrong_file_in_the_cache_is_not_used(tmp_path):
    (tmp_path / "file").write_bytes(b"wrong")
    with pytest.raises(MiniganError, match="wrong SHA-256: delete it"):
        download("file", [], SHA256, tmp_path)


def mirrors(monkeypatch, *addresses):
    source = dataclasses.replace(mnist_module.SOURCES["mnist"], mirrors=addresses)
    monkeypatch.setitem(mnist_module.SOURCES, "mnist", source)


def test_mnist_from_the_mirrors(server, monkeypatch, shared_data, tmp_path):
    """The real files over a local server, through the pinned hashes, into the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    mirrors(monkeypatch, address(server, "missing"), "http://127.0.0.1:1/")
    with pytest.raises(MiniganError, match="cannot download train-images-idx3-ubyte.gz"):
        data.load("mnist")
    handler = http.server.SimpleHTTPRequestHandler

    class Files(handler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(shared_data / "mnist"))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        mirrors(monkeypatch, f"http://127.0.0.1:{served.server_port}/")
        assert len(data.load("mnist")) == 60000
        served.shutdown()
    assert len(data.load("mnist")) == 60000  # now from the cache
    assert len(list((paths.cache_folder() / "mnist").iterdir())) == 2
