"""A box over the reader's picture: mouse, touch or keys move it; the server hears of it where it comes to rest."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import streamlit as st
from PIL import Image

from app.components.hole import PAPER, SIDE
from app.components.parcel import STYLE, pack, script

Box = tuple[int, int, int, int]  # left, top, width, height in pixels of the picture

_frame = st.components.v2.component(
    "ali_frame",
    html="""
<div class="root" data-box="">
  <div class="handle paper" role="application" tabindex="0"><canvas></canvas></div>
  <div class="tools">
    <button type="button" class="next" title="Take the next face" hidden></button>
    <button type="button" class="whole"></button>
  </div>
  <p class="note" aria-live="polite"></p>
</div>""",
    css=STYLE
    + PAPER
    + """
.paper, .paper:active { width: auto; min-height: 0; cursor: move; }
.paper canvas { border: 0; }
""",
    js=script("frame.js"),
)


def frame(
    picture: Image.Image,
    size: tuple[int, int],
    faces: tuple[Box, ...],
    box: Box | None,
    aspect: float,
    of: str,
    key: str,
    moved: Callable[[Box | Literal["whole"]], None],
) -> None:
    """Shows a picture, small, that has `size`, with a frame for each face in it and the box, None for none.

    aspect: a box's width by its height. of: another picture has another; `moved` is called with the box, or "whole"
    where it was switched off.
    """
    ground = Image.new("RGBA", picture.size, "white")
    small = Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")
    small.thumbnail((2 * SIDE, 2 * SIDE))  # sharp on fine screens
    pixels = np.asarray(small)

    def heard() -> None:
        if sent := unpacked(st.session_state[key].box, of, size):
            moved(sent)

    about = {"width": size[0], "height": size[1], "faces": faces, "box": box, "of": of, "aspect": aspect, "side": SIDE}
    _frame(key=key, data=pack(pixels[None, None], **about), height="content", on_box_change=heard)


def unpacked(sent: object, of: str, size: tuple[int, int]) -> Box | Literal["whole"] | None:
    """The browser's box, or "whole" for the whole picture; None for what is neither, or of another picture."""
    if not isinstance(sent, dict) or sent.get("of") != of or "box" not in sent:
        return None
    box = sent["box"]
    if box is None:
        return "whole"
    if not (isinstance(box, list) and len(box) == 4 and all(type(value) is int for value in box)):
        return None
    ends = list(zip(box[:2], box[2:], size, strict=True))
    inside = all(start < side and start + long > 0 and 0 < long <= 4 * max(size) for start, long, side in ends)
    return tuple(box) if inside else None
