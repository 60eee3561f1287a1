"""The Reconstruct page: flow, numbers, and files of every bad kind.   python -m pytest tests/test_app_reconstruct.py"""

import base64
import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays
from PIL import Image
from streamlit.testing.v1 import AppTest

from ali_core.maps import atlas
from ali_core.models import checkpoint
from app import bridge
from app.components.hole import unpacked
from app.shared import holes

from .visits import visit, words

ROOT = Path(__file__).parents[1]
NAMES = bridge.checkpoints.names()
GARMENTS = "fashion-alice"


def open_page(**query) -> AppTest:
    app = AppTest.from_file(ROOT / "app/explorer.py", default_timeout=120)
    for key, value in {"checkpoint": GARMENTS, **query}.items():
        app.query_params[key] = value
    return app.switch_page("views/reconstruct/reconstruct.py").run()


def upload(content: bytes, name: str = "picture.png") -> AppTest:
    app = open_page()
    app.segmented_control(key="source").set_value("Upload").run()
    app.file_uploader(key="file").upload(name, content, "image/png").run()
    return app


def png(image: Image.Image, kind: str = "png", **words) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **words)
    return content.getvalue()


def error_of(app) -> float:
    return float(next(m.value for m in app.metric if m.label == "Squared error"))


@pytest.mark.parametrize("name", NAMES)
def test_first_paint_shows_a_held_out_picture_with_the_atlas_own_error(name):
    """The page's number and the map's number are the same number."""
    app = open_page(checkpoint=name)
    assert not app.exception and not app.error
    held = atlas.load(ROOT / "checkpoints" / name)
    assert error_of(app) == pytest.approx(float(held.error[0]), abs=6e-5)
    assert {m.label for m in app.metric} == {"Squared error", "PSNR", "SSIM", "Its code moves"}


def test_a_number_and_a_link_show_the_same_picture():
    app = open_page()
    app.number_input(key="number").set_value(7).run()
    assert app.query_params["item"] == "p7"
    assert error_of(open_page(item="p7")) == error_of(app)
    assert error_of(open_page(item="p8")) != error_of(app)


@pytest.mark.parametrize("item", ["p99999999", "u1", "nonsense", "p1,p2", "p", "p10000"])
def test_a_link_that_makes_no_sense_shows_the_first_picture(item):
    app = open_page(item=item)
    assert not app.exception and not app.error
    assert error_of(app) == error_of(open_page())


def test_a_sample_of_the_prior_can_be_reconstructed():
    app = open_page(item="s42")
    assert not app.exception and 0 < error_of(app) < 0.5


def test_another_picture_of_a_class_is_of_that_class():
    app = open_page()
    app.selectbox(key="class").set_value(8).run()
    next(b for b in app.button if b.label == "Another").click().run()
    number = int(app.query_params["item"][1:])
    assert atlas.load(ROOT / "checkpoints" / GARMENTS).y[number] == 8


def test_an_upload_of_a_held_out_picture_gives_its_own_error():
    """Nothing is lost on the way in: the uploaded PNG is the gallery's picture."""
    held = atlas.load(ROOT / "checkpoints" / GARMENTS)
    x = atlas.pictures(ROOT / "checkpoints", held.pictures)[3]
    app = upload(png(Image.fromarray(x[..., 0])))
    assert not app.exception and error_of(app) == pytest.approx(float(held.error[3]), abs=6e-5)
    assert "item" not in app.query_params


def test_an_upload_goes_to_the_tray_and_not_into_the_link():
    app = upload(png(Image.new("L", (28, 28), 30)))
    next(b for b in app.button if b.label == "To the tray").click().run()
    assert app.session_state["tray"] == ["u1"] and "tray" not in app.query_params
    assert not app.exception


def test_a_picture_of_the_tray_is_taken_and_the_draws_seed_stands_in_the_link():
    app = open_page(tray="p7", item="p3", draw="4")
    assert not app.exception and not app.error
    app.button(key="use 0").click().run()
    assert app.session_state["item"] == "p7" and not app.exception
    draw = next((b for b in app.button if b.label == "Draw again"), None)
    if draw:  # a deterministic encoder has nothing to draw
        draw.click().run()
        assert app.query_params["draw"] in ("5", ["5"])


