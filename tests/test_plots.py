import numpy as np
from PIL import Image

from minigan import plots


def test_tile_puts_images_in_rows_and_never_wraps():
    images = np.full((5, 1, 4, 6), -1.0)
    images[0], images[1], images[4] = 1.0, 1.01, -1.01  # one grey level over and under: clipped, not wrapped around
    canvas = plots.tile(images, gap=2)
    assert canvas.shape == (2 * 6 - 2, 3 * 8 - 2, 1) and canvas.dtype == np.uint8
    corners = [canvas[row * 6 : row * 6 + 4, column * 8 : column * 8 + 6] for row in range(2) for column in range(3)]
    assert [(corner.min(), corner.max()) for corner in corners] == [
        (255, 255),
        (255, 255),
        (0, 0),
        (0, 0),
        (0, 0),
        (0, 0),
    ]
    assert (canvas[4:6] == 0).all() and (canvas[:, 6:8] == 0).all()


def test_grey_is_the_nearest_level():
    levels = np.arange(256)
    images = (levels / 127.5 - 1).astype(np.float32).reshape(1, 1, 16, 16)
    assert (plots.tile(images)[:, :, 0].ravel() == levels).all()


def test_colours_keep_their_order(tmp_path):
    images = np.full((1, 3, 2, 2), -1.0)
    images[0, 0] = 1.0
    plots.save_grid(tmp_path / "red.png", images, scale=3)
    with Image.open(tmp_path / "red.png") as picture:
        assert picture.mode == "RGB" and picture.size == (6, 6) and picture.getpixel((5, 5)) == (255, 0, 0)


def test_side_by_side_and_film(tmp_path):
    paths = []
    for i in range(130):
        paths.append(tmp_path / f"{i:03}.png")
        plots.save_grid(paths[-1], np.full((1, 1, 4, 4), i / 130))
    plots.save_side_by_side(tmp_path / "both.png", paths[0], paths[-1])
    plots.save_film(tmp_path / "film.gif", paths)
    with Image.open(tmp_path / "both.png") as both, Image.open(tmp_path / "film.gif") as film:
        assert both.size == (8 + 16 + 8, 8) and film.n_frames == plots.FRAMES
        film.seek(film.n_frames - 1)
        assert film.convert("L").getpixel((0, 0)) == both.getpixel((31, 0))


def test_losses(tmp_path):
    rows = [{"step": i, "d_loss": 1.0, "g_loss": 2.0, "d_real": 0.7, "d_fake": 0.3} for i in range(5)]
    for is_probability in (True, False):
        plots.save_losses(tmp_path / "losses.png", rows, is_probability)
        with Image.open(tmp_path / "losses.png") as picture:
            assert picture.size == (880, 660)
