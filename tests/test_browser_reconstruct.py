"""Reconstruct in a real browser.   python -m pytest tests/test_browser_reconstruct.py"""

import io

import numpy as np
from PIL import Image

from .conftest import settle


def test_an_upload_is_reconstructed(server, page):
    """A drawn pair of trousers, dark on white, comes back as a picture, with its numbers."""
    page.goto(f"{server}/reconstruct?source=Upload")
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


def test_a_file_that_is_no_picture_gets_a_sentence(server, page):
    page.goto(f"{server}/reconstruct?source=Upload")
    page.get_by_text("What it remembers").wait_for()
    page.locator('input[type="file"]').set_input_files(
        {"name": "no.png", "mimeType": "image/png", "buffer": b"no"}
    )
    page.locator('[data-testid="stAlert"]').wait_for()
    assert "no.png" in page.locator('[data-testid="stAlert"]').inner_text()
