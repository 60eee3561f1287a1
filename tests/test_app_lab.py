"""The lab, the lessons and the game through Streamlit's test client."""

import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from ali_core import checkpoint, lab, packs, recordings
from app import bridge, lessons
from app.bridge import live
from app.components.lab import LAYERS, viewed

ROOT = Path(__file__).parents[1]
EIGHT = range(1, 9)


@pytest.fixture(autouse=True)
def no_runs():
    yield
    for room in list(live._rooms.values()):
        if not room.gone:
            live.stop(room.id, room.secret)
    live._rooms.clear()


def visit(page: str, **query: str) -> AppTest:
    """The app as it stands after a visit by this link."""
    app = AppTest.from_file(str(ROOT / "app" / "explorer.py"), default_timeout=120)
    app = app.switch_page(f"views/{page}.py")
    for key, value in query.items():
        app.query_params[key] = value
    return sane(app.run())


def sane(app: AppTest) -> AppTest:
    assert not app.exception, [e.message for e in app.exception]
    return app


def url(app: AppTest) -> dict[str, str]:
    return {k: v if isinstance(v, str) else v[-1] for k, v in dict(app.query_params).items()}


def words(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption])


def press(app: AppTest, label: str) -> AppTest:
    found = [b for b in app.button if b.label == label]
    assert len(found) == 1, [b.label for b in app.button]
    return sane(found[0].click().run())


# ---- lessons -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", EIGHT)
def test_every_lesson_asks_first_and_then_answers_with_the_recordings_numbers(number):
    lesson = lessons.LESSONS[number - 1]
    app = visit("lessons", lesson=str(number))
    assert lesson.title in words(app) and lesson.question in words(app)
    assert "Break it" not in words(app) and lesson.why[:20] not in words(app)
    assert [b.label for b in app.button if b.label in lesson.options] == list(lesson.options)
    wrong = next(o for k, o in enumerate(lesson.options) if k != lesson.right)
    app = press(app, wrong)
    shown = words(app)
    assert "**Not quite.**" in shown and lesson.breaks in shown and "{" not in shown
    for source, step, key in lesson.measures.values():
        if step is None:
            value = checkpoint.card(ROOT / "checkpoints" / source)["metrics"][key]["value"]
        else:
            frames = [
                packs.unpack(p) for p in packs.read(ROOT / f"checkpoints/lab/{source}.gz")[1:]
            ]
            chosen = frames[-1] if step < 0 else [f for f in frames if f[0]["step"] <= step][-1]
            numbers = chosen[0] | ({"posterior_sd": chosen[1]["z_sd"].mean()} if "z_sd" in chosen[1] else {})  # fmt: skip
            value = numbers["constraints"]["term_kl"] if "." in key else numbers[key]
        forms = {f"{value:,}", f"{value:.2f}", f"{value:.3f}", f"{value:.0%}".replace("%", " %")}
        assert any(form.replace("-", "−") in shown for form in forms), (key, value)
    right = press(visit("lessons", lesson=str(number)), lesson.options[lesson.right])
    assert "**Right.**" in words(right)


@pytest.mark.parametrize("number", EIGHT)
def test_what_a_lesson_shows_exists_and_what_it_breaks_can_be_started(number):
    lesson = lessons.LESSONS[number - 1]
    assert {*lesson.runs, *lesson.knob.values()} <= set(recordings.RECORDINGS)
    assert set(lesson.layers) <= set(LAYERS) and lesson.right in range(len(lesson.options))
    assert set(lesson.measures) == set(re.findall(r"\{(\w+)\}", lesson.why))
    assert set(lesson.symbols.split()) <= set(lessons.SYMBOLS)
    assert "@" not in lessons.coloured(lesson.formula)
    query = {key: str(value) for key, value in lesson.tries.items()}
    app = visit("lab", live="1", **query)
    assert not app.error
    app = press(app, "Start")
    assert not app.error, [e.value for e in app.error]
    (room,) = live._rooms.values()
    first = room.settings[0]
    assert first["member"] == lesson.tries["member"] and first["data"] == lesson.tries["data"]
    for key, value in lesson.tries.items():
        if "." in key:
            member, term = key.split(".")
            (one,) = [s for s in room.settings if s["member"] == member]
            assert one["weights"][term] == value
        elif key not in ("member", "against"):
            assert first[key] == value
    beside = [lesson.tries["against"]] if "against" in lesson.tries else []
    assert [settings["member"] for settings in room.settings[1:]] == beside
    for settings in room.settings:
        lab.config(settings)


