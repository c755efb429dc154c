"""One optimizer step over a flat parameter array, in place: the launches of kernels/optim.cu."""

from math import inf, log

from .launch import EMULATOR, declare, launch, plan_packed, target_of

VERSIONS = ("v1", "v2")
declare(
    "optim.cu",
    "adam",
    "real* parameter, const real* gradient, real* first, real* second, const uint64* step, const real* rate, int n, "
    "real beta1, real rest1, real log_beta1, real beta2, real rest2, real log_beta2, real epsilon",
    VERSIONS,
)
declare("optim.cu", "sgd", "real* parameter, const real* gradient, const real* rate, int n", VERSIONS)
declare(
    "optim.cu",
    "momentum",
    "real* parameter, const real* gradient, real* velocity, const real* rate, int n, real mu",
    VERSIONS,
)
declare(
    "optim.cu",
    "rmsprop",
    "real* parameter, const real* gradient, real* second, const real* rate, int n, real rho, real rest, real epsilon",
    VERSIONS,
)
declare("optim.cu", "clamp", "real* parameter, int n, real bound", VERSIONS)


def plan_adam(n, beta1, beta2, epsilon, target=EMULATOR):
    """ln β and 1 − β are computed here, in double: see the kernel's comment."""
    log1, log2 = (log(beta) if beta else -inf for beta in (beta1, beta2))
    return plan_packed(
        "adam",
        n,
        target,
        beta1=beta1,
        rest1=1 - beta1,
        log_beta1=log1,
        beta2=beta2,
        rest2=1 - beta2,
        log_beta2=log2,
        epsilon=epsilon,
    )


def adam(parameter, gradient, first, second, step, rate, beta1, beta2, epsilon):
    """Adam, in place: m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², θ ← θ − α·m̂ / (√v̂ + ε), where m̂ = m / (1 − β₁ᵗ)
    and v̂ = v / (1 − β₂ᵗ).

    Shapes: parameter θ, gradient g, first m, second v all (n,). `step` (t ≥ 1, uint64) and `rate` (α, θ's dtype) are
    one-element arrays on the device, so that a captured launch can see them change. Source: Kingma and Ba 2015, Algorithm 1.
    """
    plan = plan_adam(parameter.size, beta1, beta2, epsilon, target_of(parameter))
    launch(plan, parameter=parameter, gradient=gradient, first=first, second=second, step=step, rate=rate)


def sgd(parameter, gradient, rate):
    """Gradient descent, in place: θ ← θ − α·g.

    Shapes: parameter θ and gradient g (n,). `rate` (α, θ's dtype) is a one-element array on the device.
    """
    launch(plan_packed("sgd", parameter.size, target_of(parameter)), parameter=parameter, gradient=gradient, rate=rate)


def momentum(parameter, gradient, velocity, rate, mu):
    """Gradient descent with momentum, in place: v ← μv + g, θ ← θ − α·v.

    Shapes: parameter θ, gradient g, velocity v all (n,). `rate` (α, θ's dtype) is a one-element array on the device.
    Source: Polyak 1964.
    """
    plan = plan_packed("momentum", parameter.size, target_of(parameter), mu=mu)
    launch(plan, parameter=parameter, gradient=gradient, velocity=velocity, rate=rate)


def rmsprop(parameter, gradient, second, rate, rho, epsilon):
    """RMSProp, in place: v ← ρv + (1 − ρ)g², θ ← θ − α·g / (√v + ε).

    Shapes: parameter θ, gradient g, second v all (n,). `rate` (α, θ's dtype) is a one-element array on the device.
    Source: Tieleman and Hinton 2012, lecture 6e.
    """
    plan = plan_packed("rmsprop", parameter.size, target_of(parameter), rho=rho, rest=1 - rho, epsilon=epsilon)
    launch(plan, parameter=parameter, gradient=gradient, second=second, rate=rate)


def clamp(parameter, bound):
    """Every weight into [−bound, bound], in place. NaN stays NaN.

    Shapes: parameter (n,). Source: Arjovsky et al. 2017, Algorithm 1, line 7.
    """
    launch(plan_packed("clamp", parameter.size, target_of(parameter), bound=bound), parameter=parameter)
