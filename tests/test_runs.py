"""What a training leaves behind: folders, checkpoints, samples."""

import dataclasses

import numpy as np
import pytest
from small_gan import small

import minigan as mg
from minigan import data
from minigan.checkpoint import load_arrays, replacing, save_arrays
from minigan.data.digits import digits
from minigan.gans import RunFolder, Training, train
from minigan.gans import training as loop
from minigan.gans.training import COLUMNS, Diverged


def test_a_run_leaves_everything_behind(images, tmp_path):
    training = Training(small(), images)
    run = RunFolder.create(tmp_path / "run", training)
    rows = train(training, 25, run, progress=False)
    names = {path.name for path in run.path.iterdir()}
    assert names == {
        "config.json",
        "checkpoint.npz",
        "metrics.csv",
        "samples",
        "losses.png",
        "first-and-last.png",
        "training.gif",
    }
    assert [path.name for path in run.pictures()] == [
        "step-0000000-epoch-0.png", "step-0000010-epoch-1.png", "step-0000020-epoch-2.png", "step-0000025-epoch-2.5.png",
    ]  # fmt: skip
    assert [row["step"] for row in rows] == [10, 20, 25] and run.metrics() == rows
    assert set(rows[0]) == set(COLUMNS) and 0 < rows[0]["d_real"] < 1
    assert not list(run.path.rglob("*.part*"))


def test_the_pictures_say_what_they_are(images, tmp_path, monkeypatch):
    drawn = {}
    for name in ("save_losses", "save_side_by_side", "save_film"):
        monkeypatch.setattr(f"minigan.plots.{name}", lambda path, *values: drawn.update({path.name: values}))
    training = Training(small(), images, seed=3)
    run = RunFolder.create(tmp_path / "run", training)
    train(training, 15, run, progress=False)
    title = f"gan (tuned) on {images.name}, seed 3, step 15"
    assert drawn["losses.png"][-1] == title and drawn["first-and-last.png"][-1] == title
    first, *_, last = drawn["training.gif"][0]
    assert drawn["first-and-last.png"][0] == (first, last) == tuple(zip(run.pictures()[::2], ("epoch 0", "epoch 1.5")))
    run.config["data"] = str(tmp_path / "holidays")
    assert run.title(6000) == "gan (tuned) on holidays, seed 3, step 6,000"


def test_a_run_with_a_renamed_picture_ends(images, tmp_path):
    training = Training(small(), images)
    run = RunFolder.create(tmp_path / "run", training)
    run.save(training)
    run.pictures()[0].rename(run.path / "samples" / "step-first.png")
    train(training, 5, run, progress=False)
    assert {path.name for path in run.results()} == {"losses.png", "first-and-last.png", "training.gif"}


@pytest.mark.parametrize("device", ["cpu", "emulator"])
def test_a_resumed_run_is_the_unbroken_one(images, tmp_path, device):
    whole = Training(small(), images, device)
    train(whole, 27, progress=False)
    first = Training(small(), images, device)
    run = RunFolder.create(tmp_path / "run", first)
    train(first, 13, run, progress=False)
    second = RunFolder.open(run.path)
    resumed = Training(small(), images, device)
    resumed.load_state(load_arrays(second.path / "checkpoint.npz"))
    train(resumed, 27, second, progress=False)
    for name, values in whole.state().items():
        assert np.array_equal(values, resumed.state()[name]), name


def test_load_training_goes_on_and_cuts_later_metrics(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "minigan.gans.run.load", lambda name, folder, size: asked.append(folder) or data.Images(name, *digits(100))
    )
    training = Training(small(), data.Images("digits", *digits(100)), seed=7)
    run = RunFolder.create(tmp_path / "run", training, data_dir="somewhere")
    train(training, 5, run, progress=False)
    run.add_metrics(dict.fromkeys(COLUMNS, 99.0))
    again = RunFolder.open(run.path).load_training()
    assert again.steps_done == 5 and [row["step"] for row in run.metrics()] == [5]
    assert again.recipe == training.recipe and asked[0].endswith("somewhere")
    whole, resumed = (each.step().g_loss.item() for each in (training, again))
    assert whole == resumed


