"""What a conditional checkpoint shows on every page.   python -m pytest tests/test_app_conditional.py"""

import io
import shutil
from collections import deque
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from ali_core.config import parse
from ali_core.data import datasets
from ali_core.maps import atlas, layout
from ali_core.models import release
from ali_core.models.model import Model, to_bytes
from ali_core.training import loop
from app import bridge
from app.shared import tray

ROOT = Path(__file__).parents[1]
NAME, PAIRS, PLAIN = "squares", "pairs", "fashion-vae"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of two tiny conditional checkpoints and a plain one; the tiny ones have maps.

    Squares: y is where the square is, of four places; pairs: its row and its column.
    """
    root = tmp_path_factory.mktemp("conditional")
    checkpoints = root / "checkpoints"
    shutil.copytree(ROOT / "checkpoints" / PLAIN, checkpoints / PLAIN)
    shutil.copytree(ROOT / "checkpoints" / "pictures", checkpoints / "pictures")
    rng = np.random.default_rng(0)
    y = np.arange(400) % 4
    x = rng.integers(0, 60, (400, 28, 28, 1))
    for k, (row, column) in enumerate(((4, 4), (4, 16), (16, 4), (16, 16))):
        x[y == k, row : row + 8, column : column + 8] += 150
    words = "member=conditional-alice width=8 batch=32 latent=4 steps=60 lr=3e-3"
    for name, labels in ((NAME, y), (PAIRS, np.stack([y // 2, y % 2], 1))):
        file = root / f"{name}.npz"
        np.savez(file, images=x.astype(np.uint8), labels=labels, train=np.arange(400) >= 100)
        config = parse([f"name={name}", f"data={file}", *words.split()])
        held = datasets.load(config.data)
        progress = deque(loop.train(config, held), maxlen=1).pop()
        release.write_checkpoint(checkpoints / name, config, held, progress, 1.0)
    for name in (NAME, PAIRS):
        layout.build(checkpoints / name, made="draws")
    return checkpoints


@pytest.fixture(autouse=True)
def there(folder, monkeypatch):
    monkeypatch.setenv("ALI_CHECKPOINTS", str(folder))


def visit(page: str = "", **query) -> AppTest:
    """The app as it stands after a visit by this link."""
    app = AppTest.from_file(str(ROOT / "app" / "explorer.py"), default_timeout=120)
    app = app.switch_page(f"views/{page or 'latent_map'}/{page or 'latent_map'}.py")
    for key, value in ({"checkpoint": NAME} | query).items():
        app.query_params[key] = value
    return sane(app.run())


def sane(app: AppTest) -> AppTest:
    assert not app.exception, [e.message for e in app.exception]
    assert not app.error, [e.value for e in app.error]
    return app


def in_link(app: AppTest, name: str) -> str | None:
    value = app.query_params.get(name)
    return value[0] if isinstance(value, list) else value


def words(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption])


def error_of(app: AppTest) -> float:
    return float(next(m.value for m in app.metric if m.label == "Squared error"))


def test_the_bridge_knows_the_classes_and_asks_as_the_model_answers(folder):
    assert bridge.classes.classes(PLAIN) == [] and bridge.classes.of_pictures(PLAIN, [1]) is None
    assert bridge.classes.classes(NAME) == [["0", "1", "2", "3"]]
    model, z = Model.load(folder / NAME), bridge.models.prior(NAME, 3, 5)
    np.testing.assert_array_equal(bridge.models.decode(NAME, z, (2,)), to_bytes(model.decode(z, np.full(3, 2))))
    each = np.array([[0], [1], [3]])
    np.testing.assert_array_equal(bridge.models.decode(NAME, z, each), to_bytes(model.decode(z, each[:, 0])))
    np.testing.assert_array_equal(
        bridge.models.samples_of(NAME, (42, 7)),
        to_bytes(np.concatenate([model.sample(1, 42), model.sample(1, 7)])),
    )
    asked = bridge.models.samples_of(NAME, (42,), 1.0, (3,))
    np.testing.assert_array_equal(asked, to_bytes(model.sample(1, 42, y=np.array([3]))))
    with pytest.raises(bridge.Problem, match="give y, the class"):
        bridge.models.encode(NAME, bridge.codes.pictures(NAME)[:1])


def test_the_likeliest_class_is_that_of_the_nearest_reconstruction():
    x = bridge.codes.pictures(NAME)[:6]
    apart = [((bridge.models.reconstruct(NAME, x, (k,)).astype(float) - x) ** 2).mean((1, 2, 3)) for k in range(4)]
    np.testing.assert_array_equal(bridge.classes.likeliest(NAME, x)[:, 0], np.argmin(apart, 0))
    np.testing.assert_array_equal(bridge.classes.of_pictures(NAME, np.arange(6))[:, 0], np.arange(6) % 4)


def test_reconstruct_tells_the_pictures_own_class_and_the_number_is_the_maps(folder):
    held = atlas.load(folder / NAME)
    app = visit("reconstruct", item="p6")
    assert error_of(app) == pytest.approx(float(held.error[6]), abs=6e-5)
    # the picture is made; what is usual, to which it is compared, is what held-out ones are
    deltas = " ".join(m.delta for m in app.metric)
    assert "of held-out" in deltas and "of made" not in deltas and "made" in words(app)
    other = visit("reconstruct", item="p6", **{"as": "0"})
    assert error_of(other) != error_of(app) and "compare two classes" in words(other)
    app.selectbox(key="as").set_value(0).run()
    assert error_of(sane(app)) == error_of(other) and in_link(app, "as") == "0"
    x = bridge.codes.pictures(NAME)[6:7]
    codes = [bridge.models.encode(NAME, x, (k,)) for k in range(4)]
    errors = [float(((bridge.models.decode(NAME, z, (0,)) - x.astype(float)) ** 2).mean()) for z in codes]
    label, far = 6 % 4, int(np.argmax(np.abs(np.array(errors) - errors[6 % 4])))
    assert error_of(app) == pytest.approx(errors[label] / 255**2, abs=2e-4)
    app.selectbox(key="y").set_value(far).run()
    assert in_link(sane(app), "y") == str(far) and error_of(app) != error_of(other)
    assert error_of(app) == pytest.approx(errors[far] / 255**2, abs=2e-4)
    app.number_input(key="number").set_value(7).run()
    assert in_link(sane(app), "y") is None, "the next picture has its own class"


def test_one_code_is_shown_as_every_class():
    captions = [m.value for m in visit("reconstruct", item="p6").caption]
    assert "**2**" in captions and {"0", "1", "3"} <= set(captions)


def test_an_uploads_class_is_guessed_and_can_be_chosen():
    app = visit("reconstruct")
    app.segmented_control(key="source").set_value("Upload").run()
    file = io.BytesIO()
    x = bridge.codes.pictures(NAME)[9]
    Image.fromarray(x[..., 0]).save(file, "png")
    app.file_uploader(key="file").upload("mine.png", file.getvalue(), "image/png").run()
    guess = int(bridge.classes.likeliest(NAME, x[None])[0, 0])
    assert f"as «{guess}» its reconstruction is nearest" in words(sane(app))
    chosen = (guess + 1) % 4
    app.selectbox(key="y").set_value(chosen).run()
    assert "is a guess" not in words(sane(app))
    next(b for b in app.button if b.label == "To the tray").click().run()
    app.switch_page("views/interpolate/interpolate.py").run()
    app.button(key="b tray 0").click().run()
    assert app.selectbox(key="b class 0 of u1").value == chosen
    app.selectbox(key="b class 0 of u1").set_value(guess).run()
    assert app.session_state["b"] == "u1" and f"as «{guess}»" in str(pickers(sane(app)))


def pickers(app: AppTest) -> list[str]:
    """What stands on the buttons that open an end's picker."""
    return [block.proto.popover.label for block in app.main.get("popover")]