@pytest.mark.parametrize("name", NAMES)
def test_sixteen_draws_are_shown_or_said_to_make_no_sense(name):
    app = open_page(checkpoint=name)
    captions = [c.value for c in app.caption]
    drawn = any("16 draws of the posterior" in words for words in captions)
    first = bridge.codes.pictures(name)[:1], bridge.classes.of_pictures(name, np.array([0]))
    assert drawn == bool(bridge.models.posterior(name, *first)[1].any())
    assert drawn != any("nothing to draw" in words for words in captions)


def test_the_nearest_pictures_leave_out_the_picture_itself():
    held = atlas.load(ROOT / "checkpoints" / GARMENTS)
    indices, distances = atlas.nearest(held, held.z[:1], 9)
    assert indices[0, 0] == 0 and distances[0, 0] < 1e-3
    times = distances[0, 1] / held.typical["nearest"][held.typical["levels"].index(0.5)]
    assert any(f"The nearest is {times:.1f}x" in c.value for c in open_page().caption)


def test_a_picture_unlike_anything_is_said_to_be():
    noise = np.random.default_rng(0).integers(0, 255, (28, 28), np.uint8)
    app = upload(png(Image.fromarray(noise)))
    assert any("Unlike anything" in w.value for w in app.warning)
    assert not any("Unlike anything" in w.value for w in open_page().warning)


def test_a_face_of_the_data_is_not_unlike_the_faces_that_the_model_made():
    """The map shows samples, of which it remembers nearly all; a photograph is compared to photographs."""
    usual = checkpoint.card(ROOT / "checkpoints" / "faces")["metrics"]["reconstruction_mse"]["value"]
    assert 0.8 * usual < bridge.judging.quantile("faces", "error", bridge.judging.MEDIAN) < 1.1 * usual
    assert 20 < bridge.judging.more("faces", "error", usual) < 60
    shown = [m.delta for m in open_page(checkpoint="faces").metric]
    assert "of held-out" in shown[0] and "held-out median" in shown[1] and "of held-out" in shown[3]


def test_inversion_is_guessed_and_can_be_overruled():
    """A dark thing on white paper is turned round, and left alone when asked."""
    held = atlas.load(ROOT / "checkpoints" / GARMENTS)
    x = 255 - atlas.pictures(ROOT / "checkpoints", held.pictures)[3]
    app = upload(png(Image.fromarray(x[..., 0])))
    assert error_of(app) == pytest.approx(float(held.error[3]), abs=6e-5)
    app.segmented_control(key="invert").set_value("no").run()
    assert error_of(app) > 2 * float(held.error[3])


GOOD = {
    "cmyk.jpg": png(Image.new("CMYK", (50, 40), (0, 90, 0, 10)), "jpeg"),
    "sixteen.png": png(Image.fromarray(np.full((30, 30), 30000, np.uint16))),
    "palette.gif": png(Image.new("P", (64, 64), 3), "gif"),
    "one.png": png(Image.new("RGB", (1, 1), "red")),
    "long.png": png(Image.new("L", (20000, 1), 99)),
    "animated.gif": png(Image.new("L", (9, 9)), "gif", save_all=True, append_images=[Image.new("L", (9, 9), 9)]),
    "nämé ' \" <b> `x` .png": png(Image.new("RGBA", (30, 60), (9, 9, 9, 90))),
}
BAD = {
    "no.png": b"not a picture",
    "empty.png": b"",
    "cut.png": png(Image.effect_noise((90, 90), 90))[:400],
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "bomb.png": png(Image.new("1", (20000, 20000))),
    "big.png": png(Image.new("L", (9, 9))) + bytes(11 * 2**20),
}


@pytest.mark.parametrize("name", GOOD)
def test_every_odd_picture_gives_a_result(name):
    app = upload(GOOD[name], name)
    assert not app.exception and not app.error and 0 <= error_of(app) <= 1


@pytest.mark.parametrize("name", BAD)
def test_every_bad_file_gives_a_sentence(name):
    app = upload(BAD[name], name)
    assert not app.exception and len(app.error) == 1
    assert len(app.error[0].value) > 30 and app.error[0].value.rstrip().endswith(".")
    assert error_of(app) == error_of(open_page()), "the page goes on with the first picture"


