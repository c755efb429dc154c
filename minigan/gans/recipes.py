"""Every system that can be trained, as a value one can read: data, networks, loss, optimizer, loop.

Up to three presets of each, never mixed: `seed`, the tutorial's own numbers with only the repairs without which it
cannot run; `paper`, the original paper's numbers; `tuned`, the default: it works, and says what it changed.
"""

from dataclasses import MISSING, dataclass, fields, replace
from numbers import Real

from ..errors import MiniganError

ZERO_ONE = (0.0, 1.0, 1.0)


# What the options of minigan train replace of a recipe.
SETTABLE = (
    "data", "image_size", "net", "width", "loss", "lr", "beta1", "batch_size", "r1", "spectral", "average", "epochs",
)  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """One system in one preset."""

    name: str
    preset: str
    about: str  # what it is, and what this preset changed
    source: str
    repairs: str = ""  # what of the source cannot work as it stands, and what is done instead
    data: str | None = "mnist"  # None: a folder that the user names
    image_size: int | None = None  # pixels a side that a folder's images are cropped and resized to; None: 32
    images: int | None = None  # train on the first so many; None: on all
    net: str = "mlp"
    hidden: tuple[int, ...] = (128, 128)  # widths of the hidden layers of an mlp, in G and in D
    width: float = 1.0  # times all widths and channels
    slope: float = 0.2  # of LeakyReLU
    initial: str = "glorot"  # weights, or normal or truncated: with deviation 0.02
    g_norm: bool = False  # batch norm in deconv-gan's G too, whose source has none
    batch_norm: tuple[float, float] = (0.1, 1e-5)  # share of the newest batch in the running averages, and ε
    latent: int = 100  # length of z
    noise: str = "uniform"  # of z: uniform in [−1, 1), or normal
    loss: str = "heuristic"
    labels: tuple[float, float, float] = ZERO_ONE  # a, b, c: what D says of fakes, of real images, and should say for G
    clip: float = 0.01  # bound of D's weights under a loss that clips
    penalty: float = 10.0  # λ under a loss with a gradient penalty
    r1: float = 0.0  # γ of D's penalty on real images; 0: none
    spectral: bool = False  # whether D's layers have spectral norm 1, in the place of batch norm
    average: float = 0.0  # decay of the average of G's weights that samples are drawn with; 0: with the newest weights
    optimizer: str = "adam"  # or rmsprop
    lr: float = 1e-3
    steady: float = 1.0  # share of the epochs at the full rate; from then on it falls linearly, to a hundredth
    beta1: float = 0.9
    beta2: float = 0.999
    d_steps: tuple[int, ...] = (1,)  # updates of D before each of G, in turn
    batch_size: int = 100
    epochs: int = 50
    alone_epochs: int = 0  # after the training, a copy of D learns on so long, against a G that stands still

    def check_types(self):
        """Raise TypeError where a field is of another type than its default: recipes are also read from files."""
        for field in fields(self):
            value, default = getattr(self, field.name), field.default
            kind = Real if isinstance(default, float) else str if default is MISSING else type(default)
            if not (isinstance(value, kind) or default is None) or (
                kind is tuple and not all(isinstance(each, Real) for each in value)
            ):
                raise TypeError(f"{field.name} is {value!r}")


GOODFELLOW = "Goodfellow et al. 2014, Generative Adversarial Nets, Algorithm 1 with k = 1"
SALIMANS = "Salimans et al. 2016, Improved Techniques for Training GANs, section 3.4"
RADFORD = "Radford et al. 2016, Unsupervised Representation Learning with Deep Convolutional GANs, section 4"
MAO = "Mao et al. 2017, Least Squares Generative Adversarial Networks, eq. 2"
ARJOVSKY = "Arjovsky et al. 2017, Wasserstein GAN, Algorithm 1"
GULRAJANI = "Gulrajani et al. 2017, Improved Training of Wasserstein GANs, Algorithm 1"
MIYATO = "Miyato et al. 2018, Spectral Normalization for Generative Adversarial Networks, eq. 8 and table 3"
MESCHEDER = "Mescheder et al. 2018, Which Training Methods for GANs do actually Converge?, eq. 9"
TUTORIAL_NORM = (0.01, 1e-3)  # TensorFlow's momentum of 0.99, and its ε

