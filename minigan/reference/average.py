"""Running averages, in place: the truth."""


def running_average(running, value, momentum, scale=1.0):
    """In place: running ← running + momentum (scale · value − running).

    Shapes: running and value (n,). Source: Ioffe and Szegedy 2015, section 3.1, for batch norm's statistics; Karras et al.
    2018, "Progressive Growing of GANs", for a generator's weights.
    """
    kind = running.dtype.type
    running += kind(momentum) * (kind(scale) * value - running)