def test_after_a_bad_file_the_last_good_one_stays():
    app = upload(png(Image.effect_noise((40, 40), 90)))
    good = error_of(app)
    app.file_uploader(key="file").upload("no.png", b"not a picture", "image/png").run()
    assert not app.exception and len(app.error) == 1 and "no.png" in app.error[0].value
    assert error_of(app) == good != error_of(open_page())


# ---- holes -----------------------------------------------------------------------------------------

FILLERS = [
    name for name in bridge.checkpoints.names() if not bridge.checkpoints.broken(name) and bridge.models.fills(name)
]
SQUARE = (28, 28)


@given(arrays(bool, (9, 7)))
def test_any_hole_fits_into_a_link_and_comes_back(hole):
    text = holes.word(hole)
    assert len(text) < 60 and (holes.parse(text, hole.shape) == hole).all()


def test_a_box_stands_in_the_link_by_its_place_and_size():
    left, top, wide, high = holes.middle(SQUARE)
    assert (left, top, wide, high) == (8, 8, 12, 12)
    box = holes.parse("2.3.4.5", SQUARE)
    assert box.sum() == 20 and box[3:8, 2:6].all() and holes.word(box) == "2.3.4.5"
    assert holes.word(~np.ones(SQUARE, bool)) == "none"


@given(some.text(max_size=30))
@example("0.0.29.1")
@example("1.1.0.3")
@example("~" + "A" * 20)
@example("~eJwDAAAAAAE=")
def test_a_links_nonsense_is_no_hole(text):
    for attempt in (text, "~" + text):
        with contextlib.suppress(ValueError):
            assert holes.parse(attempt, SQUARE).shape == SQUARE


def test_what_the_browser_says_is_a_hole_or_nothing():
    hole = np.random.default_rng(0).random(SQUARE) > 0.5
    packed = base64.b64encode(np.packbits(hole).tobytes()).decode()
    assert (unpacked(packed, SQUARE) == hole).all()
    for nonsense in (None, 7, "", "!!", packed + packed, [1, 2]):
        assert unpacked(nonsense, SQUARE) is None


def test_without_a_model_a_hole_is_filled_by_the_mean_or_by_the_nearest_other_picture():
    held = bridge.codes.pictures(GARMENTS)
    x, hole = held[3], holes.parse("8.8.12.12", SQUARE)
    fills = bridge.judging.stand_ins(GARMENTS, x, hole)
    away = ((held.astype(int) - x) ** 2 * ~hole[..., None]).sum((1, 2, 3))
    away[3] = away.max()
    for key, other in (("mean", held.mean(0).round()), ("nearest", held[away.argmin()])):
        np.testing.assert_array_equal(fills[key][~hole], x[~hole])
        assert np.abs(fills[key][hole] - other[hole]).max() <= 1
    assert holes.error(x, x, hole) == 0 < holes.error(fills["nearest"], x, hole)


def filler() -> str:
    assert FILLERS, "no checkpoint that fills holes is shipped"
    return FILLERS[0]


def test_a_filled_picture_is_new_in_the_hole_only():
    name = filler()
    x, hole = bridge.codes.pictures(name)[3], holes.parse("8.8.12.12", SQUARE)
    filled = bridge.models.fill(name, x, hole)
    np.testing.assert_array_equal(filled[~hole], x[~hole])
    assert (filled[hole] != x[hole]).any()
    other = x.copy()
    other[hole] = 255 - other[hole]
    np.testing.assert_array_equal(bridge.models.fill(name, other, hole)[hole], filled[hole])


def hole_of(app: AppTest) -> str | None:
    """What the URL says of the hole."""
    values = app.query_params.get("hole")
    return values[0] if isinstance(values, list) else values


def test_the_hole_of_a_link_is_filled_with_its_error_and_the_default_is_left_out():
    name = filler()
    for hole, shown in ((None, None), ("3.3.20.20", "3.3.20.20"), ("40.1.2.2", None), ("x", None)):
        app = open_page(checkpoint=name, item="p3", **({"hole": hole} if hole else {}))
        assert not app.exception and not app.error and hole_of(app) == shown
        x, painted = bridge.codes.pictures(name)[3], holes.parse(shown or "8.8.12.12", SQUARE)
        error = holes.error(bridge.models.fill(name, x, painted), x, painted)
        assert f"**MSE in the hole {error:.4f}**" in [c.value for c in app.caption]
    empty = open_page(checkpoint=name, hole="none")
    assert not empty.exception and any("Nothing is hidden" in m.value for m in empty.markdown)


