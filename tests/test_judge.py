"""The judge: its scores against their formulas written out, its net, its cache, and what it says of runs."""

import json
import re

import numpy as np
import pytest
from compare import assert_close
from small_gan import small

import minigan as mg
from minigan import data, gans, judge
from minigan.checkpoint import load_arrays, save_arrays
from minigan.cli import main
from minigan.data.digits import digits
from minigan.gans import RunFolder, Training
from minigan.judge import classifier, kept, points, scores
from minigan.judge import compare as comparing


@pytest.fixture(scope="module")
def features():
    """Of real and of generated images: clouds that overlap in part, of other widths and in other places."""
    random = np.random.default_rng(0)
    real, fake = random.standard_normal((150, 7)), 0.8 * random.standard_normal((130, 7)) + 0.3
    return real @ random.standard_normal((7, 7)), fake @ random.standard_normal((7, 7))


def by_sqrtm(a, b):
    """Heusel et al. 2017, eq. 6, with the root of the product itself, by way of its eigenvectors."""
    mean, other = a.mean(0), b.mean(0)
    covariance, second = ((x - x.mean(0)).T @ (x - x.mean(0)) / (len(x) - 1) for x in (a, b))
    values, vectors = np.linalg.eig(covariance @ second)
    root = (vectors * np.sqrt(values)) @ np.linalg.inv(vectors)
    return ((mean - other) ** 2).sum() + np.trace(covariance + second - 2 * root).real


def test_the_frechet_distance_is_its_formula(features):
    assert_close(scores.frechet_distance(*features), by_sqrtm(*features), 1e-9)
    real, _ = features
    assert scores.frechet_distance(real, real) < 1e-9
    assert_close(scores.frechet_distance(real, real + 2.0), 7 * 4.0, 1e-9)  # a shift moves the means alone


def brute_force(real, fake, nearest, neighbours):
    """Kynkäänniemi et al. 2019, eq. 1 and 2, and Naeem et al. 2020, eq. 2 and 3, word for word."""

    def reach(cloud, k):
        return [
            sorted(np.linalg.norm(x - y) for j, y in enumerate(cloud) if j != i)[k - 1] for i, x in enumerate(cloud)
        ]

    def inside(x, cloud, radii):
        return [np.linalg.norm(x - y) <= radius for y, radius in zip(cloud, radii)]

    narrow, narrow_fake, wide = reach(real, nearest), reach(fake, nearest), reach(real, neighbours)
    return {
        "precision": np.mean([any(inside(x, real, narrow)) for x in fake]),
        "recall": np.mean([any(inside(x, fake, narrow_fake)) for x in real]),
        "density": sum(sum(inside(x, real, wide)) for x in fake) / (neighbours * len(fake)),
        "coverage": np.mean([any(np.linalg.norm(x - y) <= r for y in fake) for x, r in zip(real, wide)]),
    }


@pytest.mark.parametrize(("nearest", "neighbours"), [(3, 5), (1, 1), (7, 2)])
def test_precision_recall_density_and_coverage_are_their_formulas(features, monkeypatch, nearest, neighbours):
    monkeypatch.setattr(scores, "CHUNK", 37)  # the last part is not full
    found, expected = (each(*features, nearest, neighbours) for each in (scores.manifold_scores, brute_force))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert abs(found[name] - value) < 1e-12 and value > 0, name


def test_what_is_left_out_and_what_is_copied_shows(features):
    real, _ = features
    left_out = scores.manifold_scores(real, real[real[:, 0] > 0])
    assert left_out["precision"] == 1 and left_out["coverage"] < 0.8
    one = scores.manifold_scores(real, np.tile(real[:1], (50, 1)))
    assert one["precision"] == 1 and one["recall"] < 0.05 and one["coverage"] < 0.1


def test_the_inception_score_is_its_formula():
    random = np.random.default_rng(0)
    p = random.dirichlet(np.ones(4), 30)
    q = p.mean(0)
    assert_close(scores.inception_score(p), np.exp(np.mean([(row * np.log(row / q)).sum() for row in p])), 1e-12)
    assert_close(scores.inception_score(np.eye(4)), 4.0)  # sure of each, and all come: the 0 of 0 ln 0 too
    assert_close(scores.inception_score(np.tile(q, (5, 1))), 1.0)


