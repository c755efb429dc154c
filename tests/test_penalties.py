"""The gradient penalty, through second derivatives."""

import numpy as np
import pytest
from compare import assert_close

import minigan as mg
from minigan.gans.losses import gradient_penalty, r1_penalty


def critics():
    """Small critics through which a gradient penalty is differentiated, and the shape of their samples."""
    weights = mg.random.Generator(5, dtype="float64")
    leak, flat = mg.nn.LeakyReLU(0.2), mg.nn.Flatten()
    dense = mg.nn.Dense(6, 5, generator=weights), leak, mg.nn.Dense(5, 1, generator=weights)
    conv = mg.nn.Conv2d(2, 3, 3, 2, generator=weights), leak, flat, mg.nn.Dense(12, 1, generator=weights)
    transposed = (
        mg.nn.ConvTranspose2d(2, 3, 3, 2, generator=weights),
        leak,
        flat,
        mg.nn.Dense(216, 1, generator=weights),
    )
    pooled = mg.nn.MaxPool2d(2), flat, mg.nn.Dense(2, 1, generator=weights), mg.nn.Tanh()
    return {
        "dense": (dense, (6,)),
        "conv": (conv, (2, 4, 3)),
        "transposed": (transposed, (2, 2, 9)),
        "pool": (pooled, (2, 3, 3)),
    }


@pytest.mark.parametrize("name", critics())
def test_the_gradient_of_the_gradient_penalty(name):
    layers, shape = critics()[name]
    D = mg.nn.Sequential(*layers)
    random = np.random.default_rng(4)
    real, fake = (mg.tensor(random.standard_normal((3, *shape))) for _ in range(2))
    share = mg.tensor(random.uniform(size=(3,) + (1,) * len(shape)))
    weighted = [layer for layer in layers if hasattr(layer, "weight")]

    def penalties(*weights):
        for layer, weight in zip(weighted, weights):
            layer.weight = weight
        return gradient_penalty(D, real, fake, share) + r1_penalty(D, real)

    mg.gradcheck(penalties, [layer.weight for layer in weighted])
    x = share.numpy() * real.numpy() + (1 - share.numpy()) * fake.numpy()
    norms = np.sqrt(sum(slope(D, x, i) ** 2 for i in np.ndindex(shape)))  # the same slopes by central differences
    assert_close(gradient_penalty(D, real, fake, share).numpy(), ((norms - 1) ** 2).mean(), 1e-6)


def slope(D, x, i, step=1e-6):
    """∂D/∂x at pixel i of each sample."""
    outputs = []
    for sign in (1, -1):
        moved = x.copy()
        moved[(slice(None), *i)] += sign * step
        outputs.append(D(mg.tensor(moved)).numpy()[:, 0])
    return (outputs[0] - outputs[1]) / (2 * step)


def test_a_penalty_through_batch_norm_is_refused_by_name():
    weights = mg.random.Generator(0, dtype="float64")
    D = mg.nn.Sequential(
        mg.nn.Dense(4, 3, generator=weights),
        mg.nn.BatchNorm(3, generator=weights),
        mg.nn.Dense(3, 1, generator=weights),
    )
    real = mg.tensor(np.random.default_rng(0).standard_normal((5, 4)))
    with pytest.raises(mg.MiniganError, match="BatchNormBackward has no derivative"):
        r1_penalty(D, real).backward()
