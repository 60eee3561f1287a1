"""The map in a real browser: hover, click, lasso, empty places, arrow keys, Back."""

import io
import re
import urllib.error
import urllib.request

import numpy as np
import pytest
from PIL import Image

from app import bridge
from tests.conftest import settle

POSITIONS = """() => {
    const chart = document.querySelector('.js-plotly-plot'), box = chart.getBoundingClientRect()
    const { xaxis, yaxis } = chart._fullLayout, { x, y } = chart._fullData[0]
    return Array.from(x, (_, i) => [box.x + xaxis._offset + xaxis.l2p(x[i]),
                                    box.y + yaxis._offset + yaxis.l2p(y[i])]) }"""
CARD = """() => { const canvas = document.querySelector('.ali-card canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    return { id: +document.querySelector('.ali-card').dataset.id,
             pixels: Array.from(data).filter((_, i) => i % 4 == 0) } }"""


@pytest.fixture
def chart(page, server):
    """The page once the map listens."""
    page.goto(f"{server}/?checkpoint=fashion-alice")
    listening(page)
    return page


def listening(page) -> None:
    """Waits until the map's listener and the sheet of pictures are there."""
    page.wait_for_selector(".js-plotly-plot[data-ali]")
    page.wait_for_function("() => window.aliSheet?.then(() => true)")
    settle(page)


def picks(page) -> list[int]:
    """The picked numbers in the URL."""
    match = re.search(r"[?&]picks=([\d%C,]+)", page.url)
    return [int(word) for word in match[1].split("%2C")] if match else []


def click_point(page, number: int) -> int:
    """Clicks a point. -> the number that was picked: it, or one that covers it"""
    before = page.url
    page.mouse.click(*page.evaluate(POSITIONS)[number])
    picked = "before => location.href != before && location.search.includes('picks=')"
    page.wait_for_function(picked, arg=before)
    settle(page)
    return picks(page)[0]


def test_hover_shows_the_points_own_picture_without_asking_the_server(page, server):
    sent = []
    page.on("websocket", lambda s: s.on("framesent", lambda frame: sent.append(frame)))
    page.goto(f"{server}/?checkpoint=fashion-alice")
    listening(page)
    pictures, positions = bridge.codes.pictures("fashion-alice"), np.array(page.evaluate(POSITIONS))
    page.wait_for_timeout(500)
    quiet = len(sent)
    seen = set()
    for number in (7, 1234, 9999):
        page.mouse.move(10, 10)
        page.wait_for_selector(".ali-card", state="hidden")
        page.mouse.move(*positions[number], steps=4)
        page.wait_for_selector(".ali-card", state="visible")
        page.wait_for_timeout(300)
        card = page.evaluate(CARD)
        tile = pictures[card["id"]][..., 0].ravel()
        assert np.array_equal(tile, card["pixels"])
        assert tile.any()
        assert np.linalg.norm(positions[card["id"]] - positions[number]) <= 14
        seen.add(card["id"])
    assert len(seen) == 3
    assert len(sent) == quiet


def test_a_click_picks_the_point_keeps_the_zoom_and_back_undoes_it(chart):
    box = chart.locator(".js-plotly-plot").bounding_box()
    chart.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    ranges = "() => document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range.slice()"
    whole = chart.evaluate(ranges)
    chart.mouse.wheel(0, -120)
    chart.wait_for_function(f"w => ({ranges})()[0] != w", arg=whole[0])
    settle(chart)
    zoomed = chart.evaluate(ranges)
    positions = np.array(chart.evaluate(POSITIONS))
    middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
    order = np.linalg.norm(positions - middle, axis=1).argsort()
    first = click_point(chart, int(order[0]))
    chart.get_by_text(f"no. {first};").first.wait_for()
    second = click_point(chart, int(order[40]))
    assert second != first
    chart.get_by_text(f"no. {second};").first.wait_for()
    assert chart.evaluate(ranges) == zoomed
    chart.go_back()
    chart.get_by_text(f"no. {first};").first.wait_for()


def test_a_box_picks_exactly_what_lies_in_it(chart):
    positions = np.array(chart.evaluate(POSITIONS))
    x, y = np.median(positions, axis=0).round()
    inside = (np.abs(positions - (x, y)) < 25).all(1).sum()
    chart.locator('.modebar-btn[data-val="select"]').click()
    chart.mouse.move(x - 25, y - 25)
    chart.mouse.down()
    chart.mouse.move(x + 25, y + 25, steps=8)
    chart.mouse.up()
    chart.get_by_text(re.compile(r"[\d,]+ pictures; median")).wait_for()
    said = chart.get_by_text(re.compile(r"[\d,]+ pictures; median")).inner_text()
    count = int(said.split()[0].replace(",", ""))
    assert inside > 10
    assert abs(count - inside) <= 0.05 * inside + 3  # the edge of a box is a pixel wide
    with chart.expect_download() as download:
        chart.get_by_role("button", name="CSV").click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert len(lines) == count + 1
    # the link holds them all
    link = chart.url
    chart.goto("about:blank")
    chart.goto(link)
    chart.get_by_text(said.split(";")[0]).first.wait_for()


