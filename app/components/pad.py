"""A square between four pictures: move the crosshair, see the blend; the server hears of it on release only."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from app.components.parcel import STYLE, Codes, pack, script

SIDE = 290

HTML = """
<div class="root" data-cell="">
  <div class="stage">
    <div class="handle square" role="application" tabindex="0"
         aria-label="Pad between four pictures: the arrow keys move the crosshair, Home and End go to corners">
      <canvas></canvas><div class="across"></div><div class="down"></div><div class="here"></div>
    </div>
    <div class="blend"><canvas class="large" role="img"></canvas></div>
  </div>
  <p class="note" aria-live="polite"></p>
</div>"""
CSS = (
    STYLE
    + f"""
.stage {{ flex-wrap: wrap; gap: 20px; min-height: {SIDE}px; }}
.blend {{ display: flex; align-items: center; justify-content: center; flex: 1 1 200px; max-width: {SIDE}px; height: {SIDE}px; }}
.square {{ border: 1px solid #888; }}
"""
    + """
.across, .down { position: absolute; background: var(--st-primary-color); opacity: 0.55; pointer-events: none; }
.across { left: 0; width: 100%; top: 0; height: 1px; }
.down { top: 0; height: 100%; left: 0; width: 1px; }
.here { position: absolute; left: 0; top: 0; border: 2px solid var(--st-primary-color); pointer-events: none; }

@media (max-width: 640px) { .stage { flex-direction: column-reverse; gap: 10px; }
  .blend { flex: none; width: 100%; height: 230px; } }
"""
)
_pad = st.components.v2.component("ali_pad", html=HTML, css=CSS, js=script("continuous.js", "pad.js"))


def pad(
    frames: np.ndarray | None,
    codes: Codes,
    notes: list[str],
    cell: tuple[int, int],
    key: str,
    moved: Callable[[tuple[int, int]], None],
) -> None:
    """Shows the blends between four pictures, uint8 (n, n, h, w, c), row first, a sentence for each of n*n; None: the tab
    makes them of `codes`, (n * n, d), and those between them too.

    The crosshair stands at `cell`, (row, column); `moved` is called with the cell where it comes to rest.
    """
    _pad(
        key=key,
        data=pack(
            codes.blank[None, None] if frames is None else frames,
            **codes.entries(in_tab=frames is None),
            n=int(len(notes) ** 0.5),
            notes=notes,
            cell=cell,
        ),
        on_engine_change=lambda: codes.heard(str(st.session_state[key].engine)),
        on_cell_change=lambda: moved(tuple(int(number) for number in st.session_state[key].cell)),
    )
