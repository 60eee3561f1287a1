"""Members trained for real, where the truth is known.   python -m pytest tests/test_family.py"""

import dataclasses
from collections import deque

import numpy as np
import pytest
import torch
from PIL import Image

from ali_core.__main__ import main
from ali_core.commands import evaluate
from ali_core.config import Config, parse
from ali_core.data import datasets
from ali_core.family.members import FAMILY, member
from ali_core.family.objectives import divergences
from ali_core.maps import atlas, layout
from ali_core.measure import means, sets
from ali_core.models import checkpoint, release
from ali_core.models.model import Model, to_bytes
from ali_core.problem import Problem
from ali_core.training import loop
from ali_core.training.inputs import Inputs, labelled

# every member starts from this; the data's noise is what p(x|z) is said to have
TRUTH = Config(
    name="truth",
    data="linear",
    latent=1,
    width=32,
    lr=2e-3,
    lr_discriminator=2e-3,
    sd=0.5,
    decoder_noise=True,
)
CHANNEL = 0.5 * np.log(1 + (1.2**2 + 0.9**2) / 0.5**2)  # mutual information of the linear toy, nats


def trained(config, points):
    return deque(loop.train(config, points), maxlen=1).pop()


def model(config, points, folder):
    release.write_checkpoint(folder, config, points, trained(config, points), 1.0)
    return Model.load(folder)


