"""Asking a checkpoint, from Python and from the command line.   python -m pytest tests/test_model.py"""

import os
import subprocess
import sys
from collections import deque
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ali_core.__main__ import main
from ali_core.config import Config
from ali_core.data import datasets
from ali_core.family.members import FAMILY
from ali_core.family.objectives import prepare
from ali_core.models import release
from ali_core.models.latent import interpolate
from ali_core.models.model import Model
from ali_core.problem import Problem
from ali_core.training import loop

from .apart import Command

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A real checkpoint for 28-pixel pictures, trained for two steps on noise."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 255, (64, 28, 28, 1), np.uint8)
    noise = datasets.Data("noise", x, np.zeros(64, int), x[:8], np.zeros(8, int), ("noise",), "-", "made")
    config = Config(name="tiny", member="ali", width=4, batch=8, latent=5, steps=2)
    progress = deque(loop.train(config, noise), maxlen=1).pop()
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    release.write_checkpoint(folder, config, noise, progress, 1.0)
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return Model.load(folder)


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(1).random((300, 28, 28, 1), np.float32)


def test_batches_do_not_change_the_answer(model, x):
    """300 pictures cross the batch of 256."""
    np.testing.assert_allclose(model.encode(x)[299:], model.encode(x[299:]), atol=1e-5)
    assert model.encode(x).shape == (300, 5)


def test_the_code_is_a_linear_function_of_the_last_hidden_layer(model, x):
    hidden, head = model.hidden(x), model.nets["encoder"].head
    assert hidden.shape == (300, head.in_features) and not head._forward_pre_hooks
    code = hidden @ head.weight.numpy().T + head.bias.numpy()
    np.testing.assert_allclose(code[:, :5], model.encode(x), atol=1e-4)


def test_bytes_and_floats_are_the_same_picture(model, x):
    coarse = (x[:4] * 255).round().astype(np.uint8)
    np.testing.assert_allclose(model.encode(coarse), model.encode(coarse / 255.0), atol=1e-6)


def test_reconstruction_is_decode_of_encode_and_lies_in_range(model, x):
    reconstructions = model.reconstruct(x[:3])
    np.testing.assert_array_equal(reconstructions, model.decode(model.encode(x[:3])))
    assert reconstructions.shape == (3, 28, 28, 1) and reconstructions.min() >= 0 and reconstructions.max() <= 1


def test_the_ends_of_an_interpolation_are_the_reconstructions(model, x):
    a, b = model.encode(x[:2])
    frames = model.decode(interpolate(a, b, 7))
    np.testing.assert_allclose(frames[[0, -1]], model.reconstruct(x[:2]), atol=1e-5)


def test_posterior_draws_have_the_posteriors_mean_and_sd(model, x):
    mean, sd = model.posterior(x[:2])
    draws = model.draw(x[:2], 20_000, seed=0)
    assert draws.shape == (20_000, 2, 5) and (sd > 0).all()
    np.testing.assert_allclose(draws.mean(0), mean, atol=5 * sd.max() / np.sqrt(20_000))
    np.testing.assert_allclose(draws.std(0) / sd, 1, atol=0.03)


def test_a_seed_is_a_sample_and_truncation_scales_it(model):
    np.testing.assert_array_equal(model.prior(3, seed=4), model.prior(9, seed=4)[:3])
    assert not np.array_equal(model.prior(3, seed=4), model.prior(3, seed=5))
    np.testing.assert_allclose(model.prior(3, 4, truncation=0.5), model.prior(3, 4) * 0.5)
    draws = model.prior(20_000, seed=0)
    assert abs(draws.mean()) < 0.02 and abs(draws.std() - 1) < 0.02