@pytest.mark.parametrize("mode", ["path", "pad"])
def test_a_path_is_decoded_as_the_ends_class_or_another(mode):
    same = visit("interpolate", a="p2", b="p6", c="p10", d="p14", mode=mode)
    assert same.selectbox(key="pathas").options[0] == "the ends': 2"
    apart = visit("interpolate", a="p3", b="p6", mode=mode, pathas="1")
    assert apart.selectbox(key="pathas").options[0] == "as A: 3" and in_link(apart, "pathas") == "1"
    assert "real pictures" not in words(apart).lower()


def test_a_place_of_the_map_is_decoded_as_its_neighbours_or_as_asked(folder):
    held = atlas.load(folder / NAME)
    x, y = (float(value) for value in held.umap[6])
    app = visit(place=f"{x:.3f},{y:.3f}")
    near = bridge.codes.lift(NAME, (x, y))["neighbours"]
    most = np.bincount(held.y[near]).argmax()
    assert app.selectbox(key="placeas").options[0] == f"as its neighbours: {most}"
    app.selectbox(key="placeas").set_value(3).run()
    assert in_link(sane(app), "placeas") == "3"
    next(b for b in app.button if b.label == "To tray").click().run()
    assert app.session_state["tray kept"]["z1"][2] == (3,), "a kept code keeps its class"
    assert "as «3»" in tray_says(sane(app))
    sane(visit(picks="7"))


