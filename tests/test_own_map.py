"""A reader's own pictures as an atlas: read, encoded, laid out.   python -m pytest tests/test_own_map.py"""

import io
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ali_core.maps import atlas, own, worker
from ali_core.models.model import Model
from ali_core.problem import Problem

GREY, COLOUR, TOLD = (Path("checkpoints") / name for name in ("fashion-vae", "toons", "mnist-conditional"))


def held(folder: Path) -> np.ndarray:
    """The pictures of a checkpoint's own map."""
    return atlas.pictures(folder.parent, atlas.load(folder).pictures)


def png(x: np.ndarray, **how) -> bytes:
    """A picture (h, w, c) as a file."""
    content = io.BytesIO()
    Image.fromarray(x[..., 0] if x.shape[-1] == 1 else x).save(content, how.pop("format", "PNG"), **how)
    return content.getvalue()


def written(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder with these files."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def zipped(files: dict[str, bytes]) -> bytes:
    """They as a zip."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return content.getvalue()


def silent(share: float, says: str) -> None:
    """Nobody looks at the bar."""


def test_the_map_of_a_folder_holds_what_the_model_says_of_its_pictures(tmp_path):
    x, said = held(GREY)[:40], []
    files = {f"album/{'left' if i % 4 else 'right'}/{i:02}.png": png(x[i]) for i in range(40)}
    album = written(tmp_path / "in", files | {"album/left/broken.png": b"\x89PNG no", "album/.hidden": b"x"})
    (home := tmp_path / "home").mkdir()
    worker.build(GREY, [album], ["in"], home, lambda share, says: said.append((share, says)))
    found, about = own.load(home)
    order = sorted(range(40), key=lambda i: (i % 4 == 0, i))  # by name, as a folder is read
    model, pictures = Model.load(GREY), np.load(home / own.PIXELS)
    assert np.array_equal(pictures, x[order])
    codes = model.encode(pictures)
    np.testing.assert_allclose(found.z, codes, atol=1e-3 * np.abs(codes).max())
    error = ((model.decode(codes) - pictures / 255) ** 2).mean((1, 2, 3))
    np.testing.assert_allclose(found.error, error, rtol=1e-3)
    assert found.label_names == ["left", "right"] and found.y.tolist() == [0] * 30 + [1] * 10
    assert found.umap.shape == (40, 2) and np.isfinite(found.umap).all() and 0.5 < found.trust["umap"] <= 1
    assert about["there"] == 41 and about["bad_count"] == 1 and "album/left/broken.png" in about["bad"][0]
    with Image.open(home / own.SHEET) as sheet:
        assert np.array_equal(np.asarray(sheet)[:28, 28:56], pictures[1][..., 0])
    shares = [share for share, _ in said]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1
    assert atlas.place(found, found.z[:1])[0] == pytest.approx(found.umap[0], abs=0.1)


def test_twenty_copies_of_one_picture_are_a_map_too(tmp_path):
    album = written(tmp_path / "in", {f"{i}.png": png(held(GREY)[0]) for i in range(20)})
    worker.build(GREY, [album], ["in"], tmp_path, silent)
    found, _ = own.load(tmp_path)
    assert found.label_names == ["in"] and np.isfinite(found.umap).all()
    assert all(found.typical[name] > 0 for name in ("z", "umap", "pca"))
    assert np.isfinite(atlas.lift(found, found.umap[0])["z"]).all()


def test_pictures_of_all_sizes_and_kinds_are_seen_and_the_others_named():
    rng = np.random.default_rng(0)
    some = {
        "large.jpg": png(rng.integers(0, 256, (300, 200, 3), np.uint8), format="JPEG"),
        "small.png": png(rng.integers(0, 256, (9, 9, 3), np.uint8)),
        "as it is.png": png(held(COLOUR)[5]),
        "grey.png": png(np.full((50, 50, 1), 77, np.uint8)),
        "text.png": b"this is a text, renamed",
        "empty.gif": b"",
    }
    files = [(name, partial(bytes, content)) for name, content in some.items()]
    x, names, bad, _ = worker.see(files, Model.load(COLOUR), COLOUR.parent, silent)
    assert x.shape == (4, 64, 64, 3) and names == list(some)[:4]
    assert np.array_equal(x[2], held(COLOUR)[5]) and (x[3] == 77).all()
    assert ["text.png" in bad[0], "empty.gif" in bad[1], len(bad)] == [True, True, 2]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "holds no file"),
        ({".DS_Store": b"x"}, "holds no file"),
        (
            {f"{i}.png": png(np.zeros((9, 9, 1), np.uint8)) for i in range(3)},
            "needs 16 pictures at least, and these are 3",
        ),
        (
            {f"{i}.png": b"text" for i in range(20)},
            "these are 0; add some. 20 cannot be read: “0.png” is not a picture",
        ),
    ],
)
def test_too_few_pictures_are_a_sentence(files, says, tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(Problem, match=says):
        worker.build(GREY, [written(tmp_path / "in", files)], ["in"], tmp_path, silent)


def test_a_folder_that_is_missing_and_a_zip_that_leaves_its_folder_are_sentences(tmp_path):
    with pytest.raises(Problem, match="There is no folder"):
        worker.gather([tmp_path / "none"], ["none"])
    (tmp_path / "bad").write_bytes(zipped({"../../outside.png": b"x"}))
    with pytest.raises(Problem, match="leaves its folder"):
        worker.gather([tmp_path / "bad"], ["bad.zip"])
    assert not list(tmp_path.parent.glob("outside*"))


def test_a_zips_strange_names_are_kept_apart_and_a_systems_own_files_left_out(tmp_path):
    names = [
        "a/Ü ber.png",
        "a/b\\c.png",
        "a/<b>*.png",
        "__MACOSX/a/._x.png",
        "a/.hidden.png",
        "a/" + "n" * 300 + ".png",
    ]
    (tmp_path / "zip").write_bytes(zipped(dict.fromkeys(names, b"x")))
    files, there = worker.gather([tmp_path / "zip"], ["strange.zip"])
    assert there == 4 and [content() for _, content in files] == [b"x"] * 4


def test_of_more_files_than_a_map_has_some_are_taken_from_everywhere(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "MOST", 5)
    album = written(tmp_path, {f"{i:02}.png": b"x" for i in range(17)})
    files, there = worker.gather([album], ["album"])
    assert there == 17 and [name for name, _ in files] == ["00.png", "04.png", "08.png", "12.png", "16.png"]


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (["a.png", "b.png"], ["", ""]),
        (["in/a.png", "in/b.png"], ["", ""]),
        (["in/x/a.png", "in/y/b.png", "in/c.png"], ["x", "y", ""]),
        (["x\\a.png", "y/deep/b.png"], ["x", "y"]),
    ],
)
def test_the_first_folder_that_differs_is_the_class(names, classes):
    assert worker.folders(names) == classes


def test_a_conditional_checkpoint_takes_the_folders_for_its_classes_or_guesses():
    model, x = Model.load(TOLD), held(TOLD)[:24]
    y = np.arange(24) % 2
    labels, by = worker.condition(model, x, y, ["3", "7"], silent)
    assert by == "folders" and labels[:, 0].tolist() == [3, 7] * 12
    labels, by = worker.condition(model, x, y, ["cats", "7"], silent)
    assert by == "guessed" and np.array_equal(labels, model.likeliest(x))


def test_classes_that_take_too_long_to_guess_are_a_sentence(monkeypatch):
    monkeypatch.setattr(worker, "SECONDS", 1e-3)
    with pytest.raises(Problem, match="to guess those of 24 would take"):
        worker.condition(Model.load(TOLD), held(TOLD)[:24], np.zeros(24, int), ["cats"], silent)
