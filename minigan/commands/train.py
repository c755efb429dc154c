"""`minigan train`: a recipe, with what the options change of it, at work."""

import dataclasses
import itertools
import os
from pathlib import Path

from ..errors import MiniganError
from ..paths import user_path
from .options import explain_os_error, refuse_below_one


def train(options):
    """`minigan train`."""
    from ..gans import train as run_training

    if options.list:
        return list_recipes()
    if options.describe:
        return describe(options)
    refuse_below_one(options, "epochs", "steps", "batch_size", "every")
    kernels = _kernel_choices(options.kernels)
    training, run, held_out, judged = _resume(options, kernels) if options.resume else _start(options, kernels)
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
    if training.recipe.steady < 1 and epochs > training.recipe.epochs:
        print(f"the rate stays at the hundredth that it has fallen to at epoch {training.recipe.epochs}")
    try:
        run_training(training, steps, run, judged=judged)
    except OSError as error:
        kept = "nothing of the run could be saved"
        if run.has_checkpoint():
            kept = f"the run is kept as it was last saved: make room, then minigan train --resume {run.path}"
        raise MiniganError(f"{explain_os_error(error)}; {kept}") from None
    finally:
        print(f"step {training.steps_done}: see {', '.join(map(str, run.results()))}")
    _look_back(training, run, held_out)
    return 0


def _start(options, kernels):
    from .. import data
    from ..gans import RunFolder, Training
    from ..gans.run import refuse_occupied

    recipe = _recipe(options)
    if options.seed is not None and not 0 <= options.seed < 2**32:
        raise MiniganError(f"--seed {options.seed}: expected 0 to {2**32 - 1}")
    _choose_kernels(kernels)
    path = user_path(options.out) if options.out else _free_folder(recipe.name)
    refuse_occupied(path)
    images = data.load(recipe.data, options.data_dir, recipe.image_size)
    held_out = _held_out(recipe, options.data_dir)
    training = Training(recipe, images, options.device or "auto", options.seed or 0, graph=options.graph)
    judged = _judged(options, training, options.data_dir)
    data_dir = options.data_dir or (os.environ.get("MINIGAN_DATA") if data.reads_files(recipe.data) else None)
    return training, RunFolder.create(path, training, data_dir, kernels), held_out, judged


def _resume(options, kernels):
    from ..gans import RunFolder
    from ..gans.recipes import SETTABLE

    chosen_at_start = "recipe", "preset", *(name for name in SETTABLE if name != "epochs"), "seed", "out"
    named = [name for name in chosen_at_start if getattr(options, name) is not None]
    if named:
        raise MiniganError(f"--resume goes on with the run's own settings: leave out {', '.join(named)}")
    run = RunFolder.open(user_path(options.resume))
    _choose_kernels(run.config["kernels"] | kernels)
    data_dir = options.data_dir or run.config["data_dir"]
    held_out = _held_out(run.recipe(), data_dir)
    training = run.load_training(options.data_dir, options.device, options.graph)
    return training, run, held_out, _judged(options, training, data_dir)


def _judged(options, training, data_dir):
    """How samples are judged during the training, or None. A judge may have to be taught first, and what is missing be found."""
    if not options.every:
        return None
    from ..judge import glance

    return options.every, glance(training, data_dir)


def _recipe(options):
    """The recipe that was asked for, with what the options change of it."""
    from ..data import DATASETS
    from ..gans import find_recipe
    from ..gans.recipes import SETTABLE

    if not options.recipe:
        raise MiniganError("train needs a recipe: see minigan train --list")
    recipe = find_recipe(options.recipe, options.preset or "tuned")
    if options.beta1 is not None and recipe.optimizer != "adam":
        raise MiniganError(f"--beta1 is Adam's, and {recipe.name} ({recipe.preset}) descends by {recipe.optimizer}")
    changes = {name: value for name in SETTABLE if (value := getattr(options, name)) is not None}
    if "data" in changes:
        folder = user_path(changes["data"])
        if changes["data"] in DATASETS:
            changes.setdefault("image_size")  # it has its own
        elif folder.is_dir():  # to be found again from anywhere
            changes["data"] = str(folder.resolve())
    return dataclasses.replace(recipe, **changes)


def _choose_kernels(kernels):
    from ..cuda.versions import choose

    for name, version in kernels.items():
        choose(name, version)


def _kernel_choices(pairs):
    for pair in pairs:
        if "=" not in pair:
            raise MiniganError(f"--kernels {pair}: expected KERNEL=VERSION, as matmul=v1")
    return dict(pair.split("=", 1) for pair in pairs)


def _free_folder(name):
    return next(path for i in itertools.count(1) if not (path := Path("runs", f"{name}-{i}")).exists())


def _held_out(recipe, data_dir):
    """What a recipe's second phase asks D about, or None. Read before the training: what is missing is not found out after."""
    from .. import data

    if not recipe.alone_epochs:
        return None
    held_out = data.load_held_out(recipe.data, data_dir, recipe.image_size)
    if held_out is None:
        print(f"no image of {recipe.data} is held out: the second phase, in which D learns on alone, is left out")
    return held_out


def _look_back(training, run, held_out):
    """What some recipes do when the training is over."""
    from .. import data
    from ..gans import learn_alone
    from ..judge.points import modes

    if isinstance(training.images, data.Points):
        found = modes(training.sample(training.fixed_z), training.images)
        print(
            f"{found['found']} of {len(found['shares'])} modes; {found['high_quality']:.1%} of the samples within 3 deviations; "
            f"a mode has {found['shares'].min():.1%} to {found['shares'].max():.1%}"
        )
    if held_out:
        result = learn_alone(training, held_out, run.path / "alone")
        print(
            f"D alone: takes {result['real']:.1%} of {result['asked']} held-out images for real and {result['fake']:.1%} of as "
            f"many generated ones for generated; see {run.path / 'alone' / 'side-by-side.png'}"
        )


def list_recipes():
    """`minigan train --list`."""
    from ..gans import RECIPES

    for recipe in RECIPES.values():
        print(f"{recipe.name:12} {recipe.preset:7} {recipe.about}\n{'':20} {recipe.source}")
    return 0


def describe(options):
    """`minigan train RECIPE --describe`."""
    from ..data import sample_shape
    from ..gans.describe import describe as description

    refuse_below_one(options, "epochs", "steps", "batch_size")
    recipe = _recipe(options)
    print("\n".join(description(recipe, sample_shape(recipe.data, recipe.image_size))))
    return 0
