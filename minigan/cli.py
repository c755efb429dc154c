"""The command line: the options of every command, with examples. Bad input is one line and exit 2; Ctrl-C is 130."""

import argparse
import os
import sys

from .commands import bench, check, compare, evaluate, explain_os_error, inspect, sample, train
from .commands.examples import (
    BENCH_EXAMPLE,
    CHECK_EXAMPLE,
    COMPARE_EXAMPLE,
    EVALUATE_EXAMPLE,
    INSPECT_EXAMPLE,
    SAMPLE_EXAMPLE,
    TRAIN_EXAMPLE,
)
from .errors import Interrupted, MiniganError


def main(arguments=None):
    """Run the command line and return its exit status: 0, 1 for a failed check, 2 for bad input, 130 for Ctrl-C, 141 where
    nobody reads the output any more."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without − or β shows a question mark
    try:
        try:
            return _run(arguments)
        finally:
            if sys.stdout:  # there is none behind >&-
                sys.stdout.flush()
    except BrokenPipeError:  # who reads the output has seen enough, as head has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python still flushes at its end
        return 141


def _run(arguments):
    parser = build_parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        parser.print_help()
        return 2
    try:
        return options.run(options)
    except BrokenPipeError:
        raise  # an OSError too
    except MiniganError as error:
        print(f"minigan: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"minigan: {explain_os_error(error)}", file=sys.stderr)
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
    _add_evaluate(commands)
    _add_compare(commands)
    _add_check(commands)
    _add_inspect(commands)
    _add_bench(commands)
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
    add("--r1", type=float, metavar="γ", help="weight of a penalty on D's slope at real images (0: none)")
    add("--spectral", action=argparse.BooleanOptionalAction, help="every layer of D at spectral norm 1")
    add(
        "--average", type=float, metavar="DECAY", help="draw samples with an average of G's weights, as 0.999 (0: none)"
    )
    length = commands.choices["train"].add_mutually_exclusive_group().add_argument
    length("--epochs", type=int, metavar="N", help="passes over the data, in all")
    length("--steps", type=int, metavar="N", help="training steps, in all")
    add("--every", type=int, metavar="N", help="judge 2,000 samples every N epochs: more columns of metrics.csv")
    add("--seed", type=int, metavar="N", help="of the weights, the noise and the sequence of the data (default: 0)")
    add("--out", metavar="RUN", help="the run's folder (default: runs/RECIPE-1, -2, …)")
    add("--resume", metavar="RUN", help="go on with an earlier run, up to --epochs or --steps")
    add("--no-graph", dest="graph", action="store_false", help="on cuda and the emulator, go through Python in every step "
        "instead of replaying the launches of one: the same numbers, slower")  # fmt: skip
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


def _add_evaluate(commands):
    about = "judge a trained generator: what its samples are worth, in numbers"
    add = _add_command(commands, "evaluate", evaluate, about, EVALUATE_EXAMPLE).add_argument
    add("folder", metavar="RUN", help="the run's folder")
    add("-n", type=int, default=10_000, metavar="N", help="how many samples (default: 10,000)")
    add("--seed", type=int, default=1, metavar="N", help="of their noise (default: 1)")
    add("--data-dir", metavar="DIR", help="where the data files are (default: as the run's)")
    add("--device", help="cpu, cuda, emulator or auto (default: the run's)")


def _add_compare(commands):
    about = "show runs side by side: settings, curves, samples, and their numbers over the seeds"
    add = _add_command(commands, "compare", compare, about, COMPARE_EXAMPLE).add_argument
    add("folders", nargs="+", metavar="RUN", help="the runs' folders")
    add("-n", type=int, default=10_000, metavar="N", help="how many samples of each (default: 10,000)")
    add("--markdown", metavar="FILE", help="write the tables as Markdown")
    add("--out", default="compare", metavar="NAME", help="where the pictures go: NAME-metrics.png, NAME-samples.png")
    add("--data-dir", metavar="DIR", help="where the data files are (default: as the runs')")
    add("--device", help="cpu, cuda, emulator or auto (default: the runs')")


def _add_check(commands):
    about = "prove the operations (gradients, every kernel's results and accesses), or check a kernel of yours"
    add = _add_command(commands, "check", check, about, CHECK_EXAMPLE).add_argument
    add("what", nargs="?", metavar="STEM | RECIPE | FILE.cu:KERNEL", help="what to check (default: every stem)")
    add("--chip", metavar="sm_75 … sm_120", help="whose limits a kernel of yours is to keep (default: sm_80)")
    add("--strict", action="store_true", help="races in which all write the same value fail the check too")
    _add_launch(add)
    add("--cooperative", action="store_true", default=None, help="blocks may wait for each other (this_grid().sync())")


def _add_inspect(commands):
    about = "show what a kernel asks of memory, line by line: sectors, bank conflicts, idle lanes, barriers"
    add = _add_command(commands, "inspect", inspect, about, INSPECT_EXAMPLE).add_argument
    add("what", metavar="STEM | FILE.cu:KERNEL", help="whose kernels to run")
    add("--json", action="store_true", help="print JSON")
    add(
        "--lines",
        action="store_true",
        help="instead: how many lines a reader holds in mind for each kernel of the stem",
    )
    add("--chip", metavar="sm_75 … sm_120", help="also say how many warps this chip holds at once (takes NVRTC)")
    add("--figure", metavar="PNG", help="draw which lane of a warp asks for which bytes, line by line")
    _add_launch(add)


def _add_bench(commands):
    about = "time every version of a kernel, and yours, against the best there is; or a training step"
    add = _add_command(commands, "bench", bench, about, BENCH_EXAMPLE).add_argument
    add("what", nargs="?", metavar="STEM | PRIMITIVE | step", help="what to time (default: every stem)")
    add("recipe", nargs="?", metavar="RECIPE", help="whose training step, behind the word step")
    add("--kernel", metavar="FILE.cu:KERNEL", help="a kernel of yours, in the place of the primitive's")
    add("--grid", metavar="X[,Y[,Z]]", help="its blocks, as n/16,m/16 or numbers (default: a thread a result)")
    add("--block", metavar="X[,Y[,Z]]", help="its threads of a block (default: 256)")
    add("--shared", type=int, metavar="BYTES", help="its dynamic shared memory (default: 0)")
    _add_compiling(add)
    add("--json", metavar="FILE", help="write all figures as JSON")
    add("--markdown", metavar="FILE", help="write the tables as Markdown")
    add("--figure", metavar="PNG", help="draw all times under the machine's roofline")


def _add_launch(add):
    add("--grid", metavar="X[,Y[,Z]]", help="blocks (default: 1)")
    add("--block", metavar="X[,Y[,Z]]", help="threads of a block (default: 256)")
    add("--arg", action="append", default=[], metavar="ARG", help="an argument of the kernel, see below")
    add("--shared", type=int, metavar="BYTES", help="of dynamic shared memory (default: 0)")
    _add_compiling(add)
    add("--limit", type=float, metavar="SECONDS", help="when to stop a launch that does not end (default: 60)")


def _add_compiling(add):
    add("-D", "--define", action="append", default=[], metavar="NAME[=VALUE]", help="a macro of the kernel's text")
    add("-I", "--include", action="append", default=[], metavar="FOLDER", help="where headers lie that it includes")


class _Version(argparse.Action):
    """--version: what is installed, and what of it works here."""

    def __call__(self, parser, namespace, values, option_string=None):
        from .check import describe_installation

        print(describe_installation())
        parser.exit()
