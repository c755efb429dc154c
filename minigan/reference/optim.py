"""One optimizer step over a flat parameter array, in place: the truth."""

import numpy as np


def adam(parameter, gradient, first, second, step, rate, beta1, beta2, epsilon):
    """Adam, in place: m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², θ ← θ − α·m̂ / (√v̂ + ε), where m̂ = m / (1 − β₁ᵗ)
    and v̂ = v / (1 − β₂ᵗ).

    Shapes: parameter θ, gradient g, first m, second v all (n,). `step` (t ≥ 1, uint64) and `rate` (α, θ's dtype) are
    one-element arrays on the device, so that a captured launch can see them change. Source: Kingma and Ba 2015, Algorithm 1.
    """
    t, kind = float(step[0]), parameter.dtype.type
    first *= kind(beta1)
    first += kind(1 - beta1) * gradient
    second *= kind(beta2)
    second += kind(1 - beta2) * np.square(gradient)
    unbiased_first, unbiased_second = first / kind(1 - beta1**t), second / kind(1 - beta2**t)
    parameter -= rate[0] * unbiased_first / (np.sqrt(unbiased_second) + kind(epsilon))


def sgd(parameter, gradient, rate):
    """Gradient descent, in place: θ ← θ − α·g.

    Shapes: parameter θ and gradient g (n,). `rate` (α, θ's dtype) is a one-element array on the device.
    """
    parameter -= rate[0] * gradient


def momentum(parameter, gradient, velocity, rate, mu):
    """Gradient descent with momentum, in place: v ← μv + g, θ ← θ − α·v.

    Shapes: parameter θ, gradient g, velocity v all (n,). `rate` (α, θ's dtype) is a one-element array on the device.
    Source: Polyak 1964.
    """
    velocity *= velocity.dtype.type(mu)
    velocity += gradient
    parameter -= rate[0] * velocity


def rmsprop(parameter, gradient, second, rate, rho, epsilon):
    """RMSProp, in place: v ← ρv + (1 − ρ)g², θ ← θ − α·g / (√v + ε).

    Shapes: parameter θ, gradient g, second v all (n,). `rate` (α, θ's dtype) is a one-element array on the device.
    Source: Tieleman and Hinton 2012, lecture 6e.
    """
    kind = parameter.dtype.type
    second *= kind(rho)
    second += kind(1 - rho) * np.square(gradient)
    parameter -= rate[0] * gradient / (np.sqrt(second) + kind(epsilon))


def clamp(parameter, bound):
    """Every weight into [−bound, bound], in place. NaN stays NaN.

    Shapes: parameter (n,). Source: Arjovsky et al. 2017, Algorithm 1, line 7.
    """
    np.clip(parameter, -bound, bound, out=parameter)
