"""Pictures that the reader's own tab makes, in a real Chromium.   python -m pytest tests/test_browser_engine.py"""

import re

import numpy as np
import pytest

from ali_core.models import runtime
from app import bridge

from .conftest import settle
from .pupils import until

pytestmark = pytest.mark.skipif(not runtime.installed(), reason=f"the browser's runtime is missing; {runtime.COMMAND}")

# a pointer that moves once a frame over an element, from and to shares of its box. -> frames, pictures, ms for each
DRAG = """async ([selector, from, to, frames]) => {
  const sheet = document.querySelector(selector), box = sheet.getBoundingClientRect();
  const before = +(sheet.dataset.shown ?? 0), waits = [], begun = performance.now();
  let told = before, since = 0;
  new MutationObserver(() => waits.push(performance.now() - since)).observe(sheet, { attributeFilter: ["data-shown"] });
  for (let i = 0; i <= frames; i++) {
    const share = i / frames, [x, y] = from.map((one, k) => one + share * (to[k] - one));
    since = performance.now();
    sheet.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, pointerType: "mouse",
      clientX: box.left + x * box.width, clientY: box.top + y * box.height }));
    await new Promise((done) => requestAnimationFrame(done));
  }
  const ms = performance.now() - begun;
  return { frames, shown: +sheet.dataset.shown - before, ms, waits };
}"""
NAME = "fashion-alice"
PIXELS = """canvas => Array.from(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data)
  .filter((_, i) => i % 4 == 0)"""


@pytest.fixture
def asked(page):
    """What the page asks of the server: addresses, and messages on its websocket."""
    found = []
    page.on("request", lambda r: found.append(r.url))
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: found.append("message")))
    return found


def test_the_picture_follows_the_pointer_at_display_rate_and_nothing_is_asked(page, server, asked):
    page.goto(f"{server}/?checkpoint={NAME}")
    page.wait_for_selector(".js-plotly-plot[data-ali]")
    settle(page)
    assert page.get_by_text("to see pictures").count() == 1 and page.get_by_text("draws such pictures").count() == 0
    assert not any("/engine/" in url for url in asked if "pointer.css" not in url), "nothing of it on the first paint"
    page.get_by_role("button", name="Decode", exact=True).click()
    page.wait_for_url(re.compile("live=decode"))
    sheet = page.locator(".ali-decode[data-ready]")
    sheet.wait_for()
    page.get_by_text("draws such pictures wherever data are near").wait_for()
    settle(page)
    page.evaluate(DRAG, [".ali-decode", [0.2, 0.3], [0.3, 0.4], 5])  # the first one is slow
    page.locator(".ali-decoded").wait_for()
    asked.clear()
    for _ in range(3):  # other work comes and goes; what is asked is what this tab can do
        told = page.evaluate(DRAG, [".ali-decode", [0.1, 0.3], [0.9, 0.7], 120])
        assert asked == [], "a drag is this tab's own business"
        if told["shown"] >= 0.8 * told["frames"]:
            break
    assert told["shown"] >= 0.8 * told["frames"], told

    # the picture is the one that the server would make of this place
    def near_the_servers() -> bool:
        place = [float(word) for word in sheet.get_attribute("data-place").split(",")]
        here = page.locator(".ali-decoded canvas").evaluate(PIXELS)
        made = bridge.models.decode(NAME, bridge.codes.lift(NAME, place)["z"])
        return np.abs(made.ravel().astype(int) - here).max() <= 2

    until(near_the_servers)
    # by keyboard, and kept
    before = sheet.get_attribute("data-place")
    sheet.press("ArrowUp")
    page.wait_for_function("place => document.querySelector('.ali-decode').dataset.place !== place", arg=before)
    pictures = []
    page.on("request", lambda r: r.resource_type == "image" and pictures.append(r.url))
    sheet.press("Enter")
    page.wait_for_url(re.compile("place="))
    shown = page.get_by_role("img", name=re.compile("^decoded at"))
    shown.wait_for()
    settle(page)
    assert pictures == [], "the tab shows its own picture"
    kept = [float(word) for word in re.search(r"place=([-\d.]+)%2C([-\d.]+)", page.url).groups()]
    now = [float(word) for word in sheet.get_attribute("data-place").split(",")]
    assert np.allclose(kept, now, atol=1e-3)
    wanted = bridge.models.decode(NAME, bridge.codes.lift(NAME, kept)["z"]).ravel().astype(int)
    until(lambda: np.abs(wanted - shown.evaluate(PIXELS)).max() <= 2)
    # a lattice under the points
    page.get_by_role("button", name="Lattice").click()
    page.wait_for_function(  # it may be drawn anew in between, where the map was laid out again
        "() => { const { done, cells } = document.querySelector('.ali-lattice')?.dataset ?? {}; return done && cells > 20 }"
    )
    page.get_by_role("button", name="Decode", exact=True).click()
    sheet.wait_for(state="detached")


