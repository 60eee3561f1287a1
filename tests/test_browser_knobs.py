"""Another UMAP beside the map in a real browser: what is picked in one is picked in both."""

import re

from tests.conftest import settle

READY = ".st-key-{} .js-plotly-plot[data-ali]"
CHOSEN = """key => document.querySelector(`.st-key-${key} .js-plotly-plot`)._fullData[0].selectedpoints?.slice().sort((a, b) => a - b)"""


def test_a_box_on_the_other_layout_picks_on_both(page, server):
    page.set_default_timeout(300_000)  # UMAP compiles itself
    page.goto(f"{server}/?checkpoint=toons&beside=5,0.5")
    page.wait_for_selector(READY.format("map"))
    page.get_by_role("button", name="Lay out with 5 neighbours").click()
    page.wait_for_selector(READY.format("beside"))
    settle(page)
    assert page.locator(".ali-switch").count() == 1  # Decode is the map's alone
    box = page.locator(".st-key-beside .js-plotly-plot").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 - 20
    page.locator('.st-key-beside .modebar-btn[data-val="select"]').click()
    page.mouse.move(x - 40, y - 40)
    page.mouse.down()
    page.mouse.move(x + 40, y + 40, steps=8)
    page.mouse.up()
    said = page.get_by_text(re.compile(r"[\d,]+ pictures; median"))
    said.wait_for()
    count = int(said.inner_text().split()[0].replace(",", ""))
    page.wait_for_function(f"n => ['map', 'beside'].every((key) => ({CHOSEN})(key)?.length === n)", arg=count)
    assert 10 < count < 2_241 and page.evaluate(CHOSEN, "map") == page.evaluate(CHOSEN, "beside")
    # a card holds its picture, of 64 pixels too
    page.locator(".st-key-beside .js-plotly-plot").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".st-key-beside .ali-card canvas", state="visible")
    sizes = "() => [...document.querySelector('.st-key-beside .ali-card').children].map((part) => part.offsetWidth)"
    picture, *lines = page.evaluate(sizes)
    assert picture == 128 and lines[0] >= picture
    page.keyboard.press("Escape")
    # a click on an empty place of the other layout is no place of the map
    page.locator('.st-key-beside .modebar-btn[data-val="pan"]').click()
    before = page.url
    page.mouse.click(box["x"] + 8, box["y"] + box["height"] - 90)
    settle(page)
    assert page.url == before and "place=" not in page.url
    page.get_by_role("button", name="Close").click()
    page.wait_for_selector(READY.format("beside"), state="detached")
    assert "beside=" not in page.url
