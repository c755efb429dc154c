"""Initial weights. Each function takes a shape and a Generator, and returns a Tensor.

The shape is (in, out) of a dense layer, (out, in, height, width) of a convolution, (in, out, height, width) of a transposed one.
"""

from math import prod, sqrt

import numpy as np

from .tensor import Tensor


def glorot_uniform(shape, generator):
    """Uniform in ±√(6 / (in + out)), each times the filter's pixels: Glorot and Bengio 2010, eq. 16. The default."""
    limit = sqrt(6 / ((shape[0] + shape[1]) * prod(shape[2:])))
    return generator.uniform(shape, -limit, limit)


def he_normal(shape, generator):
    """Normal with variance 2 / in, for ReLU, of a dense layer or a convolution: He et al. 2015, eq. 10."""
    inputs = shape[0] if len(shape) == 2 else prod(shape[1:])
    return generator.normal(shape, 0.0, sqrt(2 / inputs))


def normal(deviation=0.02):
    """An initialiser that draws from N(0, deviation²): 0.02 in Radford et al. 2016, section 4."""
    return lambda shape, generator: generator.normal(shape, 0.0, deviation)


def truncated_normal(deviation=0.02):
    """An initialiser that draws from N(0, deviation²) and draws anew what lies beyond two deviations, as TensorFlow does."""

    def draw(shape, generator):
        values = generator.normal(shape, 0.0, deviation).numpy().copy()
        while (outside := np.abs(values) > 2 * deviation).any():
            values[outside] = generator.normal(shape, 0.0, deviation).numpy()[outside]
        return Tensor(generator.device.xp.asarray(values), generator.device)

    return draw
