"""What `minigan bench` prints and writes."""

from tqdm import tqdm

from .. import devices
from ..check.anybodys import numbers
from ..checkpoint import replacing
from ..errors import MiniganError
from ..paths import user_path
from . import Table, compare_at, counts, your_kernel
from .clock import machine
from .problems import COUNTED, problems_of
from .table import save_roofline

COUNTED_HERE = (
    "No GPU answers, so no kernel was timed. Counted on the emulator, on few tiles; registers, shared bytes, warps of a "
    "multiprocessor and SASS instructions by NVIDIA's compiler, for sm_80 / sm_90:"
)


def run_bench(options):
    """Time what was asked for, print the tables, and write them where they are wanted; the exit status: 1 if one was wrong."""
    functions = _your_functions(options)
    on_gpu = devices.why_no_cuda() is None
    asked = [options.what] if options.what else list(COUNTED)
    todo = [each for what in asked for each in problems_of(what) if not functions or each.primitive == what]
    table = Table(machine())
    for problem in tqdm(todo, unit=" problems", leave=False, disable=None):
        table.rows += compare_at(problem, table.machine, functions, untimed=() if on_gpu else functions)
    print(table)
    markdown = table.markdown()
    if not on_gpu:
        counted = counts.table([count for what in asked for count in counts.counts(what, functions)])
        print(f"\n{COUNTED_HERE}\n\n{_columns(counted)}")
        markdown += f"\n{COUNTED_HERE}\n\n{counts.markdown(counted)}"
    for path, content in ((options.json, table.json()), (options.markdown, markdown)):
        if path:
            with replacing(user_path(path)) as part:
                part.write_text(content, "utf-8")
    if options.figure:
        save_roofline(user_path(options.figure), table)
    return 0 if all(row.is_right for row in table.rows) else 1


def _your_functions(options):
    if not options.kernel:
        if options.grid or options.block:
            raise MiniganError("--grid and --block go with --kernel FILE.cu:KERNEL")
        return {}
    if not any(each.primitive == options.what for of_stem in COUNTED.values() for each in of_stem):
        raise MiniganError("--kernel takes the place of a primitive: name it, as minigan bench matmul --kernel …")
    block = numbers("--block", options.block or "256")
    return {options.kernel: your_kernel(options.kernel, options.what, options.grid, block)}


def _columns(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = (
        "  ".join([row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:]))])
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
