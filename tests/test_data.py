"""Data sets: what is loaded, what is held out, and the sentence when something is wrong."""

import gzip
import os

import numpy as np
import pytest
from PIL import Image

from ali_core.data.datasets import TOYS, load, toy
from ali_core.data.registry import DATA_SETS
from ali_core.problem import Problem

RNG = np.random.default_rng(5)
PICTURES = RNG.integers(0, 256, (20, 28, 28), dtype=np.uint8)
LABELS = np.arange(20, dtype=np.uint8) % 4


def said(name: str, *options: int) -> str:
    with pytest.raises(Problem) as problem:
        load(str(name), *options)
    assert str(problem.value).endswith(".")
    return str(problem.value)


def idx(array: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.tobytes()


def idx_folder(folder, packed: bool):
    folder.mkdir()
    parts = {
        "train-images-idx3-ubyte": PICTURES,
        "train-labels-idx1-ubyte": LABELS,
        "t10k-images-idx3-ubyte": PICTURES[:7],
        "t10k-labels-idx1-ubyte": LABELS[:7],
    }
    for name, array in parts.items():
        content = idx(array)
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
    return folder


# Toys


def test_the_grid_is_the_papers_mixture():
    grid = load("grid")
    assert grid.x.shape == (100_000, 2) and grid.x.dtype == np.float32 and grid.shape == (2,)
    assert sorted(map(tuple, grid.centres)) == [(a, b) for a in (-4, -2, 0, 2, 4) for b in (-4, -2, 0, 2, 4)]
    counts = np.bincount(grid.y[:, 0], minlength=25)
    assert counts.min() > 3700 and counts.max() < 4300  # 4,000 each, five sd either way
    gap = grid.x - grid.centres[grid.y[:, 0]]
    assert 0.0495 < gap.std() < 0.0505 and np.abs(gap.mean(axis=0)).max() < 0.001
    assert 2.81 < grid.x.std() < 2.85  # sqrt(8 + 0.05^2)
    assert abs(np.corrcoef(gap.T)[0, 1]) < 0.02
    assert grid.label_names[0] == "(-4, -4)" and grid.label_names[24] == "(4, 4)"


def test_the_ring_has_eight_modes_on_the_unit_circle():
    ring = load("ring")
    assert np.allclose(np.linalg.norm(ring.centres, axis=1), 1)
    gap = ring.x - ring.centres[ring.y[:, 0]]
    assert 0.0099 < gap.std() < 0.0101 and ring.sd == 0.01
    counts = np.bincount(ring.y[:, 0], minlength=8)
    assert counts.min() > 11_900 and counts.max() < 13_100
    assert np.allclose(ring.centres[2], (0, 1))


@pytest.mark.parametrize("name", ["moons", "spiral"])
def test_arms_do_not_touch_and_mirror_each_other(name):
    arms = toy(name, 2000, 500)
    assert arms.centres is None and set(arms.y[:, 0]) == {0, 1}
    first, second = (arms.x[arms.y[:, 0] == label] for label in (0, 1))
    between = np.linalg.norm(first[:, None] - second, axis=-1).min(axis=1)
    near_start = np.linalg.norm(first, axis=1) < 0.4  # the arms of a spiral meet in the middle
    assert between[~near_start].min() > 0.05
    assert np.abs(first.mean(axis=0) + second.mean(axis=0)).max() < 0.15
    assert 0.8 < np.abs(arms.x).max() < 2.5


@pytest.mark.parametrize("name", TOYS)
def test_toys_follow_from_the_seed_and_hold_points_out(name):
    one, again, other = toy(name, 500, 100), toy(name, 500, 100), toy(name, 500, 100, seed=1)
    assert (one.x == again.x).all() and (one.y_test == again.y_test).all()
    assert (one.x != other.x).any()
    assert one.x_test.shape == (100, 2) and one.y.dtype == np.int64
    assert not set(map(tuple, one.x)) & set(map(tuple, one.x_test))
    assert one.y.shape == (500, 1) and one.y.max() < len(one.label_names)


# Fashion-MNIST and IDX


def test_fashion_mnist_is_whole():
    try:
        fashion = load("fashion-mnist")
    except Problem as problem:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(problem))
    assert fashion.x.shape == (60_000, 28, 28, 1) and fashion.x_test.shape == (10_000, 28, 28, 1)
    assert (np.bincount(fashion.y[:, 0]) == 6000).all() and (np.bincount(fashion.y_test[:, 0]) == 1000).all()
    assert fashion.x.dtype == np.uint8 and fashion.x.flags.writeable
    assert 72.9 < fashion.x.mean() < 73.0  # 0.2860 of 255, as is well known
    assert fashion.label_names[fashion.y_test[0, 0]] == "Ankle boot" and fashion.licence == "MIT"


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_are_read_packed_and_plain(tmp_path, packed):
    data = load(str(idx_folder(tmp_path / "idx", packed)))
    assert (data.x[..., 0] == PICTURES).all() and (data.y[:, 0] == LABELS).all()
    assert (data.x_test[..., 0] == PICTURES[:7]).all() and data.y.dtype == np.int64
    assert data.label_names == ["0", "1", "2", "3"] and data.name == "idx"