def test_a_path_and_a_pad_are_decoded_where_the_pointer_is(page, server, asked):
    held = []
    page.route("**/*-decoder.onnx", lambda route: held.append(route))
    page.goto(f"{server}/interpolate?frames=5&checkpoint={NAME}")
    page.get_by_text("The model comes into this tab …").wait_for()  # no blank strip without a word
    until(lambda: page.wait_for_timeout(30) or held)
    page.unroute_all()
    held[0].continue_()
    page.get_by_text("frame 3 of 5").wait_for()
    root = page.locator(".root[data-frame][data-made]")
    root.wait_for()
    settle(page)
    page.locator('.js-plotly-plot[data-frame="2"]').wait_for()
    box = page.get_by_role("slider", name="Frame of the path").bounding_box()
    film = page.locator("canvas.film").bounding_box()
    tile, y = film["width"] / 5, box["y"] + box["height"] / 2
    page.mouse.move(film["x"] + tile / 2, y)
    page.mouse.down()
    before = len(asked)
    for share in (0.25, 0.5, 0.375):  # between the first two frames, the last one at 1.5
        page.mouse.move(film["x"] + tile / 2 + share * (film["width"] - tile), y)
    page.mouse.up()
    z = bridge.codes.interpolate(*bridge.codes.atlas(NAME).z[[2, 13]], 5, "slerp")
    wanted = bridge.models.decode(NAME, (z[1] + z[2])[None] / 2).ravel().astype(int)
    large = page.locator("canvas.large")
    until(lambda: page.wait_for_timeout(30) or np.abs(wanted - large.evaluate(PIXELS)).max() <= 3)
    assert asked[before:] == []
    page.get_by_role("button", name="To the tray").click()
    page.get_by_role("img", name=re.compile(r"a code of this visit \(z1\)")).first.wait_for()
    # the pad: a corner is the end itself, and between two cells there is another picture
    page.goto(f"{server}/interpolate?mode=pad&cell=0.0&checkpoint={NAME}")
    pad = page.locator(".root[data-cell][data-made]")
    pad.wait_for()
    settle(page)
    square = page.get_by_role("application").bounding_box()
    side = square["width"] / 9
    before = len(asked)
    page.mouse.move(square["x"] + 1, square["y"] + 1)
    page.mouse.down()
    page.mouse.move(square["x"] + side, square["y"] + 2 * side, steps=4)
    assert "B" in pad.locator(".note").inner_text()
    assert asked[before:] == []
    page.mouse.up()
    page.wait_for_url(re.compile(r"cell=[12]\.[01]"))


