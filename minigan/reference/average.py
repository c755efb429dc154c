"""Running averages, in place: the truth."""


def moving_average(average, value, step, decay):
    """The average of a generator's weights, in place: average ← average + s (value − average), where s = 1 − decay, but in the
    first steps 9 / (10 + t), which forgets the first weights soon.

    Shapes: average and value (n,). `step` (t ≥ 0, uint64) is a one-element array on the device, so that a captured launch can
    see it change. Source: Karras et al. 2018, "Progressive Growing of GANs", appendix A.1; the first steps as in TensorFlow's
    ExponentialMovingAverage.
    """
    share = max(1 - decay, 9 / (10 + float(step[0])))
    average += average.dtype.type(share) * (value - average)


def running_average(running, value, momentum, scale=1.0):
    """In place: running ← running + momentum (scale · value − running).

    Shapes: running and value (n,). Source: Ioffe and Szegedy 2015, section 3.1, for batch norm's statistics.
    """
    kind = running.dtype.type
    running += kind(momentum) * (kind(scale) * value - running)
