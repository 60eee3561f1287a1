"""Map and Model pages, tray, picker and links, through Streamlit's test client."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from ali_core.maps import atlas as core
from ali_core.models import checkpoint
from app import bridge
from app.shared import link, map_figure, tray
from app.shared.card import MEASURES

ROOT = Path(__file__).parents[1]
NAMES = bridge.checkpoints.names()
FIRST = bridge.checkpoints.DEFAULT


def app(page: str = "", **query: str) -> AppTest:
    """The app as it stands after a visit by this link."""
    test = AppTest.from_file(str(ROOT / "app" / "explorer.py"), default_timeout=120)
    for key, value in query.items():
        test.query_params[key] = value
    test.run()
    if page:  # the test client starts on the default page, and a change of page empties the URL
        test.switch_page(f"views/{page}/{page}.py")
        for key, value in query.items():
            test.query_params[key] = value
        test.run()
    assert not test.exception, test.exception
    return test


def url(test: AppTest) -> dict[str, str]:
    """The query string; the test client gives lists for some values."""
    given = dict(test.query_params)
    return {key: value if isinstance(value, str) else value[-1] for key, value in given.items()}


def words(test: AppTest) -> str:
    """All prose of the page."""
    return "\n".join(element.value for element in [*test.markdown, *test.caption])


def test_back_and_forward_to_a_place_of_the_map_are_followed():
    """A value whose default is nothing, changed in the URL of the same session."""
    test = app(checkpoint="fashion-alice")
    test.query_params["place"] = "1,2"
    test.run()
    assert not test.exception and not test.error
    assert "Blended from these codes" in words(test) and url(test)["place"] == "1,2"
    del test.query_params["place"]
    test.run()
    assert not test.exception and "place" not in url(test)
    assert test.session_state["place"] is None


def test_the_default_checkpoint_ships():
    assert NAMES[0] == FIRST


@pytest.mark.parametrize("name", NAMES)
def test_the_map_of_every_checkpoint_opens_and_inspects(name):
    test = app(checkpoint=name, picks="7")
    assert not test.error, [e.value for e in test.error]
    assert "no. 7" in words(test) and "trustworthiness" in words(test)
    assert url(test) == {"checkpoint": name, "picks": "7"}


@pytest.mark.parametrize("name", NAMES)
def test_the_card_of_every_checkpoint_is_readable(name):
    test = app("model", checkpoint=name, seed="3")
    assert not test.error, [e.value for e in test.error]
    card = checkpoint.card(ROOT / "checkpoints" / name)
    assert card["limits"][0] in words(test)
    assert f"{card['training']['samples_seen']:,}" in words(test)
    assert test.latex[0].value.strip("$ \n") == card["member"]["formula"].strip()
    assert url(test) == {"checkpoint": name, "seed": "3"}


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_a_card_is_shown_or_compared_to(name):
    sentences = "".join(row.beside for row in MEASURES.values())
    metrics = checkpoint.card(ROOT / "checkpoints" / name)["metrics"]
    assert metrics
    # what stands beside a number with the class guessed is shown in its row
    rows = {key.removesuffix("_guessed") for key in metrics}
    assert rows <= set(MEASURES)
    assert [key for key in rows if not MEASURES[key].shown and f"{{{key}}}" not in sentences] == []


def test_where_faces_are_shown_it_says_whom_the_data_show_and_where_it_errs_more():
    card = checkpoint.card(ROOT / "checkpoints" / "faces")
    share, error = (card["metrics"][key]["factors"] for key in ("group_share", "group_error"))
    shown = words(app("model", checkpoint="faces"))
    assert f"| eyeglasses | no {share['eyeglasses: no']:.1%}, yes {share['eyeglasses: yes']:.1%} |" in shown
    assert f"no {error['male: no']:.4f}, yes {error['male: yes']:.4f} |" in shown and "non-commercial" in shown
    said = words(app("reconstruct", checkpoint="faces", source="Upload"))
    rarest, worst = min(share, key=share.get), max(error, key=error.get)
    assert f"«{rarest}» is {share[rarest]:.1%}" in said and f"{error[worst]:.4f} on «{worst}»" in said
    assert "nothing is stored, nothing leaves the machine" in said
    assert "served alike" not in words(app("reconstruct", checkpoint="fashion-alice"))


def test_a_link_reproduces_the_map():
    test = app(view="pca", colour="error", picks="12")
    assert test.session_state["view"] == "pca" and test.session_state["colour"] == "error"
    assert test.number_input(key="map number").value == 12
    test.number_input(key="map number").set_value(40).run()
    expected = {"checkpoint": FIRST, "view": "pca", "colour": "error", "picks": "40"}
    assert url(test) == expected
    again = app(**expected)
    assert url(again) == expected
    assert again.number_input(key="map number").value == 40


def test_a_map_of_many_factors_is_coloured_by_any_of_them():
    test = app(checkpoint="sprites", colour="hair", picks="7")
    atlas = bridge.codes.atlas("sprites")
    assert f"hair {atlas.labels[7, list(atlas.factors).index('hair')]}, no. 7" in words(test)
    test.selectbox(key="colour").set_value("direction").run()
    assert url(test) == {"checkpoint": "sprites", "picks": "7"}, "the map opens on the factor that it shows best"
    facing = atlas.factors["direction"][atlas.labels[7, list(atlas.factors).index("direction")]]
    assert f"{facing}, no. 7" in words(test)
    test.selectbox(key="checkpoint").set_value("fashion-alice").run()
    assert not test.exception and "colour" not in url(test), "garments have no direction"


def test_a_place_is_decoded_and_stands_in_the_link():
    test = app(place="3,4.5")
    assert "eighth-nearest" in words(test)
    test.number_input(key="map x").set_value(-900.0)
    next(b for b in test.button if b.label == "Decode this place").click().run()
    assert not test.exception
    assert url(test)["place"] == "-900,4.5"
    assert "No picture lies near" in words(test)


def test_many_picks_are_counted():
    test = app(picks="1,2,3,4,5")
    assert "5 pictures" in words(test)
    next(b for b in test.button if b.label == "Clear").click().run()
    assert "picks" not in url(test)


@pytest.mark.parametrize(
    "query",
    [
        {"picks": "x"},
        {"picks": "10000000"},
        {"picks": "-1"},
        {"picks": "~!!"},
        {"place": "1"},
        {"place": "nan,inf"},
        {"view": "tsne"},
        {"tray": "q1"},
        {"tray": "p1,p2,p3,p4,p5"},
        {"tray": "u1"},
        {"checkpoint": "../../etc"},
    ],
)
def test_a_link_with_nonsense_opens_the_map(query):
    test = app(**query)
    assert not test.error
    assert url(test) == {"checkpoint": FIRST}


def test_a_tray_word_beyond_the_pictures_is_said_not_thrown():
    test = app(tray="p7,p9999999")
    assert not test.error
    assert test.session_state["tray"] == ["p7", "p9999999"]


def test_the_tray_adds_removes_undoes_and_travels():
    test = app(picks="7", tray="s42")
    next(b for b in test.button if b.label == "To tray").click().run()
    assert url(test)["tray"] == "s42,p7"
    test.button(key="tray remove 0").click().run()
    assert url(test)["tray"] == "p7"
    test.button(key="tray undo").click().run()
    assert url(test)["tray"] == "s42,p7"
    test.switch_page("views/model/model.py").run()
    assert not test.exception
    assert url(test)["tray"] == "s42,p7"


def test_a_truncated_checkpoint_is_named_and_the_others_go_on(tmp_path, monkeypatch):
    shipped = ROOT / "checkpoints"
    for name in ("good", "broken"):
        shutil.copytree(shipped / "fashion-alice", tmp_path / name)
    shutil.copytree(shipped / "pictures", tmp_path / "pictures")
    weights = tmp_path / "broken" / checkpoint.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:1000])
    monkeypatch.setenv("ALI_CHECKPOINTS", str(tmp_path))
    test = app(picks="7")
    assert len(test.error) == 1
    assert "broken" in test.error[0].value and "truncated" in test.error[0].value
    assert test.selectbox[0].options == ["good"]
    assert "no. 7" in words(test)
    shutil.rmtree(tmp_path / "good")
    test = app()
    assert len(test.error) == 2  # the broken one, and that there is none


def test_the_first_paint_needs_neither_torch_nor_umap_nor_scikit_learn():
    program = (
        "import sys; from streamlit.testing.v1 import AppTest\n"
        "test = AppTest.from_file('app/explorer.py', default_timeout=120).run()\n"
        "assert not test.exception and not test.error, (test.exception, test.error)\n"
        "assert 'ali_core.maps.atlas' in sys.modules\n"
        "print([m for m in ('torch', 'umap', 'sklearn') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip().splitlines()[-1] == "[]"


@given(some.sets(some.integers(0, 9_999), min_size=1, max_size=3000))
def test_any_lasso_fits_into_a_link_and_comes_back(picks):
    text = link.numbers_form(sorted(picks))
    assert len(text) < 2_000
    assert link.numbers(10_000)(text) == sorted(picks)


@given(some.text(max_size=40))
def test_the_parsers_of_links_raise_nothing_but_value_errors(text):
    for parse in (link.numbers(100), link.place, link.number(0, 9), link.one_of("a"), tray.parse):
        for attempt in (text, "~" + text):
            with contextlib.suppress(ValueError):
                parse(attempt)


@given(some.floats(-9_000, 9_000), some.floats(-9_000, 9_000))
def test_a_place_comes_back_to_a_thousandth(x, y):
    assert np.allclose(link.place(link.place_form((x, y))), (x, y), atol=5.1e-4)


def test_names_on_a_map_stand_where_their_class_is_and_never_on_each_other():
    atlas = bridge.codes.atlas_by(FIRST, bridge.codes.clearest(FIRST))
    spots = map_figure.label_spots(atlas.umap, atlas.y, atlas.label_names)
    assert list(sorted(spots)) == list(range(len(atlas.label_names)))
    scale = min(np.array(map_figure.ROOM) / np.ptp(atlas.umap, axis=0)) / 1.12
    boxes = [(np.array(at) * scale, 7.5 * len(atlas.label_names[k])) for k, at in spots.items()]
    for i, (one, wide) in enumerate(boxes):
        for other, as_wide in boxes[:i]:
            apart = np.abs(one - other)
            assert apart[0] > (wide + as_wide) / 2 or apart[1] > 17
    for label, at in spots.items():
        near = np.linalg.norm(atlas.umap - at, axis=1).argsort()[:50]
        assert (atlas.y[near] == label).mean() > (atlas.y == label).mean(), atlas.label_names[label]


def test_the_clearest_factor_is_the_one_that_neighbours_share():
    rng, n = np.random.default_rng(0), 600
    xy = rng.normal(size=(n, 2)).astype(np.float32)
    labels = np.stack([rng.integers(0, 3, n), (xy[:, 0] > 0).astype(int), (rng.random(n) < 0.02).astype(int)], 1)
    names = {"chance": list("abc"), "side": ["left", "right"], "rare": ["no", "yes"]}
    the_map = core.Atlas(
        *(xy, labels[:, 0], xy, xy, {}, xy[:, 0], xy[:, 0]),
        pictures="",
        label_names=[],
        typical={},
        labels=labels,
        factors=names,
    )
    assert core.clearest(the_map) == "side"
    assert bridge.codes.clearest("sprites") == "direction" and bridge.codes.clearest("fashion-alice") == "class"


def test_prior_and_discriminator_are_asked_on_the_models_page():
    """Numbers in the captions are those of the functions; a link keeps the switch; others say why not."""
    shown = words(app("model", checkpoint="fashion-ali"))
    assert "Is the prior matched" not in shown and "Inside" in shown
    test = app("model", checkpoint="fashion-ali", inside="True")
    match, holes, *_ = bridge.inside.prior("fashion-ali")
    scores = bridge.inside.discriminated("fashion-ali")
    shown = words(test)
    assert f"**{len(match.differ)} of 16** are beyond the line at {match.threshold:.3f}" in shown
    assert f"**{holes.share:.1%}** of 1,000 draws" in shown
    assert f"mismatched {scores['mismatched'].mean():.2f}" in shown and not test.exception and not test.error
    assert url(test)["inside"] == "True"
    assert "without a discriminator of pairs" in words(app("model", checkpoint="fashion-vae", inside="True"))
    assert "did not come with it" in words(app("model", checkpoint="faces"))
