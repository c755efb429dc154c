import numpy as np
import pytest

import minigan as mg
from minigan import cuda, ops, reference
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


@pytest.mark.parametrize("primitives", [reference, cuda])
def test_rows_go_to_their_place_and_nowhere_else(primitives):
    x, y = np.ones((2, 3), np.float32), np.zeros((4, 5, 3), np.float32)
    primitives.copy_rows(x, y, 3, np.array([2**40 + 1], np.uint64))
    assert y.sum() == 6 and (y[1, 3:] == 1).all()
    primitives.copy_rows(x, y[0], 1)
    assert y[0].sum() == 6 and (y[0, 1:3] == 1).all()


@pytest.mark.parametrize("primitives", [reference, cuda])
def test_rows_that_do_not_fit_are_refused(primitives):
    for x, y, start in (((2, 3), (3, 3), 2), ((2, 3), (3, 3), -1), ((2, 3), (3, 4), 0), ((), (3,), 0), ((1,), (), 0)):
        with pytest.raises(mg.MiniganError, match=r"copy_rows: rows of shape .* do not fit into"):
            primitives.copy_rows(np.zeros(x), np.zeros(y), start)
