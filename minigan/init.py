"""Initial weights. Each function takes a shape (in, out) and a Generator, and returns a Tensor."""

from math import sqrt


def glorot_uniform(shape, generator):
    """Uniform in ±√(6 / (in + out)): Glorot and Bengio 2010, eq. 16. The default of a Dense layer."""
    limit = sqrt(6 / (shape[0] + shape[1]))
    return generator.uniform(shape, -limit, limit)


def he_normal(shape, generator):
    """Normal with variance 2 / in, for ReLU: He et al. 2015, eq. 10."""
    return generator.normal(shape, 0.0, sqrt(2 / shape[0]))


def normal(deviation=0.02):
    """An initialiser that draws from N(0, deviation²): 0.02 in Radford et al. 2016, section 4."""
    return lambda shape, generator: generator.normal(shape, 0.0, deviation)