def test_fashion_mnist_is_found_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_MNIST", str(idx_folder(tmp_path / "mine", True)))
    assert len(load("fashion-mnist").x) == 20


def test_missing_fashion_mnist_says_how_to_get_it(tmp_path, monkeypatch):
    nowhere = DATA_SETS["fashion-mnist"]._replace(places=(str(tmp_path / "elsewhere"),))
    monkeypatch.setitem(DATA_SETS, "fashion-mnist", nowhere)
    monkeypatch.setenv("FASHION_MNIST", str(tmp_path))
    text = said("fashion-mnist")
    assert "apt-get install dataset-fashion-mnist" in text and str(tmp_path) in text


def test_a_known_data_set_may_be_an_npz_and_keeps_its_name_and_licence(tmp_path, monkeypatch):
    labels = LABELS[:20] % 4
    np.savez(tmp_path / "any.npz", images=PICTURES, labels=labels, train=np.arange(20) < 15)
    monkeypatch.setenv("MNIST", str(tmp_path / "any.npz"))
    data = load("mnist")
    assert (len(data.x), len(data.x_test)) == (15, 5) and (data.y[:, 0] == labels[:15]).all()
    assert data.name == "mnist" and data.licence == "CC BY-SA 3.0"
    assert data.label_names == list("0123456789") and "any.npz" not in data.source
    stacked = load("stacked-mnist")
    assert stacked.x.shape == (15, *PICTURES.shape[1:3], 3) and stacked.y.shape == (15, 3)
    for channel, digits in zip(np.moveaxis(stacked.x, 3, 0), stacked.y.T, strict=True):
        for picture, digit in zip(channel, digits, strict=True):
            same = (data.x[..., 0] == picture).all((1, 2))
            assert digit in data.y[same]


def test_damaged_idx_files_are_named(tmp_path):
    folder = idx_folder(tmp_path / "idx", False)
    images, labels = folder / "train-images-idx3-ubyte", folder / "train-labels-idx1-ubyte"
    whole = images.read_bytes()
    for content in (whole[:-1], whole[:9], b"", b"text, not pixels", b"\x1f\x8b" + whole):
        images.write_bytes(content)
        assert "train-images-idx3-ubyte" in said(folder)
    images.write_bytes(gzip.compress(whole)[:-500])
    assert "fetch it again" in said(folder)
    images.write_bytes(whole)
    labels.write_bytes(idx(LABELS[:-1]))
    assert "do not fit together" in said(folder)
    labels.unlink()
    assert "no train-labels" in said(folder)


def test_size_and_channels_are_changed_on_request(tmp_path):
    data = load(str(idx_folder(tmp_path / "idx", False)), 32, 3)
    assert data.x.shape == (20, 32, 32, 3) and data.x_test.shape == (7, 32, 32, 3)
    assert (data.x[..., 0] == data.x[..., 2]).all()
    assert abs(data.x.mean() - PICTURES.mean()) < 2


def test_an_unknown_name_lists_the_known_ones():
    assert "fashion-mnist, mnist, sprites, edges-fashion, mnist-transpose, stacked-mnist, toons, grid, ring" in said(
        "no-such-data"
    )


# .npz


def test_an_npz_needs_images_only(tmp_path):
    np.savez(tmp_path / "plain.npz", images=PICTURES)
    data = load(str(tmp_path / "plain.npz"))
    assert len(data.x) + len(data.x_test) == 20 and 1 <= len(data.x_test) <= 6
    assert data.x.shape[1:] == data.x_test.shape[1:] == (28, 28, 1)
    both = np.concatenate([data.x, data.x_test])[..., 0]
    assert sorted(map(bytes, both)) == sorted(map(bytes, PICTURES))
    assert (data.y == 0).all() and data.name == "plain"


def test_an_npz_keeps_labels_names_and_split(tmp_path):
    train = np.arange(20) < 15
    names = np.array(["a", "b", "c", "d"])
    np.savez(tmp_path / "all.npz", images=PICTURES, labels=LABELS, train=train, label_names=names)
    data = load(str(tmp_path / "all.npz"))
    assert (data.x[..., 0] == PICTURES[:15]).all() and (data.y_test[:, 0] == LABELS[15:]).all()
    assert data.label_names == ["a", "b", "c", "d"] and data.y.dtype == np.int64


