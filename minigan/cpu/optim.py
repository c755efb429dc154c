"""Adam of device cpu."""

import numpy as np


def adam(parameter, gradient, first, second, step, rate, beta1, beta2, epsilon):
    """As `minigan.reference.adam`, with one scratch array for all lines, which stays in the cache, and the bias corrections of
    m and v drawn out of the quotient, where they are one number for all parameters: the last lines of the paper's section 2.
    """
    t, kind = float(step[0]), parameter.dtype.type
    root = (1 - beta2**t) ** 0.5
    scale, epsilon = rate[0] * kind(root / (1 - beta1**t)), kind(epsilon * root)
    change = np.multiply(gradient, kind(1 - beta1))
    first *= kind(beta1)
    first += change
    np.square(gradient, out=change)
    change *= kind(1 - beta2)
    second *= kind(beta2)
    second += change
    np.sqrt(second, out=change)
    change += epsilon
    np.divide(first, change, out=change)
    change *= scale
    parameter -= change
