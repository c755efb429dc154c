"""What device cpu runs: the reference, and in place of some of its functions faster arrangements of the same arithmetic.

The names and signatures are those of `minigan.reference`; tests hold what is arranged here equal to the textbook.
"""
# ruff: noqa: F401, F403

from ..reference import *
from ..reference import __all__
from .activation import leaky_relu, leaky_relu_backward
from .batch_norm import batch_norm, batch_norm_backward, batch_norm_forward, batch_norm_statistics
from .conv2d import conv2d, conv2d_backward_data, conv2d_backward_weight
from .matmul import matmul
from .optim import adam
from .pool import gather_pixels, max_pool2d_where, scatter_pixels
