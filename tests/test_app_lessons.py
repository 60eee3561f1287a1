"""The eight lessons through Streamlit's test client.   python -m pytest tests/test_app_lessons.py"""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ali_core.lab import packs, scenes
from app import bridge
from app.views.lessons import texts

from . import visits
from .visits import sane, url

ROOT = Path(__file__).parents[1]
ALL = range(1, len(texts.LESSONS) + 1)


def visit(**query: str) -> AppTest:
    """The Lessons page as it stands after a visit by this link."""
    return sane(visits.visit("lessons", **query))


def text(app: AppTest) -> str:
    return "\n".join(one.value for one in app.main.markdown)


def answer(app: AppTest, number: int, option: int) -> AppTest:
    return sane(app.button(key=f"option {number} {option}").click().run())


def frame(name: str, step: int) -> dict:
    """The numbers of a recording's last frame, or of the last one up to a step, read from the file itself."""
    frames = [packs.unpack(one)[0] for one in packs.read(ROOT / f"checkpoints/lab/{name}.gz")][1:]
    return frames[-1] if step < 0 else [one for one in frames if one["step"] <= step][-1]


@pytest.mark.parametrize("number", ALL)
def test_a_lesson_asks_first_and_then_answers_with_what_was_measured(number):
    app, lesson = visit(lesson=str(number)), texts.LESSONS[number - 1]
    assert f"{number}. {lesson.title}" in text(app) and lesson.question in text(app)
    assert "Break it." not in text(app) and lesson.breaks not in text(app)
    said = text(answer(app, number, lesson.right))
    assert "**Right.**" in said and lesson.breaks in said
    assert "{" not in said.split("**Right.**")[1], "a number was not filled in"
    for source, step, key in lesson.measures.values():
        if step is None:
            value = bridge.checkpoints.card(source)["metrics"][key]["value"]
        elif key == "posterior_sd":
            last = packs.read(ROOT / f"checkpoints/lab/{source}.gz")[-1]
            value = packs.unpack(last)[1]["z_sd"].mean()
        else:
            values = frame(source, step)
            value = values["constraints"]["term_kl"] if "." in key else values[key]
        share = f"{value:.0%}".replace("%", " %")
        forms = {f"{value:,}", f"{value:.2f}", f"{value:.3f}", share}
        assert any(form.replace("-", "−") in said for form in forms), (key, value)


@pytest.mark.parametrize("number", ALL)
def test_a_wrong_answer_is_told_so_and_shows_the_right_one(number):
    lesson = texts.LESSONS[number - 1]
    wrong = next(k for k in range(len(lesson.options)) if k != lesson.right)
    said = text(answer(visit(lesson=str(number)), number, wrong))
    assert "**Not quite.**" in said and "**Right.**" not in said
    assert f":material/check: {lesson.options[lesson.right]}" in said
    assert f"~~{lesson.options[wrong]}~~" in said


def test_no_answer_has_a_number_that_nobody_measured():
    for lesson in texts.LESSONS:
        places = set(re.findall(r"{(\w+)}", lesson.why))
        assert places == set(lesson.measures), lesson.title


def test_the_recordings_say_what_the_answers_call_right():
    end = -1
    ring = [frame("decoder-start", 0), frame("decoder-start", end)]
    assert ring[0]["modes"] == 0 < ring[1]["modes"]
    assert frame("gan-grid", 1500)["modes"] == 17 and frame("gan-grid", end)["modes"] < 15
    assert frame("gan-grid", 1500)["good"] < frame("gan-grid", end)["good"] / 3
    worst = frame("later-grid", end)["mse"]
    for other in ("gan-grid", "ali-grid"):
        assert worst > 2.5 * frame(other, end)["mse"], "the encoder fitted afterwards is not the worst"
    spread = {
        name: bridge.lab.recorded(name)[-1]["posterior_sd"]
        for name in ("ali-grid", "info-least", "info-vae", "info-most")
    }
    assert spread["info-least"] > 2 * spread["ali-grid"]
    assert frame("alice-grid", end)["mse"] < frame("ali-grid", end)["mse"] / 10
    assert frame("gali4-grid", end)["mse"] < frame("ali-grid", end)["mse"]
    assert frame("gali4-grid", end)["modes"] > frame("ali-grid", end)["modes"]
    assert spread["info-most"] < spread["info-vae"] < spread["info-least"]
    digits = bridge.checkpoints.card("mnist-conditional")["metrics"]
    assert digits["log_odds"]["value"] > 0 > digits["log_odds_swapped"]["value"]


