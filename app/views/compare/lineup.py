"""Which pictures stand in Compare's columns: drawn by chance, of a class, the tray's, the reader's."""

import numpy as np
import streamlit as st

from app import bridge
from app.shared import link, tray
from app.shared.plain import sentence

REFUSED = "line-up refused"


def choose(name: str, atlas, most: int) -> tuple[list[str], np.ndarray]:
    """The reader's choice, with the widgets for it. -> the tray's words, pictures uint8 (n, h, w, c)"""
    labels = {"any": "any class", "tray": "the tray"}
    labels |= {str(i): atlas.label_names[i] for i in np.unique(atlas.y)}
    if st.session_state.get("among") not in [None, *labels]:  # another checkpoint's class
        del st.session_state["among"]
    tray_only = link.keep("among", "any", link.one_of(*labels)) == "tray"
    link.keep("set", 0, link.number(0, 9_999))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        among = st.selectbox(
            "Pictures of",
            labels,
            format_func=labels.get,
            key="among",
            persist_state="session",
            width=170,
        )
        seed = st.number_input(
            "Draw no.",
            0,
            9_999,
            key="set",
            persist_state="session",
            width=130,
            disabled=tray_only,
            help=f"Up to {most} {bridge.codes.origin(atlas)} pictures, drawn by chance; the same number draws the same.",
        )
        st.button("Others", icon=":material/shuffle:", on_click=draw_again, disabled=tray_only)
        with st.popover("Your own", icon=":material/upload:"):
            st.file_uploader(
                "PNG, JPEG, WebP, GIF, BMP or TIFF, up to 10 MB; it goes into the tray",
                key="line-up file",
                on_change=take_file,
                args=(name,),
            )
    if refused := st.session_state.pop(REFUSED, None):
        st.error(sentence(refused))
    if among == "tray":
        return _followed(name, tray.items())
    of = np.arange(len(atlas.y)) if among == "any" else np.flatnonzero(atlas.y == int(among))
    drawn = np.random.default_rng(seed).choice(of, min(most, len(of)), replace=False)
    return _followed(name, [f"p{number}" for number in drawn])


def draw_again() -> None:
    """Draws other pictures."""
    st.session_state["set"] = (st.session_state["set"] + 1) % 10_000


def take_file(name: str) -> None:
    """Puts an upload into the tray, and the tray's pictures are compared."""
    file = st.session_state["line-up file"]
    if file is None:
        return
    try:
        seen = bridge.judging.see(name, file.name, file.getvalue(), "crop", "guess")
    except bridge.Problem as problem:
        st.session_state[REFUSED] = str(problem)
        return
    tray.add(tray.keep_upload(seen["array"]))
    st.session_state["among"] = "tray"


def _followed(name: str, words: list[str]) -> tuple[list[str], np.ndarray]:
    """The words that lead to a picture of the checkpoint's shape, and the pictures."""
    shape, pictures = tuple(bridge.checkpoints.card(name)["data"]["shape"]), {}
    for word in words:
        try:
            pictures[word] = tray.picture(name, word)
        except bridge.Problem:  # the tray itself says what is wrong with it
            continue
    pictures = {word: x for word, x in pictures.items() if x.shape == shape}
    return list(pictures), np.array(list(pictures.values()))
