"""Which directions go with which factor: the arithmetic, and Interpolate's third mode.   python -m pytest tests/test_app_directions.py"""

import io
from collections import deque
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from ali_core.config import parse
from ali_core.data import datasets
from ali_core.maps import atlas, layout
from ali_core.models import checkpoint, directions, latent, release
from ali_core.training import loop
from app import bridge
from app.shared import film

ROOT = Path(__file__).parents[1]
MAPS = [name for name in bridge.checkpoints.names() if (bridge.checkpoints.root() / name / "atlas.npz").exists()]
NAMES = [name for name in MAPS if not bridge.checkpoints.broken(name)]
FACTORS = {"row": ["up", "down"], "column": ["0", "1"], "shade": ["0", "1", "2"]}


# ---- the arithmetic


@pytest.fixture(scope="module")
def fitted_codes():
    """Codes whose first three numbers say the three factors, beside noise; labels; what is fitted."""
    rng = np.random.default_rng(0)
    labels = np.stack([rng.integers(len(names), size=2000) for names in FACTORS.values()], 1)
    z = rng.standard_normal((2000, 6)).astype(np.float32) * 0.3
    z[:, 0] += 2 * labels[:, 0]
    z[:, 1] -= 2 * labels[:, 1]
    angle = 2 * np.pi * labels[:, 2] / 3  # three on a line would hide the middle one
    z[:, 4:] += 2 * np.stack([np.cos(angle), np.sin(angle)], 1)
    return z, labels, directions.fit(z, labels, FACTORS)


def test_the_strongest_number_is_the_one_that_moves_the_factor(fitted_codes):
    z, labels, fitted = fitted_codes
    assert fitted.strength.shape == (3, 6) and fitted.strength.argmax(1)[:2].tolist() == [0, 1]
    assert set(fitted.strength[2].argsort()[-2:]) == {4, 5}
    np.testing.assert_allclose(fitted.strength[[0, 1], [0, 1]], 0.96, atol=0.03)  # correlation
    assert fitted.strength[0, [1, 2, 3, 4, 5]].max() < 0.05
    assert min(fitted.accuracy) > 0.98
    assert 0.45 < fitted.chance[0] < 0.56 and 0.3 < fitted.chance[2] < 0.4
    assert (fitted.read(z)[:, 0] == labels[:, 0]).mean() > 0.98


def test_a_direction_goes_from_the_codes_own_class_to_the_asked_one(fitted_codes):
    z, labels, fitted = fitted_codes
    low, high = (z[labels[:, 1] == k][0] for k in (0, 1))
    np.testing.assert_allclose(fitted.toward(low, 1, 1), [0, -1, 0, 0, 0, 0], atol=0.03)
    np.testing.assert_allclose(fitted.toward(high, 1, 0), [0, 1, 0, 0, 0, 0], atol=0.03)
    np.testing.assert_allclose(fitted.toward(low, 1, 0), [0, 1, 0, 0, 0, 0], atol=0.03)
    path, units = directions.walk(low, np.eye(6)[2], z, 3, 7)
    assert units.tolist() == [-3, -2, -1, 0, 1, 2, 3] and (path[3] == low).all()
    np.testing.assert_allclose(path[-1, 2] - low[2], 3 * z[:, 2].std(), rtol=1e-4)
    assert (path[:, [0, 1, 3, 4, 5]] == low[[0, 1, 3, 4, 5]]).all()


def test_a_swapped_factor_is_read_as_the_other_and_the_others_stay(fitted_codes):
    z, _, fitted = fitted_codes
    for code, read in zip(z[:50], fitted.read(z[:50]), strict=True):
        label = (read[0] + 1) % 2
        swapped = fitted.swapped(code, 0, label)
        assert fitted.read(swapped[None])[0].tolist() == [label, read[1], read[2]]
        np.testing.assert_allclose(swapped - code, [4 * label - 2, 0, 0, 0, 0, 0], atol=0.1)
        np.testing.assert_allclose(fitted.swapped(code, 0, read[0]), code, atol=1e-6)


def test_classes_in_turn_do_not_go_in_step():
    y = latent.in_turn(np.arange(2000), (7, 5, 7))
    assert (y[:, 0] == np.arange(2000) % 7).all() and (y.max(0) == [6, 4, 6]).all()
    assert len(np.unique(y, axis=0)) > 240, "of 245 combinations"
    assert (latent.in_turn(np.array([900]), (7, 5, 7))[0] == y[900]).all()
    assert latent.in_turn(np.arange(12), (5,))[:, 0].tolist() == (np.arange(12) % 5).tolist()


def test_the_heat_map_shows_factors_or_the_classes_of_one():
    strength, beta = np.eye(3, 6), np.ones((7, 6))
    several = film.heat(FACTORS, strength, beta, 2)
    assert list(several.data[0].y) == list(FACTORS) and len(several.layout.shapes) == 1
    one = film.heat({"class": ["a", "b"]}, strength[:1], beta[:2], None)
    assert list(one.data[0].y) == ["a", "b"] and one.data[0].zmin == -one.data[0].zmax
    assert not one.layout.shapes


