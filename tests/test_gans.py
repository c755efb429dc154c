"""The GANs: losses against their formulas, the step against a step by hand, the loop and what it leaves behind."""

import dataclasses
import math
import sys

import numpy as np
import pytest
from compare import assert_close
from small_gan import drawn_as, small

import minigan as mg
from minigan import data, gans, nn
from minigan.data.digits import digits
from minigan.gans import LOSSES, Training, find_recipe
from minigan.gans.describe import multiply_adds, step_flops
from minigan.gans.recipes import ZERO_ONE
from minigan.judge.points import modes

loop, alone = (sys.modules[f"minigan.gans.{name}"] for name in ("training", "alone"))


def outputs():
    random = np.random.default_rng(0)
    return (mg.tensor(random.standard_normal((9, 1))) for _ in range(2))


def test_losses_are_their_formulas():
    real, fake = outputs()
    p, q = (1 / (1 + np.exp(-each.numpy())) for each in (real, fake))
    for name, d_loss, g_loss in (
        ("heuristic", -np.log(p).mean() - np.log(1 - q).mean(), -np.log(q).mean()),
        ("minimax", -np.log(p).mean() - np.log(1 - q).mean(), np.log(1 - q).mean()),
        (
            "least-squares",
            ((real.numpy() - 1) ** 2).mean() / 2 + (fake.numpy() ** 2).mean() / 2,
            ((fake.numpy() - 1) ** 2).mean() / 2,
        ),
    ):
        assert_close(LOSSES[name].discriminator(real, fake, ZERO_ONE).numpy(), d_loss)
        assert_close(LOSSES[name].generator(fake, ZERO_ONE).numpy(), g_loss)
    smooth = (-0.9 * np.log(p) - 0.1 * np.log(1 - p)).mean() - np.log(1 - q).mean()
    assert_close(LOSSES["heuristic"].discriminator(real, fake, (0.0, 0.9, 1.0)).numpy(), smooth)
    pearson = (-1.0, 1.0, 0.0)
    d_loss = ((real.numpy() - 1) ** 2).mean() / 2 + ((fake.numpy() + 1) ** 2).mean() / 2
    assert_close(LOSSES["least-squares"].discriminator(real, fake, pearson).numpy(), d_loss)
    assert_close(LOSSES["least-squares"].generator(fake, pearson).numpy(), (fake.numpy() ** 2).mean() / 2)


def test_losses_against_pytorch():
    """Values and gradients, on 50 random batches and labels."""
    torch = pytest.importorskip("torch")
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    random = np.random.default_rng(1)
    for _ in range(50):
        a, b, c = labels = tuple(random.uniform(0, 1, 3))
        n = int(random.integers(1, 40))
        arrays = [random.normal(0, 5, (n, 1)) for _ in range(2)]
        theirs = [torch.tensor(each, requires_grad=True) for each in arrays]
        r, f = theirs
        zeros = torch.zeros_like(f)
        expected = {
            "heuristic": (entropy(r, zeros + b) + entropy(f, zeros + a), entropy(f, zeros + c)),
            "minimax": (entropy(r, zeros + b) + entropy(f, zeros + a), -entropy(f, zeros + a)),
            "least-squares": ((((r - b) ** 2).mean() + ((f - a) ** 2).mean()) / 2, ((f - c) ** 2).mean() / 2),
            "wasserstein": (f.mean() - r.mean(), -f.mean()),
        }
        for name, (d_loss, g_loss) in expected.items():
            ours = [mg.tensor(each, dtype="float64", requires_grad=True) for each in arrays]
            mine = LOSSES[name].discriminator(*ours, labels), LOSSES[name].generator(ours[1], labels)
            for tensor, truth in zip(mine, (d_loss, g_loss)):
                assert_close(tensor.numpy(), truth.detach().numpy(), 1e-10)
                tensor.backward()
            slopes = torch.autograd.grad(d_loss + g_loss, theirs, retain_graph=True)
            for tensor, truth in zip(ours, slopes):
                assert_close(tensor.grad.numpy(), truth.numpy(), 1e-10)


def test_networks_have_the_sizes_of_the_sources(images):
    training = Training(find_recipe("gan"), images)
    sizes = [sum(parameter.size for parameter in network.parameters()) for network in training.networks]
    assert sizes == [130_576, 117_121]


