"""Data: idx files, drawn digits, MNIST from every place, and the download against a server on this machine."""

import gzip
import io
import lzma
import tarfile

import numpy as np
import pytest
from PIL import Image

from minigan import MiniganError, data
from minigan.data.digits import digits
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
        ("a.gz", gzip.compress(idx_bytes(IMAGES), mtime=0)[:-9], "truncated"),
        ("a.gz", idx_bytes(IMAGES), "damaged"),
        ("a.gz", gzip.compress(idx_bytes(IMAGES) * 50, mtime=0)[:40] + b"rubbish" * 20, "damaged|truncated"),
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
    from minigan.judge.scores import nearest

    (known, names), (fresh, truth) = digits(2000, seed=1), digits(300, seed=2)
    indices, _ = nearest(fresh / 127.5 - 1, data.Images("digits", known, names))
    assert (names[indices] == truth).mean() > 0.9


def test_digits_come_at_thousands_a_second():
    import time

    digits(10)
    start = time.perf_counter()
    digits(2000)
    assert time.perf_counter() - start < 1


def test_unknown_data_set():
    with pytest.raises(MiniganError, match="unknown data set 'mnits': choose from digits, mnist, .*or name a folder"):
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


def test_fashion_mnist_lies_in_a_folder_of_its_own(tmp_path):
    pixels = small_mnist(tmp_path / "fashion-mnist")
    assert (data.load("fashion-mnist", tmp_path).pixels == pixels).all()
    small_mnist(tmp_path)  # files of the same names, but MNIST's
    (tmp_path / "fashion-mnist" / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(MiniganError, match="no train-labels-idx1-ubyte.gz in .*fashion-mnist"):
        data.load("fashion-mnist", tmp_path)


def test_held_out_images(shared_data):
    held_out = data.load("mnist", shared_data, part="test")
    assert len(held_out) == 10000 and np.bincount(held_out.labels)[:3].tolist() == [980, 1135, 1032]
    assert (data.load("digits", part="test").pixels[:50] != data.load("digits").pixels[:50]).any()


def records(count, seed=0):
    random = np.random.default_rng(seed)
    labels, pixels = random.integers(0, 10, count, np.uint8), random.integers(0, 256, (count, 3072), np.uint8)
    return np.c_[labels, pixels].tobytes(), pixels.reshape(-1, 3, 32, 32), labels


def tar_of(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("pack", ["bin", "xz", "tar"])
@pytest.mark.parametrize("below", [".", "cifar10", "cifar-10-batches-bin"])
def test_cifar10(tmp_path, pack, below):
    folder = tmp_path / below
    folder.mkdir(exist_ok=True)
    parts = {f"data_batch_{i}.bin": records(i, i) for i in (2, 1)} | {"test_batch.bin": records(4, 9)}
    if pack == "tar":
        tar_of(
            folder / "cifar-10-binary.tar.gz", {f"cifar-10-batches-bin/{name}": part[0] for name, part in parts.items()}
        )
    for name, (content, *_) in parts.items() if pack != "tar" else ():
        (folder / (name if pack == "bin" else f"{name}.xz")).write_bytes(
            content if pack == "bin" else lzma.compress(content)
        )
    images = data.load("cifar10", tmp_path)
    assert images.shape == (3, 32, 32) and len(images) == 3
    for kind, found in ((1, images.pixels), (2, images.labels)):
        expected = np.concatenate([parts[f"data_batch_{i}.bin"][kind] for i in (1, 2)])
        assert (found == expected).all() and found.flags.c_contiguous
    held_out = data.load("cifar10", tmp_path, part="test")
    assert (held_out.pixels == parts["test_batch.bin"][1]).all()


def test_a_batch_that_lies_there_twice_is_read_once(tmp_path):
    content, pixels, _ = records(3)
    (tmp_path / "data_batch_1.bin").write_bytes(content)
    (tmp_path / "data_batch_1.bin.xz").write_bytes(b"not even looked at")
    assert (data.load("cifar10", tmp_path).pixels == pixels).all()


def test_real_cifar10(shared_data):
    images = data.load("cifar10", shared_data)
    assert images.pixels.shape == (20000, 3, 32, 32) and np.bincount(images.labels).min() > 1900


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data_batch_1.bin", records(2)[0][:-1], "holds 6145 bytes, expected records of 3073"),
        ("data_batch_1.bin", b"", "holds 0 bytes"),
        ("data_batch_1.bin", b"\xff" * 3073, "a label of 255, expected 0 to 9"),
        ("data_batch_1.bin.xz", lzma.compress(records(2)[0])[:-30], "damaged"),
        ("data_batch_1.bin.xz", b"rubbish", "damaged"),
        ("cifar-10-binary.tar.gz", b"rubbish", "truncated or damaged"),
        ("data_batch_9.bin", b"", "no cifar-10-binary.tar.gz and no data_batch_.1-5..bin in .* or .*--data digits"),
    ],
)
def test_bad_cifar10_is_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MiniganError, match=message) as error:
        data.load("cifar10", tmp_path)
    assert "\n" not in str(error.value)


