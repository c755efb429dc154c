"""A recipe trained by NumPy and by the kernels on the emulator, from one seed: do their losses agree, step by step?"""

from dataclasses import replace

import numpy as np
from tqdm import tqdm

from .. import data, plots
from ..gans import Training, find_recipe

STEPS = {"float64": 50, "float32": 200}  # float32 is for the eye: rounding errors grow from step to step
# The emulator is no GPU: convolutions are checked small, and not as long.
SMALL, FEW_STEPS = {"width": 0.125, "batch_size": 8}, {"float64": 5, "float32": 20}
ALLOWED = 1e-9  # difference of a loss in float64, see _difference
DEVICES = ("cpu", "emulator")


def check_training(name, path):
    """Train a recipe on drawn data on both devices, draw their losses over each other to `path`.

    Returns the largest relative difference in float64, and {dtype: steps that were taken}. A recipe with convolutions is made
    small: an eighth of its channels, 8 images at a time.
    """
    recipe, taken = find_recipe(name), STEPS
    if recipe.net != "mlp":
        recipe, taken = replace(recipe, **SMALL), FEW_STEPS
    taken = {dtype: steps // max(recipe.d_steps) for dtype, steps in taken.items()}  # so many updates of D
    losses = {dtype: losses_of(recipe, dtype, steps) for dtype, steps in taken.items()}
    differences = {dtype: _difference(both) for dtype, both in losses.items()}
    plots.save_agreement(path, dict(zip(DEVICES, losses["float32"])), differences)
    return differences["float64"].max(), taken


def losses_of(recipe, dtype, steps):
    """D's and G's loss in every step on every device: (devices, 2, steps)."""
    images = data.load("digits" if data.reads_files(recipe.data) or recipe.data is None else recipe.data)
    trainings = [Training(recipe, images, device, dtype=dtype) for device in DEVICES]
    losses = np.empty((len(DEVICES), 2, steps))
    for step in tqdm(range(steps), f"{recipe.name} in {dtype}", unit=" steps", leave=False, disable=None):
        for i, training in enumerate(trainings):
            result = training.step()
            losses[i, :, step] = result.d_loss.item(), result.g_loss.item()
    return losses


def _difference(losses):
    """The relative difference of the losses in each step, the larger of D's and G's.

    Relative to 1 where a loss is smaller: Wasserstein losses are differences of D's outputs, and can be near 0 by themselves.
    """
    cpu, emulated = losses
    return (np.abs(emulated - cpu) / np.maximum(np.abs(cpu), 1)).max(0)
