"""The tape: what it computes, and what it refuses."""

import gc
import sys
import weakref

import numpy as np
import pytest
from compare import assert_close

import minigan as mg
from minigan import ops


def leaf(values, dtype="float64"):
    return mg.tensor(values, dtype=dtype, requires_grad=True)


def test_chain_rule_by_hand():
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    z = (x * y + x).sum()
    z.backward()
    assert_close(x.grad.numpy(), [4.0, 5.0])
    assert_close(y.grad.numpy(), [1.0, 2.0])


def test_gradients_of_one_tensor_used_twice_add_up():
    x = leaf(3.0)
    (x * x + x * x).backward()
    assert x.grad.item() == 12.0


def test_gradients_accumulate_over_backwards():
    x = leaf([1.0, 2.0])
    x.sum().backward()
    (2 * x).sum().backward()
    assert_close(x.grad.numpy(), [3.0, 3.0])


def test_broadcast_gradients_have_the_inputs_shapes():
    a, b = leaf(np.ones((2, 1, 3))), leaf(np.ones((4, 1)))
    (a * b).sum().backward()
    assert a.grad.shape == (2, 1, 3) and b.grad.shape == (4, 1)
    assert_close(a.grad.numpy(), np.full((2, 1, 3), 4.0))
    assert_close(b.grad.numpy(), np.full((4, 1), 6.0))


def test_numbers_on_either_side():
    x = leaf([2.0])
    for result, expected in (
        (1 + x, 3),
        (1 - x, -1),
        (3 * x, 6),
        (1 / x, 0.5),
        (x / 4, 0.5),
        (x**3, 8),
        (2**x, 4),
        (-x, -2),
    ):
        assert result.numpy()[0] == expected and result.dtype == np.float64


def test_deep_graph_needs_no_recursion():
    x = leaf(1.0)
    y = x
    for _ in range(3 * sys.getrecursionlimit()):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1.0


def test_second_and_third_derivative():
    x = leaf(2.0)
    (first,) = mg.grad(x**4, [x], create_graph=True)
    (second,) = mg.grad(first, [x], create_graph=True)
    (third,) = mg.grad(second, [x])
    assert [round(each.item(), 9) for each in (first, second, third)] == [32.0, 48.0, 48.0]


def test_grad_leaves_grad_alone_and_only_differentiates_what_is_asked():
    calls = []

    class Spy(mg.Function):
        def forward(self, x):
            return x.copy()

        def backward(self, g):
            calls.append(self)
            return g

    x, y = leaf(2.0), leaf(3.0)
    z = x * Spy()(y)
    assert mg.grad(z, [x], retain_graph=True)[0].item() == 3.0
    assert not calls and x.grad is None and y.grad is None
    assert mg.grad(z, [y])[0].item() == 2.0 and len(calls) == 1


def test_grad_of_an_intermediate_tensor():
    x = leaf(2.0)
    y = x * 3
    z = y * y
    gradient_y, gradient_x = mg.grad(z, [y, x])
    assert (gradient_y.item(), gradient_x.item()) == (12.0, 36.0)


def test_grad_with_a_weighting():
    x = leaf([1.0, 2.0])
    assert_close(mg.grad(x * x, [x], gradient=mg.tensor([1.0, 10.0], dtype="float64"))[0].numpy(), [2.0, 40.0])


def test_a_derivative_that_is_zero_is_zeros_and_never_none():
    x = leaf([1.0, -2.0])
    (slope,) = mg.grad(ops.leaky_relu(x, 0.2).sum(), [x], create_graph=True)
    assert_close(mg.grad(slope.sum(), [x], retain_graph=True)[0].numpy(), [0.0, 0.0])
    (slope * 0 + ops.leaky_relu(x, 0.2)).sum().backward()
    assert_close(x.grad.numpy(), [1.0, 0.2])


def test_constants_get_no_gradient_and_no_graph():
    x, c = leaf([1.0]), mg.tensor([2.0], dtype="float64")
    (x * c).sum().backward()
    assert c.grad is None
    assert (c * c).creator is None


def test_no_grad_and_detach():
    x = leaf([1.0])
    with mg.no_grad():
        assert not (x * x).requires_grad
    assert (x * x).requires_grad
    cut = (x * 3).detach()
    (cut * x).sum().backward()
    assert x.grad.item() == 3.0


