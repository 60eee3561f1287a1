"""Where the picture of Translate comes from: gallery, canvas, upload, camera or the tray."""

from functools import partial
from typing import NamedTuple

import numpy as np
import streamlit as st
from PIL import Image

from app import bridge
from app.components.draw import draw
from app.shared import link, portrait, source, tray
from app.shared.plain import plain

GALLERY, DRAW, UPLOAD, CAMERA, TRAY = "Gallery", "Draw", "Upload", "Camera", "Tray"
FROM, NUMBER, TAKEN, DRAWINGS = "from", "no", "translate taken", "translate drawings"


class Subject(NamedTuple):
    """The picture to translate: x uint8 (h, w, c) as the model sees it, and what it is, in words."""

    x: np.ndarray
    what: str
    steps: str  # what was done to it
    original: Image.Image | None = None  # the reader's file
    truth: np.ndarray | None = None  # what it should become, where there is a truth


def kinds(name: str, gallery: dict | None) -> list[str]:
    """The ways to a picture that there are for a translator."""
    return [GALLERY] * bool(gallery) + [DRAW] * bridge.judging.grey(name) + [UPLOAD, CAMERA, TRAY]


def choose(name: str, kind: str, gallery: dict | None, back: bool) -> Subject | None:
    """The reader's choice, with the widgets for it; None until there is one."""
    if kind == GALLERY:
        return numbered(name, gallery, back)
    if kind == TRAY:
        return from_tray(name, back)
    until = "Until then, no. 0:" if gallery else "Until then there is nothing to translate."
    framed = bool(bridge.judging.framed(name))
    see, grey = partial(bridge.judging.see, name, back=back), bridge.judging.grey(name)
    seen = source.upload(see, kind, grey, until, framed)
    if seen:
        steps = " ".join(seen["steps"]) or "Taken as it is."
        truth = bridge.translating.truth(name, seen["array"], back)
        return Subject(seen["array"], seen["name"], steps, seen["original"], truth)
    return of_gallery(name, gallery, back, 0) if gallery else None


def of_gallery(name: str, gallery: dict, back: bool, number: int) -> Subject:
    """A picture of the gallery, by its number."""
    x, other = gallery["sides"][int(back), number], gallery["sides"][1 - back, number]
    truth = bridge.translating.truth(name, x, back)
    if truth is None and gallery["paired"]:
        truth = other
    kind = "Made by the model." if gallery["made"] else "Held out from training."
    return Subject(x, f"{bridge.checkpoints.domains(name)[back]}, no. {number}", kind, truth=truth)


def keep_number(gallery: dict) -> None:
    """Which picture of the gallery, in the session and in the link."""
    last = gallery["sides"].shape[1] - 1
    if st.session_state.get(NUMBER) not in [None, *range(last + 1)]:
        del st.session_state[NUMBER]  # it was chosen in another gallery
    link.keep(NUMBER, 0, link.number(0, last))


def numbered(name: str, gallery: dict, back: bool) -> Subject:
    """The gallery's pictures by number."""
    last = gallery["sides"].shape[1] - 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = st.number_input("Picture no.", 0, last, key=NUMBER, persist_state="session", width=150)
        st.button("Another", icon=":material/shuffle:", on_click=another, args=(last,))
    return of_gallery(name, gallery, back, number)


def another(last: int) -> None:
    """The next picture of the gallery."""
    st.session_state[NUMBER] = (st.session_state[NUMBER] + 1) % (last + 1)


def from_tray(name: str, back: bool) -> Subject | None:
    """The tray's pictures of the translator's size, each with its button; the first until one is chosen."""
    whose, shape, fitting = (
        st.session_state["checkpoint"],
        bridge.checkpoints.card(name)["data"]["shape"],
        {},
    )
    for word in tray.items() if whose else []:
        try:
            picture = tray.picture(whose, word)
        except bridge.Problem:  # the tray itself says what is wrong with it
            continue
        if list(picture.shape) == shape:
            fitting[word] = picture, tray.says(whose, word)
    if not fitting:
        size = " x ".join(str(side) for side in shape)
        st.caption(f"Nothing of {size} is in the tray. Put a picture there on any page.")
        return None
    chosen = st.session_state.get(TAKEN)
    chosen = chosen if chosen in fitting else next(iter(fitting))
    with st.container(horizontal=True, gap="xsmall"):
        for word, (picture, says) in fitting.items():
            with st.container(width=70):
                st.image(portrait.whole(picture, 64), output_format="PNG", alt=says)
                st.button(
                    "Use",
                    key=f"translate {word}",
                    help=plain(says),
                    on_click=take,
                    args=(word,),
                    type="primary" if word == chosen else "secondary",
                )
    x, says = fitting[chosen]
    return Subject(x, says, "From the tray.", truth=bridge.translating.truth(name, x, back))


def take(word: str) -> None:
    """The tray's picture that is translated from now on."""
    st.session_state[TAKEN] = word


# ---- the canvas ------------------------------------------------------------------------------------


def canvas(name: str, gallery: dict | None, back: bool) -> Subject:
    """The reader's drawing, kept for the visit, with the canvas."""
    shape = tuple(bridge.checkpoints.card(name)["data"]["shape"])
    ground = 255 if (bridge.translating.border(name, back) or 0) > 0.5 else 0
    drawings = st.session_state.setdefault(DRAWINGS, {})
    number = st.session_state.get(NUMBER)
    start = gallery["sides"][int(back), number] if gallery else None
    drawing = drawings.get((name, back), np.full(shape, ground, np.uint8))
    draw(
        drawing,
        ground,
        start,
        f"Start from no. {number}",
        key=f"canvas {name} {back}",
        drawn=lambda x: drawings.update({(name, back): x}),
    )
    empty = bool((drawing == ground).all())
    steps = "Nothing is drawn yet: an empty page." if empty else "Your drawing."
    return Subject(drawing, "your drawing", steps, truth=bridge.translating.truth(name, drawing, back))
