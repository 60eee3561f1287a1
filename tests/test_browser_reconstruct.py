"""Reconstruct in a real browser.   python -m pytest tests/test_browser_reconstruct.py"""

import io
import re
import shutil
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image

from app import bridge
from app.shared import holes

from .conftest import FLAGS, serving, settle
from .test_faces import asking_in, file, scene


def test_an_upload_is_reconstructed(server, page):
    """A drawn pair of trousers, dark on white, comes back as a picture, with its numbers."""
    page.goto(f"{server}/reconstruct?checkpoint=fashion-alice&source=Upload")
    page.get_by_text("What it remembers").wait_for()
    settle(page)
    drawing = np.full((200, 200), 245, np.uint8)
    drawing[20:60, 70:130] = drawing[60:180, 70:95] = drawing[60:180, 105:130] = 40
    content = io.BytesIO()
    Image.fromarray(drawing).save(content, "png")
    before = page.get_by_alt_text("reconstruction, mean squared error").get_attribute("alt")
    page.locator('input[type="file"]').set_input_files(
        {"name": "trousers.png", "mimeType": "image/png", "buffer": content.getvalue()}
    )
    page.get_by_text("Your picture", exact=True).wait_for()
    settle(page)
    shown = page.get_by_alt_text("reconstruction, mean squared error")
    assert shown.get_attribute("alt") != before
    pixels = shown.evaluate(
        """async image => { await image.decode(); const canvas = document.createElement('canvas');
        canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
        const pen = canvas.getContext('2d'); pen.drawImage(image, 0, 0);
        return [canvas.width, ...pen.getImageData(canvas.width / 2, 20, 1, 1).data]; }"""
    )
    assert pixels[0] == 142  # 28 pixels, five times, and a border: no blur
    assert page.get_by_text("Inverted light and dark.").count() == 1
    assert page.locator('[data-testid="stException"]').count() == 0
    assert "trousers" not in page.url


def test_a_photograph_is_taken_and_reconstructed(server, browser):
    """With Chromium's fake camera: a green field, a clock on it."""
    flags = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    other = browser.browser_type.launch(
        executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
        args=[*FLAGS, *flags],
    )
    page = other.new_context(viewport={"width": 1280, "height": 720}).new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{server}/reconstruct?checkpoint=fashion-alice&source=Camera")
    page.get_by_text("What it remembers").wait_for()
    settle(page)
    before = page.get_by_alt_text("reconstruction, mean squared error").get_attribute("alt")
    page.get_by_text("Take Photo").click()
    page.get_by_text("Clear photo").wait_for()
    page.get_by_text("Your picture", exact=True).wait_for()
    settle(page)
    assert page.get_by_alt_text("reconstruction, mean squared error").get_attribute("alt") != before
    assert page.locator('[data-testid="stException"]').count() == 0
    other.close()


def test_a_file_that_is_no_picture_gets_a_sentence(server, page):
    page.goto(f"{server}/reconstruct?checkpoint=fashion-alice&source=Upload")
    page.get_by_text("What it remembers").wait_for()
    page.locator('input[type="file"]').set_input_files({"name": "no.png", "mimeType": "image/png", "buffer": b"no"})
    page.locator('[data-testid="stAlert"]').wait_for()
    assert "no.png" in page.locator('[data-testid="stAlert"]').inner_text()


# ---- holes -----------------------------------------------------------------------------------------

FILLERS = [
    name for name in bridge.checkpoints.names() if not bridge.checkpoints.broken(name) and bridge.models.fills(name)
]
GREYS = """async image => { try { await image.decode() } catch { return null }
    const canvas = document.createElement('canvas');
    canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
    const pen = canvas.getContext('2d'); pen.drawImage(image, 0, 0);
    const all = pen.getImageData(0, 0, canvas.width, canvas.height).data;
    return Array.from({ length: 28 * 28 }, (_, i) =>
        all[4 * ((3 + 5 * Math.floor(i / 28)) * canvas.width + 3 + 5 * (i % 28))]); }"""


