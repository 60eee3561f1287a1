"""The latent map: build, file, place and lift.   python -m pytest tests/test_atlas.py"""

import json
import shutil
import subprocess
import sys
from collections import deque

import numpy as np
import pytest
from PIL import Image

from ali_core.commands import atlas as atlas_command
from ali_core.config import Config
from ali_core.data import datasets
from ali_core.maps import atlas, layout
from ali_core.models import checkpoint, release
from ali_core.models.model import Model
from ali_core.problem import Problem
from ali_core.training import loop

HELD = 120


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A real checkpoint of four kinds of noisy picture, and its atlas by the command."""
    root, rng = tmp_path_factory.mktemp("atlas"), np.random.default_rng(0)
    labels = np.arange(HELD + 200) % 4
    kinds = rng.integers(0, 255, (4, 28, 28, 3))
    images = np.clip(kinds[labels] + rng.normal(0, 40, (len(labels), 28, 28, 3)), 0, 255)
    np.savez(
        root / "noise.npz",
        images=images.astype(np.uint8),
        labels=labels,
        train=np.arange(len(labels)) >= HELD,
    )
    config = Config(name="tiny", data=str(root / "noise.npz"), width=4, batch=8, latent=6, steps=3)
    loaded = datasets.load(config.data)
    progress = deque(loop.train(config, loaded), maxlen=1).pop()
    folder = root / "checkpoints" / "tiny"
    release.write_checkpoint(folder, config, loaded, progress, 1.0)
    atlas_command.main([str(folder)])
    return folder, loaded


@pytest.fixture
def copy(built, tmp_path):
    return shutil.copytree(built[0].parent, tmp_path / "checkpoints") / "tiny"


@pytest.fixture(scope="module")
def points():
    """Two clusters of 5-d codes, their map a rotation of two of the axes."""
    rng = np.random.default_rng(1)
    y = np.arange(400) % 2
    z = rng.standard_normal((400, 5)).astype(np.float32)
    z[:, 0] += 20 * y
    flat = (z[:, :2] @ np.array([[0.6, -0.8], [0.8, 0.6]])).astype(np.float32)
    maps = {"pca": layout.flat(z), "umap": flat}
    error = rng.random(400).astype(np.float32)
    typical = layout.usual(z, maps, error)
    return atlas.Atlas(
        z,
        y,
        **maps,
        trust={},
        error=error,
        round_trip=error,
        pictures="",
        label_names=[],
        typical=typical,
    )


def test_the_file_holds_what_the_model_says(built):
    folder, loaded = built
    model, the_map = Model.load(folder), atlas.load(folder)
    codes = model.encode(loaded.x_test)
    np.testing.assert_allclose(the_map.z, codes, atol=1e-3 * np.abs(codes).max())
    np.testing.assert_array_equal(the_map.y, loaded.y_test[:, 0])
    decoded = model.decode(codes)
    np.testing.assert_allclose(the_map.error, ((decoded - loaded.x_test / 255) ** 2).mean((1, 2, 3)), rtol=1e-4)
    distance = np.linalg.norm(model.encode(decoded) - codes, axis=1)
    np.testing.assert_allclose(the_map.round_trip, distance, rtol=1e-3, atol=1e-5)
    assert the_map.z.shape == (HELD, 6) and the_map.pca.shape == the_map.umap.shape == (HELD, 2)
    assert the_map.label_names == loaded.label_names
    assert all(0.5 < the_map.trust[which] <= 1 for which in ("pca", "umap"))
    said = checkpoint.card(folder)["atlas"]
    assert said["n"] == HELD and said["trustworthiness"]["umap"]["n"] == HELD


def test_what_is_usual_is_usual_for_pictures_of_the_data(copy, built):
    """On a map of what the model made: it remembers more of that than of any picture of the data."""
    atlas_command.main([str(copy), "--made"])
    the_map, model, x = atlas.load(copy), Model.load(copy), built[1].x_test
    codes = model.encode(x)
    decoded = model.decode(codes)
    error = ((decoded - x / 255) ** 2).mean((1, 2, 3))
    assert the_map.split == "made" and the_map.typical["of"] == "held out"
    for key, values in (
        ("error", error),
        ("nearest", atlas.nearest(the_map, codes, 1)[1][:, 0]),
        ("round_trip", np.linalg.norm(model.encode(decoded) - codes, axis=1)),
    ):
        np.testing.assert_allclose(the_map.typical[key], np.quantile(values, layout.LEVELS), rtol=1e-4)
    assert np.median(the_map.error) < 0.9 * the_map.typical["error"][layout.LEVELS.index(0.5)]


def test_the_sheet_holds_the_held_out_pictures_in_order_without_loss(built):
    folder, loaded = built
    name = atlas.load(folder).pictures
    np.testing.assert_array_equal(atlas.pictures(folder.parent, name), loaded.x_test)
    with Image.open(folder.parent / "pictures" / f"{name}.png") as sheet:
        assert sheet.size == (100 * 28, 2 * 28)


def test_a_picture_set_is_written_once_and_other_pictures_are_refused(copy, built):
    path = copy.parent / "pictures" / "noise-28-rgb.png"
    before = path.stat()
    layout._store_pictures(copy.parent, path.stem, built[1].x_test)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    with pytest.raises(Problem, match=r"noise-28-rgb\.png holds other pictures"):
        layout._store_pictures(copy.parent, path.stem, built[1].x_test[::-1])


def test_umap_is_given_the_exact_neighbours_and_searches_none(monkeypatch, recwarn):
    """So many codes that it would search by itself; it says nothing, and neighbours stay neighbours."""
    import sklearn.manifold
    import umap

    class Searched:
        def __init__(self, *_, **__):
            raise AssertionError("UMAP searches neighbours")

    monkeypatch.setattr(umap.umap_, "NNDescent", Searched)
    monkeypatch.setitem(layout.UMAP, "n_epochs", 20)
    rng = np.random.default_rng(3)
    z = rng.normal(size=(4200, 6)).astype(np.float32)
    z[:, 0] += 12 * (np.arange(4200) % 3)
    flat = layout.unfolded(z)
    assert flat.shape == (4200, 2) and flat.dtype == np.float32
    assert not [w for w in recwarn if "knn" in str(w.message)]
    some = rng.permutation(4200)[:600]
    trust = sklearn.manifold.trustworthiness(z[some], flat[some], n_neighbors=15)
    assert 0.8 < trust <= 1


def test_a_missing_atlas_says_which_command_makes_it(copy):
    (copy / "atlas.npz").unlink()
    with pytest.raises(Problem, match=r"atlas\.npz is missing; `python -m ali_core atlas .*tiny`"):
        atlas.load(copy)


@pytest.mark.parametrize("where", [0, 0.3, 0.9, 1])
def test_a_damaged_atlas_is_refused(copy, where):
    path = copy / "atlas.npz"
    content = bytearray(path.read_bytes())
    if where == 1:
        content = content[:-50]
    else:
        content[int(where * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.raises(Problem, match=r"atlas\.npz is not the file its card describes"):
        atlas.load(copy)


def test_an_atlas_of_other_weights_is_refused(copy):
    card = checkpoint.card(copy)
    checkpoint.update_card(copy, weights=card["weights"] | {"sha256": "0" * 64})
    with pytest.raises(Problem, match=r"atlas\.npz was made from other weights"):
        atlas.load(copy)


def test_a_card_without_an_atlas_entry_vouches_for_none(copy):
    card = checkpoint.card(copy)
    del card["atlas"]
    (copy / "card.json").write_text(json.dumps(card))
    with pytest.raises(Problem, match="run `python -m ali_core atlas"):
        atlas.load(copy)


def test_a_damaged_or_missing_sheet_is_one_sentence(copy):
    path = copy.parent / "pictures" / "noise-28-rgb.png"
    content = bytearray(path.read_bytes())
    for k in (10, len(content) // 2, len(content) - 30):
        damaged = content.copy()
        damaged[k] ^= 255
        path.write_bytes(damaged)
        with pytest.raises(Problem, match=r"noise-28-rgb\.png .*copy it again"):
            atlas.pictures(copy.parent, path.stem)
    path.unlink()
    with pytest.raises(Problem, match=r"noise-28-rgb\.png is missing"):
        atlas.pictures(copy.parent, path.stem)


def test_nothing_is_pickled(built):
    with np.load(built[0] / "atlas.npz", allow_pickle=False) as file:
        assert all(file[key].dtype.kind in "fiU" for key in file.files)


def test_nearest_is_brute_force(points):
    asked = np.random.default_rng(2).standard_normal((700, 5)).astype(np.float32) * 5
    indices, distances = atlas.nearest(points, asked, 6)
    away = np.linalg.norm(points.z[None] - asked[:, None], axis=2)
    np.testing.assert_allclose(distances, np.sort(away, 1)[:, :6], rtol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(away, indices, 1), distances, rtol=1e-5)


def test_a_code_is_placed_on_its_own_point(points):
    for which in ("umap", "pca"):
        np.testing.assert_allclose(atlas.place(points, points.z, which), getattr(points, which), atol=1e-2)


def test_a_new_code_is_placed_near_where_the_map_would_have_it(points):
    new = np.random.default_rng(3).standard_normal((50, 5)).astype(np.float32)
    truth = new[:, :2] @ np.array([[0.6, -0.8], [0.8, 0.6]])
    away = np.linalg.norm(atlas.place(points, new) - truth, axis=1)
    assert np.median(away) < 0.6


def test_a_code_between_two_islands_is_put_on_one_of_them(points):
    """A mean would put it in the middle of the sea."""
    between = np.array([[10.2, 0, 0, 0, 0]], np.float32)
    position = atlas.place(points, between)
    assert np.linalg.norm(points.umap - position, axis=1).min() < 2
    assert np.linalg.norm(position - points.umap.mean(0)) > 6


@pytest.mark.parametrize("which", ["umap", "pca"])
def test_lifting_a_points_own_place_gives_that_point_back(points, which):
    for k in range(0, 400, 40):
        lifted = atlas.lift(points, getattr(points, which)[k], which)
        assert lifted["neighbours"][0] == k
        assert atlas.nearest(points, lifted["z"][None], 1)[0][0, 0] == k


def test_a_lifted_code_is_as_long_as_its_sources(points):
    lifted = atlas.lift(points, np.array([0.3, 0.1]))
    norms = np.linalg.norm(points.z[lifted["neighbours"]], axis=1)
    assert norms.min() <= np.linalg.norm(lifted["z"]) <= norms.max()


def test_a_far_place_is_said_to_be_far(points):
    near, far = (atlas.lift(points, np.array(xy)) for xy in ((0.0, 0.0), (300.0, 0.0)))
    assert near["map_distance"] < 2 * near["typical_map_distance"]
    assert far["map_distance"] > 100 * far["typical_map_distance"]
    assert np.isfinite(far["z"]).all()


def test_typical_distances_are_medians_over_the_points(points):
    away = np.sort(np.linalg.norm(points.z[None] - points.z[:, None], axis=2), 1)
    assert points.typical["z"] == pytest.approx(np.median(away[:, 8]), rel=1e-4)
    assert points.typical["nearest"][4] == pytest.approx(np.quantile(away[:, 1], points.typical["levels"][4]), rel=1e-4)
    assert points.typical["error"] == sorted(points.typical["error"])


def test_pca_lies_along_the_widest_direction(points):
    assert abs(np.corrcoef(points.pca[:, 0], points.y)[0, 1]) > 0.99
    np.testing.assert_allclose(np.cov(points.pca.T)[0, 1], 0, atol=1e-4)


def test_reading_an_atlas_needs_neither_torch_nor_umap_nor_sklearn():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, ali_core.maps.atlas; print([m for m in ('torch', 'umap', 'sklearn', 'numba') "
            "if m in sys.modules])",
        ],
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_too_few_held_out_pictures_are_one_sentence(copy, tmp_path):
    few = np.random.default_rng(0).integers(0, 255, (40, 28, 28, 3), np.uint8)
    np.savez(tmp_path / "few.npz", images=few, train=np.arange(40) >= 4)
    config = checkpoint.card(copy)["config"] | {"data": str(tmp_path / "few.npz")}
    checkpoint.update_card(copy, config=config)
    with pytest.raises(Problem, match="holds out 4; a map needs 16"):
        layout.build(copy)