def test_lessons_go_on_and_back_and_onto_the_projector():
    app = visit("lessons")
    assert url(app)["lesson"] == "1"
    app = press(app, "Next")
    assert url(app)["lesson"] == "2" and lessons.LESSONS[1].title in words(app)
    app = press(app, "Back")
    assert url(app)["lesson"] == "1"
    app = press(app, "Projector")
    assert url(app)["present"] == "1" and not app.expander
    app = press(app, "Leave the projector")
    assert "present" not in url(app) and len(app.expander) == 1
    assert "lesson" not in url(visit("lessons", lesson="99")) or url(visit("lessons", lesson="99"))["lesson"] == "1"  # fmt: skip


def test_the_coefficient_moves_after_the_answer_only():
    lesson = lessons.LESSONS[7]
    app = visit("lessons", lesson="8")
    assert app.select_slider[0].disabled
    app = press(app, lesson.options[lesson.right])
    app = sane(app.select_slider[0].set_value("39").run())
    assert url(app)["knob"] == "39"
    assert not visit("lessons", lesson="8", knob="7").error


# ---- the lab -----------------------------------------------------------------------------------------


def test_the_lab_replays_one_recording_or_two():
    app = visit("lab")
    assert app.selectbox(key="show").value == "ali-grid"
    app = sane(app.selectbox(key="beside").set_value("gan-grid").run())
    assert url(app)["beside"] == "gan-grid" and "show" not in url(app)
    again = visit("lab", show="gan-grid", beside="ali-grid", layers="x,z", step="500")
    assert url(again)["layers"] == "x,z" and url(again)["step"] == "500"


@pytest.mark.parametrize(
    "query",
    [
        {"show": "none"}, {"layers": "x,everything"}, {"x": "99"}, {"step": "-1"}, {"live": "1", "member": "gann"},
        {"live": "1", "width": "9999"}, {"live": "1", "lr": "nan"}, {"live": "1", "run": "../x"}, {"live": "1", "points": "~!"},
        {"live": "1", "seed": "x"}, {"live": "1", "against": "triangle"}, {"live": "yes"},
    ],
)  # fmt: skip
def test_links_that_cannot_be_give_the_usual_page(query):
    app = visit("lab", **query)
    assert not app.error


def test_a_run_is_started_shared_watched_and_ended():
    app = visit("lab", live="1", member="alice", data="ring", seed="3", width="16")
    app = press(app, "Start")
    run = url(app)["run"]
    assert live.about(run)["settings"][0]["member"] == "alice"
    assert run in app.code[0].value and "live=1" in app.code[0].value
    watcher = visit("lab", live="1", run=run)
    assert "A run that somebody shares" in words(watcher) and "alice on 8 Gaussians" in words(
        watcher
    )
    assert [b.label for b in watcher.button if b.label in ("Start", "End")] == []
    own = press(watcher, "Start one of my own")
    assert "run" not in url(own) and live.about(run)
    app = press(app, "End")
    assert live.about(run) is None and "run" not in url(app)
    late = visit("lab", live="1", run=run)
    assert "has ended" in late.info[0].value


def test_a_member_that_cannot_train_here_says_so_and_starts_nothing():
    app = press(visit("lab", live="1", member="triangle"), "Start")
    assert "true pairs" in app.error[0].value and not live._rooms
    app = press(visit("lab", live="1", data="mine"), "Start")
    assert "points of your own" in app.error[0].value


