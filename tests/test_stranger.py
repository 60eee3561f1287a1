"""A reader's folder, all the way to the explorer.   python -m pytest tests/test_stranger.py"""

import io
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors
import sklearn.manifold
from PIL import Image

from ali_core import __main__ as program
from ali_core.data import datasets
from ali_core.data.pictures import read, see
from ali_core.maps import atlas, layout
from ali_core.measure import means, metrics, sets
from ali_core.models import checkpoint
from ali_core.models.model import Model
from ali_core.nets import imagenet

from .apart import Command
from .visits import sane, visit, words

KINDS = {"cups": 150, "plates & bowls": 70, "spoons": 20}
TRAIN = ["train", "member=conditional-alice", "data=my pictures", "size=28", "latent=6", "width=4"]
TRAIN += ["batch=8", "steps=300", "cooldown=100", "save_every=1", "picture_every=300", "name=mine"]
LIKE = {"rel": 1e-4, "abs": 1e-5}  # cards are written with six digits

pytestmark = pytest.mark.filterwarnings("ignore:.*1 unreadable skipped")


def drawing(kind: int, k: int) -> Image.Image:
    """A disc, a bar or a frame in a random colour, in one of three sizes, one of them grey."""
    rng, (w, h) = np.random.default_rng([kind, k]), ((40, 56), (28, 28), (90, 64))[k % 3]
    colour, ground = rng.integers(120, 256, 3), rng.integers(0, 60, 3)
    y, x = np.mgrid[0:h, 0:w]
    away = np.hypot((x - w / 2) / w, (y - h / 2) / h)
    inside = (away < 0.3, np.abs(x - w / 2) < w / 9, (away > 0.25) & (away < 0.4))[kind]
    picture = Image.fromarray(np.where(inside[..., None], colour, ground).astype(np.uint8))
    return picture.convert("L") if (kind, k) == (0, 3) else picture


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Where the reader sits: a folder of pictures, and what the four commands wrote."""
    home = tmp_path_factory.mktemp("home")
    for kind, (name, n) in enumerate(KINDS.items()):
        (home / "my pictures" / name).mkdir(parents=True)
        for k in range(n):
            drawing(kind, k).save(home / "my pictures" / name / f"{k}.png")
    whole = (home / "my pictures/cups/0.png").read_bytes()
    (home / "my pictures/spoons/broken.png").write_bytes(whole[: len(whole) // 2])
    before = Path.cwd()
    os.chdir(home)
    try:
        stopped_and_finished(home)
        assert program.main(["evaluate", "checkpoints/mine"]) == 0
        assert program.main(["atlas", "checkpoints/mine"]) == 0
        yield home
    finally:
        os.chdir(before)


def stopped_and_finished(home: Path) -> None:
    """Trains, presses Ctrl-C once a state is saved, and types the same command again."""
    first = Command(*TRAIN, cwd=home)
    state, end = home / ".runs/mine/state.safetensors", time.time() + 300
    while not state.exists():
        assert first.running() and time.time() < end, first.end()
        time.sleep(0.01)
    first.send(signal.SIGINT)
    status, said = first.end()
    with safetensors.safe_open(state, "pt") as file:
        step = int(file.metadata()["step"])
    assert status == 0 and 1 <= step < 300, said
    assert f"Stopped at step {step}; the same command goes on" in said
    assert "1 unreadable skipped: spoons/broken.png" in said
    status, said = Command(*TRAIN, cwd=home).end()
    assert status == 0 and f"resumed at step {step}" in said, said
    assert "Wrote checkpoints/mine" in said


@pytest.fixture(scope="module")
def held(home):
    return datasets.load("my pictures", 28)


def test_the_card_says_what_was_in_the_folder_and_what_became_of_it(home, held):
    card = checkpoint.card("checkpoints/mine")
    said, config = card["data"], card["config"]
    assert said["train"] + said["held_out"] == sum(KINDS.values())
    assert said["train"] == len(held.x) and said["held_out"] == len(held.x_test) > 15
    assert said["label_names"] == sorted(KINDS) and said["classes"] == [3]
    assert said["shape"] == [28, 28, 3] and said["fingerprint"] == held.fingerprint
    assert "by a hash of each" in said["split"] and said["source"] == "folder my pictures"
    every = np.bincount(np.concatenate([held.y, held.y_test])[:, 0]).tolist()
    assert every == [KINDS[name] for name in sorted(KINDS)]
    training = card["training"]
    assert (training["steps"], training["samples_seen"]) == (300, 300 * config["batch"])
    assert training["seconds"] > 0 and all(map(np.isfinite, training["losses"].values()))
    weights = Path("checkpoints/mine/model.safetensors").read_bytes()
    assert card["weights"]["bytes"] == len(weights)


def numbers(entry, path: str = "") -> dict[str, float]:
    """Every number in nested entries, by its path."""
    if isinstance(entry, dict):
        parts = entry.items()
    elif isinstance(entry, list):
        parts = enumerate(entry)
    else:
        real = isinstance(entry, int | float) and not isinstance(entry, bool)
        return {path: entry} if real else {}
    return {k: v for key, part in parts for k, v in numbers(part, f"{path}/{key}").items()}


def test_every_measure_is_what_a_second_reading_gives(home, held):
    """Once more from the files alone, the classifier trained anew."""
    card, model = checkpoint.card("checkpoints/mine"), Model.load("checkpoints/mine")
    judge = means.judge(held, home / "second")
    eyes = imagenet.eyes()
    entries = means.measure(model, held, judge, eyes=eyes)
    for key, entry in means.measure(model, held, judge, means.SUBSET, eyes=eyes).items():
        entries[key]["subset"] = {"n": entry["n"], "value": entry["value"]}
    entries |= sets.compare(model, held, judge, runs=home / "second", eyes=eyes)
    said, again = numbers(card["metrics"]), numbers(entries)
    assert said.keys() == again.keys() and len(said) > 100
    for key, value in again.items():
        assert said[key] == pytest.approx(value, **LIKE), key
    assert card["classifier"] == judge.card
    # and some of them without the program's measures
    decoded, truth = model.reconstruct(held.x_test, held.y_test), held.x_test / 255
    mine = {key: entry["value"] for key, entry in card["metrics"].items()}
    assert mine["reconstruction_mse"] == pytest.approx(((decoded - truth) ** 2).mean(), **LIKE)
    right = judge.logits(held.x_test).argmax(1) == held.y_test[:, 0]
    assert card["classifier"]["accuracy"] == pytest.approx(right.mean(), abs=1e-4)


def test_every_number_of_the_map_is_what_a_second_reading_gives(home, held):
    said, the_map = checkpoint.card("checkpoints/mine")["atlas"], atlas.load("checkpoints/mine")
    model = Model.load("checkpoints/mine")
    codes = model.encode(held.x_test, held.y_test)
    decoded = model.decode(codes, held.y_test)
    away = np.linalg.norm(model.encode(decoded, held.y_test) - codes, axis=1)
    assert said["n"] == len(the_map.z) == len(held.x_test)
    np.testing.assert_allclose(the_map.z, codes, atol=2e-3 * np.abs(codes).max())
    error = metrics.mse(decoded, held.x_test / np.float32(255))
    np.testing.assert_allclose(the_map.error, error, rtol=1e-4)
    assert said["round_trip"]["value"] == pytest.approx(np.median(away), abs=1e-4)
    for which, entry in said["trustworthiness"].items():
        flat, k = getattr(the_map, which), entry["k"]
        order = np.random.default_rng(layout.SEED).permutation(len(flat))[: layout.TRUST_N]
        z = the_map.z[order]
        trust = sklearn.manifold.trustworthiness(z, flat[order], n_neighbors=k)
        assert entry["value"] == pytest.approx(trust, abs=2e-3) and entry["n"] == len(z)
    maps = {which: getattr(the_map, which) for which in ("pca", "umap")}
    typical = layout.usual(the_map.z, maps, the_map.error)
    assert numbers(said["typical"]) == pytest.approx(numbers(typical), **LIKE)
    assert (atlas.pictures("checkpoints", the_map.pictures) == held.x_test).all()


@pytest.fixture
def explorer(home, monkeypatch):
    """The explorer on the reader's checkpoints."""
    monkeypatch.setenv("ALI_CHECKPOINTS", str(home / "checkpoints"))


