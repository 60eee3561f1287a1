"""Pictures on their way into the browser: one PNG sheet and what is said about it, in one piece of bytes."""

import base64
import binascii
import io
import json
import struct
from pathlib import Path

import numpy as np
from PIL import Image

STYLE = (Path(__file__).parent / "parcel.css").read_text(encoding="utf-8")


def pack(frames: np.ndarray, **about) -> bytes:
    """Pictures uint8 (rows, columns, h, w, c) with JSON entries about them: length, JSON, PNG sheet."""
    rows, columns, h, w, c = frames.shape
    sheet = frames.swapaxes(1, 2).reshape(rows * h, columns * w, c)
    png = io.BytesIO()
    Image.fromarray(sheet[..., 0] if c == 1 else sheet).save(
        png, "png", compress_level=1
    )  # the reader waits: a quarter of the time
    words = json.dumps({"h": h, "w": w, **about}, ensure_ascii=False).encode()
    return struct.pack("<I", len(words)) + words + png.getvalue()


def told(text: object, length: int) -> bytes | None:
    """The browser's base64 as bytes, `length` of them; None for anything else."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return None
    return content if len(content) == length else None


def script(*names: str) -> str:
    """The JavaScript of a component, after what all of them share."""
    here = Path(__file__).parent
    return "\n".join((here / file).read_text(encoding="utf-8") for file in ("parcel.js", *names))