def test_classes_are_counted_by_a_tenth_of_their_share():
    names = np.eye(4)[[0] * 60 + [1] * 39 + [2]]
    shares = scores.class_shares(names)
    assert shares.tolist() == [0.6, 0.39, 0.01, 0.0]
    assert scores.covered(shares, np.array([0.25, 0.25, 0.25, 0.25])) == 2
    assert scores.covered(shares, np.array([0.51, 0.4, 0.09, 0.0])) == 3  # the fourth is no class of the data
    assert_close(
        scores.divergence(shares, np.full(4, 0.25)), 0.6 * np.log(2.4) + 0.39 * np.log(1.56) + 0.01 * np.log(0.04)
    )


def test_nearest_images_and_what_is_nearer(monkeypatch):
    monkeypatch.setattr(scores, "CHUNK", 7)
    random = np.random.default_rng(0)
    known = data.Images("spots", random.integers(256, size=(50, 1, 3, 3), dtype=np.uint8), np.zeros(50, np.uint8))
    images, fresh = known.pixels / 127.5 - 1, random.uniform(-1, 1, (20, 1, 3, 3))
    indices, distances = scores.nearest(fresh, known)
    table = np.linalg.norm((fresh[:, None] - images).reshape(20, 50, 9), axis=2)
    assert indices.tolist() == table.argmin(1).tolist()
    assert_close(distances, table.min(1), 1e-6)
    copies = scores.nearest(known.batch(np.arange(10, 20), np.float32), known)
    assert copies[0].tolist() == list(range(10, 20)) and (copies[1] == 0).all()
    assert scores.nearness(copies[1], distances) == 1 and scores.nearness(distances, distances) == 0.5
    assert scores.probability_below(np.array([1.0, 2.0]), np.array([2.0, 3.0])) == (2 + 1.5) / 4


def test_the_rank_correlation_is_spearmans():
    a, b = np.array([3.0, 1.0, 4.0, 1.0, 5.0]), np.array([2.0, 7.0, 1.0, 8.0, 2.0])
    ranks = np.array([3.0, 1.5, 4.0, 1.5, 5.0]), np.array([2.5, 4.0, 1.0, 5.0, 2.5])
    assert_close(scores.rank_correlation(a, b), np.corrcoef(*ranks)[0, 1], 1e-12)
    assert scores.rank_correlation(a, a**3) == 1 and np.isnan(scores.rank_correlation(a, np.ones(5)))
    falling = [{"d_real": 9.0 - i, "d_fake": 0.0, "frechet": 90.0 - i} for i in range(5)]
    assert comparing.follows([*falling, {"d_real": 1.0, "d_fake": 50.0}]) == {"follows": 1.0}
    assert comparing.follows(falling[:4]) == {}


def test_the_loss_of_the_classifier_is_the_cross_entropy():
    random = np.random.default_rng(0)
    logits, labels = random.standard_normal((5, 3)) * 100, np.array([0, 2, 1, 1, 0])
    z = mg.tensor(logits, requires_grad=True)
    loss = classifier.cross_entropy(z, labels)
    chosen = classifier.softmax(logits)[np.arange(5), labels]
    assert_close(loss.item(), -np.log(chosen).mean(), 1e-9)
    loss.backward()
    assert_close(z.grad.numpy(), (classifier.softmax(logits) - np.eye(3)[labels]) / 5, 1e-12)
    mg.gradcheck(lambda z: classifier.cross_entropy(z, labels), [mg.tensor(logits / 100, requires_grad=True)])


@pytest.fixture(scope="module")
def few():
    """(training images, held-out images): a judge learns them in seconds."""
    return data.Images("digits", *digits(1000)), data.Images("digits", *digits(400, seed=1))


@pytest.fixture(scope="module")
def net(few):
    return classifier.trained(few[0], progress=False)


def test_a_judge_learns_to_name_what_it_has_not_seen(few, net):
    assert net.accuracy(few[1]) > 0.95
    features, probabilities = net.look(few[1].batch(np.arange(30), np.float32))
    assert features.shape == (30, classifier.FEATURES) and features.dtype == np.float64 and (features >= 0).all()
    assert_close(probabilities.sum(1), np.ones(30), 1e-12)


def test_a_class_left_out_and_noise_are_seen(few, net):
    images, held_out = few
    real, _ = net.look(held_out.batch(np.arange(400), np.float32))

    def distance(pixels):
        return scores.frechet_distance(real, net.look(pixels)[0])

    everything = images.batch(np.arange(400), np.float32)
    floor, without = distance(everything), distance(everything[images.labels[:400] != 4])
    noise = np.random.default_rng(0).uniform(-1, 1, everything.shape)
    assert floor + 5 < without < distance(noise.astype(np.float32)) and distance(noise.astype(np.float32)) > 100
    _, probabilities = net.look(everything[images.labels[:400] != 4])
    assert scores.covered(scores.class_shares(probabilities), np.full(10, 0.1)) == 9