def test_the_page_tells_of_plotly_and_the_server_of_pictures_alone(server):
    with urllib.request.urlopen(server) as page:
        chunk = re.search(r"<\./([^>]*PlotlyChart[^>]*)>; rel=modulepreload", page.headers["link"])[1]
    with urllib.request.urlopen(f"{server}/{chunk}") as script:
        assert len(script.read()) > 1e6
    sheet = bridge.checkpoints.root() / "pictures" / "fashion-mnist-28.png"
    with urllib.request.urlopen(f"{server}/pictures/{sheet.name}") as answer:
        assert answer.read() == sheet.read_bytes()
    for other in ("none.png", "..%2ffashion-alice%2fcard.json", "%2e%2e/fashion-alice/card.json"):
        try:
            with urllib.request.urlopen(f"{server}/pictures/{other}") as answer:
                assert b"sha256" not in answer.read()
        except urllib.error.HTTPError as error:
            assert error.code in (400, 404)


def test_the_legend_hides_and_isolates_a_class(chart):
    labels = bridge.codes.atlas("fashion-alice").y
    positions = np.array(chart.evaluate(POSITIONS))
    shown = "() => document.querySelector('.js-plotly-plot')._fullData[0].x"
    wait = "k => k == Array.from(document.querySelector('.js-plotly-plot')._fullData[0].x).filter((x) => x !== null).length"
    trouser = chart.locator(".legendtoggle").nth(1)
    trouser.click()
    chart.wait_for_function(wait, arg=int((labels != 1).sum()))
    assert [x is None for x in list(chart.evaluate(f"Array.from(({shown})())"))] == list(labels == 1)
    # nothing that is left jumps, and a hidden point is an empty place
    left = int(np.flatnonzero(labels != 1)[0])
    assert np.abs(np.array(chart.evaluate(POSITIONS))[left] - positions[left]).max() < 1
    trousers, others = positions[labels == 1], positions[labels != 1]
    away = [np.linalg.norm(others - at, axis=1).min() for at in trousers]
    assert max(away) > 14
    chart.mouse.click(*trousers[int(np.argmax(away))])
    chart.wait_for_function("() => location.search.includes('place=')")
    settle(chart)
    click_point(chart, left)
    assert chart.evaluate(f"Array.from(({shown})()).filter((x) => x === null).length") == (labels == 1).sum()
    trouser.dblclick()
    chart.wait_for_function(wait, arg=len(labels))
    trouser.dblclick()
    chart.wait_for_function(wait, arg=int((labels == 1).sum()))


def test_pictures_take_the_dots_places_where_the_zoom_leaves_them_room(page, server):
    sent, shown = (
        [],
        "Array.from(document.querySelector('.ali-pictures').dataset.ids.split(',').filter(Boolean), Number)",
    )
    page.on("websocket", lambda s: s.on("framesent", lambda frame: sent.append(frame)))
    page.goto(f"{server}/?checkpoint=fashion-alice")
    listening(page)
    assert page.evaluate(shown) == [], "10,000 dots have no room for pictures"
    quiet, (x, y) = len(sent), np.median(page.evaluate(POSITIONS), axis=0)
    page.mouse.move(x, y)
    for turn in range(30):
        page.mouse.wheel(0, -240)
        if turn > 4 and len(page.evaluate(shown)) > 20:
            break
    page.wait_for_function(f"() => {shown}.length > 20")
    page.wait_for_function(
        f"""() => {{ const now = JSON.stringify([{shown}, document.querySelector(".js-plotly-plot").layout.xaxis.range]);
        window.still = now === window.seen ? (window.still ?? 0) + 1 : 0; window.seen = now; return window.still >= 4; }}""",
        polling=150,
    )  # the wheel's last event has been heard
    ids, at, side = np.array(page.evaluate(shown)), np.array(page.evaluate(POSITIONS)), 28
    gaps = np.abs(at[ids][:, None] - at[ids]).max(2) + 1e6 * np.eye(len(ids))
    assert gaps.min() > side, "pictures lie on each other"
    box = page.locator(".js-plotly-plot").bounding_box()
    middle = ids[np.linalg.norm(at[ids] - (x, y), axis=1).argmin()]
    shot = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L")).astype(int)
    left, top = np.round(at[middle] - (box["x"], box["y"]) - side / 2 + (box["x"], box["y"])).astype(int)
    truth = bridge.codes.pictures("fashion-alice")[middle][..., 0].astype(int)
    gaps = [
        np.abs(shot[top + dy : top + dy + side, left + dx : left + dx + side] - truth).mean()
        for dx in (-1, 0, 1)
        for dy in (-1, 0, 1)
    ]
    assert min(gaps) < 12, "its own picture stands there"  # a name may lie on it
    page.mouse.move(*(at[middle] + side / 2 - 2))
    page.wait_for_selector(".ali-card", state="visible")
    assert page.evaluate(CARD)["id"] == middle, "its corner is the picture, too"
    assert len(sent) == quiet, "the server was asked"
    page.locator('.modebar-btn[data-title="Reset axes"]').click()
    page.wait_for_function(f"() => {shown}.length == 0")


