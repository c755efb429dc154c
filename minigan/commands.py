"""What the commands of the command line do: each takes the parsed options and returns the exit status."""

import dataclasses
import itertools
import json
import os
import re
from pathlib import Path

from .errors import MiniganError
from .paths import user_path

# The options that replace what the recipe says, and all that a run keeps from its start on.
CHANGES = ("data", "image_size", "net", "width", "loss", "lr", "beta1", "batch_size", "epochs")
CHOSEN_AT_START = ("recipe", "preset", *(name for name in CHANGES if name != "epochs"), "seed", "out")


def train(options):
    """`minigan train`."""
    from .gans import train as run_training

    if options.list:
        return list_recipes()
    if options.describe:
        return describe(options)
    _positive(options, "epochs", "steps", "batch_size")
    kernels = _kernel_choices(options.kernels)
    training, run, held_out = _resume(options, kernels) if options.resume else _start(options, kernels)
    if kernels and training.device == "cpu":
        print("--kernels chooses among the CUDA kernels, of which none runs on cpu: --device emulator runs them")
    epochs = options.epochs or training.recipe.epochs
    steps = options.steps or training.steps_until(epochs)
    if steps <= training.steps_done:
        raise MiniganError(f"{run.path} is at step {training.steps_done} already: ask for more by --epochs or --steps")
    sizes = [sum(parameter.size for parameter in network.parameters()) for network in training.networks]
    print(
        f"{training.recipe.name} ({training.recipe.preset}, {training.recipe.loss}) on {training.count:,} samples of "
        f"{training.images.name}, on {training.device}: G {sizes[0]:,} and D {sizes[1]:,} parameters"
    )
    try:
        run_training(training, steps, run)
    except OSError as error:
        kept = "nothing of the run could be saved"
        if run.has_checkpoint():
            kept = f"the run is kept as it was last saved: make room, then minigan train --resume {run.path}"
        raise MiniganError(f"{explain_os_error(error)}; {kept}") from None
    finally:
        print(f"step {training.steps_done}: see {', '.join(map(str, run.results()))}")
    _look_back(training, run, held_out)
    return 0


def _held_out(recipe, data_dir):
    """What a recipe's second phase asks D about, or None. Read before the training: what is missing is not found out after."""
    from . import data

    if not recipe.judge_epochs:
        return None
    if recipe.data not in data.DATASETS:
        print(f"no image of {recipe.data} is held out: the second phase, in which D learns on alone, is left out")
        return None
    return data.load(recipe.data, data_dir, recipe.image_size, "test")


def _look_back(training, run, held_out):
    """What some recipes do when the training is over."""
    from . import data, metrics
    from .gans import judge

    if isinstance(training.images, data.Points):
        modes = metrics.modes(training.sample(training.fixed_z), training.images)
        print(
            f"{modes['found']} of {len(modes['shares'])} modes; {modes['high_quality']:.1%} of the samples within 3 deviations; "
            f"a mode has {modes['shares'].min():.1%} to {modes['shares'].max():.1%}"
        )
    if held_out:
        result = judge(training, held_out, run.path / "judge")
        print(
            f"D alone: takes {result['real']:.1%} of {result['asked']} held-out images for real and {result['fake']:.1%} of as "
            f"many generated ones for generated; see {run.path / 'judge' / 'side-by-side.png'}"
        )


def _start(options, kernels):
    from . import data
    from .gans import RunFolder, Training
    from .gans.run import refuse_occupied

    recipe = _recipe(options)
    if options.seed is not None and not 0 <= options.seed < 2**32:
        raise MiniganError(f"--seed {options.seed}: expected 0 to {2**32 - 1}")
    _choose_kernels(kernels)
    path = user_path(options.out) if options.out else _free_folder(recipe.name)
    refuse_occupied(path)
    images = data.load(recipe.data, options.data_dir, recipe.image_size)
    held_out = _held_out(recipe, options.data_dir)
    training = Training(recipe, images, options.device or "auto", options.seed or 0, graph=options.graph)
    data_dir = options.data_dir or (None if recipe.data in data.NEEDS_NO_FILES else os.environ.get("MINIGAN_DATA"))
    return training, RunFolder.create(path, training, data_dir, kernels), held_out


def _recipe(options):
    """The recipe that was asked for, with what the options change of it."""
    from .data import DATASETS
    from .gans import find_recipe

    if not options.recipe:
        raise MiniganError("train needs a recipe: see minigan train --list")
    recipe = find_recipe(options.recipe, options.preset or "tuned")
    if options.beta1 is not None and recipe.optimizer != "adam":
        raise MiniganError(f"--beta1 is Adam's, and {recipe.name} ({recipe.preset}) descends by {recipe.optimizer}")
    changes = {name: value for name in CHANGES if (value := getattr(options, name)) is not None}
    if "data" in changes:
        folder = user_path(changes["data"])
        if changes["data"] in DATASETS:
            changes.setdefault("image_size")  # it has its own
        elif folder.is_dir():  # to be found again from anywhere
            changes["data"] = str(folder.resolve())
    return dataclasses.replace(recipe, **changes)


def _resume(options, kernels):
    from .gans import RunFolder

    named = [name for name in CHOSEN_AT_START if getattr(options, name) is not None]
    if named:
        raise MiniganError(f"--resume goes on with the run's own settings: leave out {', '.join(named)}")
    run = RunFolder.open(user_path(options.resume))
    _choose_kernels(run.config["kernels"] | kernels)
    held_out = _held_out(run.recipe(), options.data_dir or run.config["data_dir"])
    return run.load_training(options.data_dir, options.device, options.graph), run, held_out


