"""Digits that need no network: drawn with matplotlib's own fonts, each one turned, slanted, scaled and shifted anew."""

from pathlib import Path

import numpy as np

SIDE = 28  # pixels, as MNIST has it
COUNT = 12_000
FONTS = (
    "DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf", "DejaVuSansMono.ttf", "DejaVuSerif.ttf",
    "DejaVuSerif-Italic.ttf", "STIXGeneral.ttf", "STIXGeneralItalic.ttf", "cmr10.ttf", "cmss10.ttf", "cmtt10.ttf",
)  # fmt: skip


def digits(count=COUNT, seed=0):
    """(pixels (count, 1, 28, 28) uint8, labels (count,) uint8): drawn digits, white on black, the ten classes evenly.

    The same seed draws the same digits (with the same matplotlib and its fonts). Thousands a second.
    """
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.transforms import Affine2D

    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(count) % 10).astype(np.uint8)
    glyphs = _glyphs()
    faces = random.integers(len(FONTS), size=count)
    renderer = RendererAgg(SIDE, SIDE, 72)
    pen = renderer.new_gc()
    pen.set_foreground("white")
    pixels = np.empty((count, 1, SIDE, SIDE), np.uint8)
    height, turn = random.uniform(17, 21, count), random.normal(0, 6, count)
    slant, stretch = random.normal(0, 8, count), random.uniform(0.85, 1.15, count)
    shift, stroke = random.uniform(-1.5, 1.5, (count, 2)), random.uniform(0.2, 1.8, count)
    for i, (label, face) in enumerate(zip(labels, faces)):
        place = Affine2D().scale(height[i] * stretch[i], height[i]).skew_deg(slant[i], 0).rotate_deg(turn[i])
        pen.set_linewidth(stroke[i])
        renderer.clear()
        renderer.draw_path(pen, glyphs[face][label], place.translate(*(SIDE / 2 + shift[i])), (1.0, 1.0, 1.0))
        pixels[i, 0] = np.asarray(renderer.buffer_rgba())[:, :, 3]  # how much of each pixel the shape covers
    return pixels, labels


def _glyphs():
    """For every font the ten digits' outlines, one unit high and centred on the origin."""
    import matplotlib
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path as Outline
    from matplotlib.textpath import TextPath

    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    result = []
    for font in FONTS:
        outlines = []
        for digit in range(10):
            outline = TextPath((0, 0), str(digit), size=100, prop=FontProperties(fname=folder / font))
            low, high = outline.vertices.min(0), outline.vertices.max(0)
            vertices = (outline.vertices - (low + high) / 2) / (high[1] - low[1])
            outlines.append(Outline(vertices, outline.codes))
        result.append(outlines)
    return result
