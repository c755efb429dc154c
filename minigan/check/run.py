"""`minigan check`: every check of a stem, as a table; for a recipe's name its training, by NumPy and by the kernels."""

from pathlib import Path

from tqdm import tqdm

from ..cuda import nvrtc, source
from ..errors import MiniganError
from ..gans import RECIPES
from ..gradcheck import GradientError
from .calls import CALLS
from .compiled import check_compiled
from .gradients import CASES, check_gradient
from .kernels import check_version, choices_of, fresh_seed
from .training import ALLOWED, check_training

SHOWN = 3  # wrong calls of a version


def run_checks(stem=None):
    """Run every check of one stem, or of all, and print a table; returns 0, or 1 where something failed.

    For a recipe's name: train it by NumPy and by the kernels, and compare. Raises MiniganError for an unknown name.
    """
    recipes = sorted({name for name, _ in RECIPES})
    if stem in recipes:
        return _print_training(stem)
    files = {Path(file).stem: file for file in source.files()}
    stems = sorted(CASES.keys() | files.keys())
    if stem is not None and stem not in stems:
        raise MiniganError(f"unknown stem {stem!r}: choose from {', '.join(stems)}; or a recipe: {', '.join(recipes)}")
    checked = [stem] if stem else stems
    failures = _print_gradients([name for name in checked if name in CASES])
    failures += _print_results([name for name in checked if name in CALLS])
    problem = nvrtc.why_missing()
    if not problem:
        failures += _print_compiled([files[name] for name in checked if name in files])
    verdict = f"{failures} failed" if failures else "all passed"
    print(f"\n{verdict}" + (f"; not compiled by NVIDIA's compiler: {problem}" if problem else ""))
    return 1 if failures else 0


def _print_training(recipe):
    path = Path(f"check-{recipe}.png")
    worst, steps = check_training(recipe, path)
    passed = worst <= ALLOWED  # and not worst > ALLOWED, which a NaN would pass
    verdict = "ok" if passed else f"FAIL: at most {ALLOWED} is allowed"
    print(
        f"{recipe} on the emulator and by NumPy, from one seed, {steps['float64']} steps in float64: losses differ by "
        f"{worst:.1e}, {verdict}"
    )
    print(f"over {steps['float32']} steps in float32: see {path}")
    return 0 if passed else 1


def _print_gradients(stems):
    print("gradients, first and second, against central differences in float64: by NumPy, and by the kernels")
    failures = 0
    for stem in stems:
        for case in CASES[stem]:
            try:
                verdict = "ok    " + "  ".join(f"{check_gradient(case, device):.1e}" for device in ("cpu", "emulator"))
            except (GradientError, MiniganError) as error:
                failures += 1
                verdict = f"FAIL  {str(error).splitlines()[0]}"
            print(f"  {stem:12} {case.name:22} {verdict}")
    return failures


def _print_results(stems):
    """How many versions of the stems' kernels are wrong."""
    if not stems:
        return 0
    print(
        "\nkernels on the emulator, in three orders of their threads: against the float64 reference, under the sanitizer"
    )
    failures, seed = 0, fresh_seed()
    for stem in stems:
        for version in choices_of(stem):
            name, outcomes = version or "default", check_version(stem, version, seed)
            *_, outcome = tqdm(outcomes, f"{stem} {name}", unit=" calls", leave=False, disable=None)
            failures += not outcome.passed
            verdict = f"ok    {outcome.worst:.1e}" if outcome.passed else "FAIL"
            tqdm.write(f"  {stem:12} {name:7} {outcome.made:5} calls   {verdict}")
            for sentence in outcome.wrong[:SHOWN]:
                tqdm.write(f"    {sentence}")
            if len(outcome.wrong) > SHOWN:
                tqdm.write(f"    … {len(outcome.wrong)} wrong calls in all (seed {seed})")
            if outcome.report.findings:
                tqdm.write("\n" + str(outcome.report) + "\n")
    return failures


def _print_compiled(files):
    if not files:
        return 0
    names = " ".join(f"sm_{architecture}" for architecture in nvrtc.ARCHITECTURES)
    print(f"\nkernels, compiled for {names}, float and double: no local memory, no FP64 in float")
    if not nvrtc.disassembler():
        print("  FP64 instructions are not looked for: pip install nvidia-cuda-nvdisasm")
    failures = 0
    for file in tqdm(files, unit="file", leave=False, disable=None):
        problems = [(build, problem) for build, problems in check_compiled(file).items() for problem in problems]
        failures += bool(problems)
        tqdm.write(f"  {file:20} {'FAIL' if problems else 'ok'}")
        for (architecture, real), (kernel, problem) in problems:
            tqdm.write(f"    {kernel} for sm_{architecture} in {real}: {problem}")
    return failures
