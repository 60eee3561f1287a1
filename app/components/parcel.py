"""Pictures on their way into the browser: one PNG sheet and what is said about it, in one piece of bytes."""

import base64
import binascii
import io
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Codes:
    """Codes (n, d) that a tab may decode itself: by the networks of `name`, as classes `ys` (one tuple each) or None.

    heard: called with "ready" when the tab could, or with "off: why" when it cannot. shape: of the pictures.
    """

    name: str
    z: np.ndarray
    ys: list[tuple[int, ...]] | None
    shape: tuple[int, int, int]
    heard: Callable[[str], None]

    @property
    def blank(self) -> np.ndarray:
        return np.zeros(self.shape, np.uint8)

    def entries(self, in_tab: bool) -> dict:
        """What a parcel says of them; the codes themselves where the tab makes the pictures."""
        if not self.name or not in_tab:
            return {"engine": self.name}
        sent = base64.b64encode(self.z.astype("<f4").tobytes()).decode()
        return {"engine": self.name, "codes": sent, "ys": self.ys}


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


def from_base64(text: object, length: int) -> bytes | None:
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
