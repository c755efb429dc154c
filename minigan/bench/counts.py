"""What can be said of a kernel without running it on a GPU: what NVIDIA's compiler made of it, and what the emulator counts."""

import re
from dataclasses import dataclass, field
from functools import cache

from .. import cuda, emulator
from ..check.calls import converted
from ..check.kernels import chosen, versions_of
from ..cuda import nvrtc, source
from ..cuda.occupancy import occupancy
from ..cuda.versions import KERNELS
from .problems import COUNTED, problems_of, stem_of

CHIPS = (80, 90)
SASS = {  # what is counted in the machine code
    "FFMA": r"\bFFMA\b",
    "HMMA": r"\bHMMA\b",
    "LDG.128": r"\bLDG\.E\S*\.128\b",
    "LDS.128": r"\bLDS\S*\.128\b",
    "local": r"\b(?:LDL|STL)\b",
}


@dataclass(frozen=True)
class Compiled:
    """A kernel's registers a thread, shared bytes a block, and the SASS instructions in its text, on one chip."""

    registers: int
    shared: int
    local: int
    instructions: dict = field(default_factory=dict)


@cache
def compiled(file, architecture):
    """{kernel: Compiled} of a file in float. Raises MiniganError where NVRTC is missing; without nvdisasm no instructions."""
    return _kernels(*nvrtc.compile_cubin(source.text(file), file, source.options("float"), architecture)[:2])


def compiled_yours(kernel, architecture):
    """A UserKernel as Compiled, likewise."""
    cubin, log, names = nvrtc.compile_cubin(kernel.cuda_text, kernel.file, kernel.options, architecture, (kernel.name,))
    return _kernels(cubin, log)[names[kernel.name]]


def _kernels(cubin, log):
    code = nvrtc.sass(cubin) if nvrtc.disassembler() else {}
    return {
        name: Compiled(
            used.registers,
            used.shared,
            used.local,
            {label: len(re.findall(pattern, code[name])) for label, pattern in SASS.items()} if code else {},
        )
        for name, used in nvrtc.resources(log).items()
    }


@dataclass(frozen=True)
class Count:
    """One kernel at a counted problem. `sectors` is the share of those moved that would do, `turns` the worst line's
    turns in shared memory where 1 would do; `moved` and `touched` are bytes of global memory, `shared` those of dynamic shared
    memory a block. `on_chips` is what the compiler made of it, as CHIPS are; empty where that is missing."""

    problem: str
    kernel: str
    block: tuple
    shared: int
    sectors: float
    turns: float
    moved: int
    touched: int
    flops: int
    on_chips: tuple


def counts(what):
    """The Counts of every version of a stem or primitive, by the emulator. Raises MiniganError for an unknown name."""
    return [count for problem in problems_of(what, COUNTED) for count in counts_at(problem, {})]


def counts_at(problem, functions):
    """The Counts of every version at a Problem, and of `functions` in their place, which `your_kernel` has made."""
    counted, arguments = [], converted(problem.call().args, "float32")
    for version in (*versions_of(stem_of(problem.primitive)), None):  # and the default
        with chosen(version), emulator.profiling() as profiles:
            getattr(cuda, problem.primitive)(*arguments)
        # What loads nothing fills an array for a launch that adds to it.
        counted += [_count(problem, profile) for profile in profiles if profile.total("loaded")]
    counted = [
        count for i, count in enumerate(counted) if count not in counted[:i]
    ]  # several versions launch the same kernel
    for function in functions.values():
        with emulator.profiling() as profiles:
            function(*arguments)
        counted += [_count(problem, profile, function.kernel) for profile in profiles]
    return counted


def file_of(name):
    """The file of a kernel of ours."""
    return KERNELS[name].file


def _count(problem, profile, yours=None):
    turns = [line.turns / line.ideal_turns for line in profile.lines if line.ideal_turns]
    whole = profile.of_blocks / max(profile.blocks, 1)  # where the profiler had no room for all blocks
    return Count(
        str(problem),
        profile.kernel,
        profile.block,
        profile.shared,
        profile.total("ideal_sectors") / max(profile.total("sectors"), 1),
        max(turns, default=1.0),
        int((profile.total("loaded") + profile.total("stored")) * whole),
        int((profile.least_loaded + profile.least_stored) * whole),
        int(profile.total("flops") * whole),
        () if nvrtc.why_missing() else tuple(_on_chip(profile.kernel, yours, chip) for chip in CHIPS),
    )


def _on_chip(name, yours, chip):
    return compiled_yours(yours, chip) if yours else compiled(file_of(name), chip)[name]


OF_COUNT = "sectors", "turns", "bytes moved", "of touched", "flops a byte"
OF_CHIPS = "registers", "shared", "warps", *SASS
HEADS = ("", *OF_COUNT, *OF_CHIPS)


def table(counted):
    """Counts, and what the compiler says for sm_80 and sm_90 (once, where that is the same), as rows of text: the first one holds
    the heads, and before the kernels of a problem comes a row of its name alone."""
    heads = HEADS[: len(HEADS) - len(OF_CHIPS)] if nvrtc.why_missing() else HEADS
    rows, problem = [heads], None
    for count in counted:
        if count.problem != problem:
            rows.append((count.problem, *("",) * (len(heads) - 1)))
            problem = count.problem
        own = (
            f"{count.sectors:.0%}",
            f"{count.turns:.3g}",
            f"{count.moved:,}",
            f"{count.moved / max(count.touched, 1):.3g}×",
            f"{count.flops / max(count.moved, 1):.3g}",
        )
        rows.append((f"  {count.kernel}", *own, *_of_chips(count))[: len(heads)])
    return rows


def _of_chips(count):
    of_chips = (_of_chip(made, chip, count) for made, chip in zip(count.on_chips, CHIPS))
    return tuple(" / ".join(dict.fromkeys(values)) for values in zip(*of_chips))


def _of_chip(made, chip, count):
    shared = made.shared + count.shared
    fits = occupancy(chip, count.block, made.registers, shared)
    instructions = (str(made.instructions.get(label, "")) for label in SASS)
    return str(made.registers), f"{shared:,}", f"{fits.warps} of {fits.most}", *instructions


def markdown(rows):
    """The rows as a Markdown table."""
    heads, *rest = rows
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, *cells in rest:
        label = f"`{name.strip()}`" if any(cells) else f"**{name}**"
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