def settings(lesson: texts.Lesson) -> list[dict]:
    """What the lab is asked to train by a lesson's link: one run, or two."""
    asked = {key: value for key, value in lesson.tries.items() if "." not in key}
    pair = [asked.pop("member"), asked.pop("against", None)]
    settings = []
    for member in filter(None, pair):
        weights = {key.split(".")[1]: value for key, value in lesson.tries.items() if key.startswith(f"{member}.")}
        settings.append(asked | {"member": member, "weights": weights})
    return settings


@pytest.mark.parametrize("number", ALL)
def test_what_there_is_to_break_can_be_trained(number):
    for run in settings(texts.LESSONS[number - 1]):
        config = scenes.config(run)
        assert config.member == run["member"]
        _, (_, later) = scenes.run(run, [0, 2])
        assert packs.unpack(later)[0]["step"] == 2


@pytest.mark.parametrize("number", ALL)
def test_the_lab_page_understands_every_link(number):
    lesson = texts.LESSONS[number - 1]
    query = {key: str(value) for key, value in lesson.tries.items()}
    app = sane(visits.visit("lab", live="1", **query))
    for key, value in lesson.tries.items():
        assert app.session_state[key] == value, key


def test_symbols_of_a_formula_are_coloured_and_explained():
    for lesson in texts.LESSONS:
        formula = texts.coloured(lesson.formula)
        assert "@" not in formula
        for symbol in lesson.symbols.split():
            colour, _, says = texts.SYMBOLS[symbol]
            assert re.fullmatch("#[0-9A-F]{6}", colour) and says.endswith(".")
        for colour in re.findall(r"\\textcolor{(#\w+)}", formula):
            assert colour in {one[0] for one in texts.SYMBOLS.values()}


def test_next_and_back_walk_through_all_lessons():
    app = visit()
    assert "1. A decoder" in text(app) and button(app, "Back").disabled
    for number in ALL[1:]:
        sane(button(app, "Next").click().run())
        assert f"#### {number}. {texts.LESSONS[number - 1].title}" in text(app)
        assert url(app)["lesson"] == str(number)
    assert button(app, "Next").disabled
    sane(button(app, "Back").click().run())
    assert f"#### {ALL[-1] - 1}. " in text(app)


def button(app: AppTest, label: str):
    return next(one for one in app.main.button if one.label == label)


def test_an_answer_stays_while_the_reader_looks_elsewhere_and_a_link_asks_anew():
    app = answer(visit(lesson="2"), 2, 0)
    sane(button(app, "Next").click().run())
    assert "Break it." not in text(app)
    sane(button(app, "Back").click().run())
    assert "Break it." in text(app)
    assert "Break it." not in text(visit(lesson="2"))


def test_the_projector_hides_the_notes_and_gives_them_back():
    app = visit(lesson="1")
    assert any("For teachers" in one.label for one in app.main.expander)
    sane(button(app, "Projector").click().run())
    assert url(app)["present"] == "1"
    assert not any("For teachers" in one.label for one in app.main.expander)
    sane(button(app, "Leave the projector").click().run())
    assert "present" not in app.query_params
    assert any("For teachers" in one.label for one in app.main.expander)


def test_the_coefficient_shows_its_own_recording_after_the_prediction():
    app = visit(lesson="8")
    assert app.main.select_slider[0].disabled
    answer(app, 8, 1)
    assert not app.main.select_slider[0].disabled
    sane(app.main.select_slider[0].set_value("39").run())
    assert url(app)["knob"] == "39"
    card = bridge.lab.recorded("info-least")[0]["card"]["title"]
    assert any(card in one.value for one in app.main.caption)


@pytest.mark.parametrize("number", ["99", "0", "-1", "two", "1e9", "", "1;2"])
def test_a_lesson_that_does_not_exist_is_the_first(number):
    app = visit(lesson=number, present="maybe", knob="7")
    assert "#### 1. " in text(app)
    assert url(app)["lesson"] == "1"
