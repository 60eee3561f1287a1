"""The part of an upload that a model sees, where its card asks for one: framed at a face, shown, moved or switched off."""

import hashlib
from collections.abc import Callable

import streamlit as st

from app import bridge
from app.components.frame import Box, frame

CHOSEN, FACES, LAST = "frame chosen", "frame faces", "frame last seen"  # the first two by picture


def seen(see: Callable, filename: str, content: bytes, how: tuple[str, str]) -> dict:
    """How a file is seen, with the reader's box where there is one; once for each way to see it.

    Raises bridge.Problem as `see` does.
    """
    of = hashlib.sha256(content).hexdigest()[:16]
    if st.session_state.get(FACES, ("",))[0] != of:  # another picture has other faces
        st.session_state[CHOSEN], st.session_state[FACES] = "automatic", (of, (), 0)
    where = st.session_state[CHOSEN]
    if where == "whole" and st.session_state[FACES][2]:  # as it came, not as a face in it would have it turned
        st.session_state[FACES] = of, (), 0
    turn = st.session_state[FACES][2]
    # by which checkpoint, which way round; a face that is searched for brings its turn
    asked = (
        getattr(see, "args", ()),
        getattr(see, "keywords", {}),
        filename,
        of,
        how,
        where,
        turn * (where != "automatic"),
    )
    if st.session_state.get(LAST, (None,))[0] != asked:
        st.session_state[LAST] = asked, see(filename, content, *how, where=where, turn=turn)
    view = st.session_state[LAST][1]
    if where == "automatic":
        st.session_state[FACES] = of, view["frames"], view["turn"]
    return view | {"of": f"{of} {view['turn']}", "frames": st.session_state[FACES][1]}


def show(view: dict) -> None:
    """The picture with its box."""
    frame(
        view["original"],
        view["size"],
        view["frames"],
        view["box"],
        bridge.judging.ASPECT,
        view["of"],
        "frame",
        moved,
    )


def moved(box: Box | str) -> None:
    """The reader's box, or "whole": the whole picture."""
    st.session_state[CHOSEN] = box