# What nearly all tuned presets share, and why: D may not be steep at real images (without that G drops classes), and both the
# falling rate and the average quieten the last steps' to and fro.
CALM = {"r1": 1.0, "steady": 0.5, "average": 0.999, "beta1": 0.5}
CALMED = "β₁ 0.5, an R₁ penalty on D, a rate that falls in the second half, samples from an average of G's weights"
_GAN = Recipe(
    "gan", "seed", "The vanilla GAN on dense nets, with the tutorial's numbers. It may collapse: try several --seed.", GOODFELLOW,
    images=55_000, epochs=1000,
)  # fmt: skip
_DCGAN_REPAIRS = (
    "Its kernel_init was undefined: 0.02 truncated, as in its notebook, and 0.005 in D's "
    "last layer, with which training starts at the losses that the text prints. Pixels were in [0, 1] under a tanh, batch norm's "
    "averages were never updated, one image was sampled with the statistics of itself, tanh · 255 wrapped around in uint8, and "
    "nothing was shuffled: mended."
)
_DCGAN = Recipe(
    "dcgan", "seed", "DCGAN on colour images, with the tutorial's numbers: a rate of 2e-5 takes its 500 epochs.", RADFORD,
    "D learned 3 times for 2 of G: kept. " + _DCGAN_REPAIRS,
    data="cifar10", net="dcgan", initial="truncated", batch_norm=TUTORIAL_NORM, noise="normal", lr=2e-5, d_steps=(1, 2),
    epochs=500,
)  # fmt: skip
_DECONV = Recipe(
    "deconv-gan", "seed", "A small convolutional GAN, with the tutorial's numbers.", RADFORD,
    "Its G ended at 14×14: both transposed convolutions double. Pixels were in [0, 1] under a tanh. The second phase, in which "
    "D learns alone, overwrote the trained pair: here a copy learns. Its errors took the argmax of pixels: here, of verdicts.",
    net="deconv", batch_norm=TUTORIAL_NORM, lr=2e-4, batch_size=64, epochs=20, alone_epochs=1,
)  # fmt: skip
_POOL = Recipe(
    "pool-gan", "seed", "Transposed convolutions against max pooling. The text has no loss and no loop: gan's, at 2e-4.", RADFORD,
    "Its G ended at 13×13: the first two transposed convolutions double, the last keeps the size.",
    net="pool", slope=0.3, batch_norm=TUTORIAL_NORM, lr=2e-4, beta1=0.5, batch_size=64, epochs=20,
)  # fmt: skip
_LSGAN = Recipe("lsgan", "seed", "The vanilla GAN with least squares, with the tutorial's numbers. Its notebook: D 0.157 and "
                "G 0.246 at epoch 100.", MAO, loss="least-squares", images=55_000, epochs=100)  # fmt: skip
_WGAN = Recipe(
    "wgan", "seed", "The vanilla GAN with the Wasserstein losses and clipped weights, with the tutorial's numbers.", ARJOVSKY,
    "The clip was defined and never run, and the prose spoke of gradients: D's weights are clipped after each update.",
    loss="wasserstein", images=55_000, epochs=100,
)  # fmt: skip
_RING = Recipe(
    "ring", "tuned", "Eight Gaussians on a circle: count the modes that G finds. With an R₁ penalty.", MESCHEDER,
    data="ring", latent=2, hidden=(128, 128, 128), noise="normal", r1=0.1, lr=1e-3, steady=0.5, beta1=0.5, batch_size=256,
    epochs=100,
)  # fmt: skip