def test_the_start_is_ln_2(images):
    """An untrained D is undecided: its loss is near 2 ln 2 and G's near ln 2."""
    result = Training(find_recipe("gan"), images).step()
    assert abs(result.d_loss.item() - 2 * math.log(2)) < 0.6 and abs(result.g_loss.item() - math.log(2)) < 0.4


def test_a_step_is_algorithm_1(images):
    """Against the same step with gradients by central differences and the formulas written out in NumPy."""
    training = Training(small(hidden=(4,), latent=3, batch_size=6, lr=0.01), images, dtype="float64", seed=3)
    twin = Training(small(hidden=(4,), latent=3, batch_size=6, lr=0.01), images, dtype="float64", seed=3)
    before = [network.state() for network in training.networks]
    real, z = twin.batch(0).numpy().reshape(6, -1), twin.draw_z(6).numpy()

    def forward(state, x):
        first_weight, first_bias, weight, bias = state.values()
        h = x @ first_weight + first_bias
        return np.maximum(h, 0.2 * h) @ weight + bias

    def d_loss(d, g):
        fake = np.tanh(forward(g, z))
        return np.log1p(np.exp(-forward(d, real))).mean() + np.log1p(np.exp(forward(d, fake))).mean()

    def g_loss(d, g):
        return np.log1p(np.exp(-forward(d, np.tanh(forward(g, z))))).mean()

    result = training.step()
    g_state, d_state = (network.state() for network in training.networks)
    assert_close(result.d_loss.numpy(), d_loss(before[1], before[0]))
    assert_close(result.g_loss.numpy(), g_loss(d_state, before[0]))  # G learns against the new D
    # Adam's first step is lr · sign(gradient): the signs of all the derivatives are visible.
    for state, after, loss in (
        (before[1], d_state, lambda s: d_loss(s, before[0])),
        (before[0], g_state, lambda s: g_loss(d_state, s)),
    ):
        for name in (name for name in state if name.endswith("bias")):
            for i in np.ndindex(state[name].shape):
                plus, minus = ({**state, name: state[name].copy()} for _ in range(2))
                plus[name][i] += 1e-6
                minus[name][i] -= 1e-6
                slope = (loss(plus) - loss(minus)) / 2e-6
                if abs(slope) > 1e-6:
                    assert_close(after[name][i] - state[name][i], -0.01 * np.sign(slope), 1e-2)


def test_the_generators_update_puts_no_gradient_into_the_discriminator(images):
    training, twin = (Training(small(), images, dtype="float64") for _ in range(2))
    training.step()
    real, z = twin.batch(0), twin.draw_z(20)
    G, D = twin.networks
    LOSSES["heuristic"].discriminator(D(real), D(G(z).detach()), ZERO_ONE).backward()
    for mine, own in zip(training.networks[1].parameters(), D.parameters()):
        assert_close(mine.grad.numpy(), own.grad.numpy())


def test_an_epoch_shows_every_image_once(images):
    training = Training(small(), images)
    seen = np.concatenate([training.batch(number).numpy() for number in range(training.batches_per_epoch)])
    assert sorted(map(bytes, np.rint((seen + 1) * 127.5).astype(np.uint8))) == sorted(map(bytes, images.pixels))
    assert seen.min() == -1 and seen.max() == 1
    assert (training.batch(10).numpy() != seen[:20]).any()  # the next epoch has another order


@pytest.mark.parametrize("d_steps", [(1,), (5,), (2, 1), (1, 4)])
@pytest.mark.parametrize("batch_size", [20, 150, 200])
def test_every_update_of_d_sees_a_batch_of_its_own(images, d_steps, batch_size, monkeypatch):
    """Also where a step reaches into another epoch, or is several epochs long."""
    training, twin = (Training(small(d_steps=d_steps, batch_size=batch_size), images) for _ in range(2))
    drawn, taken = [], []
    take = training.batches.take
    monkeypatch.setattr(training.batches, "take", lambda: drawn.append(take()) or drawn[-1])
    for step in range(8):
        before = len(drawn)
        training.step()
        taken.append(len(drawn) - before)
        if training.epochs_done >= 1 and step < training.steps_until(1) - 1:
            raise AssertionError(f"an epoch was over after {step + 1} steps")
    assert tuple(taken[: len(d_steps)]) == d_steps
    for number, batch in enumerate(drawn):
        assert np.array_equal(batch.numpy(), twin.batch(number).numpy()), number
    for epochs in (1, 2, 7):
        needed = epochs * training.batches_per_epoch
        steps = training.steps_until(epochs)
        assert training.batches_until(steps) >= needed > training.batches_until(steps - 1)


