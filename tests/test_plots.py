import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageSequence

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


def decoded(path):
    """The frames of a film, or the one of a picture: (frames, height, width, 3)."""
    with Image.open(path) as picture:
        return np.stack([np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(picture)]).astype(int)


@pytest.fixture
def written(monkeypatch):
    """The words that are put on pictures."""
    words, draw = [], ImageDraw.ImageDraw.text

    def note(self, place, text, *rest, **more):
        words.append(text)
        draw(self, place, text, *rest, **more)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", note)
    return words


def test_side_by_side_and_film(tmp_path):
    shown = [(tmp_path / f"{i:03}.png", f"epoch {i}") for i in range(130)]
    for i, (path, _) in enumerate(shown):
        plots.save_grid(path, np.full((1, 1, 4, 4), i / 130))
    plots.save_side_by_side(tmp_path / "both.png", (shown[0], shown[-1]))
    plots.save_film(tmp_path / "film.gif", shown)
    (both,), film = decoded(tmp_path / "both.png"), decoded(tmp_path / "film.gif")
    assert both.shape == (36 + 8, 8 + 16 + 8, 3) and len(film) == plots.FRAMES
    assert (film[0] == both[:, :8]).all() and (film[-1] == both[:, -8:]).all()


@pytest.mark.parametrize("channels, size, off", [(1, 28, 0), (3, 32, 2)])
def test_a_film_names_its_epochs_and_hides_no_image(tmp_path, written, channels, size, off):
    images = np.random.default_rng(0).uniform(-1, 1, (100, channels, 1, 1)) * np.ones((size, size))
    shown = [(tmp_path / f"{i}.png", f"epoch {i}") for i in range(3)]
    for path, _ in shown:
        plots.save_grid(path, images)
    plots.save_film(tmp_path / "film.gif", shown)
    (grid,), film = decoded(shown[0][0]), decoded(tmp_path / "film.gif")
    strips = film[:, : -len(grid)]
    assert written == ["epoch 0", "epoch 1", "epoch 2"]
    assert (strips[0] != strips[1]).any() and (strips[1] != strips[2]).any()
    assert abs(film[:, -len(grid) :] - grid).max() <= off


def test_a_film_of_points_keeps_their_colours(tmp_path):
    plots.save_points(tmp_path / "points.png", np.eye(2), -np.eye(2))
    plots.save_film(tmp_path / "film.gif", [(tmp_path / "points.png", "epoch 0")])
    (points,), (frame,) = decoded(tmp_path / "points.png"), decoded(tmp_path / "film.gif")
    assert frame.shape == (36 + 550, 550, 3) and abs(frame[36:] - points).max() <= 8


@pytest.mark.parametrize("title", ["gan (tuned) on digits, seed 0, step 600", "gan on " + "$a long name_" * 9 + "照片"])
def test_a_title_fits(tmp_path, written, title):
    plots.save_grid(tmp_path / "grid.png", np.full((100, 3, 8, 8), -1.0))
    plots.save_side_by_side(tmp_path / "both.png", [(tmp_path / "grid.png", "epoch 0")] * 2, title)
    (both,) = decoded(tmp_path / "both.png")
    assert written == ["epoch 0", "epoch 0", title] and both.shape == (44 + 36 + 196, 196 + 16 + 196, 3)
    ink = np.argwhere((both[:44] < 255).any(axis=2))
    (top, left), (bottom, right) = ink.min(axis=0), ink.max(axis=0)
    assert top >= 8 and bottom < 36 and left >= 8 and abs(left + right - 408) <= 4


def test_losses(tmp_path, written):
    rows = [{"step": i, "d_loss": 1.0, "g_loss": 2.0, "d_real": 0.7, "d_fake": 0.3} for i in range(5)]
    for is_probability in (True, False):
        plots.save_losses(tmp_path / "losses.png", rows, is_probability, "a title")
        assert decoded(tmp_path / "losses.png").shape == (1, 36 + 660, 880, 3)
    assert written == ["a title"] * 2


@pytest.mark.parametrize("distances, panels", [([np.nan] * 3, 2), ([np.nan, 50.0, np.nan], 3), ([3e3, np.nan, 2.0], 3)])
def test_a_distance_is_drawn_where_there_is_one(tmp_path, distances, panels):
    rows = [{"step": i, "d_loss": 1.0, "g_loss": 2.0, "d_real": 0.7, "d_fake": 0.3} for i in range(4)]
    for row, distance in zip(rows, distances):  # the last row holds none
        row |= {"frechet": distance, "precision": distance, "recall": distance, "classes": distance}
    plots.save_losses(tmp_path / "losses.png", rows, True, "a title")
    assert decoded(tmp_path / "losses.png").shape == (1, 36 + 330 * panels, 880, 3)