def test_the_mirror_answers_a_camera_in_the_tab_and_freezes_into_an_upload(page, server, asked):
    page.goto(f"{server}/reconstruct?source=Live&checkpoint={NAME}")
    root = page.locator(".root[data-ready]")
    root.wait_for()
    page.locator(".root[data-shown][data-place]").wait_for()
    settle(page)
    asked.clear()
    page.evaluate("() => { window.begun = performance.now() }")
    start = int(root.get_attribute("data-shown"))
    until(lambda: page.wait_for_timeout(50) or int(root.get_attribute("data-shown")) >= start + 45)
    seconds = page.evaluate("() => (performance.now() - window.begun) / 1000")
    print(f"mirror: {45 / seconds:.1f} pictures a second")
    assert asked == []
    # hidden, it is off
    page.evaluate("""() => { Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
      document.dispatchEvent(new Event('visibilitychange')) }""")
    page.wait_for_timeout(300)
    stopped = root.get_attribute("data-shown")
    page.wait_for_timeout(700)
    assert root.get_attribute("data-shown") == stopped
    page.evaluate("() => { delete document.hidden; document.dispatchEvent(new Event('visibilitychange')) }")
    until(lambda: page.wait_for_timeout(50) or int(root.get_attribute("data-shown")) > int(stopped))
    # a drawing, by keys
    page.get_by_role("button", name="Draw").click()
    canvas = page.locator(".ground canvas")
    for key in ("ArrowDown", "Shift+ArrowDown", "Shift+ArrowDown", "Shift+ArrowRight"):
        canvas.press(key)
    seen = page.locator(".seen canvas")
    until(lambda: page.wait_for_timeout(30) or max(seen.evaluate(PIXELS)) > 200)
    model = bridge.models.reconstruct(NAME, np.reshape(seen.evaluate(PIXELS), (1, 28, 28, 1)).astype(np.uint8))
    made = page.locator(".made canvas")
    until(lambda: page.wait_for_timeout(30) or np.abs(model.ravel().astype(int) - made.evaluate(PIXELS)).max() <= 4)
    page.get_by_role("button", name="Freeze").click()
    page.get_by_text("What it remembers").wait_for()
    settle(page)
    page.get_by_text("your picture (u1)").first.wait_for()


def test_a_refused_camera_and_a_missing_model_are_sentences(browser, server):
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(
        """navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "NotAllowedError"))"""
    )
    page.goto(f"{server}/reconstruct?source=Live&checkpoint={NAME}")
    page.get_by_text("The camera was refused.").wait_for()
    page.get_by_role("button", name="Draw").click()
    page.get_by_text("The camera was refused.").wait_for(state="hidden")
    # without WebAssembly the server makes the frames, and the page says so
    page.add_init_script("delete globalThis.WebAssembly")
    page.route(
        "**/engine/runtime.js",
        lambda route: route.fulfill(
            body="delete globalThis.WebAssembly;\n" + route.fetch().text(), content_type="text/javascript"
        ),
    )
    page.goto(f"{server}/?checkpoint={NAME}&live=decode&place=0,0")
    page.get_by_text("The server made this picture: This browser has no WebAssembly").wait_for()
    page.get_by_alt_text(re.compile("^decoded at")).wait_for()
    page.goto(f"{server}/interpolate?checkpoint={NAME}")
    page.get_by_text("This browser has no WebAssembly").wait_for()
    page.locator('.root[data-frame="12"]').wait_for()
    settle(page)
    lit = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v, i) => i % 4 < 3 && v)"
    assert page.locator("canvas.large").evaluate(lit)
    context.close()


def test_a_graph_whose_weights_changed_underneath_is_a_sentence_and_the_server_decodes(server, page):
    page.route("**/graphs/*/*-decoder.onnx", lambda route: route.fulfill(status=404, body="There is no such graph."))
    page.goto(f"{server}/?checkpoint={NAME}&live=decode")
    page.get_by_text("The network has been changed since this page was opened; reload it.").wait_for()
    page.unroute_all()
    page.route("**/graphs/*/*-decoder.onnx", lambda route: route.fulfill(body=b"others"))
    page.goto(f"{server}/interpolate?checkpoint={NAME}")
    page.get_by_text("The network's graph is not the one that was asked for; reload the page.").wait_for()
    page.locator('.root[data-frame="12"]').wait_for()
    settle(page)
    lit = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v, i) => i % 4 < 3 && v)"
    assert page.locator("canvas.large").evaluate(lit)
