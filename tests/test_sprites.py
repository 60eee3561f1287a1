"""Characters with known factors: the builder, the loader.   python -m pytest tests/test_sprites.py"""

from collections import deque

import numpy as np
import pytest
from PIL import Image

from ali_core.__main__ import main
from ali_core.commands import train as run
from ali_core.config import parse
from ali_core.data import datasets, sprites
from ali_core.data.registry import DATA_SETS
from ali_core.measure import metrics, sets
from ali_core.models import checkpoint, release
from ali_core.models.model import Model
from ali_core.nets.judge import Classifier
from ali_core.problem import Problem
from ali_core.training import loop
from app.shared.card import by_factor, compared

COUNTS = {"body": 3, "eyes": 2, "shoes": 2, "bottomwear": 2, "topwear": 2, "hair": 3}


def sheet(part: str, number: int) -> np.ndarray:
    """A part's sheet: its own row of pixels, coloured by number, column and row of the tile."""
    drawn = np.zeros((21 * 64, 13 * 64, 4), np.uint8)
    place = list(COUNTS).index(part)
    for row in range(8, 12):
        for column in range(9):
            if part == "eyes" and row == 8:  # from behind no eyes are seen
                continue
            top = row * 64 + 10 * place
            # a row more than its own: what is painted later covers it
            tile = drawn[top : top + 11, column * 64 : column * 64 + 64]
            tile[:] = (60 * number + 20, 25 * column, 60 * (row - 8) + 10, 255)
    return drawn


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clone")
    for part, count in COUNTS.items():
        (folder / part).mkdir()
        for number in range(count):
            Image.fromarray(sheet(part, number)).save(folder / part / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def file(clone):
    path = clone.parent / "tiny.npz"
    assert main(["sprites", str(clone), str(path), "--n", "400"]) == 0
    return path


def test_a_character_is_its_parts_painted_over_each_other_on_white(clone):
    images, labels = sprites.build(clone, 50, 0)
    assert images.shape == (50, 64, 64, 3) and labels.shape == (50, 8)
    assert len(np.unique(labels, axis=0)) == 50
    for image, (*parts, direction, frame) in zip(images, labels.astype(int), strict=True):
        for place, (part, number) in enumerate(zip(COUNTS, parts, strict=True)):
            unseen = part == "eyes" and direction == 0
            # where no eyes are, the body's last row stays and white is left below it
            expected = (60 * number + 20, 25 * frame, 60 * direction + 10)
            seen = tuple(image[10 * place + 5, 30])
            assert seen == ((255, 255, 255) if unseen else expected), part
        assert (image[62:] == 255).all(), "under the last part is white"
        covered = 10 if direction else 20
        assert image[covered, 5, 0] == 60 * parts[1 if direction else 2] + 20


def test_the_same_seed_builds_the_same_and_too_many_are_all_there_are(clone):
    first, again, other = (sprites.build(clone, 30, seed) for seed in (3, 3, 4))
    assert (first[0] == again[0]).all() and (first[1] == again[1]).all()
    assert (first[1] != other[1]).any()
    every = int(np.prod(list(COUNTS.values()))) * 4 * 9
    assert len(sprites.build(clone, 10**6, 0)[1]) == every


def test_the_file_has_no_picture_twice_and_holds_characters_out(clone, file):
    with np.load(file, allow_pickle=False) as archive:
        images, labels, train = (archive[key] for key in ("images", "labels", "train"))
    drawn, _ = sprites.build(clone, 400, 0)
    distinct = len(np.unique(drawn.reshape(400, -1), axis=0))
    assert len(images) == len(np.unique(images.reshape(len(images), -1), axis=0)) == distinct < 400
    people = [{tuple(person[:6]) for person in labels[part]} for part in (train, ~train)]
    assert people[0] and people[1] and not people[0] & people[1]
    assert 0.05 < len(people[1]) / (len(people[0]) + len(people[1])) < 0.15


def test_the_loader_knows_the_factors_the_split_and_the_licence(file):
    data = datasets.load(str(file))
    assert list(data.factors) == [*COUNTS, "direction", "walk frame"]
    assert data.factors["direction"] == ["up", "left", "down", "right"]
    assert [len(names) for names in data.factors.values()] == [*COUNTS.values(), 4, 9]
    assert data.label_names == ["body 0", "body 1", "body 2"], "of the first factor"
    assert data.y.dtype == np.int64 and data.y.shape == (len(data.x), 8)
    assert "CC BY-SA 3.0" in data.licence and "YingzhenLi/Sprites" in data.source
    assert "no combination" in data.held_out


def test_the_data_are_known_by_name_wherever_they_lie(file, monkeypatch):
    monkeypatch.setenv("SPRITES", str(file))
    data = datasets.load("sprites")
    assert data.name == "sprites" and data.label_names[0] == "body 0" and data.factors
    monkeypatch.setenv("SPRITES", "")
    monkeypatch.setitem(DATA_SETS, "sprites", DATA_SETS["sprites"]._replace(places=("nowhere.npz",)))
    with pytest.raises(Problem, match=r"not found in nowhere\.npz\. Make it: .* set SPRITES to the file\."):
        datasets.load("sprites")


def test_the_pairs_are_the_same_character_turned(clone, tmp_path, capsys):
    path = tmp_path / "turn.npz"
    assert main(["sprites", str(clone), str(path), "--turn", "--n", "60"]) == 0
    assert "27 characters facing down, 28 others facing left, 5 held out" in capsys.readouterr().out
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    assert arrays["images"].shape == arrays["images_b"].shape == (60, 64, 64, 3)
    for facing, direction in (("images", 2), ("images_b", 1)):
        for image, (*parts, frame) in zip(arrays[facing], arrays["labels"].astype(int), strict=True):
            for place, number in enumerate(parts):
                expected = (60 * number + 20, 25 * frame, 60 * direction + 10)
                assert tuple(image[10 * place + 5, 30]) == expected
    people = [tuple(person) for person in arrays["labels"][:, :6]]
    assert len(set(people)) == 60, "no character is in two parts of the split"
    both = datasets.load(str(path))
    assert (len(both.x), len(both.prior.x), len(both.x_test)) == (27, 28, 5)
    assert list(both.factors) == [*COUNTS, "walk frame"] and "CC BY-SA 3.0" in both.licence
    pairs = dict(zip(map(bytes, arrays["images"]), map(bytes, arrays["images_b"]), strict=True))
    assert all(pairs[bytes(x)] == bytes(z) for x, z in zip(both.x, both.partners, strict=True))


def test_an_older_file_gets_its_split_and_its_names(clone, file, tmp_path):
    images, labels = sprites.build(clone, 400, 0)
    old, new = tmp_path / "old.npz", tmp_path / "new.npz"
    np.savez(old, images=images, labels=labels, label_names=np.array(sprites.LABEL_NAMES))
    loaded = datasets.load(str(old))
    assert loaded.licence == "unknown" and "a tenth of the pictures" in loaded.held_out
    assert loaded.factors["direction"][0] == "up"
    assert main(["sprites", str(old), str(new)]) == 0
    assert new.read_bytes() == file.read_bytes()


def test_factors_without_names_are_numbered(tmp_path):
    x = np.arange(20 * 64, dtype=np.uint32).astype(np.uint8).reshape(20, 8, 8)
    x[:, 0, 0] = np.arange(20)
    y = np.stack([np.arange(20) % 3, np.arange(20) % 2], 1)
    np.savez(tmp_path / "f.npz", images=x, labels=y)
    assert datasets.load(str(tmp_path / "f.npz")).factors == {
        "factor 1": ["0", "1", "2"],
        "factor 2": ["0", "1"],
    }


def test_what_is_no_clone_is_one_sentence(clone, tmp_path, capsys):
    def said(*words: str) -> str:
        assert main(["sprites", *map(str, words)]) == 2
        sentence = capsys.readouterr().err.strip()
        assert sentence and "\n" not in sentence
        return sentence

    out = tmp_path / "out.npz"
    assert "no clone of YingzhenLi/Sprites" in said(tmp_path, out)
    assert "must end in .npz" in said(clone, tmp_path / "out.zip")
    assert "two pictures are the least" in said(clone, out, "--n", "1")
    assert "two pictures are the least" in said(clone, out, "--n", "0")
    assert "three are the least" in said(clone, out, "--n", "2", "--turn")
    (tmp_path / "body").mkdir()
    (tmp_path / "body" / "0.png").write_bytes(b"none")
    assert "0.png cannot be read" in said(tmp_path, out)
    Image.new("RGBA", (64, 64)).save(tmp_path / "body" / "0.png")
    assert "is 64x64; a sheet has 9 columns" in said(tmp_path, out)
    (tmp_path / "body" / "2.png").write_bytes(b"none")
    assert "its folder body" in said(tmp_path, out)
    np.savez(tmp_path / "other.npz", images=np.zeros((2, 8, 8, 3), np.uint8))
    assert "cannot be read as an .npz" in said(tmp_path / "other.npz", out)
    assert not out.exists(), "nothing is written"
    with pytest.raises(Problem, match="one character"):
        sprites.write(out, np.zeros((2, 64, 64, 3), np.uint8), np.zeros((2, 8), np.uint8), 0)


# ---- measures of several factors


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    """A bright square: its row, its column, and its brightness are three factors. -> file"""
    path, rng = tmp_path_factory.mktemp("factors") / "squares.npz", np.random.default_rng(0)
    y = np.stack([rng.integers(size, size=900) for size in (2, 2, 3)], 1)
    x = rng.integers(0, 30, (900, 28, 28, 1))
    for picture, (row, column, shade) in zip(x, y, strict=True):
        picture[4 + 12 * row :, 4 + 12 * column :][:8, :8] = 100 + 70 * shade
    names = np.array(["row(up,down)", "column", "shade"])
    train = np.arange(900) >= 120
    np.savez(path, images=x.astype(np.uint8), labels=y, label_names=names, train=train)
    return path


@pytest.fixture(scope="module")
def folder(squares):
    """A conditional checkpoint of the squares, measured by the command."""
    words = "member=conditional-alice width=8 batch=32 latent=4 steps=150 lr=3e-3 name=it"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(squares.parent)
        run.main([f"data={squares}", *words.split()])
        assert main(["evaluate", "checkpoints/it"]) == 0
    return squares.parent / "checkpoints" / "it"


def test_one_classifier_judges_every_factor_and_says_how_well(squares, folder):
    held, runs = datasets.load(str(squares)), squares.parent / ".runs"
    judge = Classifier.get(held, runs=runs)
    assert judge.sizes == [2, 2, 3] and list(judge.by_factor) == ["row", "column", "shade"]
    logits = judge.logits(held.x_test)
    assert logits.shape == (120, 7) and [h.shape[1] for h in judge.heads(logits)] == [2, 2, 3]
    decided = judge.decide(logits)
    assert (decided[:, 2] == logits[:, 4:].argmax(1)).all()
    assert (decided == held.y_test).mean() == judge.accuracy > 0.6
    assert judge.card["factors"]["row"] == round((decided == held.y_test)[:, 0].mean(), 4)
    assert "a head for every factor" in judge.card["says"]


def test_the_card_has_each_factors_number_beside_the_mean(folder):
    card = checkpoint.card(folder)
    assert card["data"]["factors"]["row"] == ["up", "down"] and "train" in card["data"]["split"]
    said = card["metrics"]
    keys = ("class_kept", "verdict_kept", "confident", "confident_real", "probe_accuracy")
    for key in (*keys, "probe_accuracy_pca", "class_obeyed"):
        shares = said[key]["factors"]
        assert list(shares) == ["row", "column", "shade"], key
        assert said[key]["value"] == pytest.approx(np.mean(list(shares.values())), abs=2e-4), key
        assert said[key]["n"] == 120 and said[key]["says"]
    assert said["probe_accuracy_pca"]["factors"]["row"] > 0.9, "two components are row and column"
    assert said["nn_accuracy_pixels"]["value"] > 0.8 and said["frechet"]["value"] > 0
    assert "inception_score" not in said


def test_the_card_says_what_the_data_show_little_of_and_where_the_error_is_larger(squares, folder):
    model, held, said = Model.load(folder), datasets.load(str(squares)), checkpoint.card(folder)["metrics"]
    error = ((model.reconstruct(held.x_test, held.y_test) - held.x_test / 255) ** 2).mean((1, 2, 3))
    share, errors = said["group_share"], said["group_error"]
    assert list(share["factors"]) == list(errors["factors"]) and len(errors["factors"]) == 2 + 2 + 3
    assert errors["factors"]["row: down"] == pytest.approx(error[held.y_test[:, 0] == 1].mean(), rel=1e-4)
    assert share["factors"]["shade: 0"] == pytest.approx((held.y[:, 2] == 0).mean(), abs=1e-5)
    assert errors["value"] == pytest.approx(max(errors["factors"].values()) / min(errors["factors"].values()), rel=1e-4)
    assert share["value"] == min(share["factors"].values()) and share["n"] == len(held.x) and errors["n"] == 120
    assert "told the true class" in errors["says"]


def test_beside_what_is_told_the_true_class_stands_what_is_told_a_guessed_one(squares, folder):
    model, held = Model.load(folder), datasets.load(str(squares))
    card, judge = checkpoint.card(folder), Classifier.get(held, runs=squares.parent / ".runs")
    said, x, y = card["metrics"], held.x_test, held.y_test
    guess = judge.decide(judge.logits(x))
    assert 0 < (guess != y).any(1).mean() < 1
    guessed, true = model.reconstruct(x, guess), model.reconstruct(x, y)
    for key, pictures in (("_guessed", guessed), ("", true)):
        value = said[f"reconstruction_mse{key}"]["value"]
        assert value == pytest.approx(((pictures - x / 255) ** 2).mean(), rel=1e-4)
        right = (judge.decide(judge.logits(pictures)) == y).mean()
        assert said[f"class_kept{key}"]["value"] == pytest.approx(right, abs=1e-5)
    assert (guessed != true).any()
    for key in ("ssim", "nn_accuracy", "inpainting_mse"):
        assert said[f"{key}_guessed"]["value"] != said[key]["value"]
        assert "told the true class" in said[key]["says"]
        assert "that the classifier gives" in said[f"{key}_guessed"]["says"]
    sentence = compared("class_kept", card, None)
    assert sentence.endswith(f"; with the class guessed: {said['class_kept_guessed']['value']:.1%}")


def test_the_models_page_shows_every_factor(folder):
    card = checkpoint.card(folder)
    table = by_factor(card).splitlines()
    assert table[0] == "|  | row | column | shade |" and len(table) == 2 + 10
    shares = card["metrics"]["class_kept"]["factors"]
    assert f"| {shares['row']:.1%} | {shares['column']:.1%} | {shares['shade']:.1%} |" in "".join(table)
    assert compared("class_kept", card, None).startswith("chance: 44.4%; with the class guessed")
    assert compared("probe_accuracy", card, None).startswith("PCA of the same size")
    assert "%" in compared("confident", card, None)
    plain = {"data": {"label_names": ["a"]}, "metrics": {"class_kept": {"value": 0.5}}}
    assert by_factor(plain) == ""


def test_the_numbers_of_obedience_are_those_of_the_pictures(squares, folder):
    model, held = Model.load(folder), datasets.load(str(squares))
    judge = Classifier.get(held, runs=squares.parent / ".runs")
    x, y = held.x_test[:40], held.y_test[:40]
    entries = sets.compare(model, held, judge, 40, 0, squares.parent / ".runs")
    sizes = (2, 2, 3)

    def seen(pictures):
        return judge.decide(judge.logits(pictures))

    rng = np.random.default_rng(0)
    asked = y[rng.permutation(40)]
    obeyed = (seen(model.sample(40, 0, y=asked)) == asked).mean()
    assert entries["class_obeyed"]["value"] == pytest.approx(obeyed, abs=1e-5)
    assert obeyed > 0.52, "chance is 0.44"
    steps, edited = rng.integers(1, [sizes[i % 3] for i in range(40)]), y.copy()
    for i in range(40):
        edited[i, i % 3] = (y[i, i % 3] + steps[i]) % sizes[i % 3]
    after, before = seen(model.decode(model.encode(x, y), edited)), seen(x)
    assert ((edited != y).sum(1) == 1).all()
    of_it = np.arange(40)[:, None] % 3 == np.arange(3)
    right = (after == edited)[of_it].mean()
    assert entries["class_edited"]["value"] == pytest.approx(right, abs=1e-5)
    kept = (after == before)[~of_it].mean()
    assert entries["others_kept"]["value"] == pytest.approx(kept, abs=1e-5)


def test_a_sure_classifier_is_told_from_an_unsure_one():
    logits = np.log(np.array([[0.95, 0.03, 0.02], [0.89, 0.1, 0.01], [1 / 3] * 3]))
    assert metrics.confident(logits, 0.9).tolist() == [True, False, False]
    assert metrics.confident(logits - 1e4, 0.9).tolist() == [True, False, False]


def test_large_networks_are_kept_in_half_precision(folder, squares, monkeypatch, tmp_path):
    config = parse(["member=vae", "width=4", "latent=3", "steps=1", f"data={squares}"])
    held = datasets.load(str(squares))
    progress = deque(loop.train(config, held), maxlen=1).pop()
    answers = []
    for most in (release.WHOLE, 0):
        monkeypatch.setattr(release, "WHOLE", most)
        release.write_checkpoint(tmp_path / str(most), config, held, progress, 1.0)
        answers.append(Model.load(tmp_path / str(most)).reconstruct(held.x_test))
    sizes = [checkpoint.card(tmp_path / str(most))["weights"]["bytes"] for most in (8_000_000, 0)]
    assert sizes[1] < 0.75 * sizes[0]
    kept = checkpoint.weights(tmp_path / "0")
    assert {v.dtype == np.float16 for v in kept.values()} == {True, False}
    # a variance can be beyond half's range
    assert all((v.dtype == np.float16) == (v.ndim > 1) for v in kept.values())
    away = np.abs(answers[1] - answers[0])
    assert 0 < away.max() < 1 / 255
