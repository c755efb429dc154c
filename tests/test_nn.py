import math

import numpy as np
import pytest
from compare import assert_close

import minigan as mg
from minigan import init, nn
from minigan.check import check_gradient
from minigan.check.gradients import Case


def small_net(dtype="float64"):
    generator = mg.random.Generator(1, dtype=dtype)
    return nn.Sequential(
        nn.Dense(4, 5, generator=generator), nn.LeakyReLU(0.2), nn.Dense(5, 3, generator=generator), nn.Tanh()
    )


def test_a_network_is_the_formula():
    net, x = small_net(), np.random.default_rng(0).standard_normal((6, 4))
    state = net.state()
    h = x @ state["0.weight"] + state["0.bias"]
    h = np.where(h > 0, h, 0.2 * h)
    assert_close(net(mg.tensor(x)).numpy(), np.tanh(h @ state["2.weight"] + state["2.bias"]))


def test_gradients_through_a_network():
    net = small_net()
    names = list(net.named_parameters())

    def loss(*parameters):
        for name, parameter in zip(names, parameters):
            setattr(getattr(net, name.split(".")[0]), name.split(".")[1], parameter)
        return net(mg.tensor(np.random.default_rng(0).standard_normal((6, 4)))).sum()

    mg.gradcheck(loss, net.parameters())


def test_parameters_have_names_and_shapes():
    assert {name: value.shape for name, value in small_net().named_parameters().items()} == {
        "0.weight": (4, 5), "0.bias": (5,), "2.weight": (5, 3), "2.bias": (3,),
    }  # fmt: skip


def test_a_module_of_ones_own():
    class Residual(nn.Module):
        def __init__(self):
            self.inner = small_net()
            self.scale = mg.tensor(np.ones(3), requires_grad=True)

        def forward(self, x):
            return self.inner(x) * self.scale

    net = Residual()
    net(mg.tensor(np.ones((2, 4)))).sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
    assert next(iter(net.named_parameters())) == "inner.0.weight" and "scale" in net.named_parameters()


def test_state_goes_round_and_wrong_state_raises():
    net, other = small_net(), nn.Sequential(*small_net().layers)
    other.load_state({name: 0 * values for name, values in net.state().items()})
    assert all((values == 0).all() for values in other.state().values())
    with pytest.raises(mg.MiniganError, match=r"expected 0.bias, 0.weight, 2.bias, 2.weight"):
        net.load_state({"0.weight": np.zeros((4, 5))})
    with pytest.raises(mg.MiniganError, match="shape"):
        net.load_state({name: np.zeros(2) for name in net.state()})


def test_frozen_lets_gradients_through_and_none_in():
    net, x = small_net(), mg.tensor(np.ones((2, 4)), requires_grad=True)
    with net.frozen():
        y = net(x).sum()
    y.backward()
    assert x.grad is not None and all(parameter.grad is None for parameter in net.parameters())
    assert all(parameter.requires_grad for parameter in net.parameters())


def test_frozen_ends_with_an_exception():
    net = small_net()
    with pytest.raises(KeyError), net.frozen():
        raise KeyError
    assert all(parameter.requires_grad for parameter in net.parameters())


def test_to_moves_before_an_optimizer_and_not_after():
    net = small_net()
    assert net.to("cpu") is net
    with pytest.raises(mg.DeviceError, match="unknown device"):
        net.to("tpu")


def test_repr_shows_the_layers():
    assert repr(small_net()) == "Sequential(Dense(4, 5), LeakyReLU(0.2), Dense(5, 3), Tanh())"


@pytest.mark.parametrize(
    ("draw", "deviation", "limit"),
    [
        (init.glorot_uniform, math.sqrt(2 / 500), math.sqrt(6 / 500)),
        (init.he_normal, math.sqrt(2 / 300), None),
        (init.normal(0.02), 0.02, None),
    ],
)
def test_initial_weights_have_the_deviation_of_the_paper(draw, deviation, limit):
    weights = draw((300, 200), mg.random.Generator(7)).numpy()
    assert abs(weights.std() / deviation - 1) < 0.02 and abs(weights.mean()) < 0.02 * deviation
    assert limit is None or np.abs(weights).max() <= limit


def discriminator(generator):
    layers = (
        nn.Conv2d(1, 4, 5, 2, generator=generator),
        nn.LeakyReLU(0.2),
        nn.Conv2d(4, 6, (3, 5), 2, "valid", generator=generator),
        nn.BatchNorm(6, generator=generator),
        nn.Dropout(0.3, generator),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dense(12, 1, generator=generator),
    )
    return nn.Sequential(*layers)


