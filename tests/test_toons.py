"""Cartoon heads with exact factors: drawing, split, file, loader.   python -m pytest tests/test_toons.py"""

import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

from ali_core.__main__ import main
from ali_core.data import datasets, toons
from ali_core.data.figures import SPLIT, STYLES, Figures
from ali_core.problem import Problem

FACTORS = {
    "beard": 6,
    "clothes": 5,
    "eyebrows": 5,
    "eyes": 5,
    "hair": 4,
    "mouth": 5,
    "rear hair": 5,
    "clothes colour": 10,
    "hair colour": 5,
    "skin colour": 5,
    "background colour": 6,
}


@pytest.fixture(scope="module")
def heads():
    return Figures("toon-head")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("toons") / "heads.npz"
    assert main(["toons", str(path), "--n", "700", "--size", "32", "--seed", "5"]) == 0
    return path


def read(path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def test_a_head_is_what_the_package_draws_in_one_piece(heads):
    import io
    import json
    from importlib import resources

    import dicebear
    import resvg_py
    from PIL import Image

    definition = json.loads(resources.files("dicebear_styles").joinpath("toon-head.json").read_text("utf-8"))
    whole, labels = dicebear.Style(definition), heads.labels(24, 1)
    images = heads.draw(labels, 64).astype(int)
    colours = {key: list(tones) for key, tones in STYLES["toon-head"].colours.items()}
    parts = {"rear hair": "rearHair"}
    away = []
    for row in labels.tolist():
        options: dict = dict(STYLES["toon-head"].framing)
        for (factor, classes), k in zip(heads.factors.items(), row, strict=True):
            if factor.endswith(" colour"):
                key = factor.removesuffix(" colour")
                options[f"{key}Color"] = [colours[key][k]]
                continue
            key = parts.get(factor, factor)
            variants = list(definition["components"][key]["variants"])
            options[f"{key}Probability"] = 0 if classes[k] == "none" else 100
            if classes[k] != "none":
                options[f"{key}Variant"] = [variants[k - (classes[0] == "none")]]
        svg = dicebear.Avatar(whole, options).to_string()
        png = resvg_py.svg_to_bytes(svg_string=svg, width=64, height=64)
        seen = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), int)
        away.append(np.abs(images - seen).mean((1, 2, 3)))
    away = np.array(away)
    assert np.diag(away).max() < 0.5, "edges are blended layer by layer"
    assert (away + 99 * np.eye(24)).min() > 5, "and the others are other heads"


def test_every_factor_is_seen(heads):
    assert {factor: len(classes) for factor, classes in heads.factors.items()} == FACTORS
    assert heads.factors["beard"][0] == heads.factors["rear hair"][0] == "none"
    assert heads.factors["hair"] == ["bun", "side comed", "spiky", "undercut"]
    labels = heads.labels(20, 2)
    images = heads.draw(labels, 64).astype(int)
    for column, size in enumerate(FACTORS.values()):
        other = labels.copy()
        other[:, column] = (other[:, column] + 1) % size
        changed = np.abs(heads.draw(other, 64) - images).max((1, 2, 3))
        assert (changed > 0).all() and changed.max() > 60


@pytest.mark.parametrize("style", STYLES)
def test_figure_i_of_a_seed_is_the_same_whatever_else_is_drawn(style):
    one, two = Figures(style), Figures(style)
    few, many = one.labels(300, 4), two.labels(3000, 4)
    assert (few == many[:300]).all() and (few != one.labels(300, 3)).any()
    assert len(np.unique(many, axis=0)) == 3000
    assert (one.draw(few[:6], 32) == two.draw(many[5::-1], 32)[::-1]).all()
    for column, classes in enumerate(one.factors.values()):
        counts = np.bincount(many[:, column])
        assert len(counts) == len(classes) == len({*classes}) and counts.min() > 0
    assert len(np.unique(one.draw(few[:12], 32).reshape(12, -1), axis=0)) == 12


def test_a_colour_that_a_figure_lacks_is_none():
    figures = Figures("voxel-art")
    names, labels = list(figures.factors), figures.labels(2000, 0)
    top, hat = (labels[:, names.index(name)] for name in ("top", "hat colour"))
    wears = np.isin(top, [figures.factors["top"].index(n) for n in ("cap", "beanie", "bunny ears")])
    assert figures.factors["hat colour"][0] == "none" and wears.any()
    assert (hat[wears] > 0).all() and (hat[top == 0] == 0).all()
    assert "none" not in figures.factors["skin colour"]


@pytest.mark.parametrize("style", STYLES)
def test_characters_and_combinations_are_held_out_the_same_in_every_seed(style):
    figures = Figures(style)
    names = list(figures.factors)
    labels = np.concatenate([figures.labels(4000, seed) for seed in (0, 1)])
    split = figures.split(labels)
    shares = {part: (split == part).mean() for part in SPLIT}
    assert 0.07 < shares["character"] < 0.11 and 0.03 < shares["combination"] < 0.11
    has = np.zeros(len(labels), bool)
    for one, a, other, b in STYLES[style].pairs:
        first = labels[:, names.index(one)] == figures.factors[one].index(a)
        second = labels[:, names.index(other)] == figures.factors[other].index(b)
        has |= first & second
        for alone in (first, second):
            assert (split[alone] == "train").any(), "each class alone is known"
    assert (has == (split == "combination")).all()
    ground = names.index("background colour")
    elsewhere = labels.copy()
    elsewhere[:, ground] = (elsewhere[:, ground] + 1) % len(figures.factors["background colour"])
    moved = (figures.split(elsewhere) == split).mean()
    # a pair of voxel-art's takes in the background
    assert moved == 1 if style != "voxel-art" else 0.9 < moved < 1


