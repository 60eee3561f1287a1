"""What is held out, in which order, and how a set is known again.   python -m pytest tests/test_split.py"""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ali_core.data import domains, split
from ali_core.data.dataset import Data
from ali_core.data.datasets import load
from ali_core.problem import Problem

PICTURES = np.random.default_rng(7).integers(0, 256, (300, 12, 12, 1), dtype=np.uint8)
KINDS = np.repeat(np.arange(6), 50)  # as folders give them, one class after another


def parts(data) -> tuple[set[bytes], set[bytes]]:
    """The pictures to train on and those held out."""
    return set(map(bytes, data.x)), set(map(bytes, data.x_test))


def filled(folder, pictures, kinds, kind="png"):
    for k, (picture, name) in enumerate(zip(pictures, kinds, strict=True)):
        place = folder / f"{name}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[..., 0]).save(place / f"{k:04}.{kind}")
    return folder


def test_one_picture_more_or_less_moves_no_other_one(tmp_path):
    """Neither in an .npz nor in a folder, wherever the new file sorts."""
    loaded = []
    for n in (299, 300, 250):
        np.savez(tmp_path / f"{n}.npz", images=PICTURES[:n])
        folder = filled(tmp_path / f"folder {n}", PICTURES[300 - n :], KINDS[300 - n :])
        loaded += [load(str(tmp_path / f"{n}.npz")), load(str(folder), 28)]
    for file in (loaded[::2], loaded[1::2]):
        for a in file:
            assert 0.05 < len(a.x_test) / (len(a.x) + len(a.x_test)) < 0.16
            assert not parts(a)[0] & parts(a)[1] and "by a hash" in a.held_out
            assert all(not parts(a)[0] & parts(b)[1] for b in file)


def test_copies_stay_together_whatever_their_name_class_and_format(tmp_path):
    folder = filled(tmp_path / "twice", PICTURES, KINDS)
    filled(folder, PICTURES, 9 - KINDS, "bmp")
    data = load(str(folder), 28)
    train, held = parts(data)
    assert not train & held and len(train) + len(held) == 300
    assert len(data.x) == 2 * len(train) and len(data.x_test) == 2 * len(held) > 20


@pytest.mark.parametrize("size", [32, 64])
def test_another_size_holds_the_same_pictures_out(tmp_path, size):
    folder = str(filled(tmp_path / "sizes", PICTURES, KINDS))
    one, other = load(folder, 28), load(folder, size)
    assert (one.y_test == other.y_test).all() and (one.y == other.y).all()
    assert len(one.x_test) > 10


@pytest.mark.parametrize("n", [2, 3, 5, 8, 13])
def test_of_few_pictures_some_are_held_out_and_some_are_not(n):
    for start in range(0, 290, n):
        hashes = split.contents(PICTURES[start : start + n])
        held, train = split.drawn(hashes, split.SHARE)
        assert len(held) and len(train) and sorted([*held, *train]) == list(range(len(hashes)))
        if len(hashes) > 2:
            assert all(map(len, split.drawn(hashes, split.SHARE, 0.5)))


def test_nothing_but_copies_is_one_sentence(tmp_path):
    np.savez(tmp_path / "same.npz", images=np.zeros((40, 12, 12), np.uint8))
    with pytest.raises(Problem, match=r"same\.npz has one readable picture.*two are the least"):
        load(str(tmp_path / "same.npz"))


def test_a_tenth_is_held_out_and_pairs_share_the_rest():
    many = np.arange(20_000, dtype=np.uint32).view(np.uint8).reshape(20_000, 2, 2, 1)
    test, a, b = split.drawn(split.contents(many), split.SHARE, 0.5)
    assert 1_870 < len(test) < 2_130 and 8_700 < len(a) < 9_300 and 8_700 < len(b) < 9_300
    assert sorted([*test, *a, *b]) == list(range(20_000))
    assert abs(np.corrcoef(a, np.arange(len(a)))[0, 1]) < 0.05  # the order says nothing


# ---- no class comes first