def test_images_go_through_every_layer():
    generator = mg.random.Generator(0, dtype="float64")
    x = generator.normal((3, 1, 20, 18))
    D = discriminator(generator)
    assert D(x).shape == (3, 1)
    G = nn.Sequential(
        nn.Dense(7, 24, generator=generator),
        nn.Reshape(4, 2, 3),
        nn.Upsample(2),
        nn.ConvTranspose2d(4, 2, 5, 2, generator=generator),
        nn.Tanh(),
    )
    y = G(generator.normal((3, 7)))
    assert y.shape == (3, 2, 8, 12)
    y.mean().backward()
    assert all(parameter.grad.shape == parameter.shape for parameter in G.parameters())
    assert repr(G.layers[3]) == "ConvTranspose2d(4, 2, (5, 5), stride=2, padding='same')"


def test_in_use_a_net_answers_for_each_image_alike():
    """Neither the other images of a batch nor chance has a say, as they have in training."""
    generator = mg.random.Generator(0, dtype="float64")
    x, D = generator.normal((6, 1, 20, 18)), discriminator(generator)
    assert not np.allclose(D(x).numpy(), D(x).numpy())
    D.eval()
    assert np.allclose(D(x).numpy()[2:4], D(mg.ops.rows(x, 2, 4)).numpy())
    assert not D.layers[4].training and D.train() is D and D.layers[4].training


@pytest.mark.parametrize("device", ["cpu", "emulator"])
def test_running_statistics_are_updated_saved_and_used(device):
    generator = mg.random.Generator(0, device, "float64")
    norm = nn.BatchNorm(3, momentum=0.2, generator=generator)
    mean, variance = np.zeros(3), np.ones(3)
    for _ in range(3):
        x = generator.normal((4, 3, 5, 2), 1.0, 2.0)
        norm(x)
        mean = 0.8 * mean + 0.2 * x.numpy().mean((0, 2, 3))
        variance = 0.8 * variance + 0.2 * x.numpy().var((0, 2, 3), ddof=1)
    state = norm.state()
    assert_close(state["running_mean"], mean)
    assert_close(state["running_variance"], variance)
    other = nn.BatchNorm(3, generator=generator)
    other.load_state(state)
    expected = (x.numpy() - mean[:, None, None]) / np.sqrt(variance + 1e-5)[:, None, None]
    assert_close(other.eval()(x).numpy(), expected)


def test_batch_norm_trains_as_pytorchs():
    torch = pytest.importorskip("torch")
    generator = mg.random.Generator(0, dtype="float64")
    ours, theirs = nn.BatchNorm(5, generator=generator), torch.nn.BatchNorm2d(5).double()
    for _ in range(3):
        x = generator.normal((4, 5, 3, 2))
        assert_close(ours(x).numpy(), theirs(torch.tensor(x.numpy().copy())).detach().numpy(), 1e-10)
    assert_close(ours.buffers["running_variance"], theirs.running_var.numpy(), 1e-10)
    assert_close(ours.eval()(x).numpy(), theirs.eval()(torch.tensor(x.numpy().copy())).detach().numpy(), 1e-10)


def spectral(kind, device="cpu", seed=0):
    """(a layer in float64, the shape of what it takes)."""
    generator = mg.random.Generator(seed, device, "float64")
    if kind == "dense":
        return nn.SpectralNorm(nn.Dense(6, 4, generator=generator), generator), (5, 6)
    conv = nn.Conv2d(2, 3, (3, 2), 2, "same", generator=generator)
    return nn.SpectralNorm(conv, generator), (2, 2, 5, 4)


def matrix_of(layer):
    return layer.layer.weight.numpy().reshape(len(layer.layer.weight), -1)


def vectors_of(layer):
    """Copies of u and v."""
    return layer.state()["u"], layer.state()["v"]


def power_step(u, matrix):
    """Miyato et al. 2018, Algorithm 1, on rows instead of columns."""
    v = u @ matrix / np.linalg.norm(u @ matrix)
    return v @ matrix.T / np.linalg.norm(v @ matrix.T), v


SPECTRAL = pytest.mark.parametrize("kind", ["dense", "conv"])


@SPECTRAL
@pytest.mark.parametrize("device", ["cpu", "emulator"])
def test_sigma_becomes_the_largest_singular_value(kind, device):
    layer, shape = spectral(kind, device)
    x = mg.random.Generator(1, device, "float64").normal(shape)
    for _ in range(100):
        layer(x)
    (u, v), matrix = vectors_of(layer), matrix_of(layer)
    assert_close(u @ matrix @ v.T, [[np.linalg.norm(matrix, 2)]], 1e-6)
    found = layer.eval().normalised().numpy()
    assert_close(np.linalg.norm(found.reshape(matrix.shape), 2), 1, 1e-6)
    layer.layer.weight.copy_(found)
    assert_close(layer.layer(x).numpy(), layer(x).numpy(), 1e-6)  # with the layer's own stride, padding and bias


