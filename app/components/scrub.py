"""A path of pictures that is scrubbed in the browser: the film strip is the slider, nothing goes to the server."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from app.components.parcel import STYLE, Codes, pack, script

STAGE, PHONE, REST, GAP = 290, 224, 200, 16  # pixels: the pictures, on a phone, what is under them

HTML = """
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
</div>"""
CSS = (
    STYLE
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
"""
)
_scrub = st.components.v2.component("ali_scrub", html=HTML, css=CSS, js=script("continuous.js", "scrub.js"))


def scrub(
    frames: np.ndarray | None,
    codes: Codes,
    ends: list[np.ndarray | int],
    says: list[str],
    notes: list[str],
    near: np.ndarray,
    real: str,
    key: str,
    kept: Callable[[float], None],
) -> None:
    """Shows a path of pictures, uint8 (n, h, w, c), with a sentence and a count for each; None: the tab makes them of
    `codes`, and those between them too.

    Its two `ends` are what the path goes between, uint8 (h, w, c) or numbers of frames, and `says` what they are; `real` is
    the word for what is counted.
    `kept` is called with where on the path the reader keeps a picture, in frames from 0. While the reader scrubs, the
    window hears CustomEvents "ali-frame" with {key, frame}, and nothing is sent to the server.
    """
    given = [end for end in ends if not isinstance(end, int)]
    shown = [*(() if frames is None else frames), *(given or [codes.blank] * (frames is None))]
    at = iter(range(len(codes.z), len(codes.z) + 2))
    _scrub(
        key=key,
        data=pack(
            np.stack(shown)[None],
            **codes.entries(in_tab=frames is None),
            ends=[end if isinstance(end, int) else next(at) for end in ends],
            says=says,
            notes=notes,
            near=near.tolist(),
            legend=f"{real} pictures near each frame",
            key=key,
            gap=GAP,
        ),
        height="content",
        on_keep_change=lambda: kept(min(max(float(st.session_state[key].keep), 0.0), len(codes.z) - 1.0)),
        on_engine_change=lambda: codes.heard(str(st.session_state[key].engine)),
    )