_ALL = (
    replace(_GAN, preset="tuned", images=None, lr=2e-3, epochs=40, **CALM,
            about=f"The vanilla GAN on dense nets. {CALMED}."),
    _GAN,
    Recipe("gan-smooth", "tuned", "The vanilla GAN with real labels of 0.9: D never grows sure. β₁ 0.5 and rate 2e-3 as in gan.",
           SALIMANS, labels=(0.0, 0.9, 1.0), lr=2e-3, beta1=0.5),
    Recipe("gan-smooth", "seed", "The vanilla GAN with real labels of 0.9: the text names no amount, its code has 0.9.",
           SALIMANS, images=55_000, labels=(0.0, 0.9, 1.0), epochs=100),
    replace(_DECONV, preset="tuned", beta1=0.5, g_norm=True, batch_norm=(0.1, 1e-5), width=0.5, steady=0.5,
            average=0.999, epochs=4,
            about="A small convolutional GAN. Batch norm over each unit of G's dense layer (without, its images become one and "
                  "the same within 200 steps), β₁ 0.5 instead of 0.9, half the channels, a rate that falls in the second half, "
                  "samples from an average of G's weights."),
    _DECONV,
    replace(_POOL, preset="tuned", width=0.5, steady=0.5, average=0.999, epochs=4,
            about="Transposed convolutions against max pooling. Half the channels, a rate that falls in the second half, samples "
                  "from an average of G's weights."),
    _POOL,
    replace(_DCGAN, preset="tuned", lr=2e-4, beta1=0.5, d_steps=(1,), batch_norm=(0.1, 1e-5), epochs=30,
            repairs=_DCGAN_REPAIRS,
            about="DCGAN on colour images. The paper's rate 2e-4 and β₁ 0.5, D and G in turn, batch norm's averages by 0.1."),
    _DCGAN,
    replace(_DCGAN, preset="paper", data=None, image_size=64, net="dcgan64", initial="normal", noise="uniform", lr=2e-4,
            beta1=0.5, d_steps=(1,), batch_norm=(0.1, 1e-5), batch_size=128, epochs=30, repairs="",
            about="Radford's widths and numbers, for your own images of 64×64: --data FOLDER. Kernels of 4×4, as PyTorch's "
                  "example has them; the authors' code had 5×5."),
    replace(_LSGAN, preset="tuned", images=None, lr=1e-3, epochs=120, **CALM,
            about=f"The vanilla GAN with least squares. {CALMED}."),
    _LSGAN,
    replace(_WGAN, preset="tuned", optimizer="rmsprop", lr=1e-3, steady=0.5, clip=0.2, spectral=True, average=0.999, images=None,
            d_steps=(3,), epochs=80,
            about="Wasserstein with clipped weights. The clip alone makes D too simple a function: it is wide here, and "
                  "every layer of D has spectral norm 1 besides. RMSProp 1e-3, which falls in the second half, three updates of "
                  "D, samples from an average of G's weights."),
    _WGAN,
    replace(_WGAN, preset="paper", optimizer="rmsprop", lr=5e-5, clip=0.01, images=None, batch_size=64, d_steps=(5,), epochs=100,
            repairs="", about="Wasserstein with clipped weights and the paper's numbers: slow on dense nets."),
    Recipe("wgan-gp", "tuned", "Wasserstein with a gradient penalty, through D's second derivatives. Rate 1e-3, which falls in "
           "the second half, three updates of D and not five, samples from an average of G's weights.", GULRAJANI,
           loss="wasserstein-gp", lr=1e-3, steady=0.5, average=0.999, beta1=0.0, beta2=0.9, d_steps=(3,), epochs=80),
    Recipe("wgan-gp", "paper", "Wasserstein with a gradient penalty, with the paper's numbers.", GULRAJANI,
           loss="wasserstein-gp", lr=1e-4, beta1=0.0, beta2=0.9, d_steps=(5,), batch_size=64, epochs=100),
    Recipe("sn-dcgan", "tuned", "Convolutions; every layer of D with spectral norm 1; samples from an average of G's weights. "
           "The recipe for good samples.", MIYATO, net="sn-dcgan", spectral=True, average=0.999, noise="normal", lr=1e-3,
           steady=0.5, beta1=0.5, batch_size=64, epochs=16),
    _RING,
    replace(_RING, name="grid", data="grid", epochs=150,
            about="Twenty-five Gaussians on a grid: count the modes that G finds. As ring."),
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
