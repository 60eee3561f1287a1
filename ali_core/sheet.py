"""Many small pictures on one lossless sheet."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from .problem import write_beside


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
    """The first n pictures of a sheet made by `grid` at scale 1. -> uint8 (n, h, w, c)"""
    pixels = np.asarray(sheet)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    rows, columns = pixels.shape[0] // h, pixels.shape[1] // w
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
