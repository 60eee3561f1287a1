"""A path of pictures that is scrubbed in the browser: the film strip is the slider, nothing goes to the server."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from app.components.parcel import STYLE, pack, script

STAGE, PHONE, REST, GAP = 290, 224, 200, 16  # pixels: the pictures, on a phone, what is under them

_scrub = st.components.v2.component(
    "ali_scrub",
    html="""
<div class="root" data-frame="">
  <div class="stage">
    <canvas class="end" role="img"></canvas>
    <canvas class="large" role="img"></canvas>
    <canvas class="end" role="img"></canvas>
  </div>
  <p class="note"></p>
  <p class="legend" aria-hidden="true"></p>
  <canvas class="bars" aria-hidden="true"></canvas>
  <div class="handle strip" role="slider" tabindex="0" aria-label="Frame of the path">
    <canvas class="film"></canvas><div class="here"><canvas class="thumb"></canvas></div>
  </div>
  <div class="buttons">
    <button class="play" type="button" title="Space"></button>
    <button class="keep" type="button">To the tray</button>
  </div>
</div>""",
    css=STYLE
    + f"""
.root {{ height: {STAGE + REST}px; }}
.stage {{ height: {STAGE}px; gap: {GAP}px; }}
@media (max-width: 640px) {{ .root {{ height: {PHONE + REST}px; }} .stage {{ height: {PHONE}px; }} }}
"""
    + """
.end { border: 1px solid #888; }
.note { height: 1.9em; }
.legend { margin: 0; height: 1.5em; text-align: center; font-size: 0.75rem; opacity: 0.7; }
.bars { margin: 0 auto; }
.strip { height: 68px; margin: 0 auto 4px; display: flex; align-items: center; justify-content: center; }
.here {
  position: absolute; left: 0; border-radius: 3px; pointer-events: none;
  border: 2px solid var(--st-primary-color); box-shadow: 0 0 0 2px var(--st-background-color);
}
.buttons { display: flex; justify-content: center; gap: 8px; }
.play { min-width: 6em; }
""",
    js=script("scrub.js"),
)


def scrub(
    frames: np.ndarray,
    ends: np.ndarray,
    says: list[str],
    notes: list[str],
    near: np.ndarray,
    real: str,
    key: str,
    kept: Callable[[int], None],
) -> None:
    """Shows a path of pictures, uint8 (n, h, w, c), with a sentence and a count for each.

    Its two `ends`, (2, h, w, c), are what the path goes between, and `says` what they are; `real` is the
    word for what is counted.
    `kept` is called with the number of a frame that the reader keeps. While the reader scrubs, the
    window hears CustomEvents "ali-frame" with {key, frame}, and nothing is sent to the server.
    """
    _scrub(
        key=key,
        data=pack(
            np.concatenate([frames, ends])[None],
            says=says,
            notes=notes,
            near=near.tolist(),
            legend=f"{real} pictures near each frame",
            key=key,
            gap=GAP,
        ),
        height="content",
        on_keep_change=lambda: kept(int(st.session_state[key].keep)),
    )
