"""The training loop: data in, steps, looks at the losses, and a run folder that always holds a state worth keeping."""

import signal
import time
from contextlib import contextmanager
from functools import partial

import numpy as np
from tqdm import tqdm

from .. import reference
from ..devices import device as get_device
from ..errors import Interrupted, MiniganError
from ..optim import Adam, Average, RMSProp
from ..random import Generator
from .losses import LOSSES
from .networks import build, draw_samples
from .resident import Batches, Results
from .steps import draw_z, gan_step

ALONE_KEYS = 2**62  # of the noise of a D that learns on alone: a training's own noise has keys below 2³³ …
SAMPLE_KEYS = 2**63  # … and fresh samples have keys from here on: they never share a stream
LOOK_EVERY = 100  # steps between two looks at the losses: each look waits for the device
COLUMNS = ("step", "epoch", "d_loss", "g_loss", "d_real", "d_fake", "images_per_second")


class Diverged(MiniganError):
    """A loss that is no longer a number."""


class Training:
    """A recipe at work on a data set: the networks, their optimizers, the noise, and how far they have come.

    `images` is a minigan.data.Images. `graph`: whether a step is captured and replayed, where the device can; its numbers are
    the same. Raises MiniganError for a recipe that cannot be trained on these images.
    """

    def __init__(self, recipe, images, device="cpu", seed=0, dtype="float32", graph=True):
        self.recipe, self.images, self.seed = recipe, images, seed
        self.device, self.dtype = get_device(device), np.dtype(dtype)
        self.count = min(len(images), recipe.images or len(images))
        _check(recipe, self.count)
        # Two keys, two independent streams: the first weights, and the noise.
        weights, self.noise = (Generator(2 * seed + key, self.device, self.dtype) for key in (0, 1))
        self.networks = build(recipe, images.shape, weights)
        self.loss = LOSSES[recipe.loss]
        self.optimizers = tuple(optimizer(recipe, network.parameters()) for network in self.networks)
        self.average = average_of(recipe, images.shape, self.networks[0], self.optimizers[0])
        self.fixed_z = self.draw_z(images.shown)  # every picture of the run shows what becomes of these
        self.steps_done = 0
        self.batches = Batches(
            images, self.count, recipe.batch_size, max(recipe.d_steps), seed, self.device, self.dtype
        )
        self.results = Results(LOOK_EVERY, recipe.batch_size, self.device, self.dtype)
        self.device_steps = {updates: partial(self._step_on_device, updates) for updates in set(recipe.d_steps)}
        if graph and self.device.graph:
            self.device_steps = {updates: self.device.graph(step) for updates, step in self.device_steps.items()}

    def draw_z(self, count):
        """Noise for `count` images."""
        return draw_z(self.recipe, self.noise, count)

    def fresh_z(self, count, seed=0):
        """Noise for `count` images that is the same at any time, and leaves the training's own alone."""
        return draw_z(self.recipe, Generator(SAMPLE_KEYS + seed, self.device, self.dtype), count)

    def batch(self, number):
        """Real images number · batch size and following, (n, …) in [−1, 1]."""
        with self.batches.ready(number, 1):
            return self.batches.take()

    def step(self):
        """One training step: a StepResult. Where steps are replayed, the next one overwrites its arrays."""
        drawn = self.batches_until(self.steps_done)
        updates = self.batches_until(self.steps_done + 1) - drawn
        self._set_rate()
        with self.batches.ready(drawn, updates), self.results.ready(self.steps_done):
            result = self.device_steps[updates]()
        for each in self.optimizers:
            each.note_change()  # which a replay, being launches alone, does not
        self.steps_done += 1
        return result

    def _step_on_device(self, updates):
        """What of a step can be captured: the same launches in every step, on device arrays that stay where they are."""
        reals = [self.batches.take() for _ in range(updates)]
        result = gan_step(self.recipe, self.networks, self.optimizers, reals, self.noise)
        if self.average:
            self.average.update()
        self.results.write(result)
        return result

    def _set_rate(self):
        """Where the recipe says so, the rate falls towards the end. It lives on the device, like all that changes."""
        if self.recipe.steady < 1:
            left = (1 - self.epochs_done / self.recipe.epochs) / (1 - self.recipe.steady)
            for each in self.optimizers:
                each.rate[...] = self.recipe.lr * min(1, max(0.01, left))

    def batches_until(self, steps):
        """How many real batches so many steps take: one for each update of D."""
        turns, rest = divmod(steps, len(self.recipe.d_steps))
        return turns * sum(self.recipe.d_steps) + sum(self.recipe.d_steps[:rest])

    @property
    def batches_per_epoch(self):
        return self.batches.per_epoch

    def steps_until(self, epochs):
        """After how many steps so many epochs are over."""
        turns, rest = divmod(epochs * self.batches_per_epoch, sum(self.recipe.d_steps))
        steps = turns * len(self.recipe.d_steps)
        while rest > 0:
            rest -= self.recipe.d_steps[steps % len(self.recipe.d_steps)]
            steps += 1
        return steps

    @property
    def epochs_done(self):
        return self.batches_until(self.steps_done) / self.batches_per_epoch

    def sample(self, z):
        """What G makes of noise z, with its averaged weights where the recipe has them, as a NumPy array: images (n, channels,
        height, width) in [−1, 1].
        """
        return draw_samples(self.generator, z)

    @property
    def generator(self):
        """The G that samples are drawn with: of averaged weights where the recipe has them."""
        return self.average.module if self.average else self.networks[0]

    def parts(self):
        """All that has a state, by name."""
        names = "generator", "discriminator", "generator_optimizer", "discriminator_optimizer", "noise"
        parts = dict(zip(names, (*self.networks, *self.optimizers, self.noise)))
        return parts | ({"average": self.average} if self.average else {})

    def state(self):
        """{name: NumPy array}: a copy of all that a later Training needs to go on as if nothing had happened."""
        state = {f"{part}/{name}": array for part, each in self.parts().items() for name, array in each.state().items()}
        return state | {"steps_done": np.array(self.steps_done)}

    def load_state(self, state):
        """Go back, or on, to a state. Raises MiniganError where it belongs to other networks."""
        if "steps_done" not in state:
            raise MiniganError("the checkpoint is of another version of minigan: it holds no steps_done")
        for part, each in self.parts().items():
            own = {name.removeprefix(f"{part}/"): state[name] for name in state if name.startswith(f"{part}/")}
            each.load_state(own)
        self.steps_done = int(state["steps_done"])