@pytest.mark.parametrize(
    "key", [key for key in gans.RECIPES if key[1] == "tuned" or key == ("dcgan", "paper")], ids="-".join
)
def test_every_recipe_is_the_same_on_the_emulator(key):
    """Three small steps in float64, by NumPy and by the kernels: losses and D's outputs agree to 1e-9."""
    recipe = dataclasses.replace(gans.RECIPES[key], width=0.0625, batch_size=8, images=None)
    on_cpu, emulated = (Training(recipe, drawn_as(recipe), device, dtype="float64") for device in ("cpu", "emulator"))
    for _ in range(3):
        for mine, emulators in zip(on_cpu.step(), emulated.step()):
            assert_close(emulators.numpy(), mine.numpy(), 1e-9)


def test_same_seed_same_run_and_other_seed_another(images):
    def losses(seed):
        training = Training(small(), images, seed=seed)
        return [training.step().d_loss.item() for _ in range(3)]

    assert losses(1) == losses(1) != losses(2)


def test_float32_follows_float64(images):
    single, double = (Training(small(), images, dtype=dtype) for dtype in ("float32", "float64"))
    for _ in range(5):
        assert_close(single.step().g_loss.numpy(), double.step().g_loss.numpy(), 1e-4)


def test_recipes_and_presets():
    assert find_recipe("gan").beta1 == 0.5 and find_recipe("gan", "seed").beta1 == 0.9
    assert find_recipe("gan-smooth").labels == (0.0, 0.9, 1.0) and find_recipe("gan-smooth", "seed").epochs == 100
    with pytest.raises(mg.MiniganError, match="unknown recipe 'gna': choose from gan, gan-smooth, deconv-gan"):
        find_recipe("gna")
    with pytest.raises(mg.MiniganError, match="recipe gan has no preset 'paper': choose from tuned, seed"):
        find_recipe("gan", "paper")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 0}, "batch size 0: expected 1 to 200"), ({"batch_size": 201}, "batch size 201"),
        ({"loss": "l1"}, "unknown loss 'l1': choose from heuristic, minimax, least-squares"),
        ({"lr": 0.0}, "lr 0.0"), ({"lr": math.nan}, "lr nan"), ({"beta1": 1.0}, "beta1 1.0"),
    ],
)  # fmt: skip
def test_recipes_that_cannot_be_trained(images, changes, message):
    with pytest.raises(mg.MiniganError, match=message):
        Training(small(**changes), images)


def test_every_setting_of_a_recipe_matters(images):
    def result(**changes):
        training = Training(small(**changes), images)
        for _ in range(3):
            training.step()
        return b"".join(values.tobytes() for values in training.state().values())

    plain = result()
    assert result() == plain
    changes = [
        {"labels": (0.0, 0.9, 1.0)}, {"labels": (0.1, 1.0, 1.0)}, {"labels": (0.0, 1.0, 0.9)}, {"beta1": 0.8}, {"beta2": 0.9},
        {"lr": 3e-3}, {"slope": 0.1}, {"loss": "minimax"}, {"images": 150}, {"batch_size": 10}, {"loss": "least-squares"},
        {"loss": "wasserstein"}, {"loss": "wasserstein-gp"}, {"r1": 0.1}, {"optimizer": "rmsprop"}, {"d_steps": (2,)},
        {"noise": "normal"}, {"initial": "normal"}, {"width": 0.5}, {"net": "deconv"},
    ]  # fmt: skip
    for change in changes:
        assert result(**change) != plain, change
    for base, change in (
        ({"loss": "wasserstein"}, {"clip": 0.02}), ({"loss": "wasserstein-gp"}, {"penalty": 1.0}),
        ({"net": "pool"}, {"batch_norm": (0.01, 1e-3)}),
    ):  # fmt: skip
        assert result(**base) != result(**base, **change), change


