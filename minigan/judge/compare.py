"""Runs side by side: what was set differently, what came out, over the seeds, and all that as pictures."""

import dataclasses
import json
import shlex
from dataclasses import dataclass

import numpy as np

from .. import __version__, plots
from ..checkpoint import load_json, replacing, save_json
from ..data import reads_files
from ..errors import MiniganError
from ..gans.recipes import RECIPES, SETTABLE
from .evaluation import NOISE, REAL, evaluate
from .report import aligned, table
from .scores import rank_correlation

COLUMNS = {  # of the table: what it is called, how it is written, and whether a range goes with it
    "frechet": ("Fréchet distance", "{:.2f}", True),
    "classes": ("classes", "{:.0f}", False),
    "smallest_class": ("smallest class", "{:.1%}", True),
    "precision": ("precision", "{:.2f}", False),
    "recall": ("recall", "{:.2f}", False),
    "density": ("density", "{:.2f}", False),
    "coverage": ("coverage", "{:.2f}", False),
    "follows": ("ρ of D's gap and the distance", "{:.2f}", True),
    "modes": ("modes", "{:.0f}", True),
    "within_3": ("within 3 deviations", "{:.1%}", True),
    "smallest_mode": ("smallest mode", "{:.1%}", False),
}
TEXTS = "about", "source", "repairs"  # of a recipe, which are none of its settings
SEED = 1  # of the samples
SHOWN = 36  # samples of a run


@dataclass(frozen=True)
class Group:
    """Runs of one recipe with the same settings, on the same data, that have come as far: they differ in their seeds. `name`
    tells it from the other groups of a comparison.
    """

    settings: dict
    runs: list
    evaluations: list
    name: str = ""

    def command(self):
        """What makes these runs, as far as the command line can say it: the recipe, and what was changed of it."""
        name, preset = self.settings["name"], self.settings["preset"]
        registered = RECIPES.get((name, preset))
        usual = _as_in_a_file(dataclasses.asdict(registered)) if registered else {}
        changes = {key: value for key, value in self.settings.items() if key in usual and usual[key] != value}
        flags = [_flag(key, value) for key, value in changes.items() if key in SETTABLE and value is not None]
        first, *others = (str(run.config["seed"]) for run in self.runs)
        remarks = [f"{key} {value}" for key, value in changes.items() if key not in SETTABLE]
        remarks += [f"--seed {seed}" for seed in others]
        words = ["minigan train", name, *(["--preset", preset] if preset != "tuned" else []), *flags, "--seed", first]
        return " ".join(words) + (f"  # {', '.join(remarks)}" if remarks else "")

    def cells(self):
        """{column: text}: the median of each number, and its range where there is more than one."""
        scores = [next(iter(each["scores"].values())) for each in self.evaluations]
        scores = [each | follows(run.metrics()) for each, run in zip(scores, self.runs)]
        found = {}
        for key, (_, form, ranged) in COLUMNS.items():
            values = [each[key] for each in scores if key in each]
            if values:
                found[key] = form.format(np.median(values))
                if ranged and len(values) > 1:
                    found[key] += f" ({form.format(min(values))} to {form.format(max(values))})"
        minutes = np.median([each["minutes"] for each in self.evaluations])
        return found | {"seeds": str(len(self.runs)), "minutes": f"{minutes:.1f}", "command": f"`{self.command()}`"}


def follows(rows):
    """{"follows": how D's gap between real and generated images, D(x) − D(G(z)), goes with the Fréchet distance}, by ranks, over
    the judged rows of metrics; {} for fewer than 5. Under a Wasserstein loss the gap estimates another distance, Wasserstein-1
    over the pixels (Arjovsky et al. 2017, section 3), which should fall as this one does.
    """
    judged = [(row["d_real"] - row["d_fake"], row["frechet"]) for row in rows if "frechet" in row]
    return {"follows": rank_correlation(*zip(*judged))} if len(judged) >= 5 else {}


def _flag(name, value):
    if isinstance(value, bool):
        return f"--{'' if value else 'no-'}{name}"
    return f"--{name.replace('_', '-')} {shlex.quote(str(value))}"


def _as_in_a_file(settings):
    """Settings as a config.json gives them back: tuples as lists."""
    return json.loads(json.dumps(settings))


def compare(runs, count, device=None, data_dir=None, progress=True):
    """The Groups of RunFolders, in the sequence they are named in. A run is evaluated, with `count` samples, unless its
    evaluation.json has just that already.
    """
    if len({str(run.path.resolve()) for run in runs}) < len(runs):
        raise MiniganError("a run is named twice: expected each one once")
    groups = []
    for run in runs:
        evaluation = _evaluation(run, count, device, data_dir, progress)
        settings = {name: value for name, value in _as_in_a_file(run.config["recipe"]).items() if name not in TEXTS}
        settings |= {name: run.config[name] for name in ("data", "dtype", "kernels")} | {"steps": evaluation["step"]}
        group = next((each for each in groups if each.settings == settings), None)
        if group is None:
            groups.append(group := Group(settings, [], []))
        group.runs.append(run)
        group.evaluations.append(evaluation)
    return [dataclasses.replace(group, name=_name(group, groups)) for group in groups]


def _name(group, groups):
    """The recipe and its preset, and how it differs from other groups of these."""
    alike = [each for each in groups if all(each.settings[key] == group.settings[key] for key in ("name", "preset"))]
    differ = [f"{key} {group.settings[key]}" for key in differences(alike)]
    return ", ".join([f"{group.settings['name']} ({group.settings['preset']})", *differ])