def test_an_empty_place_is_decoded_and_its_distance_said(chart):
    positions = np.array(chart.evaluate(POSITIONS))
    low, high = positions.min(0) + 20, positions.max(0) - 20
    grid = np.stack(np.meshgrid(*np.linspace(low, high, 40).T), -1).reshape(-1, 2)
    away = [np.linalg.norm(positions - place, axis=1).min() for place in grid]
    chart.mouse.click(*grid[int(np.argmax(away))])
    for said in ("eighth-nearest", "No picture lies near"):
        chart.get_by_text(said).first.wait_for()
    chart.locator('img[alt^="decoded at"]').wait_for()
    chart.wait_for_function("() => location.search.includes('place=')")
    settle(chart)
    click_point(chart, 7)
    chart.wait_for_function("() => !location.search.includes('place=')")


def test_the_map_is_walked_with_arrow_keys(chart):
    chart.locator(".js-plotly-plot").focus()
    chart.keyboard.press("ArrowRight")
    chart.wait_for_selector(".ali-card", state="visible")
    start = chart.evaluate(CARD)["id"]
    chart.keyboard.press("ArrowRight")
    there = chart.evaluate(CARD)["id"]
    positions = np.array(chart.evaluate(POSITIONS))
    assert there != start
    assert positions[there][0] > positions[start][0]
    chart.keyboard.press("Enter")
    chart.wait_for_function("() => location.search.includes('picks=')")
    assert picks(chart) == [there]


def test_a_neighbour_in_the_gallery_is_a_button(chart):
    click_point(chart, 7)
    button = chart.locator(".gallery button").nth(2)
    number = int(button.get_attribute("data-id"))
    assert f"no. {number}" in button.get_attribute("aria-label")
    button.click()
    chart.wait_for_function("n => location.search.includes(`picks=${n}`)", arg=number)
    assert picks(chart) == [number]


def test_the_map_fits_a_projector_without_scrolling(chart):
    main = chart.locator('[data-testid="stMain"]')
    assert main.evaluate("e => e.scrollHeight - e.clientHeight") <= 0
    assert chart.locator(".js-plotly-plot").bounding_box()["height"] > 450


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
def test_the_first_dots_stand_where_plotly_puts_them(chart, size):
    """The picture that is seen until the chart is there covers the same places, and then goes."""
    chart.set_viewport_size({"width": size[0], "height": size[1]})
    chart.wait_for_timeout(1500)
    before = "getComputedStyle(document.querySelector('.st-key-map'), '::before').display"
    assert chart.evaluate(before) == "none"
    positions = np.array(chart.evaluate(POSITIONS))
    box = chart.locator(".st-key-map").bounding_box()
    chart.add_style_tag(
        content=".st-key-map > * { visibility: hidden } .st-key-map::before { display: block !important }"
    )
    shot = Image.open(io.BytesIO(chart.screenshot())).convert("RGB")
    seen = np.asarray(shot).astype(int)[
        int(max(box["y"], 0)) : int(box["y"] + box["height"]),
        int(box["x"]) : int(box["x"] + box["width"]),
    ]
    rows, columns = np.nonzero(np.abs(seen - seen[0, 0]).max(2) > 60)
    corners = np.array([[columns.min(), rows.min()], [columns.max(), rows.max()]])
    expected = np.stack([positions.min(0), positions.max(0)]) - (box["x"], box["y"])
    expected += [[-2.25, -2.25], [2.25, 2.25]]  # a dot is 4.5 pixels wide
    assert np.abs(corners - expected).max() < 6
