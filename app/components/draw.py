"""A canvas to draw on: pen, eraser or keys; the server hears of the drawing when the pointer is released."""

import base64
from collections.abc import Callable

import numpy as np
import streamlit as st

from app.components.hole import PAPER, SIDE
from app.components.parcel import STYLE, from_base64, pack, script

_draw = st.components.v2.component(
    "ali_draw",
    html="""
<div class="root" data-ink="">
  <div class="tools" role="radiogroup" aria-label="Tool">
    <button type="button" role="radio" data-tool="pen">Pen</button>
    <button type="button" role="radio" data-tool="eraser">Eraser</button>
    <select class="size" aria-label="Width of the line, in pixels of the picture" title="Width of the line">
      <option value="1">1 px</option><option value="2">2 px</option>
      <option value="3">3 px</option><option value="5">5 px</option>
    </select>
  </div>
  <div class="handle paper" role="application" tabindex="0"><canvas></canvas></div>
  <div class="tools">
    <button type="button" class="undo">Undo</button>
    <button type="button" class="clear">Clear</button>
    <button type="button" class="start"></button>
  </div>
  <p class="note" aria-live="polite"></p>
</div>""",
    css=STYLE + PAPER,
    js=script("draw.js"),
)


def draw(
    drawing: np.ndarray,
    ground: int,
    start: np.ndarray | None,
    says: str,
    key: str,
    drawn: Callable[[np.ndarray], None],
) -> None:
    """Shows a drawing uint8 (h, w, 1) to go on with; the line is as far from `ground`, 0 or 255, as can be.

    `start` is a picture to draw over, which the button called `says` brings; None for none. `drawn` is
    called with the drawing when a stroke ends.
    """
    words = base64.b64encode(drawing.tobytes()).decode()

    def heard() -> None:
        if (new := unpacked(st.session_state[key].drawing, drawing.shape)) is not None:
            drawn(new)

    sheet = pack(
        (drawing if start is None else start)[None, None],
        drawing=words,
        ground=ground,
        says=says if start is not None else "",
        side=SIDE,
    )
    _draw(key=key, data=sheet, height="content", on_drawing_change=heard)


def unpacked(text: object, shape: tuple[int, ...]) -> np.ndarray | None:
    """The browser's drawing, uint8 of this shape; None for what is none."""
    content = from_base64(text, int(np.prod(shape)))
    return None if content is None else np.frombuffer(content, np.uint8).reshape(shape)
