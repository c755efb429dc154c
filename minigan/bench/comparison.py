"""Every version of a primitive, its peers and your functions at one shape: each is proved right, then timed."""

import warnings
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import numpy as np

from .. import cpu, cuda, devices
from ..check.calls import TOLERANCE, converted, relative_error, results_of, size_of_terms
from ..check.kernels import chosen, rounds, versions_of
from ..cuda.elements import blocks_of
from ..cuda.launch import BLOCK
from ..cuda.user_kernel import UserKernel
from ..errors import MiniganError
from ..plan import recording
from .clock import machine, time_on_cpu, time_on_gpu
from .peers import peers_of
from .problems import problems_of, stem_of
from .table import Row, Table

BLOCKS = (128, 512, 1024)  # threads, besides 256, of the kernels that run in blocks of any size
ANY_BLOCK = ("activation", "optim")
# Relative to the result, or to the terms of a sum: the sums here are long. Tensor cores cut off what they add, so that the
# errors of their sums do not cancel.
ALLOWED, ALLOWED_TF32 = 10 * TOLERANCE["float32"], 1e-3


def compare(what, functions=None):
    """A Table of every version of a primitive, its peers, and your functions, at the shapes of `minigan bench`.

    `what` is a primitive ("matmul", "conv2d") or a stem; `functions` are {name: function}, each with the primitive's arguments
    and result: CuPy arrays where a GPU answers, else NumPy arrays. What is not right (finite, and within 1e-4 of float64) is not
    timed. Without a GPU the versions are left out: how long the emulator takes says nothing of them.
    Raises MiniganError for an unknown name, and for a kernel that is passed without its launch (see `your_kernel`).

    >>> import minigan as mg
    >>> table = mg.bench.compare("matmul", {"mine": lambda a, b: a @ b})  # doctest: +SKIP
    """
    for name, function in (functions or {}).items():
        if isinstance(function, UserKernel):
            raise MiniganError(
                f"{name} is a kernel without its launch: pass mg.bench.your_kernel('FILE.cu:KERNEL', {what!r}, grid, block)"
            )
    table = Table(machine())
    for problem in problems_of(what):
        table.rows += compare_at(problem, table.machine, functions or {})
    return table


def compare_at(problem, limits, functions, untimed=()):
    """The Rows of all contestants at a Problem, under a Machine's `limits`; of those `untimed` only whether they are right."""
    on_gpu = devices.why_no_cuda() is None
    call, others = problem.call(), peers_of(problem.primitive, on_gpu)
    contestants = {name: partial(partial, function) for name, function in functions.items()}
    if on_gpu:
        contestants = _versions(problem.primitive, call) | contestants
    truth = results_of(call, getattr(cpu, problem.primitive), "float64")
    # Sums of positive numbers do not cancel: these two need no size of their terms.
    terms = 0.0 if problem.primitive.startswith(("matmul", "conv2d")) else size_of_terms(call)
    given = sum(array.nbytes for array in converted(call.args, "float32") if isinstance(array, np.ndarray))
    moved = given + 4 * (sum(array.size for array in truth) - problem.kept)
    rows = []
    for name, prepare in (contestants | others).items():
        tf32 = "TF32" in name or rounds(stem_of(problem.primitive), name)
        least = max(problem.flops / ((tf32 and limits.tf32) or limits.flops), moved / limits.bandwidth)
        results = _results(call, prepare, on_gpu)
        error = _error(results, truth, terms)
        row = Row(str(problem), name, error, ALLOWED_TF32 if tf32 else ALLOWED, problem.flops, moved, least)
        row = row if row.is_right else replace(row, where=_where(results, truth))
        timed = row.is_right and name not in untimed
        rows.append(replace(row, **_time(call, prepare, on_gpu)) if timed else row)
    seconds = {row.name: row.seconds for row in rows if row.name in others and row.seconds}
    return [row.against(seconds) for row in rows]


def _arrays(on_gpu):
    """(what makes the arrays, what brings them back)."""
    if not on_gpu:
        return np.array, np.asarray
    import cupy

    return cupy.array, cupy.asnumpy


def _results(call, prepare, on_gpu):
    with _poisoned() if on_gpu else nullcontext():
        return results_of(call, lambda *arguments: prepare(*arguments)(), "float32", *_arrays(on_gpu))


def _error(results, truth, terms):
    """How far a contestant is from the truth; infinite where it returns something else."""
    if len(results) != len(truth):
        return np.inf
    return float(max(relative_error(mine, right, terms) for mine, right in zip(results, truth)))


def _where(results, truth):
    """Which number of a wrong result is most wrong, in words."""
    shapes, expected = list(map(np.shape, results)), list(map(np.shape, truth))
    if shapes != expected:
        return f"its results have the shapes {shapes}, expected {expected}"
    off = [np.where(np.isfinite(mine), np.abs(mine - right), np.inf) for mine, right in zip(results, truth)]
    worst = max(range(len(off)), key=lambda i: off[i].max(initial=0))
    at = np.unravel_index(off[worst].argmax(), off[worst].shape)
    value = results[worst][at]
    index = f"[{', '.join(map(str, at))}]"
    return f"{index} is {value:.6g}{', as if never written' * bool(np.isnan(value))}, expected {truth[worst][at]:.6g}"


def _poisoned():
    """Within this block fresh memory of the GPU is NaN all over: what another contestant left there must not look right."""
    import cupy

    def allocate(size):
        memory = cupy.get_default_memory_pool().malloc(size)
        memory.memset_async(0xFF, size)
        return memory

    return cupy.cuda.using_allocator(allocate)


def _time(call, prepare, on_gpu):
    """How long a contestant takes: its seconds and their spread."""
    ready = prepare(*converted(call.args, "float32", _arrays(on_gpu)[0]))
    timing = time_on_gpu(ready) if on_gpu else time_on_cpu(ready)
    return {"seconds": timing.median, "spread": timing.spread}


def _versions(primitive, call):
    """{version: function that takes the arguments and returns one without any, which makes the call}, of those that run at all:
    for some shapes and on some chips another version takes over."""
    functions = {}
    for version in versions_of(stem_of(primitive)):
        prepare = partial(_version, primitive, version)
        with recording(), chosen(version) as taken, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            getattr(cuda, primitive)(*converted(call.args, "float32", _arrays(on_gpu=True)[0]))
        if primitive in taken:
            functions[version] = prepare
            for threads in BLOCKS if stem_of(primitive) in ANY_BLOCK else ():
                functions[f"{version}, {threads} threads"] = partial(prepare, threads=threads)
    return functions


def _version(primitive, version, *arguments, threads=BLOCK):
    def call():
        with chosen(version), blocks_of(threads):
            return getattr(cuda, primitive)(*arguments)

    return call