def optimizer(recipe, parameters):
    """The recipe's optimizer over `parameters`."""
    if recipe.optimizer == "rmsprop":
        return RMSProp(parameters, recipe.lr)
    return Adam(parameters, recipe.lr, (recipe.beta1, recipe.beta2))


def average_of(recipe, shape, generator, optimizer_g):
    """The Average of G that the recipe asks for, or None."""
    if not recipe.average:
        return None
    start = Generator(0, optimizer_g.arena.device, optimizer_g.arena.data.dtype)
    return Average(build(recipe, shape, start)[0], generator, optimizer_g, recipe.average)


def _check(recipe, count):
    if not 1 <= recipe.batch_size <= count:
        raise MiniganError(f"batch size {recipe.batch_size}: expected 1 to {count}, the number of training images")
    if not 0 < recipe.lr <= np.finfo(np.float32).max or not 0 <= recipe.beta1 < 1:
        raise MiniganError(f"lr {recipe.lr} and beta1 {recipe.beta1}: expected a finite lr > 0 and 0 ≤ beta1 < 1")
    if not 0 <= recipe.r1 <= np.finfo(np.float32).max or not 0 <= recipe.average < 1:
        raise MiniganError(
            f"r1 {recipe.r1} and average {recipe.average}: expected a finite r1 ≥ 0 and 0 ≤ average < 1, 0 for none"
        )