def test_no_grad_ends_with_an_exception():
    with pytest.raises(KeyError), mg.no_grad():
        raise KeyError
    assert (leaf([1.0]) * 2).requires_grad


def test_backward_twice_raises_unless_retained():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert_close(x.grad.numpy(), [4.0, 8.0])
    with pytest.raises(mg.MiniganError, match="retain_graph=True"):
        y.backward()


def test_backward_needs_a_single_number():
    x = leaf([1.0, 2.0])
    with pytest.raises(mg.MiniganError, match=r"shape \(2,\) has no single gradient.*\.mean\(\)"):
        (x * x).backward()
    with pytest.raises(mg.MiniganError, match=r"must be a Tensor of shape \(2,\)"):
        (x * x).backward(mg.tensor([1.0], dtype="float64"))
    with pytest.raises(mg.MiniganError, match="float64 on cpu"):
        (x * x).backward(mg.tensor([1.0, 1.0], dtype="float32"))


def test_backward_needs_a_graph():
    with pytest.raises(mg.MiniganError, match="not computed from anything that requires a gradient"):
        mg.tensor([1.0]).backward()


def test_grad_of_something_unused_raises():
    x, y = leaf(1.0), leaf(2.0)
    with pytest.raises(mg.MiniganError, match="input 1 of shape"):
        mg.grad(x * x, [x, y])
    with pytest.raises(mg.MiniganError, match="input 0 does not require"):
        mg.grad(x * x, [mg.tensor(1.0)])


@pytest.mark.parametrize("op", [lambda x: x * x, ops.log, ops.abs, lambda x: x @ x])
def test_an_input_changed_in_place_raises(op):
    x = leaf(np.eye(2) + 1)
    y = op(x).sum()
    x.copy_(np.ones((2, 2)))
    with pytest.raises(mg.MiniganError, match="changed in place.*run the forward pass again"):
        y.backward()


@pytest.mark.parametrize(
    "op", [lambda x: x + x, lambda x: x.sum(), lambda x: -x, lambda x: x - 1.0, lambda x: ops.leaky_relu(x, 0.2)]
)
def test_an_input_whose_values_backward_does_not_read_may_change(op):
    x = leaf(np.eye(2))
    y = op(x).sum()
    x.copy_(np.ones((2, 2)))
    y.backward()


@pytest.mark.parametrize("op", [ops.tanh, ops.sigmoid, ops.exp, ops.sqrt, lambda x: ops.leaky_relu(x, 0.2)])
def test_an_output_changed_in_place_raises(op):
    x = leaf([1.0, 2.0])
    y = op(x)
    y.detach().copy_([0.0, 0.0])
    with pytest.raises(mg.MiniganError, match="changed in place"):
        y.sum().backward()


@pytest.mark.parametrize("view", [lambda x: x.reshape((4,)), lambda x: ops.rows(x, 0, 1)])
def test_a_change_behind_a_view_is_noticed(view):
    x = leaf(np.eye(2))
    y = view(x)
    loss = (y * y).sum()
    x.copy_(np.ones((2, 2)))
    with pytest.raises(mg.MiniganError, match="changed in place"):
        loss.backward()


def test_a_function_is_one_node():
    class Doubled(mg.Function):
        def forward(self, x):
            return x * 2

        def backward(self, g):
            return g * 2

    act = Doubled()
    x = leaf([1.0])
    y = act(x)
    with pytest.raises(mg.MiniganError, match="Doubled: a Function is one node of the graph"):
        act(y)


def test_leaves_do_not_share_a_gradient():
    a, b = leaf([1.0]), leaf([2.0])
    (a + b).sum().backward()
    a.grad.data *= 5
    assert b.grad.numpy().tolist() == [1.0]


def test_powers_with_numbers():
    for power, expected in (
        (lambda x: 2**x, np.log(2) * 4),
        (lambda x: x**0, 0.0),
        (lambda x: x**1, 1.0),
    ):
        x = leaf([2.0])
        power(x).sum().backward()
        assert_close(x.grad.numpy(), [expected])
    x = leaf([0.0])
    (first,) = mg.grad((x**2).sum(), [x], create_graph=True)
    (second,) = mg.grad(first.sum(), [x], create_graph=True)
    assert mg.grad(second.sum(), [x])[0].numpy().tolist() == [0.0]


