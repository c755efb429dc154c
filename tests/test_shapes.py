import itertools

import numpy as np
import pytest

from minigan import MiniganError, shapes


def test_broadcast_is_numpys():
    lengths = (1, 2, 3)
    for a in itertools.product(lengths, repeat=2):
        for b in itertools.chain([()], itertools.product(lengths, repeat=1), itertools.product(lengths, repeat=3)):
            try:
                expected = np.broadcast_shapes(a, b)
            except ValueError:
                with pytest.raises(MiniganError, match="do not broadcast"):
                    shapes.broadcast(a, b)
            else:
                assert shapes.broadcast(a, b) == expected


@pytest.mark.parametrize("target", [(2, 3, 4), (2, 1, 4), (1, 1, 1), (5,)])
def test_strides_are_numpys(target):
    for source in itertools.product(*((1, length) for length in target)):
        array = np.empty(source, np.int8)
        view = np.broadcast_to(array, target)
        walked = shapes.strides(source, target)
        for axis, length in enumerate(target):
            assert length == 1 or walked[axis] == view.strides[axis]


def test_collapse_keeps_every_address():
    for source in itertools.product((1, 2), (1, 3), (1, 4), (1, 5)):
        target = (2, 3, 4, 5)
        steps = shapes.strides(source, target)
        lengths, (merged,) = shapes.collapse(target, steps)
        addresses = [np.dot(index, steps) for index in np.ndindex(target)]
        assert [np.dot(index, merged) for index in np.ndindex(lengths)] == addresses
        assert len(lengths) <= 4


def test_collapse_of_equal_shapes_is_one_axis():
    steps = shapes.strides((2, 3, 4), (2, 3, 4))
    assert shapes.collapse((2, 3, 4), steps, steps) == ((24,), ((1,), (1,)))


def test_axes():
    assert shapes.axes((2, 3, 4), None) == (0, 1, 2)
    assert shapes.axes((2, 3, 4), (-1, 0)) == (0, 2)
    for axis in (3, -4, (0, 0), (0, -3)):
        with pytest.raises(MiniganError, match="axis"):
            shapes.axes((2, 3, 4), axis)
