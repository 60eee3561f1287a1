"""The guess game through Streamlit's test client.   python -m pytest tests/test_app_guess.py"""

import math
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from ali_core.maps import atlas
from ali_core.models.model import Model
from app import bridge

from . import visits
from .visits import sane

ROOT = Path(__file__).parents[1]
NAME = "fashion-ali"


def visit(**query: str) -> AppTest:
    """The Guess page as it stands after a visit by this link."""
    return sane(visits.visit("guess", **{"checkpoint": NAME, **query}))


def say(app: AppTest, kind: str) -> AppTest:
    return sane(app.button(key=f"guess {kind}").click().run())


def metric(app: AppTest, label: str) -> str:
    return next(one.value for one in app.main.metric if one.label == label)


def text(app: AppTest) -> str:
    return "\n".join(one.value for one in app.main.markdown)


def test_ten_rounds_are_counted_and_the_summary_shows_all_of_them():
    game, app = bridge.guessing.rounds(NAME, 5), visit(game="5")
    hits = fair = 0
    for k, one in enumerate(game):
        assert metric(app, "Round") == f"{k + 1} of 10"
        said = one["kind"] if k % 2 else "sample"  # some are wrong
        hits += said == one["kind"]
        fair += (one["log_odds"] > 0) == (one["kind"] == "real")
        say(app, said)
        assert metric(app, "You") == f"{hits} of {k + 1}"
        assert metric(app, "The discriminator") == f"{fair} of {k + 1}"
    assert 0 < hits <= 10 and f"##### {hits} of 10 right" in text(app)
    shown = [one.value for one in app.main.caption if "you: " in one.value]
    assert len(shown) == 10
    assert sum(":material/check:" in one for one in shown) == hits
    assert not any(one.key and one.key.startswith("guess ") for one in app.main.button)
    next(one for one in app.main.button if one.label == "Another game").click()
    sane(app.run())
    assert metric(app, "Round") == "1 of 10" and app.query_params["game"] not in ("5", ["5"])


def test_the_same_seed_is_the_same_game_and_another_is_not():
    first, again, other = (bridge.guessing.rounds(NAME, seed) for seed in (3, 3, 4))
    for one, two in zip(first, again, strict=True):
        assert one["kind"] == two["kind"] and one["no"] == two["no"]
        assert np.array_equal(one["picture"], two["picture"])
        assert one["log_odds"] == two["log_odds"]
    assert [one["no"] for one in first] != [one["no"] for one in other]
    kinds = {one["kind"] for seed in range(5) for one in bridge.guessing.rounds(NAME, seed)}
    assert kinds == {"real", "reconstruction", "sample"}


def test_pictures_are_what_the_rounds_say_and_ds_verdict_is_the_models_score():
    model, game = Model.load(ROOT / "checkpoints" / NAME), bridge.guessing.rounds(NAME, 1)
    pictures = atlas.pictures(ROOT / "checkpoints", atlas.load(ROOT / "checkpoints" / NAME).pictures)
    for one in game:
        if one["kind"] == "real":
            assert np.array_equal(one["picture"], pictures[one["no"]])
        else:
            z = (
                model.encode(pictures[one["no"]][None])
                if one["kind"] == "reconstruction"
                else model.prior(1, one["no"])
            )
            decoded = 255 * model.decode(z)[0]
            assert np.abs(one["picture"] - decoded).max() < 1.01  # one is rounded
    x = np.stack([one["picture"] for one in game])
    said = model.score(x, model.encode(x))
    assert np.allclose(said, [one["log_odds"] for one in game], atol=1e-4)
    assert np.ptp(said) > 0.01


def test_the_verdict_is_ds_belief_in_percent():
    one = bridge.guessing.rounds(NAME, 2)[0]
    app = say(visit(game="2"), "real")
    belief = 1 / (1 + math.exp(-one["log_odds"]))
    assert f"D believes {belief:.0%}".replace("%", " %") in text(app)
    assert "**a re" in text(app) or "**a sample" in text(app)


def test_a_game_gives_nothing_away_before_the_guess():
    app = visit(game="2")
    assert "The last one was" not in text(app)
    for one in bridge.guessing.rounds(NAME, 2)[:1]:
        assert f"no. {one['no']}" not in text(app) and f"seed {one['no']}" not in text(app)


def test_without_a_joint_discriminator_one_plays_alone():
    app = visit(checkpoint="fashion-vae")
    assert all(one["log_odds"] is None for one in bridge.guessing.rounds("fashion-vae", 0))
    assert any("you play alone" in one.value for one in app.main.caption)
    say(app, "real")
    assert metric(app, "You") in ("0 of 1", "1 of 1") and "D believes" not in text(app)


def test_another_checkpoint_begins_another_game():
    app = say(visit(), "real")
    assert metric(app, "Round") == "2 of 10"
    sane(app.selectbox(key="checkpoint").set_value("fashion-alice").run())
    assert metric(app, "Round") == "1 of 10"


def test_checkpoints_that_cannot_be_guessed_say_why():
    for name in bridge.checkpoints.names():
        sentence = bridge.guessing.guessable(name)
        conditional = bool(bridge.classes.classes(name))
        assert bool(sentence) == (conditional or bridge.codes.atlas(name).split == "made"), name
    app = visit(checkpoint="mnist-conditional")
    assert [one.value for one in app.main.info] == [bridge.guessing.guessable("mnist-conditional")]
    assert not app.main.metric


@pytest.mark.parametrize("seed", ["abc", "-1", "1e9", "99999999", ""])
def test_a_seed_that_is_none_is_game_nought(seed):
    app = visit(game=seed)
    assert metric(app, "Round") == "1 of 10" and "game" not in app.query_params
