"""`minigan bench step RECIPE`: a training step against the same nets in PyTorch, in the same run."""

from functools import partial
from importlib.util import find_spec

import numpy as np

from .. import data, devices
from ..errors import MiniganError
from ..gans import Training, find_recipe
from ..gans.steps import draw_z
from ..random import Generator
from .clock import Timing, machine, time_on_cpu

SAMPLES = 4096  # of the data set, drawn at random: what they show does not change the time
ON_END = 20  # steps between two looks at the clock, on a GPU
ALLOWED = 1e-3  # relative difference of the first losses: both add up in float32, each in its own way


def run_step(name):
    """Print how long a step takes, here and in PyTorch; the exit status. Raises MiniganError for an unknown recipe."""
    recipe, device = find_recipe(name, "tuned"), "cpu" if devices.why_no_cuda() else "cuda"
    training = Training(recipe, _samples(recipe), device)
    print(f"{name}, a step of batches of {recipe.batch_size}, on {machine().name}:")
    contestants = {"minigan": training.step}
    if device == "cuda":
        contestants["minigan, --no-graph"] = Training(recipe, _samples(recipe), device, graph=False).step
    verdict = "PyTorch is not installed: pip install torch, to compare"
    if find_spec("torch"):
        difference = _difference(recipe, device)
        if not difference <= ALLOWED:  # nor is it nan
            raise MiniganError(
                f"bench step {name}: the first losses are {difference:.1e} off PyTorch's: nothing was timed"
            )
        contestants |= _torch_contestants(recipe, training, device)
        verdict = f"The losses of the first step, on the same weights, batches and noise, differ by {difference:.1e}."
    seconds = None
    for label, step in contestants.items():
        try:
            timing = _time(step, device)
        except (
            RuntimeError,
            MemoryError,
        ) as error:  # torch.compile needs a compiler, not all can be captured: the others still count
            print(f"  {label:30} not timed: {' '.join(str(error).split())[:90]}")
            continue
        seconds = seconds or timing.median
        times = f"{timing.median / seconds:.2f} times as long" if timing.median != seconds else ""
        print(f"  {label:30} {1e3 * timing.median:8.4g} ms ± {timing.spread / timing.median:.0%}  {times}".rstrip())
    print(verdict)
    return 0


def _time(step, device):
    """The Timing of a step: on a GPU of many on end, as in a training, where the host may run ahead."""
    if device == "cpu":
        return time_on_cpu(step)
    import cupy

    def steps():
        for _ in range(ON_END):
            step()
        cupy.cuda.Device().synchronize()

    timing = time_on_cpu(steps)
    return Timing(timing.median / ON_END, timing.spread / ON_END)


def _samples(recipe):
    shape = data.sample_shape(recipe.data, recipe.image_size)
    if len(shape) == 1:
        return data.load(recipe.data)
    random = np.random.default_rng(0)
    return data.Images("noise", random.integers(0, 256, (SAMPLES, *shape), np.uint8), np.zeros(SAMPLES, np.uint8))


def _difference(recipe, device):
    """How far the losses of the first step are from PyTorch's, on the same weights, batches and noise."""
    import torch

    from .torch_gan import TorchGan, recipe_updates

    training = Training(recipe, _samples(recipe), device)
    twin = TorchGan(recipe, training.networks, None)
    noise = Generator(training.noise.seed, training.device)
    noise.load_state(training.noise.state())
    reals, zs, shares = [], [], []
    for number in range(recipe_updates(recipe)):
        reals.append(torch.from_dlpack(training.batch(number).data.copy()))
        zs.append(torch.from_dlpack(draw_z(recipe, noise, recipe.batch_size).data))
        if training.loss.penalised:
            shares.append(torch.from_dlpack(noise.uniform((recipe.batch_size, *(1,) * (reals[-1].ndim - 1))).data))
    theirs = list(map(float, _with_tf32(False, partial(twin.step, reals, zs, shares))()))
    result = training.step()
    ours = [result.d_loss.item(), result.g_loss.item()]
    return max(abs(mine - other) / max(abs(other), 0.1) for mine, other in zip(ours, theirs))


def _torch_contestants(recipe, training, device):
    import torch

    from .torch_gan import TorchGan

    samples = torch.from_dlpack(training.batches.samples)
    made = partial(TorchGan, recipe, training.networks, samples)
    if device == "cpu":
        return {"PyTorch": made().step}
    contestants = {}
    for tf32 in (False, True):
        label = f"PyTorch, TF32 {'on' if tf32 else 'off'}"
        contestants |= {
            label: _with_tf32(tf32, made().step),
            f"{label}, torch.compile": _with_tf32(tf32, made().compiled()),
            f"{label}, CUDA graph": _with_tf32(tf32, _Captured(made())),
        }
    return contestants


def _with_tf32(tf32, step):
    import torch

    def call():
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
        torch.backends.cudnn.benchmark = True
        return step()

    return call


class _Captured:
    """A PyTorch step that is captured at its first call, under the settings of then."""

    def __init__(self, gan):
        self.gan, self.replay = gan, None

    def __call__(self):
        self.replay = self.replay or self.gan.captured()
        self.replay()