def test_bad_archives_are_one_line(tmp_path):
    archive = tmp_path / "cifar-10-binary.tar.gz"
    whole = {f"cifar-10-batches-bin/data_batch_{i}.bin": records(30, i)[0] for i in (1, 2, 3)}
    tar_of(archive, whole)
    content = archive.read_bytes()
    for length in (10, 1000, len(content) // 2, len(content) - 100):
        archive.write_bytes(content[:length])
        with pytest.raises(MiniganError, match="truncated or damaged") as error:
            data.load("cifar10", tmp_path)
        assert "\n" not in str(error.value)
    stored = tmp_path / archive.name
    with gzip.open(stored, "wb", compresslevel=0) as file:  # uncompressed: only the checksum can tell
        file.write(gzip.decompress(content))
    damaged = bytearray(stored.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    stored.write_bytes(damaged)
    with pytest.raises(MiniganError, match="truncated or damaged .CRC check failed"):
        data.load("cifar10", tmp_path)
    tar_of(archive, {"data_batch_1.bin": bytes(10_001 * 3073)})
    with pytest.raises(MiniganError, match="holds data_batch_1.bin of 30733073 bytes: it is not CIFAR-10's"):
        data.load("cifar10", tmp_path)
    for name in ("../data_batch_1.bin", "/etc/data_batch_1.bin", "a/../../data_batch_1.bin"):
        tar_of(archive, {name: records(1)[0]} | whole)
        with pytest.raises(MiniganError, match="a path out of the archive: it is not CIFAR-10's"):
            data.load("cifar10", tmp_path)
    tar_of(archive, {"readme.txt": b"hello"})
    with pytest.raises(MiniganError, match="holds no batch of CIFAR-10"):
        data.load("cifar10", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cifar-10-binary.tar.gz"]  # nothing was unpacked


def save_image(path, mode, size, color):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, color).save(path)


def test_a_folder_of_images(tmp_path, capsys):
    save_image(tmp_path / "a.png", "RGB", (40, 20), (255, 0, 0))
    save_image(tmp_path / "deep" / "b.JPG", "L", (20, 64), 128)
    save_image(tmp_path / "c.png", "P", (16, 16), 0)
    save_image(tmp_path / "d.png", "RGBA", (16, 16), (0, 0, 255, 255))
    save_image(tmp_path / "e.png", "I;16", (16, 16), 40000)
    save_image(tmp_path / "f.png", "RGB", (1, 1), 0)
    (tmp_path / "g.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    (tmp_path / "h.jpeg").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no image")
    images = data.load(str(tmp_path), image_size=12)
    assert images.shape == (3, 12, 12) and images.pixels.dtype == np.uint8
    assert [tuple(image[:, 5, 5]) for image in images.pixels] == [(255, 0, 0), (0, 0, 0), (0, 0, 255), (128, 128, 128)]
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "skipped 4 of 8 files: e.png (mode I;16: save it with 8 bits a channel)" in said
    assert "f.png (1×1 pixels are too few)" in said and "g.png (" in said and "h.jpeg (" in said


def test_what_is_transparent_is_laid_over_white(tmp_path):
    save_image(tmp_path / "a.png", "RGBA", (16, 16), (255, 0, 0, 0))
    save_image(tmp_path / "b.png", "LA", (16, 16), (0, 0))
    assert (data.load(str(tmp_path), image_size=8).pixels == 255).all()


def test_an_image_of_a_hundred_million_pixels_is_skipped(tmp_path, capsys):
    save_image(tmp_path / "a.png", "1", (10_000, 10_000), 0)
    save_image(tmp_path / "b.png", "L", (16, 16), 7)
    assert len(data.load(str(tmp_path))) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "skipped 1 of 2 files: a.png (Image size (100000000 pixels) exceeds" in said


def test_folders_without_a_usable_image(tmp_path):
    with pytest.raises(MiniganError, match="holds no image: expected PNG or JPEG files"):
        data.load(str(tmp_path))
    save_image(tmp_path / "a.png", "RGB", (1, 1), 0)
    with pytest.raises(MiniganError, match="no image in .* can be used: skipped 1 of 1 files: a.png .1×1 pixels"):
        data.load(str(tmp_path))
    with pytest.raises(MiniganError, match="--image-size 3: expected 8 to 512"):
        data.load(str(tmp_path), image_size=3)
    with pytest.raises(
        MiniganError, match="--image-size goes with a folder of images, and digits has a size of its own"
    ):
        data.load("digits", image_size=32)


def test_images_are_cropped_to_their_middle(tmp_path):
    picture = np.zeros((20, 60, 3), np.uint8)
    picture[:, 20:40] = 200
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert (data.load(str(tmp_path), image_size=20).pixels == 200).all()


@pytest.mark.parametrize(("name", "modes", "deviation"), [("ring", 8, 0.01), ("grid", 25, 0.05)])
def test_points(name, modes, deviation):
    points = data.load(name)
    assert points.values.shape == (50000, 2) and points.centres.shape == (modes, 2) and points.deviation == deviation
    away = points.values - points.centres[points.labels]
    assert np.ptp(np.bincount(points.labels)) <= 1 and abs(away.std() / deviation - 1) < 0.02
    assert (points.batch(np.array([3, 1]), np.float32) == points.values[[3, 1]].astype(np.float32)).all()
    with pytest.raises(MiniganError, match="is drawn, not read"):
        data.load(name, "somewhere")


def test_real_mnist(shared_data):
    images = data.load("mnist", shared_data)
    assert images.pixels.shape == (60000, 1, 28, 28)
    assert np.bincount(images.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
