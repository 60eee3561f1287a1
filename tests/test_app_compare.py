"""Compare, through Streamlit's test client; its choices and formulas."""

import json
import re
import shutil

import numpy as np
import pytest

from ali_core.family.members import FAMILY
from ali_core.models import checkpoint
from app import bridge
from app.shared.card import MEASURES
from app.views.compare import comparison
from tests import test_app_map
from tests.test_app_map import ROOT, url, words

THREE = ["fashion-alice", "fashion-ali", "fashion-vae"]
PARTS = ["pictures", "maps", "numbers", "family"]


def app(page: str, **query: str):
    """A visit to garments, unless the link says otherwise."""
    return test_app_map.app(page, **{"checkpoint": THREE[0], **query})


def rows_of(test) -> list[str]:
    """The checkpoints that have a row of reconstructions, with their errors."""
    matches = (re.match(r"\*\*(\S+)\*\*  \nMSE \*{0,2}([\d.]+)", m.value) for m in test.markdown)
    return [(m[1].replace("\u2011", "-"), m[2]) for m in matches if m]


def warn(test) -> str:
    """All warnings, errors and hints."""
    return "\n".join(e.value for e in [*test.error, *test.info, *test.warning])


def test_three_checkpoints_remember_the_same_pictures():
    test = app("compare", **{"with": "fashion-ali,fashion-vae"})
    assert not warn(test)
    assert [name for name, _ in rows_of(test)] == THREE
    assert url(test) == {"checkpoint": "fashion-alice"} | (
        {} if bridge.comparing.peers("fashion-alice")[1:3] == THREE[1:] else {"with": "fashion-ali,fashion-vae"}
    )
    drawn = np.random.default_rng(0).choice(10_000, 8, replace=False)
    for name, error in rows_of(test):
        expected = bridge.codes.atlas(name).error[drawn].mean()  # the map's own, by another way
        assert abs(float(error) - expected) < 2e-4
    assert sum("closest" in m.value for m in test.markdown) == 1
    assert "only the same random numbers" in words(test)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_by_a_link_and_the_link_stays(part):
    query = {
        "checkpoint": "fashion-vae",
        "with": "fashion-ali",
        "part": part,
        "set": "3",
        "among": "7",
    }
    if part in ("numbers", "family"):  # nothing is drawn there
        query = {key: query[key] for key in ("checkpoint", "with", "part")}
    if part == "pictures":
        del query["part"]
    test = app("compare", **query)
    assert not warn(test)
    assert url(test) == query


@pytest.mark.parametrize(
    "query",
    [
        {"with": "x"},
        {"with": ""},
        {"with": "fashion-alice"},
        {"with": "![](http://x)"},
        {"with": ",,,"},
        {"part": "x"},
        {"among": "11"},
        {"among": "-1"},
        {"set": "-1"},
        {"set": "1e9"},
        {"only": "9"},
        {"measure": "x"},
        {"with": "fashion-ali,fashion-vae,a,b"},
    ],
)
def test_nonsense_in_the_link_falls_back(query):
    part = {"only": "maps", "measure": "numbers"}.get(next(iter(query)))
    extra = {"part": part} if part else {}
    assert url(app("compare", **query, **extra)) == {"checkpoint": "fashion-alice", **extra}


def test_a_link_may_name_the_checkpoint_that_is_looked_at_too():
    test = app("compare", **{"with": ",".join(THREE)})
    assert [name for name, _ in rows_of(test)] == THREE


def test_the_sidebar_swaps_two_that_are_compared():
    test = app("compare", **{"with": "fashion-ali,fashion-vae"})
    test.selectbox(key="checkpoint").set_value("fashion-vae").run()
    assert not test.exception
    assert [name for name, _ in rows_of(test)] == ["fashion-vae", "fashion-ali", "fashion-alice"]


def test_pictures_are_drawn_anew_or_come_from_the_tray():
    test = app("compare", tray="p7,s4", **{"with": "fashion-ali"})
    first = rows_of(test)
    next(b for b in test.button if b.label == "Others").click().run()
    assert url(test)["set"] == "1"
    assert rows_of(test) != first
    test.selectbox(key="among").set_value("tray").run()
    assert url(test)["among"] == "tray"
    assert "over these 2" in words(test)
    test.button(key="tray remove 0").click().run()
    test.button(key="tray remove 0").click().run()
    assert not test.exception
    assert "tray is empty" in warn(test)


def test_a_file_of_the_readers_is_compared_and_a_bad_one_refused():
    test = app("compare", **{"with": "fashion-ali"})
    png = (ROOT / "app" / "screens" / "map.png").read_bytes()
    test.file_uploader[0].upload("mine.png", png, "image/png").run()
    assert not test.exception
    assert test.session_state["tray"] == ["u1"]
    assert "over these 1" in words(test)
    assert "tray" not in url(test)
    test.file_uploader[0].upload("bad.png", b"no picture", "image/png").run()
    assert len(test.error) == 1
    assert test.session_state["tray"] == ["u1"]