def _free_folder(name):
    return next(path for i in itertools.count(1) if not (path := Path("runs", f"{name}-{i}")).exists())


def _choose_kernels(kernels):
    from .cuda.versions import choose

    for name, version in kernels.items():
        choose(name, version)


def _kernel_choices(pairs):
    for pair in pairs:
        if "=" not in pair:
            raise MiniganError(f"--kernels {pair}: expected KERNEL=VERSION, as matmul=v1")
    return dict(pair.split("=", 1) for pair in pairs)


def _positive(options, *names):
    for name in names:
        value = getattr(options, name)
        if value is not None and not value >= 1:  # nor is it nan
            raise MiniganError(f"--{name.replace('_', '-')} {value}: expected at least 1")


def explain_os_error(error):
    """What an OSError says, in few words."""
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)


def list_recipes():
    """`minigan train --list`."""
    from .gans import RECIPES

    for recipe in RECIPES.values():
        print(f"{recipe.name:12} {recipe.preset:7} {recipe.about}\n{'':20} {recipe.source}")
    return 0


def describe(options):
    """`minigan train RECIPE --describe`."""
    from .data import sample_shape
    from .gans.describe import describe as description

    _positive(options, "epochs", "steps", "batch_size")
    recipe = _recipe(options)
    print("\n".join(description(recipe, sample_shape(recipe.data, recipe.image_size))))
    return 0


def sample(options):
    """`minigan sample`."""
    import numpy as np

    from . import data, plots
    from .checkpoint import replacing
    from .gans import RunFolder

    _positive(options, "n")
    if options.out and Path(options.out).suffix.lower() not in ("", ".png"):
        raise MiniganError(f"--out {options.out}: the picture is a PNG, expected a name that ends so")
    run = RunFolder.open(user_path(options.folder))
    samples = run.draw_samples(options.n, options.seed, options.device)
    path = user_path(options.raw or options.out or run.path / "sample.png")
    if options.raw:
        with replacing(path) as part, open(part, "wb") as file:
            np.save(file, samples.astype(np.float32))
    elif samples.ndim == 2:
        data.load(run.config["data"]).draw(path, samples)
    else:
        plots.save_grid(path, samples)
    print(f"{len(samples)} samples: {path}")
    return 0


def check(options):
    """`minigan check`."""
    from . import check, emulator

    if options.what and ".cu" in options.what:
        _positive(options, "limit")
        with emulator.settings(limit=options.limit, chip=_chip(options.chip)):
            report = check.check_kernel(*_launch(options), bool(options.cooperative))
        print(report)
        return 1 if report.errors(options.strict) else 0
    for name in ("strict", "chip"):
        if getattr(options, name):
            raise MiniganError(f"--{name} goes with a kernel, FILE.cu:KERNEL")
    _refuse_launch(options)
    return check.run_checks(options.what)


def inspect(options):
    """`minigan inspect`."""
    from . import check, emulator, plots
    from .check import rungs
    from .checkpoint import refuse_unwritable

    if options.lines:
        _refuse_launch(options)
        if options.json or options.chip or options.figure:
            raise MiniganError("--lines stands alone, as minigan inspect matmul --lines")
        print(rungs.markdown(options.what))
        return 0
    if options.figure:
        refuse_unwritable(user_path(options.figure))
    if ".cu" in options.what:
        _positive(options, "limit")
        with emulator.settings(limit=options.limit, chip=_chip(options.chip)):
            profiles = [("", check.inspect_kernel(*_launch(options), _chip(options.chip)))]
    else:
        _refuse_launch(options)
        inspected = check.inspect_stem(options.what, _chip(options.chip))
        profiles = [(f"{call}, {version}: ", profile) for version, call, of_call in inspected for profile in of_call]
    if options.figure:
        plots.save_requests(user_path(options.figure), [profile for _, profile in profiles])
    if options.json:
        print(json.dumps([profile.as_dict() for _, profile in profiles], indent=1, ensure_ascii=False))
    else:
        print("\n\n".join(f"{head}{profile}" for head, profile in profiles))
    return 0


def bench(options):
    """`minigan bench`."""
    from .bench import step
    from .bench.run import run_bench

    if options.what == "step":
        others = ("kernel", "grid", "block", "shared", "define", "include", "json", "markdown", "figure")
        if any(getattr(options, name) for name in others) or not options.recipe:
            raise MiniganError(
                "bench step takes a recipe, as minigan bench step gan, and none of bench's options: see minigan train --list"
            )
        return step.run_step(options.recipe)
    if options.recipe:
        raise MiniganError(f"bench {options.what} {options.recipe}: expected one name, or step RECIPE")
    return run_bench(options)


def _launch(options):
    """(place, grid, block, arguments, shared, options) of a kernel that was named with its launch."""
    from .check import compiler_options, numbers

    grid, block = (
        numbers(f"--{name}", getattr(options, name) if getattr(options, name) is not None else default)
        for name, default in (("grid", "1"), ("block", "256"))
    )
    return options.what, grid, block, options.arg, options.shared or 0, compiler_options(options)


def _chip(name):
    """The number of sm_90, None for None."""
    if name is None or re.fullmatch(r"sm_\d{1,9}", name):
        return name and int(name.removeprefix("sm_"))
    raise MiniganError(f"--chip {name}: expected sm_75, sm_80, sm_86, sm_89, sm_90, sm_100 or sm_120")


def _refuse_launch(options):
    of_launch = "grid", "block", "arg", "shared", "limit", "cooperative", "define", "include"
    if needless := [name for name in of_launch if getattr(options, name, None) not in (None, [])]:
        raise MiniganError(f"--{needless[0]} goes with a kernel, FILE.cu:KERNEL")