def all_classes_early(data):
    assert set(data.y[:60, 0]) == set(range(6)) == set(data.y[:, 0]), "60 of 270"
    early = data.y_test[: len(data.y_test) // 2, 0]
    assert len(set(early)) >= 5, "half of the held-out part"


def test_a_folder_of_classes_is_mixed(tmp_path):
    all_classes_early(load(str(filled(tmp_path / "kinds", PICTURES, KINDS)), 28))


def test_parts_that_a_set_brings_are_mixed_too(tmp_path):
    train = np.arange(300) % 5 > 0
    np.savez(tmp_path / "own.npz", images=PICTURES, labels=KINDS, train=train)
    data = load(str(tmp_path / "own.npz"))
    all_classes_early(data)
    assert parts(data) == (set(map(bytes, PICTURES[train])), set(map(bytes, PICTURES[~train])))
    for x, y in ((data.x, data.y), (data.x_test, data.y_test)):
        rows = [np.flatnonzero((picture == PICTURES).all((1, 2, 3)))[0] for picture in x]
        assert (KINDS[rows] == y[:, 0]).all()
    names = np.array(["test", "a", "b", "a", "b"])[np.arange(300) % 5]
    z = domains.transpose(PICTURES)
    np.savez(tmp_path / "pairs.npz", images=PICTURES, images_b=z, labels=KINDS, split=names)
    both = load(str(tmp_path / "pairs.npz"))
    all_classes_early(both)
    assert (both.prior.x_test == domains.transpose(both.x_test)).all()
    assert (both.partners == domains.transpose(both.x)).all()


def test_a_part_that_is_mixed_keeps_its_order(tmp_path):
    """The cards that ship were measured on the first 500 of their sets, as they come."""
    rng = np.random.default_rng(0)
    for y in (rng.permutation(KINDS), np.arange(300) % 6, np.zeros(300, int), rng.random((300, 4))):
        assert split.order(y) == slice(None)
    assert sorted(split.order(KINDS)) == list(range(300))
    assert split.order(np.zeros((5, 0))) == slice(None) == split.order(np.arange(0))


# ---- folders that are parts


def test_folders_train_and_test_are_parts_with_classes_in_them(tmp_path):
    filled(tmp_path / "cut" / "train", PICTURES[:240], KINDS[:240])
    filled(tmp_path / "cut" / "test", PICTURES[240:], KINDS[240:])
    (tmp_path / "cut" / "README.txt").write_text("no picture, and not looked at")
    data = load(str(tmp_path / "cut"), 28)
    assert len(data.x) == 240 and len(data.x_test) == 60 and data.skipped == ()
    assert data.label_names == list("012345") and set(data.y_test[:, 0]) == {4, 5}
    assert set(data.y[:60, 0]) == set(range(5))
    again = load(str(tmp_path / "cut" / "train"), 28)
    assert again.label_names == list("01234") and len(again.x) + len(again.x_test) == 240
    # a class may be called train
    filled(tmp_path / "rails", PICTURES, np.array(["bus", "train"])[KINDS % 2])
    assert load(str(tmp_path / "rails"), 28).label_names == ["bus", "train"]


def test_a_part_without_a_readable_picture_is_a_sentence(tmp_path):
    filled(tmp_path / "cut" / "train", PICTURES[:9], KINDS[:9])
    (tmp_path / "cut" / "val").mkdir()
    (tmp_path / "cut" / "val" / "a.png").write_text("no pixels")
    with (
        pytest.warns(UserWarning, match=r"val/a\.png"),
        pytest.raises(Problem, match="“val” holds no picture"),
    ):
        load(str(tmp_path / "cut"), 28)


# ---- a set is known again


def test_a_fingerprint_is_of_pictures_classes_and_parts_and_of_both_domains(tmp_path):
    np.savez(tmp_path / "a.npz", images=PICTURES, labels=KINDS)
    np.savez(tmp_path / "b.npz", images=255 - PICTURES)
    np.savez(tmp_path / "c.npz", images=255 - PICTURES[1:])
    np.savez(tmp_path / "d.npz", images=PICTURES, labels=KINDS, train=np.arange(300) < 270)
    a, again = load(str(tmp_path / "a.npz")), load(str(tmp_path / "a.npz"))
    assert a.fingerprint == again.fingerprint and len(a.fingerprint) == 12
    two = [load(str(tmp_path / "a.npz"), prior=str(tmp_path / f"{k}.npz")) for k in "bc"]
    every = [a, load(str(tmp_path / "b.npz")), load(str(tmp_path / "d.npz")), *two]
    assert len({data.fingerprint for data in every}) == 5
    assert a.learned(a.fingerprint) and not a.learned(two[0].fingerprint)
    # of what is older than fingerprints: surely so where the set brings its parts
    assert not a.learned(None) and every[2].learned(None)


def test_labels_have_two_axes_and_a_fingerprint_is_what_it_was_when_one_label_had_one():
    x, y = np.arange(24, dtype=np.uint8).reshape(6, 2, 2, 1), np.arange(6) % 3
    one = Data("a", x[:4], y[:4], x[4:], y[4:], list("abc"), "CC0", "made")
    assert one.y.tolist() == [[0], [1], [2], [0]] and one.y_test.shape == (2, 1) and one.sizes == [3]
    several = np.stack([y, y // 2], 1)
    two = Data("a", x[:4], several[:4], x[4:], several[4:], list("abc"), "CC0", "made")
    assert two.y.tolist() == several[:4].tolist() and two.sizes == [3, 3]
    named = replace(one, factors={"hair": list("abc")})
    # as states and cards have noted them
    noted = ("53a651e7ed3b", "db60164434cd", "ad7f4558bc9c")
    assert (one.fingerprint, two.fingerprint, named.fingerprint) == noted
