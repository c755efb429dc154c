"""The metal: every primitive as launches of the kernels in kernels/*.cu, on CuPy arrays.

`minigan.reference` exports the same names with the same signatures; a test walks both and fails on any difference.
Each module makes plans (launch.py) from shapes; source.py finds and compiles the text.
"""

from .activation import leaky_relu, leaky_relu_backward, sigmoid, sigmoid_backward, tanh, tanh_backward
from .average import moving_average, running_average
from .batch import image_batch, point_batch
from .batch_norm import batch_norm, batch_norm_backward, batch_norm_forward, batch_norm_statistics
from .conv2d import conv2d, conv2d_backward_data, conv2d_backward_weight
from .dropout import dropout
from .elementwise import (
    abs,
    add,
    broadcast_to,
    clip,
    clip_backward,
    div,
    exp,
    log,
    mul,
    neg,
    pow,
    sign,
    softplus,
    sqrt,
    sub,
)
from .loss import least_squares, least_squares_backward, sigmoid_cross_entropy, sigmoid_cross_entropy_backward
from .matmul import matmul
from .optim import adam, clamp, momentum, rmsprop, sgd
from .pool import gather_pixels, max_pool2d_where, scatter_pixels, sum_pool2d, sum_pool2d_backward
from .random import advance, normal, reserve, uniform
from .reduce import mean, sum, sum_to
from .rows import copy_rows

__all__ = [
    "abs",
    "adam",
    "add",
    "advance",
    "batch_norm",
    "batch_norm_backward",
    "batch_norm_forward",
    "batch_norm_statistics",
    "broadcast_to",
    "clamp",
    "clip",
    "clip_backward",
    "conv2d",
    "conv2d_backward_data",
    "conv2d_backward_weight",
    "copy_rows",
    "div",
    "dropout",
    "exp",
    "gather_pixels",
    "image_batch",
    "leaky_relu",
    "leaky_relu_backward",
    "least_squares",
    "least_squares_backward",
    "log",
    "matmul",
    "max_pool2d_where",
    "mean",
    "momentum",
    "moving_average",
    "mul",
    "neg",
    "normal",
    "point_batch",
    "pow",
    "reserve",
    "rmsprop",
    "running_average",
    "scatter_pixels",
    "sgd",
    "sigmoid",
    "sigmoid_backward",
    "sigmoid_cross_entropy",
    "sigmoid_cross_entropy_backward",
    "sign",
    "softplus",
    "sqrt",
    "sub",
    "sum",
    "sum_pool2d",
    "sum_pool2d_backward",
    "sum_to",
    "tanh",
    "tanh_backward",
    "uniform",
]