def _evaluation(run, count, device, data_dir, progress):
    """The evaluation of a run. One of another size stays in its file: it may have taken longer."""
    path, now = run.path / "evaluation.json", (run.progress()["step"], count, SEED, __version__)
    kept = _usable(path)
    if kept and tuple(kept[name] for name in ("step", "samples", "sample_seed", "minigan")) == now:
        return kept
    place = data_dir if reads_files(run.config["data"]) else None
    evaluation, _ = evaluate(run, count, SEED, device, place, progress)
    if not kept or kept["step"] != now[0]:
        save_json(path, evaluation)
    return evaluation


def _usable(path):
    """What an evaluation.json holds; None where it is missing, damaged, or of another version."""
    try:
        kept = load_json(path)
        table(kept)
        float(kept["minutes"])
        next(iter(kept["scores"]))
        return kept if {"step", "sample_seed", "minigan"} <= kept.keys() else None
    except (MiniganError, ArithmeticError, AttributeError, LookupError, StopIteration, TypeError, ValueError):
        return None


def differences(groups):
    """{setting: its value in each group} of all that is not the same in all of them."""
    names = dict.fromkeys(name for group in groups for name in group.settings)
    values = {name: [group.settings.get(name) for group in groups] for name in names}
    return {name: each for name, each in values.items() if any(value != each[0] for value in each)}


def tables(groups):
    """(header, rows) of the results, and of the settings that differ (None where none does)."""
    cells = [group.cells() for group in groups]
    shown = [key for key in (*COLUMNS, "seeds", "minutes", "command") if any(key in row for row in cells)]
    header = ["recipe", *(COLUMNS[key][0] if key in COLUMNS else key for key in shown)]
    results = header, [[group.name, *(row.get(key, "") for key in shown)] for group, row in zip(groups, cells)]
    differ = differences(groups)
    if len(groups) < 2 or not differ:
        return results, None
    return results, (
        ["setting", *(group.name for group in groups)],
        [[key, *map(str, row)] for key, row in differ.items()],
    )


def markdown(groups):
    """The tables as Markdown, with what they are numbers of."""
    parts = ["\n".join(_markdown_row(row) for row in (header, ["---"] * len(header), *rows)) for header, rows in
             filter(None, tables(groups))]  # fmt: skip
    return "\n\n".join([parts[0], caption(groups), *parts[1:]]) + "\n"


def _markdown_row(cells):
    return f"| {' | '.join(cells)} |"


def caption(groups):
    """What the numbers are of."""
    evaluations = [each for group in groups for each in group.evaluations]
    lines = [f"Median over the seeds, with the range; {evaluations[0]['samples']:,} samples of each run."]
    for judge in dict.fromkeys(each["judge"] for each in evaluations if "judge" in each):
        scores = [each["scores"] for each in evaluations if each.get("judge") == judge]
        real, noise = (np.median([each[name]["frechet"] for each in scores]) for name in (REAL, NOISE))
        lines.append(f"Seen by {judge}: the Fréchet distance of {REAL} is {real:.2f}, that of {NOISE} {noise:.0f}.")
    return " ".join(lines)


def text(groups):
    """The tables for a terminal, with the commands, which would make a wide column, below."""
    (header, rows), settings = tables(groups)
    blocks = ["\n".join(aligned([row[:-1] for row in (header, *rows)])), caption(groups)]
    blocks.append("\n".join(group.command() for group in groups))
    if settings:
        blocks.append("\n".join(aligned([settings[0], *settings[1]])))
    return "\n\n".join(blocks)


def save_metrics(path, groups):
    """Draw the losses, and the Fréchet distance where it was looked at, of all runs over their steps: a colour a group."""
    from matplotlib.figure import Figure

    rows = {run: run.metrics() for group in groups for run in group.runs}
    for row in (row for each in rows.values() for row in each):
        row["gap"] = row["d_real"] - row["d_fake"]
    panels = {
        "d_loss": "loss of D", "g_loss": "loss of G", "gap": "D(x) − D(G(z))", "frechet": "Fréchet distance, 2,000 samples",
    }  # fmt: skip
    judged = any("frechet" in row for each in rows.values() for row in each)
    panels = {key: label for key, label in panels.items() if judged or key != "frechet"}
    figure = Figure(figsize=(8, 2.6 * len(panels) + 0.6), layout="constrained")
    for axes, (key, label) in zip(np.atleast_1d(figure.subplots(len(panels), 1, sharex=True)), panels.items()):
        for number, group in enumerate(groups):
            for position, run in enumerate(group.runs):
                points = [(row["step"], row[key]) for row in rows[run] if key in row]
                style = {"color": f"C{number}", "linewidth": 1, "marker": "." if key == "frechet" else None}
                axes.plot(*np.array(points).reshape(-1, 2).T, label=None if position else group.name, **style)
        axes.set(ylabel=label, yscale="log" if key == "frechet" else "linear")
        axes.grid(alpha=0.3)
    axes.set_xlabel("training step")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    with replacing(path) as part:
        figure.savefig(part, dpi=110)


def save_samples(path, groups, device=None):
    """Draw the same 36 noise vectors by every run: a column a group, a row a seed."""
    from matplotlib.figure import Figure

    rows = max(len(group.runs) for group in groups)
    figure = Figure(figsize=(2.4 * len(groups), 2.6 * rows), layout="constrained")
    for column, group in zip(figure.subplots(rows, len(groups), squeeze=False).T, groups):
        for axes in column:
            axes.set_axis_off()
        for axes, run in zip(column, group.runs):
            samples = run.draw_samples(SHOWN, 1, device)
            if samples.ndim == 2:
                axes.scatter(*samples.T, s=2)
            else:
                axes.imshow(plots.tile(samples).squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.set_title(f"{group.name}, seed {run.config['seed']}", fontsize=8)
    with replacing(path) as part:
        figure.savefig(part, dpi=150)
