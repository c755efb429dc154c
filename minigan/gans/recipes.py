"""Every system that can be trained, as a value one can read: data, networks, loss, optimizer, loop.

Up to three presets of each, never mixed: `seed`, the tutorial's own numbers with only the repairs without which it
cannot run; `paper`, the original paper's numbers; `tuned`, the default: it works, and says what it changed.
"""

from dataclasses import dataclass

from ..errors import MiniganError


@dataclass(frozen=True)
class Recipe:
    """One system in one preset."""

    name: str
    preset: str
    about: str  # what it is, and what this preset changed
    source: str
    data: str = "mnist"
    images: int | None = None  # train on the first so many; None: on all
    latent: int = 100  # length of z
    hidden: tuple[int, ...] = (128, 128)  # widths of the hidden layers, in G and in D
    slope: float = 0.2  # of LeakyReLU
    loss: str = "heuristic"
    real_label: float = 1.0  # D's target on real images; below 1 it is smoothed on one side
    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    batch_size: int = 100
    epochs: int = 50


GOODFELLOW = "Goodfellow et al. 2014, Generative Adversarial Nets, Algorithm 1 with k = 1"
SALIMANS = "Salimans et al. 2016, Improved Techniques for Training GANs, section 3.4"

_ALL = (
    Recipe(
        "gan", "tuned", "The vanilla GAN on dense nets. β₁ 0.5 (0.9 collapses in most seeds), rate 2e-3 (evener classes).",
        GOODFELLOW, lr=2e-3, beta1=0.5,
    ),
    Recipe(
        "gan", "seed", "The vanilla GAN on dense nets, with the tutorial's numbers. It may collapse: try several --seed.",
        GOODFELLOW, images=55_000, epochs=1000,
    ),
    Recipe(
        "gan-smooth", "tuned", "The vanilla GAN with real labels of 0.9: D never grows sure. β₁ 0.5 and rate 2e-3 as in gan.",
        SALIMANS, real_label=0.9, lr=2e-3, beta1=0.5,
    ),
    Recipe(
        "gan-smooth", "seed", "The vanilla GAN with real labels of 0.9: the text names no amount, its code has 0.9.",
        SALIMANS, images=55_000, real_label=0.9, epochs=100,
    ),
)  # fmt: skip

RECIPES = {(recipe.name, recipe.preset): recipe for recipe in _ALL}


def find_recipe(name, preset="tuned"):
    """The Recipe called `name` in a preset. Raises MiniganError for one there is not; the message lists those there are."""
    if (name, preset) in RECIPES:
        return RECIPES[name, preset]
    presets = [preset for recipe, preset in RECIPES if recipe == name]
    if presets:
        raise MiniganError(f"recipe {name} has no preset {preset!r}: choose from {', '.join(presets)}")
    names = dict.fromkeys(recipe for recipe, _ in RECIPES)
    raise MiniganError(f"unknown recipe {name!r}: choose from {', '.join(names)}")
