"""Captured steps: a replay of the launches is the step, bit for bit, on the emulator and, where there is one, on a GPU."""

import dataclasses

import numpy as np
import pytest
from small_gan import drawn_as, small

import minigan as mg
from minigan import devices, emulator, gans, nn, ops, optim
from minigan.devices import device as get_device
from minigan.gans import Training
from minigan.plan import recording

NO_GPU = pytest.mark.skipif(devices.why_no_cuda() is not None, reason="needs a GPU")
DEVICES = ["emulator", pytest.param("cuda", marks=NO_GPU)]
EVERY_RECIPE = pytest.mark.parametrize("key", gans.RECIPES, ids="-".join)


def tiny(key):
    """A recipe in a few channels, whose rate falls within the first steps, and data for it."""
    recipe = dataclasses.replace(gans.RECIPES[key], width=1 / 32, batch_size=4, images=16, epochs=2)
    return recipe, drawn_as(recipe)


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def addresses(arrays):
    """Where each array lies, as the position of the first that lies there."""
    places = [each.ctypes.data for each in arrays]
    return [places.index(place) for place in places]


@EVERY_RECIPE
@pytest.mark.parametrize("device", DEVICES)
def test_a_replayed_step_is_the_step(key, device):
    replayed, eager = (Training(*tiny(key), device, graph=graph) for graph in (True, False))
    for _ in range(4 * len(replayed.recipe.d_steps)):
        for mine, other in zip(replayed.step(), eager.step()):
            assert np.array_equal(mine.numpy(), other.numpy()) and np.isfinite(mine.numpy()).all()
    assert all(step.is_captured for step in replayed.device_steps.values())
    assert same(replayed.state(), eager.state())
    for mine, other in zip(replayed.results.last(4), eager.results.last(4)):
        assert np.array_equal(mine, other)


@EVERY_RECIPE
def test_every_step_is_the_same_launches(key):
    """The same kernels with the same numbers on the same arrays: what changes from step to step, changes on the device."""
    training = Training(*tiny(key), "emulator")
    (updates, step), *_ = training.device_steps.items()
    noted = []
    for start in (0, updates):
        with training.batches.ready(start, updates), recording() as launches:
            step.function()
        noted.append(launches)
    one, other = ([each.plan for each in launches] for launches in noted)
    assert one == other and len(one) > 60
    arrays = [
        [each for launch in launches for each in launch.arguments if isinstance(each, np.ndarray)] for launches in noted
    ]
    assert addresses(arrays[0]) == addresses(arrays[1])


@pytest.mark.parametrize("device", DEVICES)
def test_the_falling_rate_reaches_a_replay(images, device):
    recipe = small(steady=0.2, epochs=1)
    replayed, eager = (Training(recipe, images, device, graph=graph) for graph in (True, False))
    rates = []
    for _ in range(10):
        replayed.step(), eager.step()
        rates.append(replayed.state()["generator_optimizer/rate"][0])
    assert rates[0] == rates[1] > rates[4] > rates[9] > 0
    assert same(replayed.state(), eager.state())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("net", ["mlp", "pool"])
def test_a_captured_step_goes_on_from_a_state_that_was_loaded(images, device, net):
    """The launches know addresses: a state must be written where the arrays lie. With batch norm and its averages, too."""
    training = Training(small(net=net, width=0.05), images, device)
    for _ in range(4):
        training.step()
    good = training.state()
    for _ in range(4):
        training.step()
    expected = training.state()
    training.load_state(good)
    assert same(training.state(), good)
    for _ in range(4):
        training.step()
    assert same(training.state(), expected)


@pytest.mark.parametrize("device", DEVICES)
def test_looking_at_other_batches_and_drawing_samples_changes_no_step(images, device):
    training, twin = (Training(small(), images, device) for _ in range(2))
    for step in range(5):
        training.step(), twin.step()
        training.batch(3 * step)
        training.sample(training.fixed_z)
    assert same(training.state(), twin.state())


@pytest.mark.parametrize("device", ["cpu", *DEVICES])
def test_a_step_that_was_interrupted_takes_its_batch_again(images, device):
    training, twin = (Training(small(), images, device) for _ in range(2))
    step = training.device_steps[1]

    def interrupted():
        training.batches.take()
        raise KeyboardInterrupt

    for _ in range(4):
        training.device_steps[1] = interrupted
        with pytest.raises(KeyboardInterrupt):
            training.step()
        training.device_steps[1] = step
        training.step(), twin.step()
    assert same(training.state(), twin.state())


def test_what_was_computed_before_a_replay_cannot_be_differentiated(images):
    training = Training(small(), images, "emulator")
    for _ in range(3):
        output = training.networks[1](training.batch(0)).sum()
        training.step()
        with pytest.raises(mg.MiniganError, match="was changed in place after the forward pass"):
            output.backward()


@pytest.mark.parametrize("device", DEVICES)
def test_dropout_and_gradients_with_two_owners_are_captured_too(device):
    """What they copy, they copy in launches."""
    device = get_device(device)
    x = [mg.tensor(np.ones(50), device, np.float32, requires_grad=True) for _ in range(2)]
    replayed, eager = (mg.random.Generator(3, device) for _ in range(2))

    def gradients(noise):
        for each in x:
            each.grad = None
        (ops.dropout(x[0] + x[1], 0.5, noise) * noise.uniform((50,))).sum().backward()
        assert x[0].grad.data is not x[1].grad.data
        return x[0].grad, x[1].grad

    graph, seen = device.graph(lambda: gradients(replayed)), []
    for _ in range(5):
        expected = [each.numpy().copy() for each in gradients(eager)]
        found = [each.numpy().copy() for each in graph()]
        assert np.array_equal(found, expected)
        seen.append(found[0].tobytes())
    assert len(set(seen)) == 5


@pytest.mark.parametrize("device", DEVICES)
def test_the_power_iteration_is_captured_too(device):
    """Each replay goes on from the u that the one before has left."""

    def stepping():
        generator = mg.random.Generator(3, device)
        conv, dense = nn.Conv2d(2, 4, 3, 2, generator=generator), nn.Dense(36, 1, generator=generator)
        layers = nn.SpectralNorm(conv, generator), nn.Tanh(), nn.Flatten(), nn.SpectralNorm(dense, generator)
        net, x = nn.Sequential(*layers), generator.normal((5, 2, 6, 6))
        adam = optim.Adam(net.parameters(), lr=0.01)

        def step():
            adam.zero_grad()
            loss = (net(x) * net(-x)).mean()
            loss.backward()
            adam.step()
            return loss

        return net, step

    (net, step), (eager, eager_step) = stepping(), stepping()
    replayed, seen = get_device(device).graph(step), set()
    for _ in range(5):
        assert np.array_equal(replayed().numpy(), eager_step().numpy())
        assert same(net.state(), eager.state())
        seen.add(net.state()["0.u"].tobytes())
    assert replayed.is_captured and len(seen) == 5


def test_launches_are_noted_and_not_run():
    x = np.ones(3, np.float32)
    with recording() as launches:
        y = get_device("emulator").primitives.add(x, 1.0)
        assert np.isnan(y).all()
    for value in (1, 4):
        x[:] = value
        for launch in launches:
            launch.run()
        assert (y == value + 1).all()


def test_a_replay_can_be_watched_by_the_sanitizer(images):
    training = Training(small(batch_size=4, width=0.25), images, "emulator")
    training.step(), training.step()
    with emulator.checking() as report:
        training.step()
    assert training.device_steps[1].is_captured and not report.findings, report