def test_the_same_seed_teaches_the_same_judge(few):
    images = data.Images("digits", *digits(200))
    one, other = (classifier.trained(images, progress=False).state() for _ in range(2))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_mirrored_colours_are_learnt():
    pixels, labels = digits(100)
    net = classifier.trained(data.Images("colours", np.repeat(pixels, 3, axis=1), labels), progress=False)
    assert net.look(np.zeros((2, 3, 28, 28)))[1].shape == (2, 10)


@pytest.fixture
def taught(monkeypatch, tmp_path, few, net):
    """Every judge that is taught, in a cache of its own: `net`, at once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    asked = []
    monkeypatch.setattr(kept, "trained", lambda images, device, progress: asked.append(images.name) or net)
    return asked


def test_a_judge_is_kept_with_the_checksum_of_its_data(taught, few, capsys):
    first, again = judge.find_judge(*few), judge.find_judge(*few)
    assert len(taught) == 1 and first.accuracy == again.accuracy > 0.95
    assert re.fullmatch(r"64 features of digits's judge, right on 9\d\.\d\d% of held-out images", again.name)
    samples = few[1].batch(np.arange(9), np.float32)
    assert all(np.array_equal(*both) for both in zip(first.look(samples), again.look(samples)))
    other = data.Images("digits", few[0].pixels, few[0].labels[::-1].copy())
    judge.find_judge(other, few[1])
    assert len(taught) == 2 and not capsys.readouterr().err


@pytest.mark.parametrize("harm", ["cut", "foreign", "none of ours", "NaN"])
def test_a_judge_that_cannot_be_used_is_taught_anew(taught, few, capsys, harm):
    judge.find_judge(*few)
    (path,) = (kept.cache_folder() / "judges").iterdir()
    state = load_arrays(path)
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    elif harm == "foreign":
        save_arrays(path, state | {"checksum": np.array("0" * 64)})
    elif harm == "none of ours":
        save_arrays(path, {"checksum": state["checksum"], "accuracy": state["accuracy"], "x": np.zeros(3)})
    else:
        save_arrays(path, state | {"head.bias": np.full(10, np.nan)})
    found = judge.find_judge(*few)
    assert len(taught) == 2 and np.isfinite(found.look(few[1].batch([0], np.float32))[0]).all()
    assert re.fullmatch(r"minigan: .*: teaching it anew\n", capsys.readouterr().err)
    judge.find_judge(*few)
    assert len(taught) == 2


def test_a_cache_that_cannot_be_written_is_told(taught, few, capsys, tmp_path):
    (tmp_path / "cache").write_text("a file")
    assert judge.find_judge(*few).accuracy > 0.95
    assert "the next time it is taught anew" in capsys.readouterr().err


def test_images_without_classes_are_judged_by_an_untrained_net(taught):
    images = data.Images("pictures", np.zeros((70, 3, 20, 20), np.uint8), np.zeros(70, np.uint8))
    found = judge.find_judge(images, None)
    assert (
        not taught
        and found.name == "64 features of an untrained net"
        and found.look(np.ones((2, 3, 20, 20)))[1] is None
    )


@pytest.fixture
def run(taught, few, tmp_path, monkeypatch):
    """A run on a few digits, with an average, and what it is judged by."""
    monkeypatch.setattr("minigan.judge.evaluation.load", lambda *place: few[0])
    monkeypatch.setattr("minigan.judge.evaluation.load_held_out", lambda *place: few[1])
    training = Training(small(average=0.9), few[0], seed=3)
    run = RunFolder.create(tmp_path / "run", training)
    gans.train(training, 20, run, progress=False)
    return run


def test_an_evaluation_has_every_number_between_its_ends(run, few):
    found, pictures = judge.evaluate(run, 100, seed=5, progress=False)
    assert list(found["scores"]) == ["averaged", "raw", "training images", "noise"]
    for name in (
        "recipe",
        "preset",
        "data",
        "seed",
        "step",
        "epoch",
        "minutes",
        "samples",
        "sample_seed",
        "judge",
        "held_out",
    ):
        assert name in found, name
    assert (found["seed"], found["step"], found["samples"], found["sample_seed"]) == (3, 20, 100, 5)
    averaged, raw, real, noise = found["scores"].values()
    assert real["frechet"] < averaged["frechet"] and real["frechet"] < noise["frechet"] and averaged != raw
    assert real["classes"] == 10 and real["kl"] < 0.1 and abs(sum(averaged["shares"]) - 1) < 1e-9
    assert found["memory"]["compared"] == 100 and 0 <= found["memory"]["nearness"] <= 1
    assert set(found["discriminator"]) == {"training images", "held-out images", "samples", "memory"}
    assert pictures["samples"].shape == pictures["neighbours"].shape == (10, 1, 28, 28)
    assert json.loads(json.dumps(found)) == found
    assert judge.evaluate(run, 100, seed=5, progress=False)[0] == found  # to the digit
    assert judge.evaluate(run, 100, seed=6, progress=False)[0]["scores"]["averaged"] != averaged


def test_an_evaluation_is_a_table_and_a_picture(run, tmp_path):
    found, pictures = judge.evaluate(run, 100, progress=False)
    lines = judge.table(found).splitlines()
    assert lines[0] == "gan (tuned) on digits, seed 3, epoch 0.4: 100 samples"
    assert lines[2].split() == ["averaged", "raw", "training", "images", "noise"]
    assert f"{found['scores']['raw']['frechet']:.2f}" in lines[3]
    judge.save_picture(tmp_path / "evaluation.png", found, pictures)
    assert (tmp_path / "evaluation.png").stat().st_size > 5000


def test_too_few_samples_and_a_run_without_a_checkpoint(run):
    with pytest.raises(mg.MiniganError, match="64 samples are too few for 64 features: expected at least 65"):
        judge.evaluate(run, 64, progress=False)
    (run.path / "checkpoint.npz").unlink()
    with pytest.raises(mg.MiniganError, match="cannot read the checkpoint"):
        judge.evaluate(run, 100, progress=False)


def test_points_are_judged_by_their_modes(tmp_path):
    ring = data.load("ring")
    training = Training(small(data="ring", latent=2, net="mlp", noise="normal"), ring)
    run = RunFolder.create(tmp_path / "run", training)
    gans.train(training, 3, run, progress=False)
    found, pictures = judge.evaluate(run, 1000, progress=False)
    assert pictures is None and list(found["scores"]) == ["raw", "data"] and "judge" not in found
    assert found["scores"]["data"]["modes"] == 8 and found["scores"]["data"]["within_3"] > 0.97
    judge.save_picture(tmp_path / "evaluation.png", found, pictures)
    assert "within 3 deviations" in judge.table(found)
    assert points.glance(ring.values[:100], ring).keys() == {"classes", "precision"}


def test_a_glance_now_and_then_leaves_the_training_alone(taught, few, monkeypatch, tmp_path):
    monkeypatch.setattr("minigan.judge.evaluation.load", lambda *place: few[0])
    monkeypatch.setattr("minigan.judge.evaluation.load_held_out", lambda *place: few[1])
    watched, alone = (Training(small(average=0.9), few[0]) for _ in range(2))
    run = RunFolder.create(tmp_path / "run", watched)
    gans.train(watched, 110, run, progress=False, judged=(2, judge.glance(watched, progress=False)))
    gans.train(alone, 110, progress=False)
    assert all(np.array_equal(values, watched.state()[name]) for name, values in alone.state().items())
    judged = [row for row in run.metrics() if "frechet" in row]
    assert [row["epoch"] for row in judged] == [2.0]  # of 2.2 epochs of 50 steps
    assert set(judged[0]) >= {"frechet", "precision", "recall", "classes"}


def test_runs_that_differ_in_their_seeds_share_a_row(run, few, tmp_path):
    others = []
    for name, seed, change in (("b", 4, {}), ("c", 3, {"average": 0.0, "lr": 1e-3})):
        training = Training(small(**{"average": 0.9} | change), few[0], seed=seed)
        others.append(RunFolder.create(tmp_path / name, training))
        gans.train(training, 20, others[-1], progress=False)
    groups = comparing.compare([run, *others], 100, progress=False)
    assert [len(group.runs) for group in groups] == [2, 1]
    assert comparing.differences(groups) == {"average": [0.9, 0.0], "lr": [0.002, 0.001]}
    assert [group.name for group in groups] == [
        "gan (tuned), average 0.9, lr 0.002",
        "gan (tuned), average 0.0, lr 0.001",
    ]
    both = [each["scores"]["averaged"]["frechet"] for each in groups[0].evaluations]
    assert groups[0].cells()["frechet"] == f"{np.median(both):.2f} ({min(both):.2f} to {max(both):.2f})"
    assert "--lr 0.001 --batch-size 20 --seed 3  # hidden [16], latent 5, steady 1.0" in groups[1].command()
    assert groups[0].command().endswith(" --seed 3  # hidden [16], latent 5, steady 1.0, --seed 4")
    assert "| average | 0.9 | 0.0 |" in comparing.markdown(groups) and "that of noise" in comparing.text(groups)
    comparing.save_metrics(tmp_path / "metrics.png", groups)
    comparing.save_samples(tmp_path / "samples.png", groups)
    kept_evaluation = (run.path / "evaluation.json").read_text()
    comparing.compare([run], 100, progress=False)
    assert (run.path / "evaluation.json").read_text() == kept_evaluation
    whole = json.loads(kept_evaluation)
    for harm in (
        {"scores": [1]},
        {"scores": {}},
        {"minutes": None},
        {"step": 19},
        {"scores": {"raw": {"frechet": "x"}}},
    ):
        (run.path / "evaluation.json").write_text(json.dumps(whole | harm))
        comparing.compare([run], 100, progress=False)
        assert (run.path / "evaluation.json").read_text() == kept_evaluation
    for harm in ("", '{"step": 1', "[1]"):
        (run.path / "evaluation.json").write_text(harm)
        comparing.compare([run], 100, progress=False)
        assert (run.path / "evaluation.json").read_text() == kept_evaluation
    with pytest.raises(mg.MiniganError, match="a run is named twice"):
        comparing.compare([run, RunFolder.open(run.path)], 100)


def test_runs_that_have_not_come_as_far_share_no_row(run, few, tmp_path):
    training = Training(small(average=0.9), few[0], seed=4)
    other = RunFolder.create(tmp_path / "b", training)
    other.save(training)  # and no look at the losses yet
    groups = comparing.compare([other, run], 100, progress=False)
    assert comparing.differences(groups) == {"steps": [0, 20]}
    for each in (groups, groups[:1]):
        comparing.save_metrics(tmp_path / "metrics.png", each)


def test_an_evaluation_of_another_size_is_not_lost(run, capsys):
    main(["evaluate", str(run.path), "-n", "200"])
    larger = (run.path / "evaluation.json").read_text()
    comparing.compare([run], 100, progress=False)
    assert (run.path / "evaluation.json").read_text() == larger


def test_of_a_folder_one_half_stands_for_what_is_held_out(run, few, monkeypatch):
    monkeypatch.setattr("minigan.judge.evaluation.load_held_out", lambda *place: None)
    found, _ = judge.evaluate(run, 100, progress=False)
    assert found["scores"]["training images"]["frechet"] > 0.1 and "nearness" not in found["memory"]
    assert set(found["discriminator"]) == {"training images", "samples"}
    assert "beside one half of the images, as none of a folder is held out" in judge.table(found)
    monkeypatch.setattr("minigan.judge.evaluation.load", lambda *place: few[0].at(slice(120)))
    with pytest.raises(mg.MiniganError, match="60 real images are too few for 64 features"):
        judge.evaluate(run, 100, progress=False)


def test_training_images_are_those_that_were_trained_on(few, net, taught):
    judged = judge.evaluation.Judged(*few, "cpu", 100, trained_on=70, progress=False)
    assert len(judged.known) == 70 and np.array_equal(judged.known.pixels, few[0].pixels[:70])


def test_evaluate_and_compare_on_the_command_line(run, capsys, tmp_path):
    assert main(["evaluate", str(run.path), "-n", "100", "--seed", "5"]) == 0
    printed = capsys.readouterr().out
    kept_numbers = json.loads((run.path / "evaluation.json").read_text())
    assert f"{kept_numbers['scores']['raw']['frechet']:.2f}" in printed and "evaluation.png" in printed
    assert main(["compare", str(run.path), "-n", "100", "--markdown", "table.md", "--out", "pair"]) == 0
    assert {"pair-metrics.png", "pair-samples.png", "table.md"} <= {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "table.md").read_text().startswith("| recipe | Fréchet distance |")
    assert "minigan train gan" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evaluate", "nowhere"], "nowhere holds no run"),
        (["evaluate", "run", "-n", "0"], "-n 0: expected at least 1"),
        (["evaluate", "run", "-n", "64"], "64 samples are too few for 64 features: expected at least 65"),
        (["evaluate", "run", "-n", "100", "--seed", "-1"], "seed -1: expected 0 to"),
        (["compare", "run", "run"], "a run is named twice"),
        (["compare", "run", "nowhere"], "nowhere holds no run"),
        (["compare", "run", "--markdown", "no/table.md"], "there is no folder no"),
        (["train", "gan", "--every", "0"], "--every 0: expected at least 1"),
    ],
)
def test_bad_input_is_one_line(run, capsys, arguments, said):
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert before == {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