@pytest.mark.parametrize(
    ("member", "ours"),
    [
        ("ali", (0, 1)),
        ("gali4", (0, 2)),
        ("conditional-ali", (0, 1)),
        ("gali8", None),
        ("vae", None),
    ],
)
def test_the_score_is_the_log_odds_of_alis_two_tuples_wherever_they_stand(member, ours):
    row = FAMILY[member]
    nets = prepare(row, (2,), Config(latent=3, width=8), n_classes=2)
    card = {"data": {"shape": [2], "classes": [2]}, "config": {"latent": 3}}
    loaded = Model("it", card, nets, row)
    rng = np.random.default_rng(0)
    x, z = (rng.standard_normal((5, k), np.float32) for k in (2, 3))
    y = np.arange(5) % 2 if row.conditional else None
    score = loaded.score(x, z, y)
    if ours is None:
        assert score is None
        return
    given = [torch.from_numpy(x), torch.from_numpy(z)]
    given += [torch.eye(2)[torch.from_numpy(y)]] if row.conditional else []
    logits = nets["discriminator0"](*given).detach().numpy()
    assert np.allclose(score, logits[:, ours[0]] - logits[:, ours[1]], atol=1e-6)
    assert score.std() > 0


def test_the_discriminator_scores_pairs(model, x):
    score = model.score(x[:4], model.encode(x[:4]))
    assert score.shape == (4,) and np.isfinite(score).all()


def test_pictures_of_another_shape_are_refused(model):
    with pytest.raises(Problem, match=r"tiny takes \(28, 28, 1\), these are \(32, 32, 1\)"):
        model.encode(np.zeros((1, 32, 32, 1), np.float32))


def command(*words):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "ali_core", *map(str, words)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_folder_is_reconstructed_and_the_broken_file_named(folder, tmp_path):
    pictures = tmp_path / "in" / "deep"
    pictures.mkdir(parents=True)
    Image.new("RGB", (40, 30), "white").save(pictures / "a.png")
    Image.new("L", (28, 28), 90).save(pictures / "a.jpg")
    (pictures / "broken.png").write_bytes(b"\x89PNG no more")
    done = command("reconstruct", folder, tmp_path / "in", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "2 of 3 written" in done.stdout and "broken.png" in done.stdout
    written = sorted((tmp_path / "out").rglob("*.png"))
    assert [p.name for p in written] == ["a (2).png", "a.png"]
    assert Image.open(written[0]).size == (28, 28)


def test_samples_are_drawn_and_repeat_in_another_process(folder, tmp_path):
    words = ["--n", "6", "--columns", "3", "--seed", "7"]
    assert main(["sample", str(folder), str(tmp_path / "a.png"), *words]) == 0
    status, said = Command("sample", str(folder), str(tmp_path / "b.png"), *words, cwd=tmp_path).end()
    assert status == 0, said
    assert Image.open(tmp_path / "a.png").size == (84, 56)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("sample", "nowhere", "a.png"), "card.json is missing"),
        (("sample", "{folder}", "a.jpg"), "must end in .png"),
        (("sample", "{folder}", "a.png", "--n", "0"), "take 1 to 10,000"),
        (("reconstruct", "{folder}", "nowhere.png", "a.png"), "nowhere.png does not exist"),
        (("train", "preset=no"), "no preset «no»; there are: fashion-ali"),
        (("train", "stepz=3"), "no field «stepz». Did you mean steps?"),
        (("train", "steps=many"), "steps=many must be a whole number"),
        (("train", "steps"), "not of the form key=value"),
        (("train", "lr=nan"), "lr=nan is outside"),
        (("train", "member=alien"), "no member «alien»"),
        (
            ("train", "member=alice", "weights.reconstruction=-1"),
            "must be a number that is not negative",
        ),
        (("train", "data=nowhere"), "nowhere"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(words, sentence, folder, capsys):
    assert main([w.format(folder=folder) for w in words]) == 2
    said = capsys.readouterr().err
    assert sentence in said and len(said.strip().splitlines()) == 1


def test_a_mistake_ends_the_process_with_status_two():
    done = command("sample", "nowhere", "a.png")
    assert done.returncode == 2 and "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", ["train", "evaluate", "atlas", "reconstruct", "sample", "sprites"])
def test_every_verb_has_help(verb, capsys):
    try:
        assert main([verb, "--help"]) == 0
    except SystemExit as end:  # argparse's way
        assert end.code == 0
    assert len(capsys.readouterr().out) > 100