def test_one_button_marks_one_picture_and_the_same_again_all():
    test = app("compare", part="maps", **{"with": "fashion-ali"})
    charts = lambda: [json.loads(c.proto.spec) for c in test.get("plotly_chart")]  # noqa: E731
    marked = lambda: [[a["text"] for a in c["layout"]["annotations"]] for c in charts()]  # noqa: E731
    assert marked() == [[f"<b>{i}</b>" for i in range(1, 9)]] * 2
    assert len({json.dumps(c["data"][0]["marker"]["colorscale"]) for c in charts()}) == 1
    test.button(key="only 4").click().run()
    assert marked() == [["<b>4</b>"]] * 2
    assert url(test)["only"] == "4"
    test.button(key="only 4").click().run()
    assert [len(each) for each in marked()] == [8, 8]


def test_the_best_is_what_the_arrow_says():
    assert MEASURES["psnr"].best([20.0, 24.0, None]) == [False, True, False]
    assert MEASURES["frechet"].best([41.0, 25.0, 25.01]) == [False, True, True]  # as written
    assert MEASURES["latent_sd"].best([0.8, 1.1, 1.5]) == [False, True, False]
    assert MEASURES["information_q"].best([1.0, 2.0]) == [False, False]
    assert MEASURES["psnr"].best([None, 24.0]) == [False, False]
    assert [MEASURES[key].arrow for key in ("psnr", "frechet", "latent_sd", "information_q")] == ["↑", "↓", "→ 1", ""]


def test_which_way_is_better_is_said_once_and_by_the_row():
    keys = comparison.measured(THREE)
    assert "reconstruction_mse" in keys and "reconstruction_mse_pca" in keys
    for key in keys:
        text, way = comparison.meaning(key, THREE), MEASURES[key].way
        assert text.count(way[:1].upper() + way[1:]) == 1, text
        assert text.lower().count("is better") == way.count("is better"), text


def test_the_table_is_the_cards_with_a_dash_for_what_is_not_measured():
    lines = {line.split("|")[1].strip(): line for line in comparison.table(THREE).splitlines()}
    cards = [checkpoint.card(ROOT / "checkpoints" / name) for name in THREE]
    errors = [card["metrics"]["reconstruction_mse"]["value"] for card in cards]
    cells = [c.strip() for c in lines["Reconstruction error (MSE)"].split("|")[3:6]]
    assert [float(c.strip("*")) for c in cells] == [round(e, 4) for e in errors]
    assert [c.startswith("**") for c in cells] == [e == min(errors) for e in errors]
    assert lines["Discriminator on a picture and its code"].split("|")[5].strip() == "–"


def test_the_family_is_whole_and_no_formula_breaks_its_table():
    members = bridge.family.members()
    assert [row["member"] for row in members] == list(FAMILY)
    assert "fashion-alice" in next(r for r in members if r["member"] == "alice")["checkpoints"]
    lines = comparison.family(members, THREE).splitlines()
    assert len(lines) == len(FAMILY) + 2
    assert {line.replace("\\|", "").count("|") for line in lines} == {6}
    assert sum(line.startswith("| **") for line in lines) == 3


def test_a_lonely_checkpoint_is_said_to_be_one(tmp_path, monkeypatch):
    shipped = ROOT / "checkpoints"
    for name in ("fashion-alice", "pictures"):
        shutil.copytree(shipped / name, tmp_path / name)
    monkeypatch.setenv("ALI_CHECKPOINTS", str(tmp_path))
    test = app("compare")
    assert "no other checkpoint" in warn(test)
    assert [name for name, _ in rows_of(test)] == ["fashion-alice"]


def test_a_checkpoint_without_its_map_is_left_out_with_a_sentence(tmp_path, monkeypatch):
    shipped = ROOT / "checkpoints"
    for name in (*THREE, "pictures"):
        shutil.copytree(shipped / name, tmp_path / name)
    (tmp_path / "fashion-ali" / "atlas.npz").write_bytes(b"no map")
    weights = tmp_path / "fashion-vae" / checkpoint.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:1000])
    monkeypatch.setenv("ALI_CHECKPOINTS", str(tmp_path))
    test = app("compare")
    sentences = [e.value for e in test.error]
    assert len(sentences) == 2  # the sidebar's of the broken weights, the page's of the broken map
    assert any("fashion-ali" in s and "left out" in s for s in sentences)
    assert [name for name, _ in rows_of(test)] == ["fashion-alice"]


def test_the_first_page_alone_among_its_pictures_leads_to_some_that_have_company():
    test = test_app_map.app("compare")
    assert "no other checkpoint" in warn(test)
    (other,) = [link.proto for link in test.main.get("page_link")]
    assert "checkpoint=fashion-ali" in other.query_string and other.label == "Compare fashion-ali with others"
    assert len(bridge.comparing.peers("fashion-ali")) > 1 == len(bridge.comparing.peers("toons"))
    assert not app("compare").main.get("page_link"), "who has company needs no other"
