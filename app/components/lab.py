"""Models in the plane: what they are at every step, recorded or live; the browser fetches the frames itself."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app.components.parcel import STYLE, script

LAYERS = ("x", "x_tilde", "x_rec", "lattice", "z_hat", "z", "ellipse", "belief", "pull", "classes")
VIEW = {"layers": ["x", "x_tilde", "z_hat", "z", "belief"], "x": 4, "z": 4, "slow": 0}

_PANELS = """<figure><figcaption>{}</figcaption>
<canvas class="space" data-space="{}" role="img" tabindex="0"></canvas></figure>"""
HTML = f"""
<div class="root" tabindex="0" data-step="">
  <div class="layers" role="group" aria-label="Layers"></div>
  <div class="rows"></div>
  <template><section class="row">
    {_PANELS.format("Data space x", "x")}{_PANELS.format("Latent space z", "z")}
    <div class="aside"><p class="title"></p><canvas class="lines" aria-hidden="true"></canvas>
      <p class="key"><b style="color:#CC79A7">━ D</b> <b style="color:#D55E00">━ E, G</b> <b>┅ D guesses</b></p>
      <dl class="numbers"></dl></div>
  </section></template>
  <p class="note" aria-live="polite"></p>
  <progress class="making" max="1" hidden aria-label="This run is being got ready for your browser"></progress>
  <input class="time" type="range" min="0" max="0" value="0" aria-label="Frame">
  <div class="transport">
    <button class="play" type="button" title="Space">▶ Play</button>
    <span class="steps">
      <button type="button" data-turn="discriminator" title="D">Step D</button>
      <button type="button" data-turn="generator" title="G">Step E, G</button>
      <button type="button" data-turn="both" title="B">Step both</button>
    </span>
    <button class="slow" type="button" title="S">Slow motion</button>
    <select class="speed" aria-label="Speed"></select>
    <button class="reset" type="button">Reset</button>
    <button class="pointer" type="button" title="P: light up what you point at or tap">Pointer</button>
    <p class="status" role="status"></p>
  </div>
</div>"""
CSS = STYLE + Path(__file__).with_name("lab.css").read_text(encoding="utf-8")
SCRIPTS = (
    "lab_feed.js",
    "lab_own.js",
    "lab_panels.js",
    "lab_lines.js",
    "lab_slow.js",
    "lab_stage.js",
    "lab_hands.js",
    "lab.js",
)
_lab = st.components.v2.component("ali_lab", html=HTML, css=CSS, js=script(*SCRIPTS))


def lab(
    runs: list[dict],
    key: str,
    height: int,
    view: dict | None = None,
    seen: Callable[[dict], None] | None = None,
    present: bool = False,
    play: bool = False,
    locked: bool = False,
    lesson: Callable[[int], None] | None = None,
    lost: Callable[[str], None] | None = None,
) -> None:
    """Shows one or two recordings, or a live run.

    runs: each {"recording": name, "title": …}; or, of a live run, first {"run": id, "secret": "" for who watches,
    "title": …}, or {"in_tab": name, "title": …} for one that this tab trains, then {"title": …} of its second member
    (a published page names each one's "pack", and numbers "given" to it).
    view: layers, x and z (numbers of the places that D is shown for), step, speed, slow (0 or 1: slow motion).
    seen: called with the view that the reader has chosen. lost: called with a sentence where the tab cannot train.
    present: large type, keys from anywhere, 1 to 8 call `lesson`. play: begins at once; locked: cannot be played yet.
    """

    def heard() -> None:
        sent = viewed(st.session_state[key].view)
        if sent and seen:
            seen(sent)

    def pressed() -> None:
        number = st.session_state[key].lesson
        if lesson and number in range(1, 9):
            lesson(number)

    def given_up() -> None:
        says = st.session_state[key].lost
        if lost and isinstance(says, str):
            lost(says[:500])

    _lab(
        key=key,
        data={
            "runs": runs,
            "view": VIEW | (view or {}),
            "height": height,
            "present": present,
            "play": play,
            "locked": locked,
        },
        height="content",
        on_view_change=heard,
        on_lesson_change=pressed,
        on_lost_change=given_up,
    )


def viewed(sent: object) -> dict | None:
    """The browser's view with every value as it must be; None for anything else."""
    if not isinstance(sent, dict):
        return None
    layers, places = sent.get("layers"), {k: sent.get(k) for k in ("x", "z")}
    numbers = {k: sent.get(k) for k in ("step", "speed")}
    good = isinstance(layers, list) and all(layer in LAYERS for layer in layers)
    good = good and all(place in range(9) for place in places.values())
    good = good and all(isinstance(v, int | float) and 0 <= v < 1e7 for v in numbers.values())
    slow = sent.get("slow")
    if not good or slow not in (0, 1):
        return None
    numbers["step"] = int(numbers["step"])
    return {"layers": layers, "slow": int(slow)} | places | numbers
