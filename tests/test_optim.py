import numpy as np
import pytest
from compare import assert_close

import minigan as mg
from minigan import cuda, emulator, optim, reference
from minigan.check import chosen
from minigan.cuda import elements
from minigan.cuda.optim import VERSIONS as TABLE
from minigan.cuda.target import Target


def adam_by_the_paper(theta, gradients, lr, beta1, beta2, epsilon):
    """Kingma and Ba 2015, Algorithm 1, line by line, in float64."""
    m = v = np.zeros_like(theta)
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - lr * m_hat / (np.sqrt(v_hat) + epsilon)
    return theta


@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.9])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-6)])
def test_adam_is_the_papers(beta1, dtype, tolerance):
    random = np.random.default_rng(0)
    theta, gradients = random.standard_normal(17), random.standard_normal((9, 17)).astype(dtype)
    parameter = mg.tensor(theta, dtype=dtype, requires_grad=True)
    adam = optim.Adam([parameter], lr=0.01, betas=(beta1, 0.999))
    for gradient in gradients:
        parameter.grad = mg.tensor(gradient)
        adam.step()
    expected = adam_by_the_paper(theta, gradients.astype(float), 0.01, beta1, 0.999, 1e-8)
    assert_close(parameter.numpy(), expected, tolerance)


def test_sgd():
    parameter = mg.tensor([1.0, 2.0], requires_grad=True)
    sgd = optim.SGD([parameter], lr=0.5)
    (parameter * parameter).sum().backward()
    sgd.step()
    assert parameter.numpy().tolist() == [0, 0]


def test_parameters_become_views_of_one_arena():
    a, b = mg.tensor(np.ones((2, 3)), requires_grad=True), mg.tensor(np.zeros(4), requires_grad=True)
    adam = optim.Adam([a, b])
    assert a.data.base is adam.arena.data.base or np.shares_memory(a.data, adam.arena.data)
    assert np.shares_memory(b.data, adam.arena.data) and a.version is b.version
    assert a.numpy().tolist() == np.ones((2, 3)).tolist() and b.numpy().tolist() == [0] * 4


def test_a_step_is_an_in_place_change_that_the_tape_notices():
    parameter = mg.tensor([1.0, 2.0], requires_grad=True)
    sgd = optim.SGD([parameter], lr=0.5)
    y = (parameter * parameter).sum()
    parameter.grad = mg.tensor([1.0, 1.0])
    sgd.step()
    with pytest.raises(mg.MiniganError, match="changed in place"):
        y.backward()


def test_a_missing_gradient_raises():
    a, b = (mg.tensor([1.0], requires_grad=True) for _ in range(2))
    adam = optim.Adam([a, b])
    (a * 2).backward()
    with pytest.raises(mg.MiniganError, match="parameter 1 of shape .* has no gradient"):
        adam.step()


def test_zero_grad_forgets():
    a = mg.tensor([1.0], requires_grad=True)
    sgd = optim.SGD([a], lr=1.0)
    (a * 2).sum().backward()
    sgd.zero_grad()
    assert a.grad is None


def test_state_goes_round():
    def trained(steps, state=None, values=(1.0, -2.0)):
        parameter = mg.tensor(values, dtype="float64", requires_grad=True)
        adam = optim.Adam([parameter], lr=0.1)
        if state:
            adam.load_state(state)
        for _ in range(steps):
            adam.zero_grad()
            (parameter**4).sum().backward()
            adam.step()
        return parameter.numpy(), adam.state()

    whole, _ = trained(5)
    half, state = trained(2)
    assert trained(3, state, half)[0].tolist() == whole.tolist()


def test_bad_settings():
    a = mg.tensor([1.0], requires_grad=True)
    with pytest.raises(mg.MiniganError, match="betas"):
        optim.Adam([a], betas=(1.0, 0.9))
    with pytest.raises(mg.MiniganError, match="at least one parameter"):
        optim.SGD([], lr=1.0)
    with pytest.raises(mg.MiniganError, match="one device and one dtype"):
        optim.SGD([a, mg.tensor([1.0], dtype="float64", requires_grad=True)], lr=1.0)


def test_reference_changes_arrays_in_place():
    parameter, gradient = np.ones(3), np.ones(3)
    first, second = np.zeros(3), np.zeros(3)
    reference.adam(parameter, gradient, first, second, np.array([1], np.uint64), np.array([0.1]), 0.9, 0.999, 0.0)
    assert_close(parameter, [0.9] * 3)  # the first step is lr · sign(g), whatever the betas
    assert_close(first, [0.1] * 3)
    assert_close(second, [0.001] * 3, 1e-12)


def test_an_older_optimizer_of_the_same_parameters_refuses_to_step():
    parameter = mg.tensor([1.0], requires_grad=True)
    old, new = (optim.SGD([parameter], lr=0.5) for _ in range(2))
    (parameter * 1).sum().backward()
    with pytest.raises(mg.MiniganError, match="belongs to a newer optimizer"):
        old.step()
    new.step()
    assert parameter.numpy().tolist() == [0.5]


