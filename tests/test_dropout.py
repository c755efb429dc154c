import numpy as np
import pytest

import minigan as mg
from minigan import ops
from minigan.check import CASES, check_gradient


@pytest.mark.parametrize("case", CASES["dropout"], ids=lambda case: case.name)
def test_gradients(case):
    assert check_gradient(case) < 1e-6


@pytest.mark.parametrize("device", ["cpu", "emulator"])
def test_the_share_and_the_mean_are_right_and_the_gradient_drops_the_same(device):
    x = mg.tensor(np.ones(100_000), device, "float64", requires_grad=True)
    y = ops.dropout(x, 0.3, mg.random.Generator(1, device))
    kept = y.numpy() != 0
    assert abs(kept.mean() - 0.7) < 0.005 and set(y.numpy()[kept]) == {1 / 0.7}
    y.sum().backward()
    assert (x.grad.numpy() == y.numpy()).all()


def test_every_call_drops_others_and_one_seed_drops_the_same():
    x = mg.tensor(np.ones(1000))
    first, second = (mg.random.Generator(5) for _ in range(2))
    a, b, c = ops.dropout(x, 0.5, first), ops.dropout(x, 0.5, first), ops.dropout(x, 0.5, second)
    assert (a.numpy() == c.numpy()).all() and (a.numpy() != b.numpy()).any()


def test_a_rate_of_one_is_refused():
    with pytest.raises(mg.MiniganError, match=r"dropout: rate 1, expected in \[0, 1\)"):
        ops.dropout(mg.tensor([1.0]), 1, mg.random.Generator(0))