def test_verdicts_of_least_squares_are_ds_outputs_and_speed_counts_images(images):
    training = Training(small(loss="least-squares"), images)
    result = training.step()
    row = loop.look(training, 1, training.state(), seconds=0.5)
    assert_close(row["d_real"], result.real_output.numpy().mean(), 1e-6)
    assert row["images_per_second"] == 40.0


def test_dcgan_starts_where_the_tutorials_printed_line_does(shared_data):
    """Its first line says D 1.447 and G 0.727: near 2 ln 2 and ln 2, as of a D that does not know yet."""
    training = Training(
        dataclasses.replace(find_recipe("dcgan", "seed"), batch_size=25), data.load("cifar10", shared_data)
    )
    result = training.step()
    assert abs(result.d_loss.item() - 2 * math.log(2)) < 0.25 and abs(result.g_loss.item() - math.log(2)) < 0.25


def test_penalised_losses_build_a_discriminator_without_batch_norm(images):
    for change, expected in (({}, True), ({"loss": "wasserstein-gp"}, False), ({"r1": 1.0}, False)):
        _, D = Training(small(net="deconv", **change), images).networks
        assert any(isinstance(layer, mg.nn.BatchNorm) for layer in D.layers) == expected


@pytest.mark.parametrize("change", [{"r1": 1.0}, {"spectral": True}, {"average": 0.9}])
@pytest.mark.parametrize("name", sorted({name for name, preset in gans.RECIPES if preset == "tuned"}))
def test_every_recipe_can_be_regularised_and_averaged(name, change):
    recipe = dataclasses.replace(find_recipe(name), width=1 / 16, batch_size=4, **change)
    training = Training(recipe, drawn_as(recipe))
    results = [training.step() for _ in range(2)]
    assert all(np.isfinite(number.numpy()).all() for result in results for number in result)
    raw, average = training.state(), training.average
    assert (average is not None) == bool(recipe.average)
    if average:  # between the first weights and the newest, nearer to these
        moved = [np.abs(raw[f"average/{key}"] - value).max() for key, value in training.networks[0].state().items()]
        assert 0 < max(moved) < 0.1


def test_samples_are_of_the_average_and_a_resumed_one_goes_on(images):
    whole, first = (Training(small(average=0.9), images) for _ in range(2))
    for training, steps in ((whole, 9), (first, 4)):
        for _ in range(steps):
            training.step()
    second = Training(small(average=0.9), images)
    second.load_state(first.state())
    for _ in range(5):
        second.step()
    assert all(np.array_equal(values, second.state()[name]) for name, values in whole.state().items())
    raw = gans.networks.draw_samples(whole.networks[0], whole.fixed_z)
    assert not np.array_equal(whole.sample(whole.fixed_z), raw)
    expected, share = Training(small(average=0.9), images), [9 / 10, 9 / 11, 9 / 12]
    by_hand = expected.networks[0].state()
    for s in share:
        expected.step()
        by_hand = {name: (1 - s) * by_hand[name] + s * value for name, value in expected.networks[0].state().items()}
    for name, value in by_hand.items():
        assert_close(expected.state()[f"average/{name}"], value, 1e-5)


@pytest.mark.parametrize(
    ("change", "said"), [({"r1": -1.0}, "r1 -1.0"), ({"average": 1.0}, "average 1.0"), ({"r1": math.nan}, "nan")]
)
def test_regularisers_out_of_range(images, change, said):
    with pytest.raises(mg.MiniganError, match=said):
        Training(small(**change), images)


def test_weights_are_clipped_after_every_update_of_the_critic(images):
    training = Training(small(loss="wasserstein", clip=0.01, lr=0.1, d_steps=(2,)), images)
    training.step()
    G, D = training.networks
    assert max(np.abs(each.numpy()).max() for each in D.parameters()) == np.float32(0.01)
    assert max(np.abs(each.numpy()).max() for each in G.parameters()) > 0.01


