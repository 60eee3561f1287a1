"""Scrubbing and the pad in a real Chromium.   python -m pytest tests/test_browser_interpolate.py"""

import re

import pytest

from tests.conftest import settle

DRAWN = """async (canvas, unlike) => {
    for (const begun = Date.now(); Date.now() - begun < 120000; await new Promise(requestAnimationFrame)) {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
        if (new Set(data).size > 8 && canvas.toDataURL() !== unlike) return canvas.toDataURL()
    }
    throw new Error("no other picture in two minutes")
}"""  # the tab makes it when its graph is there: a picture that is not plain, and another one than `unlike`


@pytest.fixture
def traffic(page):
    """Every frame that crosses the page's websockets, either way."""
    frames = []

    def listen(socket):
        socket.on("framesent", lambda _: frames.append("sent"))
        socket.on("framereceived", lambda _: frames.append("received"))

    page.on("websocket", listen)
    return frames


def wait_for_frame(page, frame: int) -> None:
    page.locator(f'.root[data-frame="{frame}"]').wait_for()


def test_scrubbing_changes_the_picture_without_asking_the_server(page, server, traffic):
    page.goto(f"{server}/interpolate")
    settle(page)
    slider = page.get_by_role("slider", name="Frame of the path")
    wait_for_frame(page, 12)  # it starts in the middle
    page.locator('.js-plotly-plot[data-frame="12"]').wait_for()
    picture = page.locator("canvas.large")
    seen = [picture.evaluate(DRAWN, "")]
    before = 0
    while len(traffic) > before:  # whatever the page still has to say to the server
        before = len(traffic)
        page.wait_for_timeout(1000)
    assert before, "the page does talk to the server"
    box = slider.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 2, y, steps=8)
    wait_for_frame(page, 0)
    seen.append(picture.evaluate(DRAWN, seen[-1]))
    page.mouse.move(box["x"] + box["width"] - 2, y, steps=8)
    wait_for_frame(page, 24)
    seen.append(picture.evaluate(DRAWN, seen[-1]))
    page.mouse.up()
    assert len(set(seen)) == 3, "start, middle and end are three pictures"
    for key, frame in [
        ("Home", 0),
        ("ArrowRight", 1),
        ("ArrowUp", 2),
        ("ArrowLeft", 1),
        ("End", 24),
    ]:
        page.keyboard.press(key)  # the strip has the focus since it was dragged
        wait_for_frame(page, frame)
        assert slider.get_attribute("aria-valuenow") == str(frame + 1)
        assert slider.get_attribute("aria-valuetext").startswith(f"frame {frame + 1} of 25 · ")
        seen.append(picture.evaluate(DRAWN, seen[-1]))
    assert len(set(seen)) == 5, "frames 1 and 2 are two more"
    page.locator('.js-plotly-plot[data-frame="24"]').wait_for()  # the map follows
    page.keyboard.press(" ")
    page.locator('.root[data-frame="21"]').wait_for()  # it turns at the end
    page.keyboard.press(" ")
    page.wait_for_timeout(300)
    stopped = page.locator(".root[data-frame]").get_attribute("data-frame")
    page.wait_for_timeout(400)
    assert page.locator(".root[data-frame]").get_attribute("data-frame") == stopped
    assert len(traffic) == before, "nothing crossed the wire"


def test_a_kept_frame_goes_to_the_tray_and_the_frame_stays(page, server, traffic):
    page.goto(f"{server}/interpolate?frames=9")
    settle(page)
    wait_for_frame(page, 4)
    page.get_by_role("slider", name="Frame of the path").press("ArrowRight")
    wait_for_frame(page, 5)
    before = len(traffic)
    page.get_by_role("button", name="To the tray").click()
    page.get_by_role("img", name=re.compile(r"a code of this visit \(z1\)")).first.wait_for()
    assert len(traffic) > before
    wait_for_frame(page, 5)


def test_the_pad_moves_by_keys_and_by_pointer_and_the_url_follows(page, server):
    page.goto(f"{server}/interpolate?mode=pad&cell=2.3")
    settle(page)
    square, picture = page.get_by_role("application"), page.locator("canvas.large")
    page.locator('.root[data-cell="2,3"]').wait_for()
    first = picture.evaluate(DRAWN)
    square.press("ArrowDown")
    square.press("ArrowRight")
    page.locator('.root[data-cell="3,4"]').wait_for()
    picture.evaluate(DRAWN, first)
    page.wait_for_url(re.compile(r"cell=3\.4"))
    box = square.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] - 4)
    page.locator('.root[data-cell="8,8"]').wait_for()
    page.wait_for_url(re.compile(r"cell=8\.8"))
    assert "100 % D" in page.locator(".root[data-cell] .note").inner_text()
    settle(page)
    page.locator('.root[data-cell="8,8"]').wait_for()


def test_a_direction_is_walked_and_the_frame_kept(page, server):
    page.goto(f"{server}/interpolate?mode=directions&toward=9&checkpoint=fashion-alice")
    settle(page)
    wait_for_frame(page, 6)  # the picture itself
    heat = page.locator(".st-key-heat .js-plotly-plot")
    heat.wait_for()
    assert heat.evaluate("e => [e.data[0].type, e.data[0].y.length, e.data[0].y[9]].join()") == (
        "heatmap,10,Ankle boot"
    )
    picture, slider = page.locator("canvas.large"), page.get_by_role("slider", name="Frame of")
    start = picture.evaluate(DRAWN)
    slider.press("End")
    wait_for_frame(page, 12)
    picture.evaluate(DRAWN, start)
    assert slider.get_attribute("aria-valuetext") == ("+4.0 sd toward Ankle boot · reads as Ankle boot")
    page.get_by_role("button", name="To the tray").click()
    page.get_by_role("img", name=re.compile(r"a code of this visit \(z1\)")).first.wait_for()
    page.get_by_role("radio", name="A − B + C").click()
    page.wait_for_url(re.compile("do=mix"))
    settle(page)
    page.get_by_role("img", name=re.compile("^C: Ankle boot, no. 0")).wait_for()
    wait_for_frame(page, 6)
    assert slider.get_attribute("aria-valuetext") == "A + 1.0 × (C − B)"
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollHeight - e.clientHeight") <= 0, "all of it is on one screen"


def test_a_finger_scrubs_on_a_phone_and_the_page_does_not_scroll_sideways(browser, server):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    try:
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{server}/interpolate")
        settle(page)
        wait_for_frame(page, 12)
        for end in ("A: ", "B: "):  # both ends stand beside the frame, drawn
            canvas = page.get_by_role("img", name=re.compile("^" + end))
            box = canvas.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 390
            lit = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v, i) => i % 4 < 3 && v)"
            assert canvas.evaluate(lit)
        slider = page.get_by_role("slider", name="Frame of the path")
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        page.touchscreen.tap(box["x"] + box["width"] - 12, box["y"] + box["height"] / 2)
        wait_for_frame(page, 24)
        assert box["height"] >= 44, "large enough for a finger"
        keep = page.get_by_role("button", name="To the tray").bounding_box()
        under = page.locator(".stPlotlyChart").bounding_box()["y"] - keep["y"] - keep["height"]
        assert 0 < under < 60, "the map follows at once"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        context.close()
