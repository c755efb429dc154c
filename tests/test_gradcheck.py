import numpy as np
import pytest

import minigan as mg
from minigan import ops


class Planted(mg.Function):
    """x², with a derivative that is wrong by `factor`."""

    def __init__(self, factor):
        self.factor = factor

    def forward(self, x):
        return x * x

    def backward(self, g):
        return 2 * self.factor * g * self.inputs[0]


def inputs(values, requires_grad=True):
    return mg.tensor(np.array(values), dtype="float64", requires_grad=requires_grad)


def test_a_right_derivative_passes():
    report = mg.gradcheck(Planted(1.0), [inputs([0.5, -2.0, 3.0])], directions=7)
    assert report.directions == 7 and report.worst < 1e-8 and report.kinks == 0


@pytest.mark.parametrize("factor", [-1.0, 0.5, 1.0001, 0.0, np.nan])
def test_a_wrong_derivative_raises_with_both_gradients(factor):
    with pytest.raises(mg.GradientError) as error:
        mg.gradcheck(Planted(factor), [inputs([0.5, -2.0])])
    message = str(error.value)
    assert "input 0 =\n[ 0.5 -2. ]" in message and "as computed" in message and "by differences" in message


def test_one_wrong_entry_of_many_is_found():
    class OneOff(mg.Function):
        def forward(self, x):
            return x * x

        def backward(self, g):
            scale = np.full(1000, 2.0)
            scale[617] = 2.1
            return g * self.inputs[0] * mg.tensor(scale)

    with pytest.raises(mg.GradientError):
        mg.gradcheck(OneOff(), [inputs(np.random.default_rng(0).uniform(1, 2, 1000))])


def test_the_differences_in_the_message_are_right():
    with pytest.raises(mg.GradientError) as error:
        mg.gradcheck(lambda c, x: Planted(3.0)(x) * c, [inputs([1.0, 1.0], False), inputs([0.5, -2.0])])
    computed, differences = (
        np.array(text.split("]")[0].replace("[", "").split(), float)
        for text in (str(error.value).split(f"{kind} =\n")[1] for kind in ("as computed", "by differences"))
    )
    assert np.allclose(computed, 3 * differences, rtol=1e-6)


def test_a_kink_is_stepped_around():
    report = mg.gradcheck(ops.relu, [inputs(np.r_[1e-5, np.ones(3)])], directions=3)
    assert report.directions == 3 and report.kinks > 0


def test_only_kinks_is_an_error_that_says_so():
    with pytest.raises(mg.GradientError, match="met a kink"):
        mg.gradcheck(lambda x: ops.relu(x) * 1e6, [inputs([1e-6])])


def test_what_it_needs():
    with pytest.raises(TypeError, match="float64"):
        mg.gradcheck(ops.tanh, [mg.tensor([1.0], requires_grad=True)])
    with pytest.raises(ValueError, match="requires_grad=True"):
        mg.gradcheck(ops.tanh, [inputs([1.0], False)])
