"""The command line: `minigan train`, `sample`, `check`, `inspect`. Bad input is one line and exit 2; Ctrl-C is 130."""

import argparse
import dataclasses
import itertools
import json
import os
import sys
from pathlib import Path

from .errors import Interrupted, MiniganError
from .paths import user_path

TRAIN_EXAMPLE = """\
examples:
  minigan train gan                        on the recipe's own data set, MNIST
  minigan train gan --data digits          offline, on drawn digits
  minigan train gan --loss minimax --epochs 10 --seed 3 --out runs/minimax
  minigan train --resume runs/minimax --epochs 20
"""

SAMPLE_EXAMPLE = """\
examples:
  minigan sample runs/gan-1                100 new images as runs/gan-1/sample.png
  minigan sample runs/gan-1 -n 1000 --raw samples.npy
"""

ARGUMENTS = """
arguments, in the kernel's order:
  f32[100,50]     an array, of random numbers for f32 and f64, of zeros for i8, u8, i16, u16, i32, u32, i64, u64
  i32[1000]=7     an array of sevens
  out:f32[1000]   an array that counts as not yet written: the kernel must not read what it has not written
  i32=1000        a number
"""

CHECK_EXAMPLE = f"""\
examples:
  minigan check                            everything
  minigan check matmul                     one stem
  minigan check gan                        a recipe, trained by NumPy and by the kernels: do the losses agree?
  minigan check mine.cu:saxpy --grid 4 --block 256 --arg i32=1000 --arg f32=2 --arg "f32[1000]" --arg "f32[1000]"
                                           a kernel of yours: out-of-bounds accesses, races, barriers that not all reach
{ARGUMENTS}"""

INSPECT_EXAMPLE = f"""\
examples:
  minigan inspect matmul                   our own kernels, every version
  minigan inspect mine.cu:saxpy --grid 4 --block 256 --arg i32=1000 --arg f32=2 --arg "f32[1000]" --arg "f32[1000]"

for each line, over all warps:
  requests        to global memory; sectors: of 32 bytes, that one moves; ideal: if its bytes lay side by side
  shared          requests to shared memory; conflict: the turns that one takes, where 1 would do
  lanes           that take part in a request; barriers: that a thread comes to
{ARGUMENTS}"""

# The options that replace what the recipe says, and all that a run keeps from its start on.
CHANGES = ("data", "image_size", "net", "width", "loss", "lr", "beta1", "batch_size", "epochs")
CHOSEN_AT_START = ("recipe", "preset", *(name for name in CHANGES if name != "epochs"), "seed", "out")