def train(training, steps, run=None, progress=True, judged=None):
    """Train up to `steps` steps in all, and keep `run` (a RunFolder, or None) up to date; returns the rows of metrics.

    `judged` is (every, look): behind every so many epochs, look() gives numbers for some of the columns frechet, precision,
    recall and classes of metrics.csv, as a dict.

    Raises Diverged where a loss or a weight is no longer a number, after going back to the last good state; Interrupted
    after Ctrl-C. In both cases, as at the end, everything is saved.
    """
    rows, problem = [], None
    bar = tqdm(
        total=steps, initial=training.steps_done, desc=training.recipe.name, unit="step", delay=1,
        dynamic_ncols=True, disable=None if progress else True,
    )  # fmt: skip
    # NumPy need not warn of overflows and NaN: `look` finds them and says at which step.
    with _interrupt_noted() as interrupted, bar, np.errstate(all="ignore"):
        if run and not training.steps_done:
            run.save(training)
        try:
            _take_steps(training, steps, run, bar, interrupted, rows, judged)
        except Diverged as error:
            problem = error
        if run:
            run.save(training)
            run.finish(training)
    if problem:
        raise problem
    if interrupted:
        raise Interrupted(f"stopped at step {training.steps_done} of {steps}")
    return rows


def _take_steps(training, steps, run, bar, interrupted, rows, judged):
    """The loop itself: nothing is saved that `look` has not found good."""
    good, waiting, since = training.state(), 0, time.perf_counter()
    while (training.steps_done < steps and not interrupted) or waiting:
        epochs_before = training.epochs_done
        training.step()
        waiting += 1
        bar.update()
        ends_epoch = int(training.epochs_done) > int(epochs_before)
        if not (waiting == LOOK_EVERY or ends_epoch or training.steps_done == steps or interrupted):
            continue
        try:
            state = training.state()
            row = look(training, waiting, state, time.perf_counter() - since)
        except Diverged as error:
            training.load_state(good)
            if run:
                run.forget_after(training.steps_done)
            kept = f"the state of step {training.steps_done} is kept; try a smaller --lr or another --seed"
            raise Diverged(f"{error}: {kept}") from None
        if judged and ends_epoch and int(training.epochs_done) % judged[0] == 0:
            row |= judged[1]()
        good, waiting, since = state, 0, time.perf_counter()
        rows.append(row)
        bar.set_postfix_str(summary(row), refresh=False)
        if run:
            run.add_metrics(row)
            if ends_epoch:
                run.save(training)


def look(training, steps, state, seconds):
    """The means over the `steps` since the last look, as a row of metrics.

    Raises Diverged where a loss was not finite, or where an update has ruined the state though the losses still were.
    """
    d_loss, g_loss, real_output, fake_output = training.results.last(steps)
    first = training.steps_done - steps + 1
    for name, losses in (("D", d_loss), ("G", g_loss)):
        if not np.isfinite(losses).all():
            step = first + int(np.argmin(np.isfinite(losses)))
            raise Diverged(f"the loss of {name} is not a number at step {step}")
    for name, values in state.items():
        if not np.isfinite(values).all():
            raise Diverged(f"{name} is not a number after step {training.steps_done}")
    verdict = reference.sigmoid if training.loss.is_logit else np.asarray
    values = (
        training.steps_done,
        training.epochs_done,
        d_loss.mean(),
        g_loss.mean(),
        verdict(real_output).mean(),
        verdict(fake_output).mean(),
        steps * training.recipe.batch_size / seconds,
    )
    return {column: float(value) for column, value in zip(COLUMNS, values)}


def summary(row):
    """A row of metrics for the progress bar."""
    return (
        f"epoch {row['epoch']:.1f}  D {row['d_loss']:.3f}  G {row['g_loss']:.3f}  D(x) {row['d_real']:.2f}  "
        f"D(G(z)) {row['d_fake']:.2f}  {row['images_per_second']:.0f} images/s"
    )


@contextmanager
def _interrupt_noted():
    """Within this block the first Ctrl-C is only noted, in a list, so that the step in progress ends; the second raises."""
    noted = []

    def note(number, frame):
        noted.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        before = signal.signal(signal.SIGINT, note)
    except ValueError:  # not the main thread: signals are somebody else's
        yield noted
        return
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