@pytest.mark.parametrize(
    ("name", "steps", "nearest", "farthest"),
    [("vae", 600, 0.0, 0.02), ("avb", 1500, 0.0, 0.1), ("ali", 1500, 0.0, 0.5)],
)
def test_a_member_learns_the_true_posterior_of_linear_data(name, steps, nearest, farthest, tmp_path):
    """KL(q(z|x) || p(z|x)) in nats against the closed form; before training it is over 1."""
    points = datasets.load("linear")
    config = dataclasses.replace(TRUTH, member=name, steps=steps, cooldown=steps // 2)
    before = model(dataclasses.replace(config, steps=1), points, tmp_path / "before")
    after = model(config, points, tmp_path / "after")
    far, near = (sets.compare(m, points, None)["posterior_kl"]["value"] for m in (before, after))
    assert nearest <= near < farthest and far > 1
    entries = means.measure(after, points, n=2000)
    assert entries["information_q"]["value"] == pytest.approx(CHANNEL, rel=0.25)


def test_a_hole_is_filled_inside_and_nothing_changes_outside(tmp_path):
    """GALI-mix on squares: what fills the hole comes from what is seen; other members refuse."""
    rng = np.random.default_rng(0)
    light = rng.integers(0, 2, 300)
    x = np.where(light[:, None, None, None], 220, 40) + rng.integers(0, 20, (300, 28, 28, 1))
    x, y = x.astype(np.uint8), np.zeros(300, np.int64)
    squares = datasets.Data("squares", x[60:], y[60:], x[:60], y[:60], ["square"], "none", "made here")
    words = "member=gali-mix width=8 batch=16 latent=2 steps=60 lr=3e-3 lr_discriminator=2e-3 norm=batch"
    loaded = model(parse([*words.split(), "data=squares"]), squares, tmp_path / "mix")
    hole = np.zeros((60, 28, 28), bool)
    hole[:, 8:20, 10:22] = True
    filled, z = loaded.fill(squares.x_test, hole)
    assert loaded.fills and z.shape == (60, 2)
    assert np.allclose(filled[~hole], squares.x_test[~hole] / 255, atol=1e-6)
    inside = filled[hole].reshape(60, -1).mean(1)
    assert inside[light[:60] == 1].mean() > inside[light[:60] == 0].mean() + 0.2
    plain = model(
        parse([*words.replace("gali-mix", "vae").split(), "data=squares", "steps=1"]), squares, tmp_path / "vae"
    )
    with pytest.raises(Problem, match="vae never saw a picture with a hole; a model of the member"):
        plain.fill(squares.x_test, hole)


def test_dual_ascent_reaches_the_constraint_that_it_was_given():
    """ALI on moons with a bound on the reconstruction error: kept, and at a price that had to move."""
    points, values, prices = datasets.load("moons"), [], []
    config = Config(
        name="d",
        member="lagali",
        data="moons",
        width=32,
        batch=128,
        steps=1500,
        lr_multipliers=0.02,
        slack={"reconstruction": 0.1},
    )
    for progress in loop.train(config, points):
        values.append(progress.losses["reconstruction"])
        prices.append(progress.losses["multiplier of reconstruction"])
    assert values[0] > 0.4
    assert np.mean(values[-200:]) == pytest.approx(0.1, abs=0.03)
    assert prices[0] == 5.0 and max(prices) > 6
    assert all(1e-3 <= price <= 100.001 for price in prices)


def test_a_discriminator_that_was_told_eighty_labels_names_the_rest(tmp_path):
    """ALI's semi-supervised K + 1 classes: ten labels a mode of the ring, and the others follow."""
    ring = datasets.load("ring")
    base = Config(name="s", member="semi-supervised", data="ring", width=64, labels=80)
    named = []
    for steps in (1, 300):
        config = dataclasses.replace(base, steps=steps)
        entries = means.measure(model(config, ring, tmp_path / str(steps)), ring, n=2000)
        named.append(entries["class_named"]["value"])
        assert entries["class_named"]["labels"] == 80
        assert entries["term_supervised"]["value"] > 0 and entries["match_0"]["value"] < np.log(2)
    assert named[0] < 0.6 and named[1] > 0.95


def test_a_conditional_member_goes_all_the_way(tmp_path, monkeypatch):
    """Trained, measured, mapped: what is asked for comes from y, and y must be given."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    y = np.arange(400) % 4
    x = rng.integers(0, 60, (400, 28, 28, 1))
    for k, (row, column) in enumerate(((4, 4), (4, 16), (16, 4), (16, 16))):
        x[y == k, row : row + 8, column : column + 8] += 150
    np.savez("squares.npz", images=x.astype(np.uint8), labels=y, train=np.arange(400) >= 100)
    held = datasets.load("squares.npz")
    words = "member=conditional-alice data=squares.npz width=8 batch=32 latent=4 steps=60 lr=3e-3"
    config = parse(words.split())
    loaded = model(config, held, tmp_path / "checkpoints" / config.name)
    assert loaded.class_counts == (4,) and checkpoint.card(tmp_path / "checkpoints" / config.name)
    z = loaded.prior(1, 0).repeat(4, 0)
    four = loaded.decode(z, np.arange(4))
    assert np.abs(four[0] - four[1]).max() > 0.1
    with pytest.raises(Problem, match="give y, the class"):
        loaded.encode(held.x_test)
    guessed = loaded.likeliest(held.x_test)
    assert guessed.shape == (100, 1) and (guessed == held.y_test).mean() > 0.5
    inverted = Image.fromarray(255 - held.x_test[0, ..., 0])
    inverted.save("white.png")
    assert main(["reconstruct", f"checkpoints/{config.name}", "white.png", "both.png", "--beside"]) == 0
    with Image.open("both.png") as both:  # its samples are dark: the white one is turned round
        assert np.array_equal(np.asarray(both)[:28, :28], held.x_test[0, ..., 0])
    evaluate.main([f"checkpoints/{config.name}"])
    metrics = checkpoint.card(f"checkpoints/{config.name}")["metrics"]
    assert 0.2 <= metrics["class_obeyed"]["value"] <= 1
    assert 0.2 <= metrics["class_edited"]["value"] <= 1
    inside, dull = (metrics[f"inpainting_mse{which}"]["value"] for which in ("", "_mean"))
    assert 0.003 < inside < 0.2 and 0.003 < dull < 0.1
    layout.build(f"checkpoints/{config.name}", made="draws")
    drawn = atlas.load(f"checkpoints/{config.name}")
    assert drawn.z.shape == (100, 4) and drawn.split == "made"
    assert drawn.y.tolist() == (np.arange(100) % 4).tolist()
    shown = atlas.pictures("checkpoints", drawn.pictures)
    assert not any((shown == picture).all((1, 2, 3)).any() for picture in held.x_test)
    layout.build(f"checkpoints/{config.name}", made="reconstructions", most=40)
    remembered = atlas.load(f"checkpoints/{config.name}")
    shown = atlas.pictures("checkpoints", remembered.pictures)
    reconstructions = to_bytes(loaded.reconstruct(held.x_test[:40], held.y_test[:40]))
    np.testing.assert_array_equal(shown, reconstructions)
    assert remembered.split == "made" and remembered.y.tolist() == held.y_test[:40, 0].tolist()
    layout.build(f"checkpoints/{config.name}")
    assert atlas.load(f"checkpoints/{config.name}").split == "held out"


def test_gali_pt_is_measured_with_the_features_that_it_was_trained_with(tmp_path, monkeypatch):
    """M is the training pictures' classifier: measuring must not train another on the held-out ones."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    y = np.arange(160) % 2
    x = (rng.integers(0, 60, (160, 28, 28, 1)) + 150 * y[:, None, None, None]).astype(np.uint8)
    squares = datasets.Data("s", x[40:], y[40:], x[:40], y[:40], ["dark", "light"], "none", "made here")
    words = ["name=pt", "member=gali-pt", "width=8", "batch=16", "latent=2", "steps=2"]
    loaded = model(parse([*words, "data=s"]), squares, tmp_path / "pt")
    kept = sorted(path.name for path in tmp_path.glob(".runs/classifier-*"))
    assert len(kept) == 1
    assert "match_0" in means.measure(loaded, squares)
    assert sorted(path.name for path in tmp_path.glob(".runs/classifier-*")) == kept


def test_labelled_examples_are_as_many_of_each_class_and_depend_on_the_seed():
    grid = datasets.load("grid")
    rows = labelled(grid, 50, 3)
    assert np.bincount(grid.y[rows.numpy(), 0]).tolist() == [2] * 25
    assert rows.tolist() == labelled(grid, 50, 3).tolist() != labelled(grid, 50, 4).tolist()
    with pytest.raises(Problem, match="multiple of the 25 classes"):
        labelled(grid, 40, 0)
    # ten examples of few classes are of 25 all the same
    few = dataclasses.replace(grid, x=grid.x[:10], y=grid.y[:10])
    assert len(set(few.y[:, 0])) < 10 and set(labelled(few, 25, 0).tolist()) <= set(range(10))


@pytest.mark.parametrize("name", ["conditional-alice", "semi-supervised"])
def test_a_slice_without_the_highest_class_has_as_many_classes_as_its_set(name):
    grid = datasets.load("grid")
    low = grid.y_test[:, 0] < 20
    some = dataclasses.replace(grid, x_test=grid.x_test[low], y_test=grid.y_test[low])
    config = Config(name="c", member=name, data="grid", labels=25, width=8, batch=8, steps=1)
    assert Inputs(config, FAMILY[name], some).n_classes == 25
    progress = list(loop.train(config, some))[-1]
    held = dataclasses.replace(some, x=some.x_test[:10], y=some.y_test[:10], y_test=some.y_test[:10])
    drawn = Inputs(config, FAMILY[name], held)
    assert drawn.n_classes == 25
    samples = drawn.samples(progress.nets, 0, 1, 0, torch.device("cpu"))
    assert all(np.isfinite(v.item()) for v in divergences(FAMILY[name], samples).values())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("member=gann", "no member «gann»; there are: ali, bigan"),
        (
            "member=vae weights.reconstruction=1",
            "«vae» has no term «reconstruction»; its terms: nll",
        ),
        ("member=vae slack.mmd=1", "«vae» has no term «mmd»"),
        ("member=alice weights.reconstruction=-1", "must be a number that is not negative"),
        ("member=alice weights.reconstruction=nan", "must be a number that is not negative"),
        ("member=alice weights.reconstruction=lots", "must be a number"),
        ("member=lagali slack.reconstruction=inf", "must be a number"),
        ("member=lagali weights.reconstruction=0", "must be above 0"),
    ],
)
def test_a_member_that_cannot_be_is_one_sentence_before_training(words, sentence):
    with pytest.raises(Problem, match=sentence):
        next(loop.train(parse([*words.split(), "data=grid", "steps=1"]), datasets.load("grid")))


def test_members_that_need_labels_say_so():
    grid = datasets.load("grid")
    plain = dataclasses.replace(grid, y=0 * grid.y, y_test=0 * grid.y_test, label_names=["points"])
    for name in ("conditional-ali", "semi-supervised"):
        row = member(Config(name="t", member=name))
        with pytest.raises(Problem, match="has no labels, which this member needs"):
            Inputs(Config(name="t", member=name), row, plain)
    assert FAMILY["ali"].needs_labels is False