def main(arguments=None):
    """Run the command line and return its exit status: 0, 1 for a failed check, 2 for bad input, 130 for Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without − or β shows a question mark
    parser = build_parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        parser.print_help()
        return 2
    try:
        return options.run(options)
    except MiniganError as error:
        print(f"minigan: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"minigan: {_explain_os_error(error)}", file=sys.stderr)
        return 2
    except MemoryError as error:
        print(f"minigan: not enough memory ({error}): ask for less", file=sys.stderr)
        return 2
    except Interrupted as error:
        print(f"minigan: {error}", file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        print("minigan: interrupted", file=sys.stderr)
        return 130


def build_parser():
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="minigan", description="Learn GANs down to the metal.", epilog="minigan COMMAND --help shows examples."
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="print the version, and the devices and compilers found"
    )
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    _add_train(commands)
    _add_sample(commands)
    _add_check(commands)
    _add_inspect(commands)
    return parser


def _add_command(commands, name, run, about, example):
    parser = commands.add_parser(
        name, help=about, description=about, epilog=example, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=run)
    return parser


def _add_train(commands):
    add = _add_command(commands, "train", train, "train a GAN", TRAIN_EXAMPLE).add_argument
    add("recipe", nargs="?", metavar="RECIPE", help="what to train; see --list")
    add("--list", action="store_true", help="list the recipes and their presets")
    add("--describe", action="store_true", help="show the recipe's layers, sizes, cost, source and repairs, and stop")
    add("--data", help="digits (drawn, offline), mnist, fashion-mnist, cifar10, ring, grid or a folder of images (default: "
        "the recipe's)")  # fmt: skip
    add("--image-size", type=int, metavar="N", help="crop and resize a folder's images to N×N (default: 32)")
    add("--data-dir", metavar="DIR", help="where the data files are (default: $MINIGAN_DATA, else cached downloads)")
    add("--device", help="cpu, cuda, emulator or auto (default: auto)")
    add("--preset", help="tuned (default), seed: the tutorial's own numbers, or paper: the paper's")
    add("--net", help="mlp, deconv, pool, dcgan or dcgan64 (default: the recipe's)")
    add("--width", type=float, metavar="X", help="times all layers' units and channels (default: 1)")
    add("--loss", help="heuristic, minimax, least-squares, wasserstein or wasserstein-gp (default: the recipe's)")
    add("--lr", type=float, help="the learning rate")
    add("--beta1", type=float, help="Adam's first decay")
    add("--batch-size", type=int, metavar="N")
    length = commands.choices["train"].add_mutually_exclusive_group().add_argument
    length("--epochs", type=int, metavar="N", help="passes over the data, in all")
    length("--steps", type=int, metavar="N", help="training steps, in all")
    add("--seed", type=int, metavar="N", help="of the weights, the noise and the order of the data (default: 0)")
    add("--out", metavar="RUN", help="the run's folder (default: runs/RECIPE-1, -2, …)")
    add("--resume", metavar="RUN", help="go on with an earlier run, up to --epochs or --steps")
    add(
        "--kernels",
        action="append",
        default=[],
        metavar="KERNEL=VERSION",
        help="use this version of a CUDA kernel, as matmul=v1",
    )


def _add_sample(commands):
    add = _add_command(
        commands, "sample", sample, "draw new images with a trained generator", SAMPLE_EXAMPLE
    ).add_argument
    add("folder", metavar="RUN", help="the run's folder")
    add("-n", type=int, default=100, metavar="N", help="how many (default: 100)")
    add("--seed", type=int, default=1, metavar="N", help="of the noise (default: 1)")
    add("--device", help="cpu, cuda, emulator or auto (default: the run's)")
    place = commands.choices["sample"].add_mutually_exclusive_group().add_argument
    place("--out", metavar="PNG", help="the picture (default: RUN/sample.png)")
    shapes = "images (N, channels, height, width) in [-1, 1], points (N, 2)"
    place("--raw", metavar="NPY", help=f"write them as float32 instead: {shapes}")


def _add_check(commands):
    about = "prove the operations (gradients, every kernel's results and accesses), or check a kernel of yours"
    add = _add_command(commands, "check", check, about, CHECK_EXAMPLE).add_argument
    add("what", nargs="?", metavar="STEM | RECIPE | FILE.cu:KERNEL", help="what to check (default: every stem)")
    _add_launch(add)


def _add_inspect(commands):
    about = "show what a kernel asks of memory, line by line: sectors, bank conflicts, idle lanes, barriers"
    add = _add_command(commands, "inspect", inspect, about, INSPECT_EXAMPLE).add_argument
    add("what", metavar="STEM | FILE.cu:KERNEL", help="whose kernels to run")
    add("--json", action="store_true", help="print JSON")
    add("--figure", metavar="PNG", help="draw which lane of a warp asks for which bytes, line by line")
    _add_launch(add)


def _add_launch(add):
    add("--grid", metavar="X[,Y[,Z]]", help="blocks (default: 1)")
    add("--block", metavar="X[,Y[,Z]]", help="threads of a block (default: 256)")
    add("--arg", action="append", default=[], metavar="ARG", help="an argument of the kernel, see below")
    add("--shared", type=int, metavar="BYTES", help="of dynamic shared memory (default: 0)")


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
        raise MiniganError(f"{_explain_os_error(error)}; {kept}") from None
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
        found = metrics.modes(training.sample(training.fixed_z), training.images)
        print(
            f"{found['found']} of {len(found['shares'])} modes; {found['high_quality']:.1%} of the samples within 3 deviations; "
            f"a mode has {found['shares'].min():.1%} to {found['shares'].max():.1%}"
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
    training = Training(recipe, images, options.device or "auto", options.seed or 0)
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
    return run.load_training(options.data_dir, options.device), run, held_out


def _free_folder(name):
    return next(path for i in itertools.count(1) if not (path := Path("runs", f"{name}-{i}")).exists())


def _choose_kernels(kernels):
    from .cuda.launch import choose

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
        if value is not None and value < 1:
            raise MiniganError(f"--{name.replace('_', '-')} {value}: expected at least 1")


def _explain_os_error(error):
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
    from . import check

    if options.what and ".cu" in options.what:
        report = check.check_kernel(*_launch(options))
        print(report if report.findings else "nothing found, in three orders of the threads")
        return 1 if report.findings else 0
    _refuse_launch(options)
    return check.run_checks(options.what)


def inspect(options):
    """`minigan inspect`."""
    from . import check, plots

    if ".cu" in options.what:
        profiles = [("", check.inspect_kernel(*_launch(options)))]
    else:
        _refuse_launch(options)
        found = check.inspect_stem(options.what)
        profiles = [(f"{call}, {version}: ", profile) for version, call, of_call in found for profile in of_call]
    if options.figure:
        plots.save_requests(user_path(options.figure), [profile for _, profile in profiles])
    if options.json:
        print(json.dumps([profile.as_dict() for _, profile in profiles], indent=1, ensure_ascii=False))
    else:
        print("\n\n".join(f"{head}{profile}" for head, profile in profiles))
    return 0


def _launch(options):
    """(place, grid, block, arguments, shared) of a kernel that was named with its launch."""
    from .check import numbers

    grid, block = (
        numbers(f"--{name}", getattr(options, name) if getattr(options, name) is not None else default)
        for name, default in (("grid", "1"), ("block", "256"))
    )
    return options.what, grid, block, options.arg, options.shared or 0


def _refuse_launch(options):
    needless = [name for name in ("grid", "block", "arg", "shared") if getattr(options, name) not in (None, [])]
    if needless:
        raise MiniganError(f"--{needless[0]} goes with a kernel, FILE.cu:KERNEL")


class _Version(argparse.Action):
    """--version: what is installed, and what of it works here."""

    def __call__(self, parser, namespace, values, option_string=None):
        from .check import describe_installation

        print(describe_installation())
        parser.exit()
