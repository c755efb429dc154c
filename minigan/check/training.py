"""A recipe trained by NumPy and by the kernels on the emulator, from one seed: do their losses agree, step by step?"""

import numpy as np
from tqdm import tqdm

from .. import data, plots
from ..gans import Training, find_recipe

STEPS = {"float64": 50, "float32": 200}  # float32 is for the eye: rounding errors grow from step to step
ALLOWED = 1e-9  # relative difference of a loss in float64
DEVICES = ("cpu", "emulator")


def check_training(name, path):
    """Train a recipe on the drawn digits on both devices, draw their losses over each other to `path`.

    Returns the largest relative difference in float64, over the first 50 steps.
    """
    recipe = find_recipe(name)
    losses = {dtype: losses_of(recipe, dtype, steps) for dtype, steps in STEPS.items()}
    differences = {dtype: _difference(each) for dtype, each in losses.items()}
    plots.save_agreement(path, dict(zip(DEVICES, losses["float32"])), differences)
    return differences["float64"].max()


def losses_of(recipe, dtype, steps):
    """D's and G's loss in every step on every device: (devices, 2, steps)."""
    images = data.load("digits")
    trainings = [Training(recipe, images, device, dtype=dtype) for device in DEVICES]
    losses = np.empty((len(DEVICES), 2, steps))
    for step in tqdm(range(steps), f"{recipe.name} in {dtype}", unit=" steps", leave=False, disable=None):
        for i, training in enumerate(trainings):
            result = training.step()
            losses[i, :, step] = result.d_loss.item(), result.g_loss.item()
    return losses


def _difference(losses):
    """The relative difference of the losses in each step, the larger of D's and G's."""
    cpu, emulated = losses
    return (np.abs(emulated - cpu) / np.abs(cpu)).max(0)