def test_a_checkpoint_that_cannot_fill_says_which_one_can():
    app = open_page(hole="3.3.20.20")
    assert hole_of(app) is None and not app.exception
    captions = [c.value for c in app.caption if "never saw a picture with a hole" in c.value]
    assert len(captions) == bool(FILLERS) and all(name in captions[0] for name in FILLERS)


# ---- what an attribute changes ---------------------------------------------------------------------


def test_a_strip_for_each_clear_attribute_and_the_middle_is_the_picture_itself():
    app = open_page(checkpoint="faces", item="s3")
    assert not app.exception and not app.error
    directions = bridge.directions.directions("faces")
    z = bridge.models.prior("faces", 1, 3)[0]
    code = bridge.models.encode("faces", bridge.models.decode("faces", z))[0]
    strips = bridge.directions.strips("faces", code, 6, 7, 3.0)
    gains = [
        (right - chance) / (1 - chance) for right, chance in zip(directions.accuracy, directions.chance, strict=True)
    ]
    factors = list(directions.factors)
    assert [factors.index(strip["factor"]) for strip in strips] == directions.clearest(6)
    assert [gains[k] for k in directions.clearest(6)] == sorted((g for g in gains if g > 0.1), reverse=True)[:6]
    for strip in strips:
        k = factors.index(strip["factor"])
        assert strip["start"] == 3 and np.allclose(strip["z"][3], code, atol=1e-5)
        read = directions.read(strip["z"])[:, k]
        assert read[0] == 0 and read[-1] == 1, "it goes from the first class to the second"
    captions = [c.value for c in app.caption]
    assert sum("as it is" in c for c in captions) == len(strips) == 6
    assert any("nobody's portrait" in c for c in captions), "who is nearest is answered by samples"


def test_a_strip_of_many_classes_has_one_frame_for_each():
    code = bridge.codes.atlas("toons").z[5]
    strips = {strip["factor"]: strip for strip in bridge.directions.strips("toons", code, 6, 7, 3.0)}
    hair = strips["hair"]
    assert hair["says"] == bridge.codes.atlas("toons").factors["hair"] and len(hair["z"]) == 4
    assert np.allclose(hair["z"][hair["start"]], code, atol=1e-5)
    k = list(bridge.codes.atlas("toons").factors).index("hair")
    assert bridge.directions.directions("toons").read(hair["z"])[:, k].tolist() == [0, 1, 2, 3]
    assert not [c for c in open_page(checkpoint="mnist-conditional").caption if "as it is" in c.value]


def test_a_colour_model_is_not_asked_to_invert():
    grey = open_page(source="Upload")
    assert [c.label for c in grey.segmented_control if "Invert" in c.label]
    grey.segmented_control(key="invert").set_value("yes").run()
    grey.selectbox(key="checkpoint").set_value("toons").run()
    assert not grey.exception and not [c for c in grey.segmented_control if "Invert" in c.label]
    assert "invert" not in dict(grey.query_params)
    x = bridge.codes.pictures("toons")[5]
    grey.file_uploader(key="file").upload("head.png", png(Image.fromarray(x)), "image/png").run()
    assert error_of(grey) == pytest.approx(float(bridge.codes.atlas("toons").error[5]), abs=6e-5)


def test_the_way_round_is_the_models_own():
    app = visit("reconstruct", checkpoint="fashion-alice", item="p2")
    x = bridge.codes.pictures("fashion-alice")[2]
    trip = bridge.inside.round_trip("fashion-alice", x, 7, None)
    z = bridge.models.encode("fashion-alice", x[None])
    again = bridge.models.encode("fashion-alice", bridge.models.ask("fashion-alice", "decode", z))
    assert trip["drift"][0] == pytest.approx(np.linalg.norm(again - z), abs=1e-4) and trip["drift"][0] > 0.01
    moves = ", ".join(f"{move:.1f}" for move in trip["drift"])
    assert f"The code moves {moves}: " in words(app)
    said = f"after {trip['settles']} turns it has settled" if trip["settles"] else "it has not settled"
    assert said in words(app)
