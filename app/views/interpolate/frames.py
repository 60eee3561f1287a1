"""What every direction of Interpolate gives: a film of codes, from pictures and settings that the link remembers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from app.shared import link
from app.views.interpolate import ends

STEPS = 13  # frames of a walk and of a mixture; the middle one is where it starts, or the sum


@dataclass(frozen=True)
class Film:
    """Codes (n, d) with the classes each is decoded as, and a sentence for each.

    ends, says: the two pictures beside it, uint8 (h, w, c) or numbers of frames, and what they are; None: its first
    and last.
    """

    key: str
    z: np.ndarray
    ys: list[tuple[int, ...] | None]
    notes: list[str]
    ends: list[np.ndarray | int] | None = None
    says: tuple[str, str] | None = None


def chosen(key: str, options: list[str]) -> str:
    """A choice that the link remembers; what was chosen at another checkpoint and is none here is forgotten."""
    if st.session_state.get(key, options[0]) not in options:
        del st.session_state[key]
    return link.keep(key, options[0], link.one_of(*options))


def number(key: str, default: int, low: int, high: int) -> int:
    """As `chosen`, for a number."""
    if key in st.session_state and not low <= (st.session_state[key] or 0) <= high:
        del st.session_state[key]
    return link.keep(key, default, link.number(low, high))


def leave(keys: set[str]) -> None:
    """Takes settings that this mode does not use out of the link."""
    for key in keys:
        link.show(key, None)


def pickers(name: str, letters: str) -> list[tuple | None]:
    """The buttons that show the ends and change them. -> picture, code and words of each, as ends.show"""
    picked: list[Any] = []
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        for letter in letters:
            with st.container(width="content"):
                picked.append(ends.show(name, letter))
    return picked


def how_far(row, default: int, unit: str) -> int:
    """The slider of a walk's reach to either side; `unit` says what 1 is."""
    number("reach", default, 1, 8)
    with row:
        return st.slider("How far", 1, 8, key="reach", persist_state="session", width=110, help=f"To either side{unit}")
