"""Pictures that the reader's own tab makes, in a real Chromium.   python -m pytest tests/test_browser_engine.py"""

import re

import numpy as np
import pytest

from ali_core.models import runtime
from app import bridge

from .conftest import settle

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
    page.goto(server)
    page.wait_for_selector(".js-plotly-plot[data-ali]")
    settle(page)
    assert not any("/engine/" in url for url in asked if "pointer.css" not in url), "nothing of it on the first paint"
    page.get_by_role("button", name="Decode", exact=True).click()
    page.wait_for_url(re.compile("live=decode"))
    sheet = page.locator(".ali-decode[data-ready]")
    sheet.wait_for()
    settle(page)
    page.evaluate(DRAG, [".ali-decode", [0.2, 0.3], [0.3, 0.4], 5])  # the first one is slow
    page.locator(".ali-decoded").wait_for()
    asked.clear()
    told = page.evaluate(DRAG, [".ali-decode", [0.1, 0.3], [0.9, 0.7], 120])
    assert asked == [], "a drag is this tab's own business"
    assert told["shown"] >= 0.8 * told["frames"], told
    # the picture is the one that the server would make of this place
    page.wait_for_timeout(100)
    place = [float(word) for word in sheet.get_attribute("data-place").split(",")]
    here = page.locator(".ali-decoded canvas").evaluate(PIXELS)
    made = bridge.models.decode("fashion-alice", bridge.codes.lift("fashion-alice", place)["z"])
    assert np.abs(made.ravel().astype(int) - here).max() <= 2
    # by keyboard, and kept
    sheet.press("ArrowUp")
    before = sheet.get_attribute("data-place")
    page.wait_for_function(
        "place => document.querySelector('.ali-decode').dataset.place != place", arg=str(place)[1:-1]
    )
    sheet.press("Enter")
    page.wait_for_url(re.compile("place="))
    settle(page)
    kept = [float(word) for word in re.search(r"place=([-\d.]+)%2C([-\d.]+)", page.url).groups()]
    now = [float(word) for word in sheet.get_attribute("data-place").split(",")]
    assert np.allclose(kept, now, atol=1e-3) and before
    page.get_by_alt_text(re.compile("^decoded at")).wait_for()
    # a lattice under the points
    page.get_by_role("button", name="Lattice").click()
    page.wait_for_selector(".ali-lattice[data-done]")
    assert int(page.locator(".ali-lattice").get_attribute("data-cells")) > 20
    page.get_by_role("button", name="Decode", exact=True).click()
    sheet.wait_for(state="detached")
