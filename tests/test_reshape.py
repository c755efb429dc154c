import numpy as np
import pytest

import minigan as mg
from minigan.check import CASES, check_gradient


@pytest.mark.parametrize("case", CASES["reshape"], ids=lambda case: case.name)
def test_gradients(case):
    assert check_gradient(case) < 1e-6


def test_values_keep_their_order():
    x = mg.tensor(np.arange(6))
    assert x.reshape((2, -1)).numpy().tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(mg.MiniganError, match="reshape: .* do not make"):
        x.reshape((4, 2))
