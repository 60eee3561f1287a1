"""A path of pictures that is scrubbed in the browser: the film strip is the slider, nothing goes to the server."""

import numpy as np
import streamlit as st

from app.components.parcel import STYLE, pack, script

STAGE = 290

_scrub = st.components.v2.component(
    "ali_scrub",
    html="""
<div class="root" data-frame="">
  <div class="stage"><canvas class="large" role="img"></canvas></div>
  <p class="note"></p>
  <div class="handle strip" role="slider" tabindex="0" aria-label="Frame of the path">
    <canvas></canvas><div class="here"></div>
  </div>
  <div class="buttons">
    <button class="play" type="button" title="Space"></button>
    <button class="keep" type="button">Keep this frame</button>
  </div>
</div>""",
    css=STYLE
    + f".stage {{ height: {STAGE}px; }}"
    + """
.strip { height: 72px; margin: 0 auto 4px; display: flex; align-items: center; justify-content: center; }
.here {
  position: absolute; left: 0; border-radius: 3px; pointer-events: none;
  border: 2px solid var(--st-primary-color); box-shadow: 0 0 0 2px var(--st-background-color);
}
.buttons { display: flex; justify-content: center; gap: 8px; }
.play { min-width: 6em; }
""",
    js=script("scrub.js"),
)


def scrub(frames: np.ndarray, notes: list[str], key: str) -> dict:
    """Shows a path of pictures, uint8 (n, h, w, c), with a sentence for each.

    -> {"keep": number of the frame that was just kept, or None}. While the reader scrubs, the window
    hears CustomEvents "ali-frame" with {key, frame}, and nothing is sent to the server.
    """
    result = _scrub(
        key=key,
        data=pack(frames[None], notes=notes, key=key),
        height=STAGE + 162,
        on_keep_change=lambda: None,
    )
    return {"keep": result.keep}
