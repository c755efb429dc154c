"""The pictures: sample grids, loss curves, the film of a training. matplotlib draws, its Pillow writes pixels."""

import itertools

import numpy as np

from .checkpoint import replacing

FRAMES = 60  # of a film, at most: longer trainings are shown in larger steps


def tile(images, gap=2):
    """One picture (height, width, channels) uint8 of images (n, channels, h, w) in [−1, 1], in rows of ⌈√n⌉."""
    columns = int(np.ceil(np.sqrt(len(images))))
    rows = -(-len(images) // columns)
    count, channels, height, width = images.shape
    canvas = np.zeros((rows * columns, channels, height + gap, width + gap), np.uint8)
    # Clipped before the cast: uint8 would wrap 256 around to 0.
    canvas[:count, :, :height, :width] = np.clip(np.rint((images + 1) * 127.5), 0, 255)
    canvas = canvas.reshape(rows, columns, channels, height + gap, width + gap).transpose(0, 3, 1, 4, 2)
    return canvas.reshape(rows * (height + gap), columns * (width + gap), channels)[:-gap, :-gap]


def save_grid(path, images, scale=2):
    """Write a grid of images (n, channels, h, w) in [−1, 1] as a PNG, every pixel as scale × scale."""
    from PIL import Image

    pixels = tile(np.asarray(images)).repeat(scale, axis=0).repeat(scale, axis=1)
    with replacing(path) as part:
        Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(part, format="PNG")


def save_points(path, samples, data):
    """Draw samples (n, 2) over points of the data (m, 2), in a frame that the data alone decide."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.scatter(*data.T, s=8, color="0.8", label="data")
    axes.scatter(*samples.T, s=2, color="C0", alpha=0.5, label="generated")
    reach = 1.2 * np.abs(data).max()
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    figure.legend(loc="outside upper center", ncols=2)  # the corners may hold modes
    with replacing(path) as part:
        figure.savefig(part, dpi=110)


def _captioned(picture, caption, size=18):
    """A picture below a white strip with its caption, which is set smaller where it would not fit: nothing is hidden."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)
    fitting = int(size * picture.width / (font.getlength(caption) + size))
    font, strip = font.font_variant(size=max(1, min(size, fitting))), 2 * size
    whole = Image.new("L" if picture.mode == "L" else "RGB", (picture.width, strip + picture.height), "white")
    whole.paste(picture, (0, strip))
    ImageDraw.Draw(whole).text((picture.width / 2, strip / 2), caption, "black", font, anchor="mm")
    return whole


def save_side_by_side(path, pictures, title=None):
    """Write two PNG files of one size side by side. `pictures`: pairs of a path and a caption."""
    from PIL import Image

    left, right = (np.asarray(_captioned(Image.open(file), caption)) for file, caption in pictures)
    gap = np.full((len(left), 16, *left.shape[2:]), 255, np.uint8)
    whole = Image.fromarray(np.concatenate([left, gap, right], axis=1))
    with replacing(path) as part:
        (_captioned(whole, title, size=22) if title else whole).save(part, format="PNG")


def save_film(path, pictures, seconds=8):
    """Write PNG files as a GIF that runs for about so many seconds and rests on the last one. `pictures` as above."""
    from PIL import Image

    chosen = sorted(set(np.linspace(0, len(pictures) - 1, min(FRAMES, len(pictures))).astype(int)))
    frames = [_captioned(Image.open(file), caption) for file, caption in (pictures[i] for i in chosen)]
    # A GIF has 256 colours: all greys there are, or those that suit the frame best.
    frames = [frame if frame.mode == "L" else frame.quantize() for frame in frames]
    durations = [1000 * seconds // len(frames)] * (len(frames) - 1) + [2000]
    with replacing(path) as part:
        frames[0].save(part, save_all=True, append_images=frames[1:], duration=durations, loop=0)


def save_losses(path, rows, is_probability, title):
    """Draw both losses, and D's verdicts on real and generated images, over the steps. `rows`: dicts of metrics.csv.

    Where some of them hold a Fréchet distance, it is drawn below.
    """
    from matplotlib.figure import Figure  # and not pyplot, which would switch a notebook's backend
    from matplotlib.ticker import LogFormatter
    from PIL import Image

    steps = [row["step"] for row in rows]
    judged = [row for row in rows if 0 < row.get("frechet", 0) < np.inf]  # which NaN is not
    panels = 3 if judged else 2
    figure = Figure(figsize=(8, 3 * panels), layout="constrained")
    upper, middle, *lowest = figure.subplots(panels, 1, sharex=True)
    for axes, curves in (
        (upper, {"d_loss": "D", "g_loss": "G"}),
        (middle, {"d_real": "D(x), real images", "d_fake": "D(G(z)), generated images"}),
    ):
        for key, label in curves.items():
            axes.plot(steps, [row[key] for row in rows], label=label, linewidth=1)
    for axes in lowest:
        places = [row["step"] for row in judged], [row["frechet"] for row in judged]
        axes.semilogy(*places, "o-", label="Fréchet distance of 2,000 samples", linewidth=1, markersize=4)
        axes.yaxis.set_major_formatter(LogFormatter())  # 40, and not 4 × 10¹
        axes.yaxis.set_minor_formatter(LogFormatter())
        axes.set_ylabel("distance")
    for axes in figure.axes:
        axes.legend()
        axes.grid(alpha=0.3, which="both")
    upper.set_ylabel("loss")
    middle.set_ylabel("probability of real" if is_probability else "output")
    figure.axes[-1].set_xlabel("training step")
    if is_probability:
        middle.set_ylim(0, 1)
    with replacing(path) as part:
        figure.savefig(part, dpi=110)
        _captioned(Image.open(part), title).save(part, format="PNG")


def save_requests(path, profiles):
    """Draw one warp's request of each line of emulator.Profiles, a column each: which lane asks for which bytes.

    Global memory: a lane's bytes from left to right, and in grey the sectors of 32 bytes that are moved. Shared memory: each
    lane's banks; two colours in one column are two words of a bank, and take two turns.
    """
    from matplotlib.figure import Figure

    rows = max(1, *(len(profile.requests) for profile in profiles))
    figure = Figure(figsize=(8 * len(profiles), 2.6 * rows + 0.3), layout="constrained")
    for column, profile in zip(figure.subplots(rows, len(profiles), squeeze=False).T, profiles):
        for axes, request in itertools.zip_longest(column, profile.requests):
            axes.set_visible(request is not None)
            if request:
                took = (_draw_banks if request.is_shared else _draw_sectors)(axes, request)
                axes.set(ylim=(32, -1), ylabel="lane")
                axes.set_title(f"{profile.kernel}, line {request.line}, {request.array}: {took}")
    with replacing(path) as part:
        figure.savefig(part, dpi=80)


def _draw_sectors(axes, request):
    offsets, size = np.array(request.offsets), request.size
    sectors = np.unique(np.r_[offsets // 32, (offsets + size - 1) // 32])
    for sector in sectors:
        axes.axvspan(32 * sector, 32 * sector + 32, color="0.9", ec="0.7")
    axes.barh(request.lanes, size, left=offsets, height=0.8)
    axes.scatter(offsets + size / 2, request.lanes, s=4, color="C0")  # where bars are too narrow to be seen
    axes.set(xlabel=f"bytes from the beginning of {request.array}")
    return f"{len(sectors)} sectors"


def _draw_banks(axes, request):
    each_word = range(max(request.size // 4, 1))
    pairs = [(offset // 4 + i, lane) for offset, lane in zip(request.offsets, request.lanes) for i in each_word]
    word, lane = np.array(pairs).T
    known = np.unique(word)
    turn = [int((known[known % 32 == one % 32] < one).sum()) for one in word]
    axes.scatter(word % 32, lane, c=[f"C{number % 10}" for number in turn], marker="s", s=10)
    axes.set(xlim=(-1, 32), xlabel="bank")
    return f"{max(turn) + 1} words in a bank" if max(turn) else "no conflict"


def save_agreement(path, losses, differences):
    """Draw the losses of two devices over each other, and below how far they differ.

    `losses` is {device: D's and G's loss, (2, steps)}, `differences` {dtype: relative difference in each step}.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    below, above = losses.items()
    for network, name in enumerate("DG"):
        color = f"C{network}"
        upper.plot(below[1][network], color=color, alpha=0.3, linewidth=6, label=f"{name} on {below[0]}")
        upper.plot(above[1][network], color=color, linewidth=1, label=f"{name} on {above[0]}")
    for dtype, values in differences.items():
        # A difference of nothing has no place on this axis: it is drawn as the smallest there is in double precision.
        lower.semilogy(np.maximum(values, np.finfo(float).eps), label=dtype, linewidth=1)
    apart = np.flatnonzero(differences["float32"] > 0.01)
    if len(apart):
        for axes in (upper, lower):
            axes.axvline(apart[0], color="gray", linestyle=":", label="1 % apart in float32" if axes is lower else None)
    upper.set_ylabel("loss, in float32")
    lower.set_ylabel("relative difference")
    lower.set_xlabel("training step")
    for axes in (upper, lower):
        axes.legend(ncols=2)
        axes.grid(alpha=0.3)
    with replacing(path) as part:
        figure.savefig(part, dpi=110)