@pytest.mark.parametrize("name", ["mlp", "deconv", "pool", "dcgan", "dcgan64"])
def test_networks_map_noise_to_images_and_images_to_verdicts(name):
    shape = (3, 64, 64) if name == "dcgan64" else (1, 12, 8)
    weights = mg.random.Generator(0)
    G, D = gans.build(small(net=name, width=0.1), shape, weights)
    images = G(weights.uniform((4, 5), -1, 1))
    assert images.shape == (4, *shape) and np.abs(images.numpy()).max() <= 1
    assert D(images).shape == (4, 1)


def test_networks_and_data_that_do_not_go_together():
    weights = mg.random.Generator(0)
    with pytest.raises(mg.MiniganError, match="--net deconv makes images whose sides are multiples of 4, .*30, 30"):
        gans.build(small(net="deconv"), (1, 30, 30), weights)
    with pytest.raises(mg.MiniganError, match="--net dcgan64 makes images of 64×64"):
        gans.build(small(net="dcgan64"), (1, 28, 28), weights)
    with pytest.raises(mg.MiniganError, match="of shape .2,.: choose --net mlp"):
        gans.build(small(net="dcgan", data="ring"), (2,), weights)
    with pytest.raises(mg.MiniganError, match="unknown net 'resnet': choose from mlp, deconv, pool, dcgan, dcgan64"):
        Training(small(net="resnet"), data.Images("digits", *digits(200)))


def test_samples_are_drawn_with_the_running_averages(images):
    """One sample of a G with batch norm is what it is among a hundred: the others do not matter."""
    training = Training(small(net="pool", width=0.1), images)
    for _ in range(3):
        training.step()
    z = training.draw_z(10)
    many = training.sample(z)
    one = training.sample(mg.tensor(z.numpy()[:1]))
    assert_close(one, many[:1], 1e-5)
    assert all(module.training for network in training.networks for module in network.modules().values())


def test_modes_are_counted():
    points = data.load("grid")
    found = modes(points.values[:5000], points)
    assert found["found"] == 25 and 0.98 < found["high_quality"] < 0.995  # 1 − e^(−9/2) = 0.989
    assert np.allclose(found["shares"], 0.99 / 25, atol=0.01) and (np.abs(found["spread"] - 0.97) < 0.1).all()
    one = modes(np.tile(points.centres[3], (10, 1)), points)
    assert one["found"] == 1 and one["shares"][3] == 1 and one["spread"][3] == 0 and np.isnan(one["spread"][4])
    far = modes(np.full((10, 2), 1.0), points)
    assert far["found"] == 0 and far["high_quality"] == 0


@pytest.mark.parametrize(
    ("name", "preset", "shape", "gflop"),
    [
        ("gan", "seed", (1, 28, 28), 0.222),
        ("gan", "tuned", (1, 28, 28), 0.362),  # and six passes of D for its penalty
        ("dcgan", "tuned", (3, 32, 32), 1420),
        ("dcgan", "paper", (3, 64, 64), 1149),
    ],
)
def test_describe_counts_what_was_counted_by_hand(name, preset, shape, gflop):
    recipe = find_recipe(name, preset)
    networks = gans.build(recipe, shape, mg.random.Generator(0))
    assert step_flops(recipe, networks, shape) / 1e9 == pytest.approx(gflop, rel=2e-3)


def test_describe_sees_through_spectral_normalisation():
    generator = mg.random.Generator(0)
    for layer, before, behind in (
        (nn.Dense(7, 5, generator=generator), (7,), (5,)),
        (nn.Conv2d(3, 4, 5, 2, generator=generator), (3, 8, 8), (4, 4, 4)),
    ):
        adds = multiply_adds(layer, before, behind)
        assert multiply_adds(nn.SpectralNorm(layer, generator), before, behind) == adds > 0


def test_the_second_phase_keeps_the_penalty(images):
    """Without it D's outputs grow without bound: nothing else holds a Wasserstein critic."""
    recipe = small(loss="wasserstein-gp", alone_epochs=20, lr=2e-3)
    training = Training(recipe, images)
    noise = mg.random.Generator(1)
    D = alone._copy(training, noise)
    on_real, on_fake = alone._teach(D, training, noise)
    assert 0 < on_real - on_fake < 56  # a slope of 1 over the farthest two images: √(784 · 2²)
