"""The URL tells where the reader is: named values live in the session and stand in the query string.

A name is the same in three places: the URL, st.session_state, and (often) the key of a widget. So a link
reproduces the page, the browser's Back undoes, and a value survives a change of page.
"""

import base64
import zlib
from collections.abc import Callable

import numpy as np
import streamlit as st

SEEN, PAGE = "link seen", "link page"


def begin(page: str) -> None:
    """Called by main before the page runs: on a new page the URL starts empty and is filled from the session."""
    if st.session_state.get(PAGE) != page:
        st.session_state[PAGE], st.session_state[SEEN] = page, {}


def keep(
    name: str,
    default,
    parse: Callable = lambda text: text,
    text: Callable[..., str] = str,
    always: bool = False,
    shown: str = "",
):
    """Reconciles st.session_state[name] with the URL and writes it there. -> the value

    Call it before the widget of that name. `parse` turns the URL's text into a value, or raises
    ValueError for text that makes no sense (then `default` holds). The default is left out of the URL,
    unless `always`. `shown` is its name in the URL where that is another.
    """
    seen, state, word = st.session_state[SEEN], st.session_state, shown or name
    here = st.query_params.get(word)
    form = lambda value: None if value is None else text(value)  # noqa: E731
    current = form(state.get(name))
    if name not in state:
        follow = True
    elif word not in seen:
        follow = here is not None
    else:  # the reader went back or edited the URL, and has not just used the widget
        follow = here != seen[word] and current == (seen[word] or form(default))
    if follow:
        try:
            state[name] = default if here is None else parse(here)
        except ValueError:
            state[name] = default
    elif state[name] is None:  # a segmented control can be switched off
        state[name] = default
    show(word, text(state[name]) if always or state[name] != default else None)
    return state[name]


def show(name: str, value: str | None) -> None:
    """Writes a value into the URL, or takes it out."""
    st.session_state[SEEN][name] = value
    if value is None:
        if name in st.query_params:
            del st.query_params[name]
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def one_of(*options: str) -> Callable[[str], str]:
    """A parser that takes these words only."""

    def parse(text: str) -> str:
        if text not in options:
            raise ValueError(text)
        return text

    return parse


def number(low: int, high: int) -> Callable[[str], int]:
    """A parser of whole numbers from low to high, both included."""

    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return parse


def numbers_form(picks: list[int]) -> str:
    """Numbers with commas; many of them as a compressed bit set, so that any lasso fits into a link."""
    if len(picks) <= 50:
        return ",".join(str(pick) for pick in picks)
    bits = np.zeros(max(picks) + 1, bool)
    bits[picks] = True
    return "~" + base64.urlsafe_b64encode(zlib.compress(np.packbits(bits).tobytes(), 9)).decode()


def numbers(n: int) -> Callable[[str], list[int]]:
    """A parser of `numbers_form` where there are n; raises ValueError for anything else."""

    def parse(text: str) -> list[int]:
        if text.startswith("~"):
            try:
                content = zlib.decompressobj().decompress(base64.urlsafe_b64decode(text[1:]), n)
            except zlib.error:
                raise ValueError(text) from None
            picks = np.flatnonzero(np.unpackbits(np.frombuffer(content, np.uint8))).tolist()
        else:
            picks = [int(word) for word in text.split(",")]
        if not picks or not all(0 <= pick < n for pick in picks):
            raise ValueError(text)
        return picks

    return parse


def place(text: str) -> tuple[float, float]:
    """A parser of `1.5,-2`, a place on a map; raises ValueError for anything else."""
    x, y = (float(word) for word in text.split(","))
    if not (abs(x) < 1e4 and abs(y) < 1e4):
        raise ValueError(text)
    return x, y


def place_form(place: tuple[float, float]) -> str:
    """A place for the URL, to a thousandth."""
    return ",".join(f"{value:.3f}".rstrip("0").rstrip(".") for value in place)