@pytest.mark.parametrize("device", ["cpu", "emulator"])
def test_a_loss_that_is_not_a_number_stops_and_keeps_the_last_good_state(images, tmp_path, monkeypatch, device):
    training = Training(small(), images, device)
    run = RunFolder.create(tmp_path / "run", training)
    monkeypatch.setattr(loop, "LOOK_EVERY", 4)
    step = training.step

    def poisoned():
        if training.steps_done == 6:
            training.networks[1].parameters()[0].data[0, 0] = np.nan
        return step()

    monkeypatch.setattr(training, "step", poisoned)
    with pytest.raises(Diverged, match="the loss of D is not a number at step 7: the state of step 4 is kept"):
        train(training, 100, run, progress=False)
    state = load_arrays(run.path / "checkpoint.npz")
    assert state["steps_done"] == 4 and all(np.isfinite(values).all() for values in state.values())


@pytest.mark.parametrize("steps", [8, 9, 100])
def test_a_state_that_just_went_bad_is_never_saved(images, tmp_path, monkeypatch, steps):
    """The losses of the last look can all be finite while its last update already ruined the weights."""
    training = Training(small(), images)
    run = RunFolder.create(tmp_path / "run", training)
    monkeypatch.setattr(loop, "LOOK_EVERY", 4)
    step = training.step

    def poisoned():
        result = step()
        if training.steps_done == 8:
            training.networks[0].parameters()[0].data[0, 0] = np.nan
        return result

    monkeypatch.setattr(training, "step", poisoned)
    with pytest.raises(Diverged, match="generator/0.weight is not a number after step 8: the state of step 4 is kept"):
        train(training, steps, run, progress=False)
    state = load_arrays(run.path / "checkpoint.npz")
    assert state["steps_done"] == 4 and all(np.isfinite(values).all() for values in state.values())
    assert [row["step"] for row in run.metrics()] == [4]
    assert [picture.name.split("-")[1] for picture in run.pictures()] == ["0000000", "0000004"]


def test_a_folder_with_something_in_it_is_refused(images, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(mg.MiniganError, match="is not empty: choose another --out"):
        RunFolder.create(tmp_path, Training(small(), images))


def test_samples_come_from_the_trained_generator(images, tmp_path):
    training = Training(small(), images)
    run = RunFolder.create(tmp_path / "run", training)
    train(training, 3, run, progress=False)
    samples = RunFolder.open(run.path).draw_samples(7, seed=4)
    z = mg.random.Generator(2**63 + 4)
    expected = training.sample(z.uniform((7, 5), -1, 1))
    assert samples.shape == (7, 1, 28, 28) and np.array_equal(samples, expected)


def test_writing_is_whole_or_nothing(tmp_path):
    path = tmp_path / "file.npz"
    save_arrays(path, {"a": np.ones(3)})
    with pytest.raises(KeyError), replacing(path) as part:
        part.write_text("half")
        raise KeyError
    assert load_arrays(path)["a"].tolist() == [1, 1, 1] and [each.name for each in tmp_path.iterdir()] == ["file.npz"]


def test_checkpoints_hold_no_pickle(tmp_path):
    np.savez(tmp_path / "bad.npz", a=np.array([{}], object))
    with pytest.raises(mg.MiniganError, match="cannot read the checkpoint"):
        load_arrays(tmp_path / "bad.npz")
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(mg.MiniganError, match="cannot read the checkpoint"):
        load_arrays(tmp_path / "cut.npz")


def test_a_config_edited_by_hand_is_refused_where_it_is_wrong(images, tmp_path):
    training = Training(small(), images)
    run = RunFolder.create(tmp_path / "run", training)
    for name, value in (("width", "x"), ("hidden", [16, "a"]), ("batch_size", 2.5), ("latents", 3)):
        run.config["recipe"] = dataclasses.asdict(training.recipe) | {name: value}
        with pytest.raises(mg.MiniganError, match=f"is of another version of minigan .*{name}"):
            run.recipe()
