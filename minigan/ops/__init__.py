"""The calculus: every operation's forward and derivative, as functions of Tensors.

It also attaches the operators to Tensor (see operators.py), so that the tape itself need not know any operation.
"""

from . import operators as operators  # attaches them
from .activation import leaky_relu, relu, sigmoid, tanh
from .batch_norm import batch_norm
from .conv2d import conv2d, conv_transpose2d
from .dropout import dropout
from .elementwise import abs, add, broadcast_to, clip, div, exp, log, mul, neg, pow, softplus, sqrt, sub
from .loss import least_squares, sigmoid_cross_entropy
from .matmul import matmul
from .pool import avg_pool2d, max_pool2d, upsample2d
from .reduce import mean, sum, sum_to
from .reshape import reshape
from .rows import concat, rows

__all__ = [
    "abs",
    "add",
    "avg_pool2d",
    "batch_norm",
    "broadcast_to",
    "clip",
    "concat",
    "conv2d",
    "conv_transpose2d",
    "div",
    "dropout",
    "exp",
    "leaky_relu",
    "least_squares",
    "log",
    "matmul",
    "max_pool2d",
    "mean",
    "mul",
    "neg",
    "pow",
    "relu",
    "reshape",
    "rows",
    "sigmoid",
    "sigmoid_cross_entropy",
    "softplus",
    "sqrt",
    "sub",
    "sum",
    "sum_to",
    "tanh",
    "upsample2d",
]