def test_a_state_of_another_size_is_refused():
    adam = optim.Adam([mg.tensor([1.0, 2.0], requires_grad=True)])
    with pytest.raises(mg.MiniganError, match=r"optimizer state first: expected shape \(2,\), got \(1,\)"):
        adam.load_state(adam.state() | {"first": np.zeros(1, np.float32)})
    with pytest.raises(mg.MiniganError, match="got none"):
        adam.load_state({})


def test_momentum_and_rmsprop_by_their_formulas():
    random = np.random.default_rng(1)
    theta, gradients = random.standard_normal(17), random.standard_normal((5, 17))
    for make, formula in (
        (lambda p: optim.Momentum(p, lr=0.1, momentum=0.9), lambda v, g: (0.9 * v + g, 0.9 * v + g)),
        (
            lambda p: optim.RMSProp(p, lr=0.1, rho=0.99, eps=1e-8),
            lambda v, g: (0.99 * v + 0.01 * g * g, g / (np.sqrt(0.99 * v + 0.01 * g * g) + 1e-8)),
        ),
    ):
        parameter = mg.tensor(theta, dtype="float64", requires_grad=True)
        optimizer, expected, v = make([parameter]), theta.copy(), np.zeros(17)
        for gradient in gradients:
            parameter.grad = mg.tensor(gradient, dtype="float64")
            optimizer.step()
            v, change = formula(v, gradient)
            expected -= 0.1 * change
        assert_close(parameter.numpy(), expected)


def test_optimizers_against_pytorch():
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(2)
    theta, gradients = random.standard_normal(17), random.standard_normal((5, 17))
    for ours, theirs in (
        (optim.Adam, torch.optim.Adam),
        (optim.Momentum, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9)),
        (optim.RMSProp, torch.optim.RMSprop),
    ):
        mine, right = mg.tensor(theta, dtype="float64", requires_grad=True), torch.tensor(theta, requires_grad=True)
        one, other = ours([mine], lr=0.01), theirs([right], lr=0.01)
        for gradient in gradients:
            mine.grad, right.grad = mg.tensor(gradient, dtype="float64"), torch.tensor(gradient)
            one.step(), other.step()
        assert_close(mine.numpy(), right.detach().numpy(), 1e-10)


def test_clamp_bounds_every_weight_and_the_tape_notices():
    parameter = mg.tensor([-3.0, 0.005, np.nan, 2.0], requires_grad=True)
    sgd = optim.SGD([parameter], lr=1.0)
    y = (parameter * parameter).sum()
    sgd.clamp(0.01)
    assert parameter.numpy()[[0, 1, 3]].tolist() == np.float32([-0.01, 0.005, 0.01]).tolist() and np.isnan(
        parameter.numpy()[2]
    )
    with pytest.raises(mg.MiniganError, match="changed in place"):
        y.backward()


def test_bad_settings_of_momentum_and_rmsprop():
    parameter = mg.tensor([1.0], requires_grad=True)
    with pytest.raises(mg.MiniganError, match=r"momentum 1.0, expected in \[0, 1\)"):
        optim.Momentum([parameter], lr=1.0, momentum=1.0)
    with pytest.raises(mg.MiniganError, match=r"rho -0.1, expected in \[0, 1\)"):
        optim.RMSProp([parameter], rho=-0.1)


RULES = {  # the arrays it changes, those it reads, and its numbers
    "adam": (3, 4, (0.9, 0.999, 1e-8)), "sgd": (1, 2, ()), "momentum": (2, 3, (0.9,)), "rmsprop": (2, 3, (0.99, 1e-8)),
    "clamp": (1, 1, (0.5,)),
}  # fmt: skip


def stepped(name, n, dtype=np.float32):
    _, arrays, numbers = RULES[name]
    state = [np.full(n, 0.25, dtype) for _ in range(arrays)]
    step, rate = [np.array([1], np.uint64)] * (name == "adam"), [np.array([0.1], dtype)] * (name != "clamp")
    getattr(cuda, name)(*state, *step, *rate, *numbers)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("name", RULES)
def test_whole_sectors_and_packs_in_a_quarter_of_the_requests(every_access, name, version, dtype):
    changed, read, _ = RULES[name]
    n, size = 4096, np.dtype(dtype).itemsize
    with chosen(version), emulator.profiling() as profiles:
        stepped(name, n, dtype)
    (found,) = profiles
    warps = n * size / (32 * (16 if version == "v2" else size))
    of_all = {"adam": 1 + 2, "clamp": 0}.get(name, 1)  # the rate and the step count, which is read for each correction
    assert found.total("requests") <= (changed + read + of_all) * warps
    assert found.total("stored") == changed * n * size
    assert found.total("loaded") <= read * n * size + of_all * warps * 32 * 8
    assert found.total("sectors") == found.total("ideal_sectors")


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("name", RULES)
def test_a_step_of_nothing(name, version):
    with chosen(version):
        stepped(name, 0)


def test_a_large_arena_is_stepped_by_packs():
    H100 = Target("float", 90, 132)
    for n, version, of_thread, blocks in ((10_000, "v1", 1, 40), (3_000_001, "v2", 4, 2930)):
        assert elements.default(TABLE["adam"], n, H100) == version
        (kernel,) = TABLE["adam"][version].kernels
        assert kernel.name == f"adam_{version}" and elements.plan(kernel, n, of_thread).grid == (blocks, 1, 1)
