"""Data: idx files, drawn digits, MNIST from every place, and the download against a server on this machine."""

import gzip
import hashlib
import http.server
import threading

import numpy as np
import pytest

from minigan import MiniganError, data
from minigan.data import download as downloading
from minigan.data import mnist as mnist_module
from minigan.data.digits import digits
from minigan.data.download import download
from minigan.data.idx import read_idx


def idx_bytes(array, magic=None):
    magic = magic if magic is not None else 0x0800 + array.ndim
    return b"".join(number.to_bytes(4, "big") for number in (magic, *array.shape)) + array.tobytes()


IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("pack", [lambda content: ("a", content), lambda content: ("a.gz", gzip.compress(content))])
def test_idx(tmp_path, pack):
    name, content = pack(idx_bytes(IMAGES))
    (tmp_path / name).write_bytes(content)
    assert read_idx(tmp_path / name, 3).tolist() == IMAGES.tolist()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a", idx_bytes(IMAGES, magic=0x0D03), "magic 0x0d03, expected 0x0803"),
        ("a", idx_bytes(IMAGES[0]), "magic 0x0802, expected 0x0803"),
        ("a", idx_bytes(IMAGES)[:-1], "holds 23 bytes of data, expected 2 × 3 × 4 = 24"),
        ("a", idx_bytes(IMAGES) + b"x", "holds 25 bytes"),
        ("a", b"", "magic 0x0000"),
        ("a", idx_bytes(IMAGES)[:7], "magic|bytes"),
        ("a.gz", gzip.compress(idx_bytes(IMAGES))[:-9], "truncated"),
        ("a.gz", idx_bytes(IMAGES), "damaged"),
        ("a.gz", gzip.compress(idx_bytes(IMAGES) * 50)[:40] + b"rubbish" * 20, "damaged|truncated"),
    ],
)
def test_bad_idx_is_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MiniganError, match=message) as error:
        read_idx(tmp_path / name, 3)
    assert "\n" not in str(error.value)


def test_missing_idx(tmp_path):
    with pytest.raises(MiniganError, match="cannot read .*: No such file"):
        read_idx(tmp_path / "a", 3)


def test_digits_are_the_same_for_the_same_seed_and_even():
    pixels, labels = digits(200, seed=1)
    again, _ = digits(200, seed=1)
    other, _ = digits(200, seed=2)
    assert pixels.shape == (200, 1, 28, 28) and pixels.dtype == np.uint8
    assert (pixels == again).all() and (pixels != other).any()
    assert np.bincount(labels).tolist() == [20] * 10


def test_digits_fill_the_frame_and_touch_no_border():
    pixels, _ = digits(500)
    assert pixels.max() == 255 and 0.08 < (pixels > 127).mean() < 0.3
    border = np.r_[
        pixels[:, 0, 0].ravel(), pixels[:, 0, -1].ravel(), pixels[:, 0, :, 0].ravel(), pixels[:, 0, :, -1].ravel()
    ]
    assert (border > 127).mean() < 0.005


def test_digits_can_be_told_apart():
    """The nearest of 1,000 others names nine of ten: they are digits, and they vary."""
    from minigan.metrics import nearest_labels

    (known, names), (fresh, truth) = digits(2000, seed=1), digits(300, seed=2)
    assert (nearest_labels(fresh, known, names) == truth).mean() > 0.9


def test_digits_come_at_thousands_a_second():
    import time

    digits(10)
    start = time.perf_counter()
    digits(2000)
    assert time.perf_counter() - start < 1


def test_unknown_data_set():
    with pytest.raises(MiniganError, match="unknown data set 'mnits': choose from digits, mnist"):
        data.load("mnits")


def small_mnist(folder):
    folder.mkdir(parents=True, exist_ok=True)
    pixels, labels = digits(30)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(pixels[:, 0])))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    return pixels


@pytest.mark.parametrize("below", ["mnist", "."])
def test_mnist_from_a_named_folder(tmp_path, monkeypatch, below):
    pixels = small_mnist(tmp_path / "data" / below)
    assert (data.load("mnist", tmp_path / "data").pixels == pixels).all()
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path / "data"))
    assert (data.load("mnist").pixels == pixels).all()


def test_mnist_missing_from_a_named_folder_is_not_downloaded(tmp_path):
    with pytest.raises(MiniganError, match="no train-images-idx3-ubyte.gz in .*--data digits"):
        data.load("mnist", tmp_path)


def test_images_and_labels_that_do_not_belong_together(tmp_path):
    small_mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(7, np.uint8)))
    with pytest.raises(MiniganError, match="30 images and .* 7 labels"):
        data.load("mnist", tmp_path)


def test_real_mnist(shared_data):
    images = data.load("mnist", shared_data)
    assert images.pixels.shape == (60000, 1, 28, 28)
    assert np.bincount(images.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


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


def test_mnist_from_the_mirrors(server, monkeypatch, shared_data):
    """The real files over a local server, through the pinned hashes, into the cache."""
    monkeypatch.setattr(mnist_module, "MIRRORS", (address(server, "missing"), "http://127.0.0.1:1/"))
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
        monkeypatch.setattr(mnist_module, "MIRRORS", (f"http://127.0.0.1:{served.server_port}/",))
        assert len(data.load("mnist")) == 60000
        served.shutdown()
    assert len(data.load("mnist")) == 60000  # now from the cache
    assert len(list((downloading.cache_folder() / "mnist").iterdir())) == 2
