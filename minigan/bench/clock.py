"""How long a function takes, on the CPU or on the GPU; and what the machine can do at best, measured on the spot."""

import os
import platform
import time
from dataclasses import dataclass
from functools import cache

import numpy as np

from .. import devices
from ..cuda.user_kernel import kernel

WARM_UP, MOST, ENOUGH = 3, 30, 0.5  # calls before; calls that are timed, at most, and seconds after which it is enough
FLUSH = 2**30  # bytes: more than any L2, and a third of a millisecond, in which the host can ask for some ten launches


@dataclass(frozen=True)
class Timing:
    """Seconds: the median, and half the distance between the quartiles."""

    median: float
    spread: float


def _timing(times):
    low, median, high = np.quantile(times, (0.25, 0.5, 0.75))
    return Timing(float(median), float((high - low) / 2))


def time_on_cpu(function):
    """The Timing of a function without arguments."""
    for _ in range(WARM_UP):
        function()
    times = []
    while len(times) < MOST and (len(times) < 3 or sum(times) < ENOUGH):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return _timing(times)


def time_on_gpu(function):
    """The Timing of what a function without arguments asks of the GPU, by events, with a cold L2.

    What is read before each call takes its place in the L2, with nothing to be written back; and it gives the host the time to
    ask for the whole call before the GPU comes to it.
    """
    import cupy

    flush, total = cupy.zeros(FLUSH // 4, cupy.float32), cupy.zeros((), cupy.float32)
    for _ in range(WARM_UP):
        function()
    times = []
    while len(times) < MOST and (len(times) < 5 or sum(times) < ENOUGH):
        begin, end = cupy.cuda.Event(), cupy.cuda.Event()
        cupy.sum(flush, out=total)
        begin.record()
        function()
        end.record()
        end.synchronize()
        times.append(cupy.cuda.get_elapsed_time(begin, end) / 1000)
    return _timing(times)


@dataclass(frozen=True)
class Machine:
    """What ran, and its limits: floating-point operations and bytes a second. `tf32` is None where there are no tensor cores."""

    name: str
    flops: float
    bandwidth: float
    tf32: float | None = None


# Nothing but arithmetic: eight chains of multiply-adds in registers, and of tensor-core products.
PEAK = """
extern "C" __global__ void ffma(float* y, int turns, float a) {
    float x[8];
    for (int i = 0; i < 8; ++i) x[i] = threadIdx.x + i;
    for (int t = 0; t < turns; ++t)
#pragma unroll
        for (int repeat = 0; repeat < 16; ++repeat)
#pragma unroll
            for (int i = 0; i < 8; ++i) x[i] = x[i] * a + a;
    float sum = 0;
    for (int i = 0; i < 8; ++i) sum += x[i];
    if (sum == 1.25f) y[0] = sum;
}
extern "C" __global__ void tf32(float* y, int turns, float a) {
#if __CUDA_ARCH__ >= 800
    float d[8][4] = {};
    const unsigned int x = __float_as_uint(a);
    for (int t = 0; t < turns; ++t)
#pragma unroll
        for (int i = 0; i < 8; ++i)
            asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                         "{%0,%1,%2,%3}, {%4,%4,%4,%4}, {%4,%4}, {%0,%1,%2,%3};"
                         : "+f"(d[i][0]), "+f"(d[i][1]), "+f"(d[i][2]), "+f"(d[i][3]) : "r"(x));
    float sum = 0;
    for (int i = 0; i < 8; ++i) sum += d[i][0] + d[i][1] + d[i][2] + d[i][3];
    if (sum == 1.25f) y[0] = sum;
#endif
}
"""


@cache
def machine():
    """The Machine that is timed here: the GPU, else the CPU."""
    return _cpu() if devices.why_no_cuda() else _gpu()


def _gpu():
    import cupy

    device = cupy.cuda.Device()
    properties = cupy.cuda.runtime.getDeviceProperties(device.id)
    blocks, turns, y = properties["multiProcessorCount"] * 4, 1000, cupy.zeros(1, cupy.float32)

    def peak(name, flops_of_thread):
        made = kernel(source=PEAK, name=name)
        timing = time_on_gpu(lambda: made(blocks, 512, (y, turns, 0.5)))
        return blocks * 512 * turns * flops_of_thread / timing.median

    source, target = (cupy.zeros(2**28, cupy.float32) for _ in range(2))
    copy = time_on_gpu(lambda: cupy.copyto(target, source))
    driver = cupy.cuda.runtime.driverGetVersion()
    name = f"{properties['name'].decode()}, CUDA driver {driver // 1000}.{driver % 1000 // 10}"
    has_tensor_cores = int(device.compute_capability) >= 80
    # A product of 16 x 8 x 8 is 2048 operations for 32 lanes.
    tf32 = peak("tf32", 8 * 64) if has_tensor_cores else None
    return Machine(name, peak("ffma", 16 * 8 * 2), 2 * source.nbytes / copy.median, tf32)


def _cpu():
    a = np.ones((1024, 1024), np.float32)
    product = time_on_cpu(lambda: a @ a)
    source, target = np.zeros(2**25, np.float32), np.zeros(2**25, np.float32)
    copy = time_on_cpu(lambda: np.copyto(target, source))
    chosen = os.environ.get("OPENBLAS_CORETYPE")  # for another processor than this one, it can halve NumPy's speed
    name = f"{_processor()} with OPENBLAS_CORETYPE={chosen}" if chosen else _processor()
    return Machine(name, 2 * 1024**3 / product.median, 2 * source.nbytes / copy.median)


def _processor():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.partition(": ")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