def test_an_npz_keeps_factors_as_given_and_scales_floats(tmp_path):
    factors = RNG.random((20, 5))
    np.savez(tmp_path / "f.npz", images=PICTURES / 255, labels=factors, train=np.arange(20) < 10)
    data = load(str(tmp_path / "f.npz"))
    assert (data.y == factors[:10]).all() and data.y_test.shape == (10, 5)
    assert (data.x[..., 0] == PICTURES[:10]).all()


def test_words_as_labels_become_classes(tmp_path):
    words = np.array(["cat", "dog"])[LABELS % 2]
    np.savez(tmp_path / "w.npz", images=PICTURES, labels=words, train=np.arange(20) < 10)
    data = load(str(tmp_path / "w.npz"))
    assert data.label_names == ["cat", "dog"] and (data.y[:, 0] == LABELS[:10] % 2).all()


@pytest.mark.parametrize(
    ("arrays", "part"),
    [
        ({"pictures": PICTURES}, "it holds pictures"),
        ({}, "it holds nothing"),
        ({"images": PICTURES[0]}, "(28, 28)"),
        ({"images": PICTURES[:, None]}, "(20, 1, 28, 28)"),
        ({"images": PICTURES.astype(int)}, "int64"),
        ({"images": PICTURES / 100}, "float64"),
        ({"images": np.full((3, 8, 8), np.nan)}, "float64"),
        ({"images": PICTURES[:0]}, "(0, 28, 28, 1)"),
        ({"images": PICTURES, "labels": LABELS[1:]}, "labels"),
        ({"images": PICTURES, "labels": np.array(3)}, "labels"),
        ({"images": PICTURES, "labels": LABELS, "label_names": ["a"]}, "from 0 to 0"),
        ({"images": PICTURES, "train": np.ones(20)}, "train"),
        ({"images": PICTURES[:1]}, "train"),
        ({"images": np.array([{}], object)}, "plain arrays"),
    ],
)
def test_a_wrong_npz_says_what_is_wrong(tmp_path, arrays, part):
    np.savez(tmp_path / "wrong.npz", **arrays)
    text = said(tmp_path / "wrong.npz")
    assert "wrong.npz" in text and part in text


def test_a_damaged_npz_is_a_sentence(tmp_path):
    path = tmp_path / "cut.npz"
    np.savez_compressed(path, images=PICTURES)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        changed = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            changed[place] ^= 0xFF
        path.write_bytes(changed)
        try:
            load(str(path))
        except Problem as problem:
            assert "cut.npz" in str(problem)
    path.write_bytes(whole[:-50])
    assert "cut.npz" in said(path)


# A folder of pictures


@pytest.fixture
def album(tmp_path):
    """20 red pictures, 10 blue ones, of many sizes and kinds, and three that cannot be read."""
    folder = tmp_path / "album"
    for colour, n, kind in (("red", 20, "png"), ("blue", 10, "jpg")):
        (folder / colour).mkdir(parents=True)
        for k in range(n):
            Image.new("RGB", (40 + k, 60), colour).save(folder / colour / f"{k}.{kind}")
    (folder / "red" / "broken.png").write_bytes((folder / "red/0.png").read_bytes()[:40])
    (folder / "blue" / "empty.jpg").touch()
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".hidden").write_text("not looked at")
    return folder


def test_a_folder_gives_classes_and_names_what_it_skipped(album):
    with pytest.warns(UserWarning, match=r"3 unreadable skipped: .*notes\.txt, red/broken\.png"):
        data = load(str(album), 28)
    assert set(data.skipped) == {"blue/empty.jpg", "red/broken.png", "notes.txt"}
    assert len(data.x) + len(data.x_test) == 30 and 1 <= len(data.x_test) <= 8
    assert data.shape == data.x_test.shape[1:] == (28, 28, 3)
    assert data.x.dtype == np.uint8 and data.y.dtype == np.int64
    assert data.label_names == ["blue", "red"]
    blue, red = 0, 1
    assert (data.x[data.y[:, 0] == red].mean(axis=(0, 1, 2)) == (255, 0, 0)).all()
    assert (data.x[data.y[:, 0] == blue].mean(axis=(0, 1, 2)).round() == (0, 0, 254)).all()
    labels = np.concatenate([data.y, data.y_test])
    assert (labels == red).sum() == 20 and (labels == blue).sum() == 10


