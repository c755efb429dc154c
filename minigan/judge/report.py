"""An evaluation as a table and as a picture."""

import numpy as np

from ..checkpoint import replacing
from .evaluation import REAL

ROWS = {  # of the table: what it is called, and how it is written
    "frechet": ("Fréchet distance", "{:.2f}"),
    "precision": ("precision", "{:.3f}"),
    "recall": ("recall", "{:.3f}"),
    "density": ("density", "{:.3f}"),
    "coverage": ("coverage", "{:.3f}"),
    "inception_score": ("Inception score", "{:.2f}"),
    "classes": ("classes", "{:d}"),
    "smallest_class": ("smallest class", "{:.1%}"),
    "kl": ("KL of the classes", "{:.4f}"),
    "modes": ("modes", "{:d}"),
    "within_3": ("within 3 deviations", "{:.1%}"),
    "smallest_mode": ("smallest mode", "{:.1%}"),
    "spread": ("spread of a mode", "{:.2f}"),
}


def table(evaluation):
    """The lines to print for an evaluation."""
    columns, found = list(evaluation["scores"]), evaluation["scores"].values()
    cells = [["", *columns]]
    for key, (name, form) in ROWS.items():
        if any(key in each for each in found):
            cells.append([name, *(form.format(each[key]) if key in each else "" for each in found)])
    return "\n".join([headline(evaluation), "", *aligned(cells), "", *_sentences(evaluation)])


def aligned(cells):
    """Rows of texts as lines: the first column to the left, the others to the right."""
    first, *others = (max(map(len, column)) for column in zip(*cells))
    for name, *texts in cells:
        yield "  ".join([name.ljust(first), *map(str.rjust, texts, others)]).rstrip()


def headline(evaluation):
    """What was judged, in a line."""
    return (
        f"{evaluation['recipe']} ({evaluation['preset']}) on {evaluation['data']}, seed {evaluation['seed']}, "
        f"epoch {evaluation['epoch']:.4g}: {evaluation['samples']:,} samples"
    )


def _sentences(evaluation):
    """What goes into no column."""
    if "judge" in evaluation:
        real = f"{evaluation['held_out']:,} real images that are no training images"
        half = "one half of the images, as none of a folder is held out"
        yield f"seen by {evaluation['judge']}, beside {real if evaluation['held_out'] else half}"
    if memory := evaluation.get("memory"):
        line = f"nearest training image: {memory['distance']:.2f} away (median of {memory['compared']:,} samples)"
        if "nearness" in memory:
            line += (
                f", {memory['held_out_distance']:.2f} from held-out images; of a sample and one of these the "
                f"sample is nearer in {memory['nearness']:.1%} (50 %: it is as new, 100 %: a copy)"
            )
        yield line
    said = dict(evaluation["discriminator"])
    memory = said.pop("memory", None)
    line = "D says, on average, " + ", ".join(f"{mean:.3f} of {name}" for name, mean in said.items())
    if memory is not None:
        line += f"; it prefers a training image to a held-out one in {memory:.1%} (50 %: it has learnt none by heart)"
    yield line


def save_picture(path, evaluation, pictures):
    """Draw the shares of the classes or modes beside the data's; and, of images, the samples that lie nearest to a training image
    above those.
    """
    from matplotlib.figure import Figure

    found = evaluation["scores"]
    name, shown = next(iter(found.items()))
    has_shares = "shares" in shown
    figure = Figure(figsize=(8, 2.6 * (has_shares + (pictures is not None)) + 0.6), layout="constrained")
    figure.suptitle(headline(evaluation), fontsize=11)
    panels = iter(np.atleast_1d(figure.subplots(has_shares + (pictures is not None), 1)))
    if has_shares:
        axes = next(panels)
        real = found[REAL] if REAL in found else found["data"]
        places = np.arange(len(shown["shares"]))
        axes.bar(places - 0.2, real["shares"], 0.4, color="0.8", label="data")
        axes.bar(places + 0.2, shown["shares"], 0.4, label=f"samples of G, {name} weights")
        axes.set(xlabel="class" if pictures else "mode", ylabel="share", xticks=places)
        axes.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    if pictures:
        axes = next(panels)
        rows = [np.concatenate(list(pictures[kind]), axis=2) for kind in ("samples", "neighbours")]
        picture = np.clip((np.concatenate(rows, axis=1).transpose(1, 2, 0) + 1) / 2, 0, 1)
        axes.imshow(picture.squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes.set_title("the samples nearest to a training image, above it", fontsize=10)
        axes.set_axis_off()
    with replacing(path) as part:
        figure.savefig(part, dpi=110)
