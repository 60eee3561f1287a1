"""Characters with known factors: the builder, the loader.   python -m pytest tests/test_sprites.py"""

import numpy as np
import pytest
from PIL import Image

from ali_core import data, sprites
from ali_core.__main__ import main
from ali_core.problem import Problem

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
    with np.load(file, allow_pickle=False) as found:
        images, labels, train = (found[key] for key in ("images", "labels", "train"))
    drawn, _ = sprites.build(clone, 400, 0)
    distinct = len(np.unique(drawn.reshape(400, -1), axis=0))
    assert len(images) == len(np.unique(images.reshape(len(images), -1), axis=0)) == distinct < 400
    people = [{tuple(person[:6]) for person in labels[part]} for part in (train, ~train)]
    assert people[0] and people[1] and not people[0] & people[1]
    assert 0.05 < len(people[1]) / (len(people[0]) + len(people[1])) < 0.15


def test_the_loader_knows_the_factors_the_split_and_the_licence(file):
    found = data.load(str(file))
    assert list(found.factors) == [*COUNTS, "direction", "walk frame"]
    assert found.factors["direction"] == ["up", "left", "down", "right"]
    assert [len(names) for names in found.factors.values()] == [*COUNTS.values(), 4, 9]
    assert found.label_names == ["0", "1", "2"], "of the first factor"
    assert found.y.dtype == np.int64 and found.y.shape == (len(found.x), 8)
    assert "CC BY-SA 3.0" in found.licence and "YingzhenLi/Sprites" in found.source
    assert "no combination" in found.held_out


def test_an_older_file_gets_its_split_and_its_names(clone, file, tmp_path):
    images, labels = sprites.build(clone, 400, 0)
    old, new = tmp_path / "old.npz", tmp_path / "new.npz"
    np.savez(old, images=images, labels=labels, label_names=np.array(sprites.LABEL_NAMES))
    loaded = data.load(str(old))
    assert loaded.licence == "unknown" and "a tenth of the pictures" in loaded.held_out
    assert loaded.factors["direction"][0] == "up"
    assert main(["sprites", str(old), str(new)]) == 0
    assert new.read_bytes() == file.read_bytes()


def test_factors_without_names_are_numbered(tmp_path):
    x = np.zeros((20, 8, 8), np.uint8)
    y = np.stack([np.arange(20) % 3, np.arange(20) % 2], 1)
    np.savez(tmp_path / "f.npz", images=x, labels=y)
    assert data.load(str(tmp_path / "f.npz")).factors == {
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
