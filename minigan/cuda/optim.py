"""One optimizer step over a flat parameter array, in place: the launches of kernels/optim.cu."""

from math import inf, log

from .elements import elementwise, launch_elements
from .versions import enter

PARAMETERS = {
    "adam": "real* parameter, const real* gradient, real* first, real* second, const uint64* step, const real* rate, int n, "
    "real beta1, real rest1, real log_beta1, real beta2, real rest2, real log_beta2, real epsilon",
    "sgd": "real* parameter, const real* gradient, const real* rate, int n",
    "momentum": "real* parameter, const real* gradient, real* velocity, const real* rate, int n, real mu",
    "rmsprop": "real* parameter, const real* gradient, real* second, const real* rate, int n, real rho, real rest, real epsilon",
    "clamp": "real* parameter, int n, real bound",
}
VERSIONS = enter("optim", elementwise("optim.cu", PARAMETERS, ("v1", "v2")))


def adam(parameter, gradient, first, second, step, rate, beta1, beta2, epsilon):
    """As `minigan.reference.adam`. v1: a thread an element. v2: 16 bytes a thread, where that fills the chip."""
    # ln β and 1 − β are computed here, in double: see the kernel's comment.
    log1, log2 = (log(beta) if beta else -inf for beta in (beta1, beta2))
    arrays = dict(parameter=parameter, gradient=gradient, first=first, second=second, step=step, rate=rate)
    numbers = dict(beta1=beta1, rest1=1 - beta1, log_beta1=log1, beta2=beta2, rest2=1 - beta2, log_beta2=log2)
    launch_elements("adam", parameter.size, arrays, **numbers, epsilon=epsilon)


def sgd(parameter, gradient, rate):
    """As `minigan.reference.sgd`. v1: a thread an element. v2: 16 bytes a thread, where that fills the chip."""
    launch_elements("sgd", parameter.size, dict(parameter=parameter, gradient=gradient, rate=rate))


def momentum(parameter, gradient, velocity, rate, mu):
    """As `minigan.reference.momentum`. v1: a thread an element. v2: 16 bytes a thread, where that fills the chip."""
    arrays = dict(parameter=parameter, gradient=gradient, velocity=velocity, rate=rate)
    launch_elements("momentum", parameter.size, arrays, mu=mu)


def rmsprop(parameter, gradient, second, rate, rho, epsilon):
    """As `minigan.reference.rmsprop`. v1: a thread an element. v2: 16 bytes a thread, where that fills the chip."""
    arrays = dict(parameter=parameter, gradient=gradient, second=second, rate=rate)
    launch_elements("rmsprop", parameter.size, arrays, rho=rho, rest=1 - rho, epsilon=epsilon)


def clamp(parameter, bound):
    """As `minigan.reference.clamp`. v1: a thread an element. v2: 16 bytes a thread, where that fills the chip."""
    launch_elements("clamp", parameter.size, dict(parameter=parameter), bound=bound)
