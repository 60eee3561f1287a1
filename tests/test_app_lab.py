"""The lab's page through Streamlit's test client.   python -m pytest tests/test_app_lab.py"""

import os

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import bridge
from app.bridge import live
from app.components.lab import viewed

from .visits import ROOT, url, visit, whole, words


@pytest.fixture(autouse=True)
def no_runs():
    yield
    for room in list(live._rooms.values()):
        if not room.gone:
            live.stop(room.id, room.secret)
    live._rooms.clear()


def press(app: AppTest, label: str) -> AppTest:
    buttons = [b for b in app.button if b.label == label]
    assert len(buttons) == 1, [b.label for b in app.button]
    return whole(buttons[0].click().run())


# ---- the lab -----------------------------------------------------------------------------------------


def test_the_lab_replays_one_recording_or_two():
    app = visit("lab")
    assert app.selectbox(key="show").value == "ali-grid"
    app = whole(app.selectbox(key="beside").set_value("gan-grid").run())
    assert url(app)["beside"] == "gan-grid" and "show" not in url(app)
    again = visit("lab", show="gan-grid", beside="ali-grid", layers="x,z", step="500")
    assert url(again)["layers"] == "x,z" and url(again)["step"] == "500"


@pytest.mark.parametrize(
    "query",
    [
        {"show": "none"},
        {"layers": "x,everything"},
        {"x": "99"},
        {"step": "-1"},
        {"live": "1", "member": "gann"},
        {"live": "1", "width": "9999"},
        {"live": "1", "lr": "nan"},
        {"live": "1", "run": "../x"},
        {"live": "1", "points": "~!"},
        {"live": "1", "seed": "x"},
        {"live": "1", "against": "triangle"},
        {"live": "yes"},
    ],
)
def test_links_that_cannot_be_give_the_usual_page(query):
    app = visit("lab", **query)
    assert not app.error


def test_a_seed_of_the_lab_fits_the_other_pages():
    app = visit("lab", live="1", seed="999999")
    assert url(app)["seed"] == "999999" and not whole(app.switch_page("views/compare/compare.py").run()).error
    assert "seed" not in url(visit("lab", live="1", seed="1000000"))


def test_a_recording_that_is_made_again_is_read_again(tmp_path, monkeypatch):
    (tmp_path / "lab").mkdir()
    monkeypatch.setenv("ALI_CHECKPOINTS", str(tmp_path))
    for number, (name, member) in enumerate([("gan-grid", "gan"), ("info-vae", "infovae")]):
        file = tmp_path / "lab" / "short.gz"
        file.write_bytes((ROOT / "checkpoints" / "lab" / f"{name}.gz").read_bytes())
        os.utime(file, ns=(number, number))
        assert bridge.lab.recordings()["short"]["member"] == member


def test_a_run_is_started_shared_watched_and_ended():
    app = visit("lab", live="1", member="alice", data="ring", seed="3", width="16")
    app = press(app, "Start for a class")
    run = url(app)["run"]
    assert live.about(run)["settings"][0]["member"] == "alice"
    assert run in app.code[0].value and "live=1" in app.code[0].value
    watcher = visit("lab", live="1", run=run)
    assert "A run that somebody shares" in words(watcher) and "alice on 8 Gaussians" in words(watcher)
    assert [b.label for b in watcher.button if b.label in ("Start", "End")] == []
    mine = press(watcher, "Start one of my own")
    assert "run" not in url(mine) and live.about(run)
    app = press(app, "End")
    assert live.about(run) is None and "run" not in url(app)
    late = visit("lab", live="1", run=run)
    assert "has ended" in late.info[0].value


def test_a_member_that_cannot_train_here_says_so_and_starts_nothing():
    app = press(visit("lab", live="1", member="triangle"), "Start")
    assert "true pairs" in app.error[0].value and not live._rooms
    app = press(visit("lab", live="1", data="mine"), "Start for a class")
    assert "points of your own" in app.error[0].value


def test_pasted_points_are_trained_on_and_bad_ones_are_a_sentence():
    app = visit("lab", live="1", data="mine", width="8")
    text = "\n".join(f"{a:.2f}, {b:.2f}" for a, b in np.random.default_rng(0).normal(size=(30, 2)))
    app = press(whole(app.text_area[0].set_value(text).run()), "Start for a class")
    (room,) = live._rooms.values()
    assert room.points.shape == (30, 2)
    app = whole(app.text_area[0].set_value("1,2\nx,y\n3,4").run())
    assert "line 2: «x y» is not two numbers" in app.error[0].value


def test_drawn_points_stand_in_the_link():
    drawing = np.zeros((64, 64, 1), np.uint8)
    drawing[10, 5:30] = 255
    points = bridge.lab.points_of(drawing)
    assert points.shape == (25, 2) and (points[:, 1] > 52).all() and (points[:, 1] < 55).all()
    from app.shared import link

    word = link.numbers_form(np.flatnonzero(drawing).tolist())
    app = press(visit("lab", live="1", data="mine", points=word, width="8"), "Start for a class")
    assert not app.error
    (room,) = live._rooms.values()
    np.testing.assert_array_equal(room.points, points)


def test_a_view_from_the_browser_is_checked():
    good = {"layers": ["x", "z"], "x": 3, "z": 8, "step": 12.6, "speed": 5, "slow": 1}
    assert viewed(good) == good | {"step": 12}
    for bad in (
        {},
        [],
        None,
        good | {"layers": ["y"]},
        good | {"x": 9},
        good | {"step": -1},
        good | {"step": "1"},
        good | {"slow": 2},
    ):
        assert viewed(bad) is None