def test_pasted_points_are_trained_on_and_bad_ones_are_a_sentence():
    app = visit("lab", live="1", data="mine", width="8")
    text = "\n".join(f"{a:.2f}, {b:.2f}" for a, b in np.random.default_rng(0).normal(size=(30, 2)))
    app = press(sane(app.text_area[0].set_value(text).run()), "Start")
    (room,) = live._rooms.values()
    assert room.points.shape == (30, 2)
    app = sane(app.text_area[0].set_value("1,2\nx,y\n3,4").run())
    assert "line 2: «x y» is not two numbers" in app.error[0].value


def test_drawn_points_stand_in_the_link():
    drawing = np.zeros((64, 64, 1), np.uint8)
    drawing[10, 5:30] = 255
    points = bridge.points_of(drawing)
    assert points.shape == (25, 2) and (points[:, 1] > 52).all() and (points[:, 1] < 55).all()
    from app import link

    told = link.numbers_form(np.flatnonzero(drawing).tolist())
    app = press(visit("lab", live="1", data="mine", points=told, width="8"), "Start")
    assert not app.error
    (room,) = live._rooms.values()
    np.testing.assert_array_equal(room.points, points)


def test_a_view_from_the_browser_is_checked():
    good = {"layers": ["x", "z"], "x": 3, "z": 8, "step": 12.6, "speed": 5}
    assert viewed(good) == good | {"step": 12}
    for bad in ({}, [], None, good | {"layers": ["y"]}, good | {"x": 9}, good | {"step": -1}, good | {"step": "1"}):  # fmt: skip
        assert viewed(bad) is None


# ---- the game ----------------------------------------------------------------------------------------


def test_the_game_counts_what_is_right_and_d_plays_along():
    app = visit("guess", checkpoint="fashion-ali", game="4")
    rounds = bridge.rounds("fashion-ali", 4)
    assert [r["kind"] for r in rounds] == [r["kind"] for r in bridge.rounds("fashion-ali", 4)]
    said = ["real", "sample"] * 5
    labels = {"real": "Real", "sample": "Sample"}
    for k, word in enumerate(said):
        metrics = {m.label: m.value for m in app.metric}
        assert metrics["Round"] == f"{k + 1} of 10"
        app = press(app, labels[word])
    metrics = {m.label: m.value for m in app.metric}
    hits = sum(a == r["kind"] for a, r in zip(said, rounds, strict=True))
    judge = sum((r["log_odds"] > 0) == (r["kind"] == "real") for r in rounds)
    real = sum((a == "real") == (r["kind"] == "real") for a, r in zip(said, rounds, strict=True))
    assert metrics["You"] == f"{hits} of 10" and metrics["The discriminator"] == f"{judge} of 10"
    assert metrics["You, real or not"] == f"{real} of 10"
    app = press(app, "Another game")
    assert {m.label: m.value for m in app.metric}["You"] == "0 of 0" and url(app)["game"] != "4"


def test_ds_verdict_is_the_models_score_of_the_picture_with_its_own_code():
    from ali_core.model import Model

    model = Model.load(ROOT / "checkpoints" / "fashion-alice")
    rounds = bridge.rounds("fashion-alice", 1)
    x = np.stack([r["picture"] for r in rounds])
    said = model.score(x, model.encode(x))
    np.testing.assert_allclose([r["log_odds"] for r in rounds], said, rtol=1e-3, atol=1e-4)
    real = [r for r in rounds if r["kind"] == "real"]
    held = bridge.pictures("fashion-alice")
    assert real and all((r["picture"] == held[r["no"]]).all() for r in real)


def test_checkpoints_without_a_game_say_why_and_links_that_cannot_be_play_the_first():
    app = visit("guess", checkpoint="mnist-conditional")
    assert "may not be shown" in app.info[0].value and not app.metric
    app = visit("guess", checkpoint="fashion-vae")
    assert "you play alone" in words(app)
    app = visit("guess", game="abc")
    assert "game" not in url(app) and app.metric[0].value == "1 of 10"
