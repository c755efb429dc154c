"""The folder of a run.

config.json      what was asked for             metrics.csv   a row for every look at the losses
checkpoint.npz   networks, optimizers, noise    samples/      a grid every epoch, always from the same z
losses.png, first-and-last.png and training.gif are drawn when the run ends
"""

import csv
import dataclasses
from pathlib import Path

from .. import __version__, plots
from ..checkpoint import load_arrays, load_json, replacing, save_arrays, save_json
from ..data import load
from ..errors import MiniganError
from ..random import Generator
from .losses import LOSSES
from .networks import build, draw_samples
from .recipes import Recipe
from .steps import draw_z
from .training import COLUMNS, SAMPLE_KEYS, Training

# What a config.json must hold.
CONFIG = {
    "recipe": dict, "data": str, "data_dir": (str, type(None)), "images": int, "image_shape": list,
    "device": str, "dtype": str, "seed": int, "kernels": dict,
}  # fmt: skip
JUDGED = ("frechet", "precision", "recall", "classes")  # of metrics.csv too, in the rows of a judged look


class RunFolder:
    """A run's folder on disk; `config` is what its config.json holds."""

    def __init__(self, path, config):
        self.path, self.config = Path(path), config

    @classmethod
    def create(cls, path, training, data_dir=None, kernels=None):
        """A new folder for `training`. Raises MiniganError where `path` holds anything already."""
        path = Path(path)
        refuse_occupied(path)
        config = {
            "minigan": __version__, "recipe": dataclasses.asdict(training.recipe), "data": training.images.name,
            "data_dir": str(Path(data_dir).resolve()) if data_dir else None, "images": len(training.images),
            "image_shape": training.images.shape,
            "device": training.device, "dtype": str(training.dtype), "seed": training.seed, "kernels": kernels or {},
        }  # fmt: skip
        (path / "samples").mkdir(parents=True, exist_ok=True)
        save_json(path / "config.json", config)
        return cls(path, config)

    @classmethod
    def open(cls, path):
        """The folder of an earlier run. Raises MiniganError where there is none."""
        if not (Path(path) / "config.json").is_file():
            raise MiniganError(f"{path} holds no run: expected a folder that minigan train made, with a config.json")
        config = load_json(Path(path) / "config.json")
        for name, kind in CONFIG.items():
            if not isinstance(config, dict) or not isinstance(config.get(name), kind):
                raise MiniganError(f"{path}/config.json is of another version of minigan: {name!r} is missing or wrong")
        return cls(path, config)

    def recipe(self):
        """The Recipe that was trained."""
        try:
            values = self.config["recipe"]
            recipe = Recipe(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
            recipe.check_types()
            return recipe
        except TypeError as error:
            raise MiniganError(f"{self.path / 'config.json'} is of another version of minigan ({error})") from None

    def load_training(self, data_dir=None, device=None, graph=True):
        """The Training where the checkpoint left it, on the run's own device and data unless others are named; `graph` as in
        Training."""
        config = self.config
        recipe = self.recipe()
        images = load(config["data"], data_dir or config["data_dir"], recipe.image_size)
        if len(images) != config["images"]:
            raise MiniganError(
                f"{self.path} was trained on {config['images']} images, and the data now holds {len(images)}"
            )
        training = Training(recipe, images, device or config["device"], config["seed"], config["dtype"], graph)
        training.load_state(load_arrays(self.path / "checkpoint.npz"))
        self.forget_after(training.steps_done)
        return training

    def load_networks(self, device=None):
        """({"averaged": G, "raw": G}, D) as the checkpoint has them; without an average, ({"raw": G}, D)."""
        config, state = self.config, load_arrays(self.path / "checkpoint.npz")

        def loaded(part, network):
            own = {name.removeprefix(f"{part}/"): state[name] for name in state if name.startswith(f"{part}/")}
            own.pop("steps", None)  # of an average
            network.load_state(own)
            return network

        pairs = [
            build(self.recipe(), config["image_shape"], Generator(0, device or config["device"], config["dtype"]))
            for _ in range(2)
        ]
        (G, D), (average, _) = pairs
        generators = {"averaged": loaded("average", average)} if self.recipe().average else {}
        return generators | {"raw": loaded("generator", G)}, loaded("discriminator", D)

    def draw_samples(self, count, seed, device=None, generator=None):
        """`count` images (count, channels, height, width) in [−1, 1] from fresh noise, as a NumPy array. `generator` is
        one of load_networks', by default the first.
        """
        config, recipe = self.config, self.recipe()
        if not 0 <= seed < SAMPLE_KEYS:
            raise MiniganError(f"seed {seed}: expected 0 to {SAMPLE_KEYS - 1}")
        generator = generator or next(iter(self.load_networks(device)[0].values()))
        noise = Generator(SAMPLE_KEYS + seed, device or config["device"], config["dtype"])
        return draw_samples(generator, draw_z(recipe, noise, count))

    def save(self, training):
        """The checkpoint first: whatever happens to the picture, the state is safe."""
        save_arrays(self.path / "checkpoint.npz", training.state())
        picture = self.path / "samples" / f"step-{training.steps_done:07d}-epoch-{training.epochs_done:.4g}.png"
        training.images.draw(picture, training.sample(training.fixed_z))

    def forget_after(self, step):
        """Drop the metrics and pictures of later steps: the run goes on from this one."""
        if (self.path / "metrics.csv").exists():
            self._write_metrics([row for row in self.metrics() if row["step"] <= step])
        for picture in self.pictures():
            if int(picture.name.split("-")[1]) > step:
                picture.unlink()

    def add_metrics(self, row):
        """Append a row to metrics.csv."""
        path = self.path / "metrics.csv"
        if not path.exists():
            self._write_metrics([])
        with open(path, "a", newline="") as file:
            csv.DictWriter(file, COLUMNS + JUDGED).writerow(row)

    def metrics(self):
        """The rows of metrics.csv: {column: number}, without what a row has no number for."""
        path = self.path / "metrics.csv"
        if not path.exists():
            return []
        with open(path, newline="") as file:
            return [row for row in map(_numbers, csv.DictReader(file)) if row]  # the last may have been cut short

    def progress(self):
        """{"step", "epoch", "minutes"}: how far the checkpoint has come, and how long that took to train."""
        state = load_arrays(self.path / "checkpoint.npz")
        before, epoch, seconds = 0, 0.0, 0.0
        for row in self.metrics():
            if row["step"] <= state["steps_done"]:
                seconds += (row["step"] - before) * self.config["recipe"]["batch_size"] / row["images_per_second"]
                before, epoch = row["step"], row["epoch"]
        return {"step": int(state["steps_done"]), "epoch": epoch, "minutes": seconds / 60}

    def _write_metrics(self, rows):
        with replacing(self.path / "metrics.csv") as part, open(part, "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS + JUDGED)
            writer.writeheader()
            writer.writerows(rows)

    def has_checkpoint(self):
        return (self.path / "checkpoint.npz").is_file()

    def results(self):
        """What there is to look at: the summing-up pictures that have been drawn, else the folder itself."""
        drawn = [self.path / name for name in ("first-and-last.png", "losses.png", "training.gif")]
        return [path for path in drawn if path.is_file()] or [self.path]

    def pictures(self):
        """The sample grids, oldest first."""
        return sorted((self.path / "samples").glob("step-*.png"))

    def title(self, step):
        """What was trained, on what and how far: "gan (tuned) on mnist, seed 3, step 6,000"."""
        recipe, data = self.recipe(), Path(self.config["data"]).name  # of a folder of images the last name alone
        return f"{recipe.name} ({recipe.preset}) on {data}, seed {self.config['seed']}, step {step:,}"

    def finish(self, training):
        """Draw what sums the run up."""
        title = self.title(training.steps_done)
        if rows := self.metrics():
            plots.save_losses(self.path / "losses.png", rows, LOSSES[training.recipe.loss].is_logit, title)
        pictures = [(picture, _caption(picture)) for picture in self.pictures()]
        plots.save_side_by_side(self.path / "first-and-last.png", (pictures[0], pictures[-1]), title)
        plots.save_film(self.path / "training.gif", pictures)


def _numbers(row):
    """A row of metrics.csv as numbers; {} for one that lacks any which all have."""
    try:
        numbers = {column: float(cell) for column, cell in row.items() if cell}
    except (TypeError, ValueError):
        return {}
    return numbers if numbers.keys() >= set(COLUMNS) else {}


def _caption(picture):
    """What a picture shows: epoch 5 for step-0000600-epoch-5.png, and its own name for one that somebody renamed."""
    name, _, epoch = picture.stem.partition("-epoch-")
    return f"epoch {epoch}" if epoch else name


def refuse_occupied(path):
    """Raise MiniganError where a new run cannot be kept at `path` because something is there already."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise MiniganError(f"{path} is not empty: choose another --out, or go on with the run in it by --resume {path}")
