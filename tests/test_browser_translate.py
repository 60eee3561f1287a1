"""Translate in a real browser.   python -m pytest tests/test_browser_translate.py"""

import io
import re
import zipfile

import numpy as np
import pytest
from PIL import Image

from ali_core.models.model import Model, to_bytes
from app import bridge

from .conftest import serving, settle
from .test_browser_reconstruct import centre, greys

OUTLINE = [(9, 4), (5, 10), (9, 10), (9, 24), (19, 24), (19, 10), (23, 10), (19, 4), (9, 4)]
TRANSLATED, BACK, SEEN = "translated into", "translated back to", "what the model sees"


@pytest.fixture(scope="module")
def address(translators, tmp_path_factory):
    """The app with tiny translators."""
    log = tmp_path_factory.mktemp("server") / "server.log"
    with serving(log, ALI_CHECKPOINTS=str(translators)) as base:
        yield base


@pytest.fixture(scope="module")
def model(translators) -> Model:
    return Model.load(translators / "squares")


def translated(model: Model, x: np.ndarray, back: bool = False) -> np.ndarray:
    """A grey picture (28, 28) in the other domain, as the page shows it."""
    return to_bytes(model.translate(x[None, ..., None].astype(np.uint8), back))[0, ..., 0]


def visit(page, link: str) -> None:
    page.goto(link)
    page.get_by_alt_text(TRANSLATED).first.wait_for()
    settle(page)


def canvas(page) -> dict:
    """The canvas, where it stands now."""
    paper = page.get_by_role("application", name="Canvas to draw on")
    paper.wait_for()
    paper.evaluate("e => e.scrollIntoView({ block: 'center' })")
    page.wait_for_timeout(300)
    return paper.locator("canvas").bounding_box()


def stroke(page, *points: tuple[int, int]) -> None:
    box = canvas(page)
    page.mouse.move(*centre(box, *points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*centre(box, *point), steps=3)
    page.mouse.up()


def ink(page, count: int) -> None:
    page.locator(f'.root[data-ink="{count}"]').wait_for()


def drawn(page, model: Model, drawing: np.ndarray) -> None:
    """Waits until the page shows what the model makes of a drawing."""
    expected, deadline = translated(model, drawing), 40
    while (shown := greys(page, TRANSLATED)).tolist() != expected.tolist() and deadline:
        page.wait_for_timeout(250)
        deadline -= 1
    np.testing.assert_array_equal(shown, expected)


def test_an_upload_is_translated_and_a_switch_of_direction_turns_it_round(address, page, model):
    visit(page, f"{address}/translate?checkpoint=squares&from=Upload")
    x = np.zeros((28, 28), np.uint8)
    x[6:18, 5:20] = 200
    content = io.BytesIO()
    Image.fromarray(x).save(content, "png")
    page.locator('input[type="file"]').first.set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": content.getvalue()}
    )
    page.get_by_text("Your picture", exact=True).wait_for()
    settle(page)
    np.testing.assert_array_equal(greys(page, SEEN), x)
    there = greys(page, TRANSLATED)
    np.testing.assert_array_equal(there, translated(model, x))
    page.get_by_role("radio", name="frames → squares").click()
    page.get_by_alt_text("translated into squares").wait_for()
    settle(page)
    assert "way=back" in page.url and "mine" not in page.url
    seen = greys(page, SEEN)
    np.testing.assert_array_equal(greys(page, TRANSLATED), translated(model, seen, back=True))
    assert (greys(page, TRANSLATED) != there).any()
    page.go_back()
    page.get_by_alt_text("translated into frames").wait_for()
    assert page.locator('[data-testid="stException"]').count() == 0


def test_a_drawing_is_translated_undone_and_cleared(address, page, model, translators):
    visit(page, f"{address}/translate?checkpoint=squares&from=Draw&no=3")
    ink(page, 0)
    assert page.get_by_role("button", name="Undo", exact=True).is_disabled()
    stroke(page, (5, 5), (20, 5), (20, 20))
    drawing = np.zeros((28, 28), np.uint8)
    drawing[5:7, 5:22] = drawing[5:22, 20:22] = 255
    ink(page, int((drawing > 0).sum()))
    drawn(page, model, drawing)
    page.get_by_role("radio", name="Eraser").click()
    stroke(page, (20, 12), (20, 14))
    erased = drawing.copy()
    erased[12:16, 20:22] = 0
    ink(page, int((erased > 0).sum()))
    drawn(page, model, erased)
    page.get_by_role("button", name="Undo", exact=True).click()
    drawn(page, model, drawing)
    page.get_by_role("button", name="Start from no. 3").click()
    with Image.open(translators / "squares" / "gallery.png") as gallery:
        drawn(page, model, np.asarray(gallery)[:28, 3 * 28 : 4 * 28])
    page.get_by_role("button", name="Clear").click()
    ink(page, 0)
    page.get_by_text("Nothing is drawn yet").wait_for()
    assert "from=Draw" in page.url and len(page.url) < 120


