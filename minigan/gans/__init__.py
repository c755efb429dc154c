"""The GANs: losses, networks, recipes, the training step, and the loop around it."""

from .alone import learn_alone
from .losses import LOSSES
from .networks import NETWORKS, build
from .recipes import RECIPES, Recipe, find_recipe
from .run import RunFolder
from .steps import StepResult, gan_step
from .training import Diverged, Interrupted, Training, train

__all__ = [
    "LOSSES",
    "NETWORKS",
    "RECIPES",
    "Diverged",
    "Interrupted",
    "Recipe",
    "RunFolder",
    "StepResult",
    "Training",
    "build",
    "find_recipe",
    "gan_step",
    "learn_alone",
    "train",
]