def shown_error(app) -> float:
    return float(next(m.value for m in app.metric if m.label == "Squared error"))


def test_the_explorer_shows_it_and_its_cards_numbers(explorer, held):
    assert "mine" in visit("latent_map").session_state["checkpoint"]
    prose = words(sane(visit("model", checkpoint="mine")))
    card = checkpoint.card("checkpoints/mine")
    assert f"{len(held.x):,} to learn from, {len(held.x_test):,} held out" in prose
    assert f"300 steps, {300 * 8:,} pictures seen" in prose and "by a hash of each" in prose
    assert card["weights"]["sha256"][:12] in prose
    assert f"{card['metrics']['class_kept']['value']:.1%}" in prose
    app = sane(visit("reconstruct", checkpoint="mine"))
    assert shown_error(app) == pytest.approx(atlas.load("checkpoints/mine").error[0], abs=6e-5)


@pytest.mark.parametrize(("kind", "k"), [(0, 3), (1, 2), (2, 1)])
def test_one_of_the_pictures_comes_back_as_the_model_remembers_it(explorer, held, kind, k):
    """A grey one, a large one, one of the smallest class; encoded with its class."""
    content = io.BytesIO()
    drawing(kind, k).save(content, "png")
    x = see(read("a.png", content.getvalue()), (28, 28, 3), invert=False).array[None]
    assert any((x == part).all((1, 2, 3)).any() for part in (held.x, held.x_test))
    app = visit("reconstruct", checkpoint="mine")
    app.segmented_control(key="source").set_value("Upload").run()
    app.file_uploader(key="file").upload("mine.png", content.getvalue(), "image/png").run()
    model, errors = Model.load("checkpoints/mine"), []
    for y in range(3):
        reconstruction = model.reconstruct(x, np.array([y]))
        errors.append(float(((reconstruction - x / 255) ** 2).mean()))
    assert min(abs(shown_error(sane(app)) - error) for error in errors) < 6e-5
