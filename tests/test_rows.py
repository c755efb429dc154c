import numpy as np
import pytest

import minigan as mg
from minigan import ops
from minigan.check import CASES, check_gradient


@pytest.mark.parametrize("case", CASES["rows"], ids=lambda case: case.name)
def test_gradients(case):
    assert check_gradient(case) < 1e-6


def test_rows_undo_concat():
    a, b = np.arange(6).reshape(2, 3), -np.arange(12).reshape(4, 3)
    both = ops.concat((mg.tensor(a), mg.tensor(b)))
    assert both.shape == (6, 3) and both.data.flags.c_contiguous
    assert ops.rows(both, 0, 2).numpy().tolist() == a.tolist() and ops.rows(both, 2, 6).numpy().tolist() == b.tolist()
    assert ops.rows(both, 3, 3).shape == (0, 3)


def test_bad_shapes_and_rows():
    with pytest.raises(mg.MiniganError, match="differ after the first axis"):
        ops.concat((mg.tensor(np.ones((2, 3))), mg.tensor(np.ones((2, 4)))))
    for start, stop in ((-1, 2), (0, 3), (2, 1)):
        with pytest.raises(mg.MiniganError, match=f"rows {start} to {stop} of a tensor of shape"):
            ops.rows(mg.tensor(np.ones((2, 3))), start, stop)