def tray_says(app: AppTest) -> str:
    return " ".join(button.help or "" for button in app.sidebar.button)


def test_samples_are_of_every_class_in_turn_or_of_one_and_the_tray_knows():
    app = visit("model", tray="s42,s42y3,s6t0.7y1,s1y9")
    assert app.selectbox(key="samplesof").value == -1
    says = tray_says(app)
    for sentence in ("seed 42, as «2»", "seed 42, as «3»", "0.7, as «1»", "seed 1, as «1»"):
        assert sentence in says
    app.selectbox(key="samplesof").set_value(3).run()
    add = next(b for b in app.button if b.label == "To tray")
    app.number_input(key="tray seed 0").set_value(5)
    add.click().run()
    assert app.session_state["tray"][-1] == "s5y3" and in_link(sane(app), "samplesof") == "3"


def test_words_of_samples_come_back():
    for word in ("s42", "s42t0.7", "s42y3", "s0t0.25y1.2"):
        assert tray.parse(word) == [word]
    assert tray.sample_word(42) == "s42" and tray.sample_word(7, 0.7, (3, 1)) == "s7t0.7y3.1"
    assert tray.seed_of("s7t0.7y3.1") == 7
    for nonsense in ("s42y", "s42y1234", "s4yt0.7", "p3y1"):
        with pytest.raises(ValueError):
            tray.parse(nonsense)


def test_two_factors_are_two_choices():
    assert bridge.classes.classes(PAIRS) == [["0", "1"], ["0", "1"]]
    assert bridge.classes.of_pictures(PAIRS, np.arange(4))[:, 0].tolist() == [0, 1, 0, 1]
    assert tray.classes_of(PAIRS, "s3") == bridge.models.in_turn(PAIRS, 3) and bridge.models.in_turn(PAIRS, 3)[0] == 1
    assert bridge.models.in_turn(PAIRS, 3, (-1, 0)) == (1, 0) and bridge.models.in_turn(PAIRS, 3, (0, 1)) == (
        0,
        1,
    )
    assert tray.classes_of(PAIRS, "s3y0.1") == (0, 1)
    app = visit("reconstruct", checkpoint=PAIRS, item="p1", as2="1")
    assert app.selectbox(key="as2").value == 1 and {"y", "y2", "as"} <= {box.key for box in app.selectbox}
    error = error_of(app)
    app.selectbox(key="as2").set_value(0).run()
    assert error_of(sane(app)) != error and in_link(app, "as2") == "0"
    for page, key in (("", "placeas2"), ("interpolate", "pathas2"), ("model", "samplesof2")):
        app = visit(page, checkpoint=PAIRS, place="3,4", tray="s3y0.1")
        app.selectbox(key=key).set_value(1).run()
        assert in_link(sane(app), key) == "1"


@pytest.mark.parametrize("page", ["", "reconstruct", "interpolate", "model"])
def test_an_unconditional_checkpoint_has_no_choice_of_class(page):
    asked = {"y": "1", "as": "2", "pathas": "1", "samplesof": "2", "place": "3,4"}
    app = visit(page, checkpoint=PLAIN, **asked)
    assert not {box.key for box in app.selectbox} & set(asked)
    app.selectbox(key="checkpoint").set_value(NAME).run()
    sane(app)
    app.selectbox(key="checkpoint").set_value(PLAIN).run()
    sane(app)
