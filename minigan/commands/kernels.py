"""`minigan check`, `inspect` and `bench`: kernels, ours or the user's."""

import json
import re

from ..errors import MiniganError
from ..paths import user_path
from .options import refuse_below_one


def check(options):
    """`minigan check`."""
    from .. import check, emulator

    if options.what and ".cu" in options.what:
        refuse_below_one(options, "limit")
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
    from .. import check, emulator, plots
    from ..check import rungs
    from ..checkpoint import refuse_unwritable

    if options.lines:
        _refuse_launch(options)
        if options.json or options.chip or options.figure:
            raise MiniganError("--lines stands alone, as minigan inspect matmul --lines")
        print(rungs.markdown(options.what))
        return 0
    if options.figure:
        refuse_unwritable(user_path(options.figure))
    if ".cu" in options.what:
        refuse_below_one(options, "limit")
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
    from ..bench import step
    from ..bench.run import run_bench

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
    from ..check import compiler_options, numbers

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