@pytest.fixture
def filler() -> str:
    assert FILLERS, "no checkpoint that fills holes is shipped"
    return FILLERS[0]


def greys(page, alt: str) -> np.ndarray:
    """The picture's 28 x 28 pixels; one that is just being replaced cannot be decoded: then again."""
    for _ in range(40):
        if pixels := page.get_by_alt_text(alt).first.evaluate(GREYS):
            return np.array(pixels).reshape(28, 28)
        page.wait_for_timeout(50)
    raise AssertionError(f"«{alt}» could not be decoded for two seconds")


def hole_in_url(page) -> np.ndarray:
    return holes.parse(parse_qs(urlsplit(page.url).query)["hole"][0], (28, 28))


def centre(box: dict, column: int, row: int) -> tuple[float, float]:
    """The middle of a pixel of the canvas, on the page."""
    return box["x"] + 1 + 10 * column + 5, box["y"] + 1 + 10 * row + 5


def canvas(page) -> dict:
    """The canvas, where it stands now."""
    paper = page.get_by_role("application", name="Picture to paint")
    paper.wait_for()
    paper.evaluate("e => e.scrollIntoView({ block: 'center' })")
    page.wait_for_timeout(300)
    return paper.locator("canvas").bounding_box()


def test_a_painted_hole_is_filled_and_nothing_else_changes(server, page, filler):
    page.goto(f"{server}/reconstruct?checkpoint={filler}&item=p3&hole=none")
    page.locator('.root[data-hole="0"]').wait_for()
    settle(page)
    truth, filled = "the whole picture", "filled by the model"
    whole = greys(page, truth)
    np.testing.assert_array_equal(greys(page, filled), whole)
    box = canvas(page)
    page.mouse.move(*centre(box, 9, 9))
    page.mouse.down()
    page.mouse.move(*centre(box, 18, 9))
    page.mouse.move(*centre(box, 18, 18), steps=3)
    assert "hole=none" in page.url, "the server hears of it when the pointer is released"
    page.mouse.up()
    page.wait_for_url(re.compile("hole=~"))
    settle(page)
    hole = hole_in_url(page)
    wanted = np.zeros((28, 28), bool)
    wanted[8:11, 8:20] = wanted[8:20, 17:20] = True
    np.testing.assert_array_equal(hole, wanted)
    after = greys(page, filled)
    np.testing.assert_array_equal(after[~hole], whole[~hole])
    assert (after[hole] != whole[hole]).any()
    page.get_by_role("radio", name="Box").click()
    box = canvas(page)
    page.mouse.move(*centre(box, 4, 5))
    page.mouse.down()
    page.mouse.move(*centre(box, 13, 16), steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile(r"hole=4\.5\.10\.12$"))
    page.get_by_role("button", name="Clear").click()
    page.wait_for_url(re.compile("hole=none"))
    settle(page)
    np.testing.assert_array_equal(greys(page, filled), whole)
    page.get_by_role("button", name="Box in the middle").click()
    page.locator('.root[data-hole="144"]').wait_for()
    page.wait_for_url(lambda url: "hole" not in url)
    page.go_back()
    page.locator('.root[data-hole="0"]').wait_for()


def test_keys_alone_make_a_hole(server, page, filler):
    page.goto(f"{server}/reconstruct?checkpoint={filler}&hole=3.4.5.6")
    page.locator('.root[data-hole="30"]').wait_for()
    settle(page)
    page.get_by_role("radio", name="Box").press("Enter")
    paper = page.get_by_role("application", name="Picture to paint")
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowRight", "Enter"):
        paper.press(key)
    page.wait_for_url(re.compile(r"hole=7\.7\.13\.12"))
    page.get_by_role("radio", name="Erase").press("Enter")
    for key in ("ArrowRight", "ArrowRight", " "):
        paper.press(key)
    page.locator(f'.root[data-hole="{13 * 12 - 9}"]').wait_for()
    page.wait_for_url(re.compile("hole=~"))