def test_the_file_says_what_it_holds(file, heads):
    arrays = read(file)
    labels = heads.labels(700, 5)
    assert (arrays["labels"] == labels).all() and arrays["images"].shape == (700, 32, 32, 3)
    assert (arrays["images"] == heads.draw(labels, 32)).all()
    assert (arrays["split"] == heads.split(labels)).all() and {*arrays["split"]} == {*SPLIT}
    assert (arrays["train"] == (arrays["split"] == "train")).all()
    assert "CC BY 4.0" in str(arrays["licence"]) and "Johan Melin" in str(arrays["source"])
    loaded = datasets.load(str(file))
    assert loaded.factors == heads.factors and loaded.held_out == heads.held_out
    assert "hair bun with clothes colour blue" in loaded.held_out
    assert (len(loaded.x), len(loaded.x_test)) == (arrays["train"].sum(), (~arrays["train"]).sum())


def test_the_same_seed_gives_the_same_bytes(file, tmp_path):
    words = ["--n", "700", "--size", "32", "--seed"]
    assert main(["toons", str(tmp_path / "again.npz"), *words, "5"]) == 0
    assert (tmp_path / "again.npz").read_bytes() == file.read_bytes()
    assert main(["toons", str(tmp_path / "other.npz"), *words, "6"]) == 0
    assert (tmp_path / "other.npz").read_bytes() != file.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.npz", "other.npz"]


def test_a_killed_command_goes_on_where_it_was(tmp_path):
    path = tmp_path / "heads.npz"
    words = ["toons", str(path), "--n", "20000", "--size", "32"]
    process = subprocess.Popen([sys.executable, "-m", "ali_core", *words])
    drawn, each = tmp_path / ".heads.npz.toon-head-32-0.partial", 32 * 32 * 3
    deadline = time.monotonic() + 120
    while not drawn.exists() or drawn.stat().st_size < 600 * each:
        assert process.poll() is None and time.monotonic() < deadline
    process.kill()
    process.wait()
    assert not path.exists()
    with drawn.open("r+b") as file:  # to know it again, and torn as a full disk leaves it
        file.write(bytes(each))
        file.truncate(530 * each + 7)
    words[3] = "700"
    assert main(words) == 0
    arrays, figures = read(path), Figures("toon-head")
    assert not arrays["images"][0].any(), "what was there is not drawn anew"
    assert (arrays["images"][1:] == figures.draw(figures.labels(700, 0), 32)[1:]).all()
    assert [p.name for p in tmp_path.iterdir()] == ["heads.npz"]
    assert zipfile.ZipFile(path).testzip() is None


def test_the_data_are_known_by_name_in_every_size(heads, monkeypatch):
    monkeypatch.setattr(toons, "N", 100)
    labels = heads.labels(100, 0)
    train = heads.split(labels) == "train"
    for asked, size in ((0, 64), (128, 128)):
        data = datasets.load("toons", asked)
        assert data.name == "toons" and data.label_names[:2] == ["beard none", "beard chin"]
        assert (data.x == heads.draw(labels[train], size)).all()
        assert (data.x_test == heads.draw(labels[~train], size)).all()
        assert data.y.dtype == np.int64 and (data.y_test == labels[~train]).all()
    assert datasets.load("toons", 28, 1).shape == (28, 28, 1)
    assert "CC BY 4.0" in data.licence and "Johan Melin" in data.source and data.factors


def test_what_cannot_be_drawn_is_one_sentence(tmp_path, capsys, monkeypatch):
    def said(*words: str) -> str:
        assert main(["toons", *map(str, words)]) == 2
        sentence = capsys.readouterr().err.strip()
        assert sentence and "\n" not in sentence
        return sentence

    out = tmp_path / "out.npz"
    assert "must end in .npz" in said(tmp_path / "out.zip")
    assert "two pictures are the least" in said(out, "--n", "1")
    assert "give a larger --n" in said(out, "--n", "2", "--seed", "4")
    assert "figures are the most" in said(out, "--n", "99999999999")
    assert "give 32, 64 or 128" in said(out, "--size", "28")
    assert "give 0 or more" in said(out, "--seed", "-1")
    assert "give one of toon-head, voxel-art, sprouts" in said(out, "--style", "lorelei")
    for module, package in (("dicebear", "dicebear-core"), ("resvg_py", "resvg-py")):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, module, None)
            assert f"drawn by {package}, which is not installed: pip install" in said(out)
            with pytest.raises(Problem, match="pip install dicebear-core"):
                datasets.load("toons")
    assert not list(tmp_path.iterdir()), "nothing is written"