def test_products_with_nothing_in_them():
    x, w = leaf(np.ones((0, 3))), leaf(np.ones((3, 2)))
    y = x @ w
    assert y.shape == (0, 2)
    y.sum().backward()
    assert w.grad.numpy().tolist() == np.zeros((3, 2)).tolist()
    assert (leaf(np.ones((2, 0))) @ leaf(np.ones((0, 2)))).numpy().tolist() == [[0, 0], [0, 0]]


def test_copy_of_a_wrong_shape_raises_and_only_leaves_are_overwritten():
    x = leaf([1.0, 2.0])
    with pytest.raises(mg.MiniganError, match=r"shape \(3,\) into a tensor of shape \(2,\)"):
        x.copy_(np.ones(3))
    with pytest.raises(mg.MiniganError, match="leaf"):
        (x * 2).copy_([1.0, 1.0])


def test_mixed_dtypes_raise_by_name():
    with pytest.raises(mg.MiniganError, match="Mul: operands are float32 on cpu and float64 on cpu"):
        mg.tensor([1.0]) * mg.tensor([1.0], dtype="float64")


def test_arrays_are_not_taken_for_numbers():
    with pytest.raises(TypeError, match="expected a Tensor or a number, got ndarray"):
        mg.tensor([1.0, 2.0]) * np.array([1.0, 2.0])
    with pytest.raises(TypeError):
        np.array([1.0, 2.0]) * mg.tensor([1.0, 2.0])
    with pytest.raises(TypeError, match="got str"):
        mg.tensor([1.0]) + "3"
    with pytest.raises(mg.MiniganError, match="matmul takes two matrices, got Tensor and int"):
        mg.tensor([[1.0]]) @ 3


def test_numpy_float64_does_not_promote():
    assert (mg.tensor([1.0]) * np.float64(2)).dtype == np.float32


def test_a_wrongly_shaped_gradient_is_caught():
    class Bad(mg.Function):
        def forward(self, a, b):
            return a * b

        def backward(self, g):
            return g, g  # b was broadcast: its sum is missing

    with pytest.raises(
        mg.MiniganError, match=r"Bad.backward returned a gradient of shape \(2, 3\) for an input of \(3,\)"
    ):
        Bad()(leaf(np.ones((2, 3))), leaf(np.ones(3))).sum().backward()


def test_a_function_without_derivative_raises_by_name():
    class Opaque(mg.Function):
        def forward(self, x):
            return x * 2

    with pytest.raises(mg.MiniganError, match="Opaque has no derivative"):
        Opaque()(leaf([1.0])).sum().backward()


def test_numpy_is_read_only_on_cpu():
    x = mg.tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        x.numpy()[0] = 5.0


def test_tensor_copies_its_values():
    values = np.ones(2, np.float32)
    x = mg.tensor(values)
    values[0] = 5
    assert x.numpy()[0] == 1.0


def test_dtypes():
    assert mg.tensor([1, 2]).dtype == np.float32
    assert mg.tensor(np.ones(2)).dtype == np.float64
    assert mg.tensor(np.ones(2, np.int64)).dtype == np.float32
    with pytest.raises(mg.MiniganError, match="float32 or float64"):
        mg.tensor([1], dtype="int32")
    assert mg.tensor([1], dtype=np.float64).dtype == np.float64


def test_to():
    x = leaf([1.0])
    assert x.to("cpu") is x
    with pytest.raises(mg.DeviceError, match="unknown device 'gpu': choose from auto, cpu, cuda, emulator"):
        x.to("gpu")


def test_the_graph_is_given_back_by_backward():
    x = leaf(np.ones(3))
    y = x * x
    held = weakref.ref(y.creator)
    loss = (y * y).sum()
    del y
    loss.backward()
    gc.collect()
    assert held() is None


def test_a_forward_without_backward_keeps_nothing_alive():
    gc.disable()
    try:
        x = leaf(np.ones(3))
        y = ops.tanh(x)
        held = weakref.ref(y.creator)
        del y
        assert held() is None  # without the collector: output and node form no cycle
    finally:
        gc.enable()


def test_tape_overhead():
    """1,000 scalar operations forward and backward: 10 ms on a free machine; three times that is allowed here."""
    import time

    best = float("inf")
    for _ in range(5):
        y = leaf(1.0)
        start = time.perf_counter()
        for _ in range(500):
            y = ops.tanh(y * 0.999)
        y.backward()
        best = min(best, time.perf_counter() - start)
    assert best < 0.03