@pytest.mark.filterwarnings("ignore:.*unreadable")
def test_a_folder_is_loaded_the_same_every_time_and_in_grey_on_request(album):
    one, again, grey = load(str(album), 28), load(str(album), 28), load(str(album), 32, 1)
    assert (one.x == again.x).all() and (one.y_test == again.y_test).all()
    assert grey.shape == (32, 32, 1)


def test_grey_pictures_have_one_channel_unless_asked_otherwise(tmp_path):
    for k in range(4):
        Image.new("RGB", (30, 30), (k, k, k)).save(tmp_path / f"{k}.png")
    assert load(str(tmp_path), 28).shape == (28, 28, 1)
    assert load(str(tmp_path), 28, 3).shape == (28, 28, 3)
    assert load(str(tmp_path), 28).label_names == [tmp_path.name]


def test_a_folder_without_size_or_pictures_is_a_sentence(album, tmp_path):
    assert "size=28, 32 or 64" in said(album)
    (tmp_path / "bare").mkdir()
    assert "no picture" in said(tmp_path / "bare", 28)
    (tmp_path / "bare" / "words.png").write_text("no pixels")
    assert "no picture" in said(tmp_path / "bare", 28)
    Image.new("L", (9, 9)).save(tmp_path / "bare" / "single.png")
    with pytest.warns(UserWarning, match=r"words\.png"):
        assert "two are the least" in said(tmp_path / "bare", 28)


# Hugging Face, offline


@pytest.fixture
def hugging_face(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return datasets


def rows(datasets, n: int, labels=None):
    features = {"pixels": datasets.Image(), "kind": datasets.ClassLabel(names=list("abcd"))}
    columns = {
        "pixels": [Image.fromarray(picture) for picture in PICTURES[:n]],
        "kind": LABELS[:n].tolist() if labels is None else labels,
    }
    return datasets.Dataset.from_dict(columns, datasets.Features(features))


def test_a_saved_hugging_face_data_set_is_read_offline(tmp_path, hugging_face):
    both = hugging_face.DatasetDict({"train": rows(hugging_face, 20), "test": rows(hugging_face, 7)})
    both.save_to_disk(str(tmp_path / "saved"))
    data = load(f"hf:{tmp_path / 'saved'}")
    assert (data.x[..., 0] == PICTURES).all() and (data.y[:, 0] == LABELS).all()
    assert (data.x_test[..., 0] == PICTURES[:7]).all() and data.label_names == list("abcd")
    assert data.shape == (28, 28, 1) and data.name == "saved"
    assert load(f"hf:{tmp_path / 'saved'}", 32, 3).shape == (32, 32, 3)


def test_a_data_set_without_a_labelled_test_part_holds_a_tenth_out(tmp_path, hugging_face):
    rows(hugging_face, 20).save_to_disk(str(tmp_path / "one"))
    withheld = rows(hugging_face, 7, labels=[-1] * 7)
    both = hugging_face.DatasetDict({"train": rows(hugging_face, 20), "test": withheld})
    both.save_to_disk(str(tmp_path / "two"))
    for name in ("one", "two"):
        data = load(f"hf:{tmp_path / name}")
        assert len(data.x) + len(data.x_test) == 20 and 1 <= len(data.x_test) <= 6
        assert data.y_test.min() >= 0


def test_folders_of_parquet_and_of_pictures_are_read(tmp_path, hugging_face, album):
    (tmp_path / "parquet").mkdir()
    rows(hugging_face, 20).to_parquet(str(tmp_path / "parquet" / "train.parquet"))
    data = load(f"hf:{tmp_path / 'parquet'}")
    assert len(data.x) + len(data.x_test) == 20 and data.shape == (28, 28, 1)
    with pytest.warns(UserWarning, match="2 unreadable skipped"):
        data = load(f"hf:{album}", 28)
    assert len(data.x) + len(data.x_test) == 30 and data.label_names == ["blue", "red"]
    assert data.shape == (28, 28, 3)


def test_hugging_face_problems_are_sentences(tmp_path, hugging_face, album):
    words = hugging_face.Dataset.from_dict({"words": ["a", "b"]})
    words.save_to_disk(str(tmp_path / "words"))
    assert "its columns: words" in said(f"hf:{tmp_path / 'words'}")
    assert "different sizes; give size=28, 32 or 64" in said(f"hf:{album}")
    rows(hugging_face, 4, labels=[-1] * 4).save_to_disk(str(tmp_path / "unlabelled"))
    assert "without a label" in said(f"hf:{tmp_path / 'unlabelled'}")
    (tmp_path / "nothing").mkdir()
    assert "cannot be loaded" in said(f"hf:{tmp_path / 'nothing'}")
