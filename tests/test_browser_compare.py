"""Compare in a real browser: pictures in columns, maps painted alike, and nothing asked elsewhere."""

import numpy as np
import pytest

from app import bridge
from tests.conftest import settle

NAMES = ["fashion-alice", "fashion-vae"]  # without a GPU a browser is slow to paint a third map
MAPS = """() => [...document.querySelectorAll('.js-plotly-plot')].map((chart) => ({
    colours: JSON.stringify([chart._fullData[0].marker.colorscale, Array.from(chart._fullData[0].marker.color)]),
    points: Array.from(chart._fullData[0].x),
    marked: chart._fullLayout.annotations.map((a) => a.text),
    x: chart._fullLayout.annotations.map((a) => a.x) }))"""
PAINTED = """() => { const charts = [...document.querySelectorAll('.js-plotly-plot')]
    return charts.length == 2 && charts.every((c) => c._fullData?.length && c.querySelector('.annotation')) }"""


@pytest.fixture
def console(page):
    """What the page complains of; Streamlit looks for its own address below every page's first."""
    said = []
    page.on("console", lambda m: m.type == "error" and "404" not in m.text and said.append(m.text))
    page.on("pageerror", lambda e: said.append(str(e)))
    return said


def test_pictures_stand_in_columns_and_one_is_found_on_all_maps(page, server, console):
    page.goto(f"{server}/compare?checkpoint=fashion-alice&with=fashion-vae")
    page.locator('img[alt^="reconstructions by fashion-vae"]').wait_for()
    settle(page)
    rows = [page.locator('img[alt^="reconstructions by"]').nth(i).bounding_box() for i in range(2)]
    assert len({(row["x"], row["width"]) for row in rows}) == 1
    assert rows[-1]["y"] + rows[-1]["height"] < 720  # seen without scrolling
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280

    page.get_by_test_id("stMain").get_by_role("radio", name="Maps").click()
    page.wait_for_function(PAINTED)
    settle(page)
    maps = page.evaluate(MAPS)
    assert maps[0]["colours"] == maps[1]["colours"]
    drawn = np.random.default_rng(0).choice(10_000, 8, replace=False)
    for shown, name in zip(maps, NAMES, strict=True):
        atlas = bridge.codes.atlas(name)
        assert np.allclose(shown["points"], atlas.umap[:, 0], atol=1e-3)
        assert np.allclose(shown["x"], atlas.umap[drawn, 0], atol=1e-3)
    assert page.get_by_test_id("stMain").evaluate("e => e.scrollHeight - e.clientHeight") <= 0

    page.get_by_role("button", name="4", exact=True).click()
    page.wait_for_function(f"() => ({MAPS})().every((m) => m.marked.length == 1)")
    assert [shown["marked"] for shown in page.evaluate(MAPS)] == [["<b>4</b>"]] * 2
    assert "only=4" in page.url
    assert not console
