"""Many small pictures on one lossless sheet."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ali_core.files import write_beside

MOST_PIXELS = 10_000 * 64 * 64  # of a sheet: what a map has at most, unless it is asked for more


def grid(pictures: np.ndarray, columns: int, scale: int = 1) -> Image.Image:
    """Tiles uint8 pictures (n, h, w, c) row by row without gaps; `scale` repeats pixels.

    Tile i stands at column i % columns, row i // columns; what is left over is black.
    """
    n, h, w, c = pictures.shape
    rows = -(-n // columns)
    tiles = np.zeros((rows * columns, h, w, c), np.uint8)
    tiles[:n] = pictures
    sheet = tiles.reshape(rows, columns, h, w, c).swapaxes(1, 2).reshape(rows * h, columns * w, c)
    sheet = sheet.repeat(scale, 0).repeat(scale, 1)
    return Image.fromarray(sheet[..., 0] if c == 1 else sheet)


def cut(sheet: Image.Image, n: int, h: int, w: int) -> np.ndarray:
    """The first n pictures of a sheet made by `grid` at scale 1. -> uint8 (n, h, w, c)

    Raises ValueError, before anything is decoded, for a sheet that is of another size or too large.
    """
    columns, rows = max(1, sheet.width // max(1, w)), max(1, sheet.height // max(1, h))
    fits = sheet.size == (columns * w, rows * h) and 0 <= columns * rows - n < columns
    if not fits or sheet.mode not in ("L", "RGB") or sheet.width * sheet.height > MOST_PIXELS:
        raise ValueError(f"it has {sheet.width} x {sheet.height} pixels ({sheet.mode}), not {n} pictures of {w} x {h}")
    pixels = np.asarray(sheet)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    tiles = pixels.reshape(rows, h, columns, w, -1).swapaxes(1, 2)
    return tiles.reshape(rows * columns, h, w, -1)[:n]


def png(picture: Image.Image) -> bytes:
    """A picture as a PNG file's bytes."""
    content = io.BytesIO()
    picture.save(content, "png", optimize=True)
    return content.getvalue()


def write_png(path: Path, picture: Image.Image) -> None:
    """Writes a PNG beside `path` and renames it."""
    write_beside(path, png(picture))