def test_keys_alone_draw(address, page, model):
    visit(page, f"{address}/translate?checkpoint=squares&from=Draw")
    ink(page, 0)
    paper = page.get_by_role("application", name="Canvas to draw on")
    for key in ("ArrowRight", "Enter", "Shift+ArrowRight", "Shift+ArrowRight", "ArrowDown"):
        paper.press(key)
    drawing = np.zeros((28, 28), np.uint8)
    drawing[14:16, 14:18] = 255
    ink(page, 8)
    drawn(page, model, drawing)
    paper.press("Control+z")
    ink(page, 6)
    page.get_by_role("button", name="Clear").press("Enter")
    ink(page, 0)


def test_a_finger_draws_on_a_phone_and_nothing_is_wider_than_it(address, browser, model):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    try:
        page = context.new_page()
        page.set_default_timeout(120_000)
        visit(page, f"{address}/translate?checkpoint=squares&from=Draw")
        box, finger = canvas(page), context.new_cdp_session(page)

        def touch(kind: str, *at: int) -> None:
            points = [dict(zip("xy", centre(box, *at), strict=True))] if at else []
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", 10, 6)
        for row in range(7, 22, 2):
            touch("touchMove", 10, row)
        touch("touchEnd")
        drawing = np.zeros((28, 28), np.uint8)
        drawing[6:23, 10:12] = 255
        ink(page, int((drawing > 0).sum()))
        drawn(page, model, drawing)
        assert canvas(page)["y"] == pytest.approx(box["y"], abs=2), "drawing does not scroll"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        context.close()


def test_a_zip_goes_in_and_a_zip_comes_out(address, page, model, translators):
    visit(page, f"{address}/translate?checkpoint=squares&way=back")
    x = np.zeros((28, 28), np.uint8)
    x[4:20, 8] = x[4:20, 19] = x[4, 8:20] = x[19, 8:20] = 255
    picture, content = io.BytesIO(), io.BytesIO()
    Image.fromarray(x).save(picture, "png")
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("a/good.png", picture.getvalue())
        file.writestr("a/bad.png", b"bad")
    page.locator('input[type="file"]').last.set_input_files(
        {"name": "all.zip", "mimeType": "application/zip", "buffer": content.getvalue()}
    )
    page.get_by_role("button", name="Translate 1 file").click()
    page.get_by_text("1 translated.").wait_for()
    assert "bad.png" in page.locator('[data-testid="stAlert"]').first.inner_text()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="All 1 (ZIP)").click()
    with zipfile.ZipFile(waiting.value.path()) as file:
        assert file.namelist() == ["a/good.png"]
        written = np.asarray(Image.open(io.BytesIO(file.read("a/good.png"))))
    np.testing.assert_array_equal(written, np.concatenate([x, translated(model, x, True)], 1))


def test_each_kind_of_page_keeps_its_checkpoint_and_links_lead_to_the_right_one(address, page):
    page.goto(f"{address}/model?checkpoint=mnist-conditional")
    page.get_by_text("What it makes up").wait_for()
    settle(page)
    page.get_by_role("link", name="Translate").click()
    page.wait_for_url(re.compile(r"/translate\?checkpoint=colours$"))
    page.get_by_alt_text(TRANSLATED).first.wait_for()
    settle(page)
    assert page.locator('[data-testid="stAlert"]').count() == 0
    page.get_by_role("link", name="Model").click()
    page.wait_for_url(re.compile(r"/model\?checkpoint=mnist-conditional$"))
    page.goto(f"{address}/model?checkpoint=squares")
    page.get_by_text("squares translates between two kinds").wait_for()
    page.get_by_role("link", name="squares on Translate").click()
    page.wait_for_url(re.compile(r"/translate\?checkpoint=squares$"))
    page.get_by_alt_text("translated into frames").wait_for()


@pytest.mark.parametrize("name", [n for n in bridge.checkpoints.translators() if n == "edges-fashion"])
def test_drawn_edges_become_a_garment(server, page, name):
    """The outline of a shirt is filled: dark between its lines before, bright after."""
    visit(page, f"{server}/translate?checkpoint={name}&from=Draw")
    ink(page, 0)
    empty = greys(page, TRANSLATED)
    stroke(page, *OUTLINE)
    page.get_by_text("Your drawing.", exact=True).wait_for()
    settle(page)
    page.wait_for_timeout(1000)
    garment = greys(page, TRANSLATED)
    inside, outside = garment[10:22, 12:18], garment[16:24, 1:5]
    assert inside.mean() > 60 > 30 > outside.mean() and (garment != empty).any()