def test_a_finger_paints_on_a_phone_and_the_page_does_not_scroll(server, browser, filler):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    try:
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{server}/reconstruct?checkpoint={filler}&hole=none")
        page.locator('.root[data-hole="0"]').wait_for()
        settle(page)
        box = canvas(page)
        finger = context.new_cdp_session(page)

        def touch(kind: str, *at: int) -> None:
            points = [dict(zip("xy", centre(box, *at), strict=True))] if at else []
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", 10, 6)
        for row in range(7, 22, 2):
            touch("touchMove", 10, row)
        touch("touchEnd")
        page.wait_for_url(re.compile(r"hole=9\.5\.3\.18$"))
        assert canvas(page)["y"] == pytest.approx(box["y"], abs=2), "painting does not scroll"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        context.close()


# ---- the box ---------------------------------------------------------------------------------------


def test_the_box_is_moved_by_mouse_keys_and_touch_and_another_face_is_one_click(browser, tmp_path):
    """Two faces: the largest is taken; a click takes the other; dragged, pressed, sized and switched off."""
    root = asking_in(tmp_path)
    content = file(scene((200, 60, 140), (120, 420, 200)))
    with serving(tmp_path / "log", ALI_CHECKPOINTS=str(root)) as address:
        context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{address}/reconstruct?source=Upload")
        page.get_by_text("What it remembers").wait_for()
        page.locator('input[type="file"]').set_input_files(
            {"name": "two.png", "mimeType": "image/png", "buffer": content}
        )
        page.get_by_text("Your picture", exact=True).wait_for()
        settle(page)
        root_of, canvas = page.locator(".root[data-box]"), page.locator(".root[data-box] canvas")

        def box() -> list[int]:
            return [int(value) for value in root_of.get_attribute("data-box").split(",")]

        def at(x: float, y: float) -> dict:
            """A place of the picture, 640 x 480, on the canvas, which has 7 % of margin."""
            scale = (280 - 2 * 20) / 640
            return {"x": 20 + x * scale, "y": 20 + y * scale}

        def seen(words: str) -> None:
            page.get_by_text(words).first.wait_for()

        largest = box()
        assert abs(largest[0] + largest[2] / 2 - 160) < 30
        canvas.scroll_into_view_if_needed()
        canvas.tap(position=at(480, 260))
        page.locator(f'.root[data-box]:not([data-box^="{largest[0]},"])').wait_for()
        other = box()
        assert abs(other[0] + other[2] / 2 - 480) < 20 and other[2] < largest[2]
        seen(f"Took the part in the box, {other[2]} × {other[3]} of 640 × 480 pixels.")

        place = canvas.bounding_box()
        middle = at(other[0] + other[2] / 2, other[1] + other[3] / 2)
        page.mouse.move(place["x"] + middle["x"], place["y"] + middle["y"])
        page.mouse.down()
        page.mouse.move(place["x"] + middle["x"] - 30, place["y"] + middle["y"] - 15, steps=3)
        page.mouse.up()
        moved = box()
        assert moved[0] == pytest.approx(other[0] - 80, abs=4) and moved[1] == pytest.approx(other[1] - 40, abs=4)
        assert moved[2:] == other[2:]

        page.locator(".root[data-box] .handle").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Shift+ArrowUp")
        smaller = box()
        assert smaller[2] < moved[2] and smaller[0] > moved[0]
        seen(f"Took the part in the box, {smaller[2]} × {smaller[3]} of 640 × 480 pixels.")

        page.get_by_role("button", name="Whole picture").click()
        page.get_by_text(re.compile("Cropped to the middle")).wait_for()
        assert root_of.get_attribute("data-box") == ""
        page.get_by_role("button", name="Frame the face").click()
        seen(f"Took the part in the box, {smaller[2]} × {smaller[3]} of 640 × 480 pixels.")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.locator('[data-testid="stException"]').count() == 0
        context.close()
