"""Examples that teach a direction: pictures with a thing and pictures without it, as words of the tray."""

import streamlit as st

from . import tray

WITH, WITHOUT = "with", "without"
SIDES = {WITH: "With it", WITHOUT: "Without it"}
MOST = 12  # examples of a side


def words(text: str) -> list[str]:
    """A parser of a side's pictures, `p7,s42`; raises ValueError for anything else."""
    found = text.split(",")
    if len(found) > MOST or not all(tray.ITEM.fullmatch(word) and word[0] in "ps" for word in found):
        raise ValueError(text)
    return list(dict.fromkeys(found))


def add(side: str, found: list[str]) -> None:
    """Puts pictures on a side, at most MOST; a picture that stood on the other one leaves it."""
    other = WITHOUT if side == WITH else WITH
    st.session_state[side] = list(dict.fromkeys([*st.session_state.get(side, []), *found]))[:MOST]
    st.session_state[other] = [word for word in st.session_state.get(other, []) if word not in found]
