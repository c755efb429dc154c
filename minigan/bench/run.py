"""What `minigan bench` prints and writes."""

from importlib.util import find_spec

from tqdm import tqdm

from .. import devices, emulator
from ..check.calls import converted
from ..check.user_kernel import compiler_options, numbers
from ..checkpoint import refuse_unwritable, replacing
from ..cuda import nvrtc
from ..emulator import compiler
from ..errors import MiniganError
from ..paths import user_path
from . import counts
from .clock import machine
from .comparison import compare_at
from .problems import COUNTED, RAGGED, problems_of
from .table import Table, save_roofline
from .user_kernel import your_kernel

COUNTED_HERE = "No GPU answers, so no kernel was timed. Counted on the emulator, on few tiles; {}:"
BY_COMPILER = (
    "registers, shared bytes, warps of a multiprocessor and SASS instructions by NVIDIA's compiler, for sm_80 / sm_90"
)


def run_bench(options):
    """Time what was asked for, print the tables, and write them where they are wanted; the exit status: 1 if one was wrong."""
    for path in filter(None, (options.json, options.markdown, options.figure)):
        refuse_unwritable(user_path(path))
    functions = _your_functions(options)
    on_gpu = devices.why_no_cuda() is None
    todo = _problems(options.what, functions)
    if not on_gpu:
        _check(functions, options.what)
    table = Table(machine())
    for problem in tqdm(todo, unit=" problems timed", leave=False, disable=None):
        table.rows += compare_at(problem, table.machine, functions, untimed=() if on_gpu else functions)
    print(table)
    if not find_spec("torch"):
        print("\nPyTorch is not installed: pip install torch, to compare")
    markdown, counted = table.markdown(), []
    if not on_gpu:
        todo = tqdm(_problems(options.what, functions, COUNTED), unit=" problems counted", leave=False, disable=None)
        counted = [count for problem in todo for count in counts.counts_at(problem, functions)]
        missing = nvrtc.why_missing()
        head, rows = (
            COUNTED_HERE.format(f"what the compiler says is missing: {missing}" if missing else BY_COMPILER),
            counts.table(counted),
        )
        head = f"{head} ({compiler.blind_spots()})" if compiler.blind_spots() else head
        print(f"\n{head}\n\n{_columns(rows)}")
        markdown += f"\n{head}\n\n{counts.markdown(rows)}"
    for path, content in ((options.json, table.json(counted)), (options.markdown, markdown)):
        if path:
            with replacing(user_path(path)) as part:
                part.write_text(content, "utf-8")
    if options.figure:
        save_roofline(user_path(options.figure), table)
    return 0 if all(row.is_right for row in table.rows) else 1


def _problems(what, functions, table=None):
    """The Problems of what was asked for, or of every stem; with functions only those that they can take."""
    asked = [what] if what else COUNTED
    return [
        problem for name in asked for problem in problems_of(name, table) if not functions or problem.primitive == what
    ]


def _check(functions, primitive):
    """Make each function's launches under the sanitizer, on whole tiles and on others. Raises MiniganError for the first finding,
    since what is out of bounds on the emulator is out of bounds in this process; and for what NVIDIA's compiler refuses."""
    for name, function in functions.items():
        for chip in () if nvrtc.why_missing() else counts.CHIPS:
            counts.compiled_yours(function.kernel, chip)
        for problem in (*problems_of(primitive, COUNTED), *problems_of(primitive, RAGGED)):
            with emulator.checking() as report:
                function(*converted(problem.call().args, "float32"))
            if report.errors():
                raise MiniganError(f"{name} at {problem}: {report.errors()[0]}. Nothing was timed")


def _your_functions(options):
    if not options.kernel:
        if options.grid or options.block or options.shared or options.define or options.include:
            raise MiniganError("--grid, --block, --shared, -D and -I go with --kernel FILE.cu:KERNEL")
        return {}
    if not any(problem.primitive == options.what for of_stem in COUNTED.values() for problem in of_stem):
        raise MiniganError("--kernel takes the place of a primitive: name it, as minigan bench matmul --kernel …")
    block = numbers("--block", options.block or "256")
    made = your_kernel(
        options.kernel, options.what, options.grid, block, options.shared or 0, compiler_options(options)
    )
    return {options.kernel: made}


def _columns(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = (
        "  ".join([row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:]))])
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
