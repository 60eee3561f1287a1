"""The ends of Interpolate's paths and pads: what stands there, and the ways to another picture."""

import random

import numpy as np
import streamlit as st

from app import bridge
from app.shared import charts, tray
from app.shared.plain import plain, sentence


def item(text: str) -> str:
    """A parser of a picture's or a sample's word, as the tray writes it."""
    if not tray.ITEM.fullmatch(text) or text[0] not in "ps":
        raise ValueError(text)
    return text


def real(name: str) -> str:
    """The word for the map's pictures near a code: real ones, or samples of the model."""
    return "made" if bridge.codes.origin(bridge.codes.atlas(name)) == "made" else "real"


def put(end: str, word: str) -> None:
    """Puts a picture at an end: a, b, c or d."""
    st.session_state[end] = word


def set_number(end: str, kind: str, key: str) -> None:
    """Takes the number that was typed; an emptied field changes nothing."""
    if st.session_state[key] is not None:
        put(end, f"{kind}{st.session_state[key]}")


def upload(name: str, end: str) -> None:
    """Takes an uploaded file as an end; what is wrong with it is said beside the end."""
    file = st.session_state[f"{end} file"]
    st.session_state.pop(f"{end} problem", None)
    if file is not None:
        try:
            seen = bridge.judging.see(name, file.name, file.getvalue(), "crop", "guess")
            put(end, tray.keep_upload(seen["array"]))
            st.session_state[f"{end} steps"] = st.session_state[end], " ".join(seen["steps"])
        except bridge.Problem as problem:
            st.session_state[f"{end} problem"] = str(problem)


def choose(name: str, end: str) -> None:
    """The ways to a picture for an end: the tray, a picture of the map, a sample, a file."""
    word, letter = st.session_state[end], end.upper()
    last = len(bridge.codes.pictures(name)) - 1
    row = st.container(horizontal=True, gap="xsmall")
    for place, other in enumerate(tray.items()):
        with row.container(width=58):
            try:
                seen, says = tray.picture(name, other), tray.says(name, other)
            except bridge.Problem:  # the tray itself says what is wrong with it
                continue
            st.image(charts.enlarge(seen, max(1, 56 // len(seen))), output_format="PNG", alt=says)
            st.button("Use", key=f"{end} tray {place}", on_click=put, args=(end, other))
    if not tray.items():
        st.caption("What you put into the tray can be chosen here.")
    held_out, sample = f"{end} held out", f"{end} seed"
    if word[0] == "p":
        st.session_state[held_out] = int(word[1:])
    if word[0] == "s":
        st.session_state[sample] = tray.seed_of(word)
    st.number_input(
        f"{bridge.codes.origin(bridge.codes.atlas(name)).capitalize()} picture, 0 to {last}",
        0,
        last,
        value=None,
        key=held_out,
        on_change=set_number,
        args=(end, "p", held_out),
    )
    st.number_input(
        "Sample of seed",
        0,
        999_999_999,
        value=None,
        key=sample,
        help="The same seed makes the same picture again.",
        on_change=set_number,
        args=(end, "s", sample),
    )
    st.button(
        "Another sample",
        icon=":material/casino:",
        key=f"{end} random",
        on_click=lambda: put(end, f"s{random.randrange(10_000)}"),
    )
    st.file_uploader(f"Your own picture as {letter}", key=f"{end} file", on_change=upload, args=(name, end))
    of, steps = st.session_state.get(f"{end} steps", ("", ""))
    if word == of:  # how it was framed, and whether there was a face
        st.caption(plain(steps))
    if word[0] == "u":
        choose_class(name, end)


def choose_class(name: str, end: str) -> None:
    """Of which classes an uploaded end is, for a conditional checkpoint: its encoder needs them."""
    word = st.session_state[end]
    several = bridge.classes.factors(name) if len(bridge.classes.classes(name)) > 1 else [""]
    for factor, names in enumerate(bridge.classes.classes(name)):
        y = tray.classes_of(name, word)
        picked = st.selectbox(
            f"It is taken as {plain(several[factor])}".strip(),
            range(len(names)),
            index=y[factor],
            format_func=lambda i, names=names: names[i],
            key=f"{end} class {factor} of {word}",
            help="The encoder wants to know the class. To begin with it is the one whose reconstruction "
            "is nearest to the picture.",
        )
        if picked != y[factor]:
            tray.take_as(name, word, (*y[:factor], picked, *y[factor + 1 :]))
            st.rerun()


def show(name: str, end: str, brief: bool = False) -> tuple[np.ndarray, np.ndarray, str] | None:
    """Draws an end's picker; unless `brief` its label says which picture it is. -> picture, code, words"""
    letter, word = end.upper(), st.session_state[end]
    result, why = None, st.session_state.get(f"{end} problem")
    try:
        picture, code = tray.picture(name, word), tray.latent(name, word)
        says = tray.says(name, word)
        result = picture, code, f"{letter}: {says}"
    except bridge.Problem as problem:
        says, why = "", str(problem)
    label = f"Change **{letter}**" if brief else f"**{letter}** {plain(says)}"
    with st.popover(label, help=None if brief else f"Change {letter}"):
        choose(name, end)
    if why:
        st.error(sentence(why))
    return result
