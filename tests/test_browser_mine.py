"""The reader's own pictures in a real browser: a folder that the explorer was started with, then a zip."""

import re
import tempfile
from pathlib import Path

import numpy as np

from tests.conftest import serving, settle
from tests.test_own_map import held, png, written, zipped

NAME = "fashion-vae"
FIRST = """() => window.aliSheet?.then((sheet) => {
    const canvas = new OffscreenCanvas(28, 28), pen = canvas.getContext('2d')
    pen.drawImage(sheet, 28, 0, 28, 28, 0, 0, 28, 28)
    return Array.from(pen.getImageData(0, 0, 28, 28).data).filter((_, i) => i % 4 == 0) })"""


def mapped(page, words: str) -> None:
    """Waits until the map of these pictures listens and its sheet is there."""
    page.get_by_text(words).wait_for()
    page.wait_for_selector(".js-plotly-plot[data-ali]")
    page.wait_for_function("() => window.aliSheet?.then(() => true)")
    settle(page)


def test_a_folder_and_then_a_zip_are_mapped_hovered_clicked_and_gone_elsewhere(page, browser, tmp_path):
    page.set_default_timeout(300_000)  # UMAP compiles itself
    x = held(Path("checkpoints") / NAME)[:60]
    album = written(tmp_path / "album", {f"{i:02}.png": png(x[i]) for i in range(30)})
    zipfile = zipped({f"{'ab'[i % 2]}/{i:02}.png": png(x[i]) for i in range(30, 60)} | {"a/no.jpg": b"text"})
    before = set(Path(tempfile.gettempdir()).glob("ali-pictures-*"))
    words = ("ali_core", "explore", "--pictures", str(album), "--server.headless", "true")
    with serving(tmp_path / "log", *words) as address:
        page.goto(f"{address}/?checkpoint={NAME}")
        page.get_by_role("button", name="Cancel").wait_for()
        mapped(page, "30 pictures of album")
        assert page.evaluate(FIRST) == x[1].ravel().tolist()
        # a zip takes its place
        page.get_by_role("button", name="Other pictures").click()
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
            {"name": "more.zip", "mimeType": "application/zip", "buffer": zipfile}
        )
        page.get_by_role("button", name=re.compile("^Map 1 file")).click()
        mapped(page, "30 pictures of more.zip")
        assert page.evaluate(FIRST) == x[32].ravel().tolist()  # a/32 after a/30
        page.get_by_role("button", name="1 unreadable").click()
        page.get_by_text("“a/no.jpg” is not a picture").wait_for()
        page.keyboard.press("Escape")
        # one of its points
        chart = page.locator(".js-plotly-plot")
        chart.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(".ali-card", state="visible")
        number = int(page.locator(".ali-card").get_attribute("data-id"))
        page.keyboard.press("Enter")
        page.get_by_text(f"no. {number};").first.wait_for()
        assert f"picks={number}" in page.url
        # Decode knows this map's codes
        with page.expect_response(re.compile("codes.bin")) as codes:
            page.get_by_role("button", name="Decode", exact=True).click()
        assert codes.value.status == 200 and re.search(rf"{NAME}(/|%2F)[\w-]+/codes\.bin", codes.value.url)
        assert np.frombuffer(codes.value.body()[:4], "<u4")[0] > 0
        # the same link in another tab: the zip is not there, the server's folder is
        link, other = page.url, browser.new_context()
        tab = other.new_page()
        tab.goto(link)
        tab.get_by_text("30 pictures of album").wait_for(timeout=120_000)
        assert tab.get_by_text("more.zip").count() == 0
        other.close()
        kept = set(Path(tempfile.gettempdir()).glob("ali-pictures-*")) - before
        assert len(kept) == 2  # the folder's maps and the zip's
    assert not any(path.exists() for path in kept)
