"""A picture to paint a hole into: brush, box or keys; the server hears of the hole when the pointer is released."""

import base64
from collections.abc import Callable

import numpy as np
import streamlit as st

from app.components.parcel import STYLE, from_base64, pack, script

SIDE = 280  # pixels of the canvas: 28 and 56 are scaled by whole factors, 64 by four

# what papers look like: a canvas between two rows of tools
PAPER = (
    f"""
.root {{ max-width: {SIDE + 2}px; }}
.paper {{ width: {SIDE + 2}px; min-height: {SIDE + 2}px; cursor: crosshair; }}
"""
    + """
.paper:active { cursor: crosshair; }
.paper canvas { border: 1px solid #888; }
.tools { display: flex; gap: 4px; margin-bottom: 6px; }
.paper + .tools { margin: 6px 0 0; }
.tools button, .size { padding: 0 10px; flex: 1 1 auto; white-space: nowrap; }
.size {
  font: inherit; color: inherit; background: var(--st-background-color); flex: none; width: 5.2em;
  border: 1px solid var(--st-border-color, #888); border-radius: var(--st-button-radius, 6px);
}
[aria-checked="true"] { border-color: var(--st-primary-color); color: var(--st-primary-color); font-weight: 600; }
button:disabled { opacity: 0.5; cursor: default; }
.note { text-align: left; font-size: 0.8rem; opacity: 0.8; height: 4.3em; }
@media (pointer: coarse) { .tools button, .size { min-height: 44px; } }
"""
)

_hole = st.components.v2.component(
    "ali_hole",
    html="""
<div class="root" data-hole="">
  <div class="tools" role="radiogroup" aria-label="Tool">
    <button type="button" role="radio" data-tool="brush">Brush</button>
    <button type="button" role="radio" data-tool="box">Box</button>
    <button type="button" role="radio" data-tool="erase">Erase</button>
    <select class="size" aria-label="Size of the brush, in pixels of the picture" title="Size of the brush">
      <option value="1">1 px</option><option value="3">3 px</option>
      <option value="5">5 px</option><option value="8">8 px</option>
    </select>
  </div>
  <div class="handle paper" role="application" tabindex="0"><canvas></canvas></div>
  <div class="tools">
    <button type="button" class="clear">Clear</button>
    <button type="button" class="middle">Box in the middle</button>
  </div>
  <p class="note" aria-live="polite"></p>
</div>""",
    css=STYLE + PAPER,
    js=script("hole.js"),
)


def paint(
    x: np.ndarray,
    hole: np.ndarray,
    start: tuple[int, int, int, int],
    key: str,
    painted: Callable[[np.ndarray], None],
) -> None:
    """Shows a picture uint8 (h, w, c) with its hole, boolean (h, w), to paint.

    `start` (left, top, width, height) is the box that the button brings back. `painted` is called with
    the hole when a stroke ends.
    """
    bits = base64.b64encode(np.packbits(hole).tobytes()).decode()

    def heard() -> None:
        if (new := unpacked(st.session_state[key].hole, hole.shape)) is not None:
            painted(new)

    _hole(
        key=key,
        data=pack(x[None, None], hole=bits, start=start, side=SIDE),
        height="content",
        on_hole_change=heard,
    )


def unpacked(text: object, shape: tuple[int, int]) -> np.ndarray | None:
    """The browser's hole, boolean (h, w); None for what is none."""
    pixels = shape[0] * shape[1]
    content = from_base64(text, -(-pixels // 8))
    if content is None:
        return None
    bits = np.unpackbits(np.frombuffer(content, np.uint8))
    return bits[:pixels].reshape(shape).astype(bool)