@SPECTRAL
def test_a_pass_in_training_is_one_power_step_and_in_use_none(kind):
    layer, shape = spectral(kind)
    x, buffers, (u, v) = mg.tensor(np.ones(shape)), dict(layer.buffers), vectors_of(layer)
    assert_close([np.linalg.norm(u), np.linalg.norm(v)], [1, 1])
    for _ in range(3):
        u, v = power_step(u, matrix_of(layer))
        layer(x)
        assert all(layer.buffers[name] is buffers[name] for name in "uv")
        assert_close(buffers["u"], u)
        assert_close(buffers["v"], v)
    before = vectors_of(layer)
    layer.eval()(x)
    assert all(map(np.array_equal, vectors_of(layer), before))


@SPECTRAL
@pytest.mark.parametrize("device", ["cpu", "emulator"])
def test_the_first_and_the_second_derivative_of_spectral_normalisation(kind, device):
    """As a gradient penalty takes it: by the input, then by everything."""
    layer, shape = spectral(kind, device)
    layer.eval()

    def applied(x, weight, bias):
        layer.layer.weight, layer.layer.bias = weight, bias
        return layer(x)

    assert check_gradient(Case(kind, applied, (shape, layer.layer.weight.shape, layer.layer.bias.shape)), device) < 1e-6


@SPECTRAL
@pytest.mark.parametrize("training", [True, False])
def test_the_gradient_is_the_papers(kind, training):
    """Eq. 12: (G − λ u vᵀ) / σ, G by the normalised weights and λ = G · W / σ; and a pass's own u and v, whatever comes later."""
    layer, shape = spectral(kind)
    x = mg.random.Generator(1, dtype="float64").normal(shape)
    weight, matrix = layer.layer.weight, matrix_of(layer)
    loss = (layer.train(training)(x) ** 2).sum()
    u, v = vectors_of(layer)
    for _ in range(3):
        layer.train()(x)
    loss.backward()
    sigma = (u @ matrix @ v.T).item()
    normalised = mg.tensor(weight.numpy() / sigma, requires_grad=True)
    (layer.layer.apply(x, normalised) ** 2).sum().backward()
    by_normalised = normalised.grad.numpy().reshape(matrix.shape)
    expected = (by_normalised - (by_normalised * matrix / sigma).sum() * u.T @ v) / sigma
    assert_close(weight.grad.numpy().reshape(matrix.shape), expected)


@SPECTRAL
def test_spectral_normalisation_is_the_same_by_the_kernels(kind):
    found = {}
    for device in ("cpu", "emulator"):
        layer, shape = spectral(kind, device)
        x = mg.random.Generator(1, device, "float64").normal(shape)
        for _ in range(3):
            y = layer(x)
        (y * y).sum().backward()
        found[device] = [y.numpy(), *vectors_of(layer), *(each.grad.numpy() for each in layer.parameters())]
    for one, other in zip(*found.values()):
        assert_close(one, other)


@SPECTRAL
def test_the_state_of_spectral_normalisation_goes_round(kind):
    layer, shape = spectral(kind)
    other, _ = spectral(kind, seed=1)
    x = mg.tensor(np.ones(shape))
    layer(x), layer(x)
    state = layer.state()
    assert list(state) == ["layer.weight", "layer.bias", "u", "v"]
    other.load_state(state)
    for net in (layer, other):
        net(x)
    assert all(np.array_equal(values, other.state()[name]) for name, values in layer.state().items())
    assert not np.array_equal(layer.state()["u"], state["u"])


def test_what_is_normalised_and_what_is_not():
    generator = mg.random.Generator(0)
    net = nn.Sequential(nn.SpectralNorm(nn.Conv2d(1, 4, 5, 2, generator=generator), generator), nn.Tanh())
    assert repr(net) == "Sequential(SpectralNorm(Conv2d(1, 4, (5, 5), stride=2, padding='same')), Tanh())"
    assert list(net.named_parameters()) == ["0.layer.weight", "0.layer.bias"]
    assert {name: array.shape for name, array in net.named_buffers().items()} == {"0.u": (1, 4), "0.v": (1, 25)}
    for layer in (nn.ConvTranspose2d(1, 4, 5, generator=generator), nn.Tanh(), net.layers[0]):
        name = type(layer).__name__
        with pytest.raises(mg.MiniganError, match=f"SpectralNorm of {name}, expected a Dense or a Conv2d"):
            nn.SpectralNorm(layer, generator)


def test_initial_weights_of_convolutions():
    generator = mg.random.Generator(0, dtype="float64")
    shape = (64, 32, 5, 5)
    uniform = mg.init.glorot_uniform(shape, generator).numpy()
    assert np.abs(uniform).max() <= np.sqrt(6 / (96 * 25)) and abs(uniform.std() * np.sqrt(96 * 25 / 2) - 1) < 0.01
    assert abs(mg.init.he_normal(shape, generator).numpy().std() / np.sqrt(2 / (32 * 25)) - 1) < 0.02
    cut = mg.init.truncated_normal(0.02)(shape, generator).numpy()
    assert np.abs(cut).max() <= 0.04 and abs(cut.std() / 0.02 - 0.8796) < 0.01  # of a normal cut off at 2σ