# ---- maps with labels of several factors


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two tiny checkpoints of squares with three factors, one conditional and one not, with their maps."""
    root, rng = tmp_path_factory.mktemp("directions"), np.random.default_rng(0)
    y = np.stack([rng.integers(size, size=700) for size in (2, 2, 3)], 1)
    x = rng.integers(0, 30, (700, 28, 28, 1))
    for picture, (row, column, shade) in zip(x, y, strict=True):
        picture[4 + 12 * row :, 4 + 12 * column :][:8, :8] = 100 + 70 * shade
    names = np.array(["row(up,down)", "column", "shade"])
    file = root / "squares.npz"
    np.savez(file, images=x.astype(np.uint8), labels=y, label_names=names)
    held = datasets.load(str(file))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for name, member in (("squares-conditional", "conditional-alice"), ("plain", "alice")):
            words = f"width=8 batch=32 latent=4 steps=60 lr=3e-3 name={name} member={member}"
            config = parse([f"data={file}", *words.split()])
            progress = deque(loop.train(config, held), maxlen=1).pop()
            release.write_checkpoint(root / "checkpoints" / name, config, held, progress, 1.0)
            layout.build(root / "checkpoints" / name, made="draws")
    return root / "checkpoints"


@pytest.fixture
def there(folder, monkeypatch):
    monkeypatch.setenv("ALI_CHECKPOINTS", str(folder))


def test_a_map_has_every_factors_labels_from_the_data_or_from_the_classifier(folder):
    conditional, plain = (atlas.load(folder / name) for name in ("squares-conditional", "plain"))
    n = checkpoint.card(folder / "squares-conditional")["data"]["held_out"]
    assert 50 <= n <= 90
    np.testing.assert_array_equal(conditional.labels, latent.in_turn(np.arange(n), (2, 2, 3)))
    assert conditional.labelled == "data" and plain.labelled == "classifier"
    for each in (conditional, plain):
        assert list(each.factors) == ["row", "column", "shade"] and each.labels.shape == (n, 3)
        assert (each.labels[:, 0] == each.y).all() and each.label_names == ["row up", "row down"]


def visit(**query) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app" / "explorer.py"), default_timeout=120)
    for name, value in ({"mode": "directions"} | query).items():
        app.query_params[name] = value
    return sane(app.switch_page("views/interpolate/interpolate.py").run())


def sane(app: AppTest) -> AppTest:
    assert not app.exception, [e.message for e in app.exception]
    assert not app.error, [e.value for e in app.error]
    return app


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.main.markdown, *app.main.caption])


def url(app: AppTest) -> dict[str, str]:
    return {key: value[0] if isinstance(value, list) else value for key, value in app.query_params.items()}


@pytest.mark.parametrize("do", ["walk", "mix"])
@pytest.mark.parametrize("name", NAMES)
def test_every_checkpoint_shows_its_directions(name, do):
    app = visit(checkpoint=name, do=do)
    assert "Read from the code by a line: " in texts(app)
    assert bridge.directions.directions(name).strength.shape[1] == bridge.codes.atlas(name).z.shape[1]


def test_a_link_brings_back_a_walk_and_nonsense_is_left_out():
    said = {"along": "n", "dim": "7", "reach": "2", "a": "s42", "checkpoint": NAMES[0]}
    app = visit(**said)
    assert url(app) == said | {"mode": "directions"}
    assert app.number_input(key="dim").value == 7 and app.slider(key="reach").value == 2
    app.selectbox(key="along").set_value("f0").run()
    app.selectbox(key="toward").set_value(5).run()
    assert url(sane(app))["toward"] == "5" and "dim" not in url(app)
    odd = visit(along="f99", toward="99", dim="-1", reach="99", do="fly", take="7")
    assert set(url(odd)) == {"mode", "checkpoint"}


def test_an_upload_is_walked_from_and_every_factor_of_it_can_be_said(there):
    file = io.BytesIO()
    Image.fromarray(bridge.codes.pictures("squares-conditional")[9][..., 0]).save(file, "png")
    for name, boxes in (("plain", 0), ("squares-conditional", 3)):
        app = visit(checkpoint=name)
        app.main.file_uploader(key="a file").upload("mine.png", file.getvalue(), "image/png")
        sane(app.run())
        assert app.session_state["a"] == "u1" and "a" not in url(app)
        said = [box.label for box in app.selectbox if "taken as" in box.label]
        assert said == [f"It is taken as {factor}" for factor in FACTORS][:boxes]


def test_one_factor_is_told_after_the_other_and_taken_from_another_picture(there):
    app = visit(checkpoint="squares-conditional")
    assert app.selectbox(key="along").options == [
        "row",
        "column",
        "shade",
        "code: row",
        "code: column",
        "code: shade",
        "one number",
    ]
    assert {"pathas", "pathas2", "pathas3"} <= {box.key for box in app.selectbox}
    assert "Read from the code by a line: row" in texts(app)
    app.selectbox(key="pathas3").set_value(2).run()
    assert url(sane(app))["pathas3"] == "2"
    app.selectbox(key="along").set_value("y2").run()
    assert url(sane(app))["along"] == "y2"
    for take in ("all", "0", "2"):
        assert sane(visit(checkpoint="squares-conditional", do="mix", take=take, c="s5"))
    plain = visit(checkpoint="plain", along="f2", toward="2", do="walk")
    assert plain.selectbox(key="toward").options == ["0", "1", "2"]
    plain.selectbox(key="checkpoint").set_value("squares-conditional").run()
    assert sane(plain).selectbox(key="along").value == "f2", "both have it"
    app = visit(checkpoint="squares-conditional", along="y1")
    app.selectbox(key="checkpoint").set_value("plain").run()
    assert sane(app).selectbox(key="along").value == "f0", "the other has not"


def test_the_bridge_names_the_factors(there):
    assert (
        bridge.classes.classes("squares-conditional") == list(FACTORS.values())
        and bridge.classes.classes("plain") == []
    )
    assert bridge.classes.factors("squares-conditional") == list(FACTORS)
    assert bridge.classes.worded("squares-conditional", (1, 0, 2)) == "row down, column 0, shade 2"
    np.testing.assert_array_equal(
        bridge.classes.of_pictures("squares-conditional", np.arange(5)),
        atlas.load(bridge.checkpoints.root() / "squares-conditional").labels[:5],
    )
    assert bridge.directions.directions("plain").factors == FACTORS
