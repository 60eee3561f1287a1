"""The Interpolate page without a browser: every checkpoint, every kind of end, links, files.   python -m pytest tests/test_app_interpolate.py"""

import io
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from app import bridge
from app.shared import engine, film

ROOT = Path(__file__).parents[1]
NAMES = [name for name in bridge.checkpoints.names() if not bridge.checkpoints.broken(name)]


def visit(**query) -> AppTest:
    """The page as a link opens it, after one run."""
    app = AppTest.from_file(str(ROOT / "app" / "explorer.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    return app.switch_page("views/interpolate/interpolate.py").run()


def sane(app: AppTest) -> AppTest:
    assert not app.exception, [e.message for e in app.exception]
    assert not app.error, [e.value for e in app.error]
    return app


def in_link(app: AppTest, name: str) -> str:
    """What the URL says of a name."""
    value = app.query_params[name]
    return value[0] if isinstance(value, list) else value


def texts(app: AppTest) -> str:
    words = [element.value for element in [*app.main.markdown, *app.main.caption]]
    return "\n".join(words + pickers(app))


def pickers(app: AppTest) -> list[str]:
    """What stands on the buttons that open an end's picker."""
    labels = [block.proto.popover.label for block in app.main.get("popover")]
    return [label for label in labels if "**" in label]  # not that of many factors


@pytest.mark.parametrize("mode", ["path", "pad"])
@pytest.mark.parametrize("name", NAMES)
def test_every_checkpoint_shows_a_path_and_a_pad_between_held_out_pictures(name, mode):
    app = sane(visit(checkpoint=name, mode=mode))
    ends = "AB" if mode == "path" else "ABCD"
    assert len(pickers(app)) == len(ends)
    labels = sorted(pickers(app))
    assert all(f"**{letter}**" in label for letter, label in zip(ends, labels, strict=True))
    assert "no. 2" in texts(app) and "no. 13" in texts(app)


def test_a_link_brings_back_every_setting():
    said = {"a": "p12", "b": "s42", "how": "lerp", "frames": "9", "checkpoint": NAMES[0]}
    app = sane(visit(**said))
    assert "no. 12" in texts(app) and "sample, seed 42" in texts(app)
    assert app.main.slider(key="frames").value == 9
    assert app.session_state["how"] == "lerp"
    assert "of 9" in texts(app) or "all along" in texts(app)
    assert {name: in_link(app, name) for name in said} == said


def test_what_makes_no_sense_in_a_link_is_left_out():
    app = sane(visit(a="p1;drop", b="u1", how="around", frames="1000", cell="9.9", mode="pad"))
    assert app.session_state["a"] == "p2" and app.session_state["b"] == "p13"
    assert app.session_state["cell"] == (4, 4)
    assert "b" not in app.query_params and "frames" not in app.query_params


def test_a_picture_that_does_not_exist_is_a_sentence():
    app = visit(a="p9999999", tray="p9999998")
    assert not app.exception
    assert any("There is no picture 9999999" in error.value for error in app.error)


def test_an_end_is_chosen_by_number_by_seed_from_the_tray_and_by_upload():
    app = sane(visit(tray="p7,s3"))
    sane(app.main.number_input(key="a held out").set_value(21).run())
    assert app.session_state["a"] == "p21" and in_link(app, "a") == "p21"
    sane(app.main.number_input(key="b seed").set_value(5).run())
    assert app.session_state["b"] == "s5" and "sample, seed 5" in texts(app)
    sane(app.main.button(key="b random").click().run())
    assert in_link(app, "b") == app.session_state["b"] != "s5"
    sane(app.main.button(key="b tray 0").click().run())
    assert app.session_state["b"] == "p7" and in_link(app, "b") == "p7"
    file = io.BytesIO()
    Image.fromarray(np.full((40, 30, 3), 200, np.uint8)).save(file, "png")
    app.main.file_uploader(key="a file").upload("mine.png", file.getvalue(), "image/png")
    sane(app.run())
    assert app.session_state["a"] == "u1" and "your picture" in texts(app)
    assert "a" not in app.query_params, "an upload has no address"
    assert any("Cropped to the middle" in c.value for c in app.caption), "how it was made ready"
    app.main.file_uploader(key="a file").upload("bad.png", b"not a picture", "image/png")
    app.run()
    assert not app.exception
    assert any("bad.png" in error.value for error in app.error)
    assert app.session_state["a"] == "u1", "the end before stays"
    app.selectbox(key="checkpoint").set_value("fashion-alice").run()
    assert not app.exception
    assert any("«u1» was made coloured, 64 × 64" in error.value for error in app.error), "of another model's size"


def test_the_settings_stay_when_another_page_was_seen():
    app = sane(visit(a="s8", frames="11"))
    app.switch_page("views/model/model.py").run()
    sane(app.switch_page("views/interpolate/interpolate.py").run())
    assert app.session_state["a"] == "s8" and app.main.slider(key="frames").value == 11
    assert in_link(app, "a") == "s8" and in_link(app, "frames") == "11"


@pytest.mark.parametrize("name", NAMES)
def test_real_neighbours_are_counted_as_brute_force_counts_them(name):
    atlas = bridge.codes.atlas(name)
    z = bridge.codes.interpolate(atlas.z[2], atlas.z[13], 5, "slerp")
    within = ((atlas.z[None] - z[:, None]) ** 2).sum(2) <= atlas.typical["z"] ** 2
    np.testing.assert_array_equal(bridge.codes.near(name, z), within.sum(1))
    assert bridge.codes.near(name, z)[0] >= 1, "a held-out picture is near itself"


@pytest.mark.parametrize("channels", [1, 3])
def test_the_files_hold_the_frames(channels):
    frames = np.random.default_rng(0).integers(0, 256, (6, 8, 8, channels), dtype=np.uint8)
    strip = np.asarray(Image.open(io.BytesIO(film.strip(frames, 2)))).reshape(16, 96, channels)
    np.testing.assert_array_equal(strip[::2, ::2].reshape(8, 6, 8, channels).swapaxes(0, 1), frames)
    with Image.open(io.BytesIO(film.gif(frames, 2))) as gif:
        assert gif.n_frames == 10 and gif.size == (16, 16), "there and back, the ends once"
        assert gif.info["loop"] == 0 and gif.info["duration"] == 480
        if channels == 1:
            gif.seek(3)
            shown = np.asarray(gif.convert("L"))[::2, ::2]
            np.testing.assert_array_equal(shown, frames[3, ..., 0])
    square = np.asarray(Image.open(io.BytesIO(film.pad(frames.reshape(2, 3, 8, 8, channels), 1))))
    square = square.reshape(2, 8, 3, 8, channels).swapaxes(1, 2).reshape(frames.shape)
    np.testing.assert_array_equal(square, frames)
    with np.load(io.BytesIO(film.arrays(frames=frames)), allow_pickle=False) as file:
        np.testing.assert_array_equal(file["frames"], frames)


def test_a_link_is_short_and_says_what_it_shows():
    app = sane(visit())
    said = {name for name in app.query_params}
    assert said <= {"checkpoint"}, "defaults are left out"


@pytest.mark.parametrize("mode", ["path", "pad", "directions"])
def test_where_the_tab_makes_the_pictures_the_server_makes_none(mode, monkeypatch):
    """But for downloads, and where the tab has said that it cannot."""
    asked, decode = [], bridge.models.decode
    monkeypatch.setattr(bridge.models, "decode", lambda name, z, y=None: asked.append(len(z)) or decode(name, z, y))
    monkeypatch.setattr(bridge.graphs, "runs", lambda: True)
    monkeypatch.setattr(bridge.graphs, "ready", lambda name: {})
    app = sane(visit(mode=mode))
    assert asked == []
    app.session_state[engine.OFF] = "This browser has no WebAssembly."
    sane(app.run())
    assert asked == [{"path": 25, "pad": 81, "directions": 13}[mode]]
    assert "This browser has no WebAssembly." in texts(app)


def test_a_place_between_two_codes_is_their_blend():
    z = np.array([[0, 2], [1, 4], [3, 3]], np.float32)
    for at, wanted in ((0, [0, 2]), (0.5, [0.5, 3]), (1.25, [1.5, 3.75]), (2, [3, 3])):
        assert np.allclose(engine.between(z, at), wanted)


def test_a_word_of_the_tab_is_kept_short_and_plain():
    engine.heard("ready")
    assert engine.OFF not in st.session_state
    engine.heard("off: " + "*x* " * 200)
    assert len(st.session_state.pop(engine.OFF)) == 200
