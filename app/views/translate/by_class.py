"""Other ways from a picture to another: its class swapped by a conditional model, its hole filled."""

import streamlit as st

from app import bridge
from app.shared import charts, classes, holes, link, portrait, tray
from app.shared.plain import plain
from app.views.translate import subject


def swap(name: str | None, usable: list[str], which: subject.Subject | None) -> None:
    """The section: a picture that is encoded with y and decoded with every y'."""
    st.markdown("#### The other way: swap the class")
    able = [other for other in usable if bridge.classes.classes(other)]
    st.markdown(
        "A **translator** has learned from two piles of pictures that nobody labelled or paired, and knows the way "
        "between these two only. A **conditional** model is told the class y: it encodes the picture with its y and "
        "decodes the code with any other y', one model for all classes, but it changes only what y names, and y has "
        "to be known or guessed."
    )
    if not able:
        st.caption("No conditional checkpoint is here. Train one: `python -m ali_core train preset=mnist-conditional`")
        return
    related = [other for other in able if which and bridge.translating.kin(name, other)]
    other = (related or able)[0]
    item = "p0"
    if related:
        link.show("swapped", None)
        x, what = which.x, which.what
    else:
        last = len(bridge.codes.atlas(other).z) - 1
        if st.session_state.get("swapped", 0) > last:
            del st.session_state["swapped"]  # it was chosen of another checkpoint
        link.keep("swapped", 0, link.number(0, last))
        number = st.number_input(
            f"Picture no. of {plain(other)}", 0, last, key="swapped", persist_state="session", width=190
        )
        item = f"p{number}"
        x, what = tray.picture(other, item), tray.says(other, item)
    remembered = bridge.comparing.remembered(other, x[None])
    y = tuple(int(label) for label in remembered["y"][0])
    left, right = st.columns([1, 4.4], gap="small")
    with left:
        holes.cell(
            "The picture",
            charts.DATA,
            portrait.whole(x),
            f"{plain(what)}. Guess: «{plain(bridge.classes.worded(other, y))}», whose reconstruction is nearest.",
            what,
        )
    with right:
        classes.every(other, remembered["z"][0], y)
    asked = {"checkpoint": other} | ({} if related else {"item": item})
    st.page_link(
        "views/reconstruct/reconstruct.py",
        query_params=asked,
        icon=":material/arrow_forward:",
        label=f"On Reconstruct {plain(other)} takes your own picture, and you say what its class is",
    )


def holes_elsewhere(usable: list[str]) -> None:
    """Where a hole is painted and filled."""
    if able := [other for other in usable if bridge.models.fills(other)]:
        st.page_link(
            "views/reconstruct/reconstruct.py",
            query_params={"checkpoint": able[0]},
            icon=":material/arrow_forward:",
            label=f"Translate a picture with a hole into a whole one: paint it on Reconstruct, {plain(able[0])} fills it",
        )
