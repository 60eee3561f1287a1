"""Where the picture of Reconstruct comes from: the gallery, the tray, an upload or the camera."""

import re
from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from app import bridge
from app.components.mirror import mirror

from . import charts, classes, framing, link, portrait, tray
from .plain import plain, sentence

KINDS = ["Gallery", "Upload", "Camera", "Live"]
LAST, CLASSES_OF = "source last seen", "source classes of"


def choose(name: str, atlas) -> tuple[np.ndarray, str, dict | None, int] | None:
    """The reader's choice, with the widgets for it; None while they look into the live mirror.

    -> uint8 (h, w, c) as the model sees it; what it is, in words; how an upload was seen (None for what is
    none); the number of the map's picture, or -1
    """
    if sent := tray.received():
        st.session_state["item"], st.session_state["source"] = sent, "Gallery"
    link.keep("source", "Gallery", link.one_of(*KINDS))
    kind = st.segmented_control(
        "Picture from",
        KINDS,
        key="source",
        required=True,
        persist_state="session",
        label_visibility="collapsed",
    )
    seen = None
    if kind == "Live":
        live(name)
        return None
    if kind == "Gallery":
        item = gallery(name, atlas)
    else:
        see, framed = partial(bridge.judging.see, name), bool(bridge.judging.framed(name))
        item, seen = "p0", upload(see, kind, bridge.judging.grey(name), framed=framed)
    if seen:
        return seen["array"], seen["name"], seen, -1
    number = int(item[1:]) if item[0] == "p" else -1
    return tray.picture(name, item), tray.says(name, item), None, number


def keep(name: str, x: np.ndarray, y: tuple[int, ...] | None) -> None:
    """Into the tray: a picture of the map or a sample by its word, an upload, of classes y, in the session."""
    if st.session_state["source"] == "Gallery":
        tray.add(st.session_state["item"])
    else:
        word = tray.keep_upload(x)
        tray.take_as(name, word, y)
        tray.add(word)


def choose_classes(name: str, x: np.ndarray, what: str, seen: dict | None) -> tuple:
    """The classes for a conditional checkpoint's encoder and for its decoder, with the boxes for them.

    None twice for an unconditional checkpoint
    """
    if not bridge.classes.classes(name):
        for key in ("y", "as"):
            link.show(key, None)
        return None, None
    # the encoder's classes are one picture's: the next one has others
    if st.session_state.get(CLASSES_OF, what) != what:
        st.session_state.update({key: -1 for key in st.session_state if re.fullmatch(r"y\d?", key)})
    st.session_state[CLASSES_OF] = what
    item = st.session_state["item"] if st.session_state["source"] == "Gallery" else "p0"
    default = tray.nearest_class(name, x) if seen else tray.classes_of(name, item)
    guessed = bool(seen) or item[0] == "u"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        y = classes.choose(
            name,
            "y",
            default,
            "nearest" if guessed else "its own",
            "Encoder is told",
            "The class of the picture, which this model's encoder wants to know. Nearest: the class "
            "whose reconstruction is nearest to the picture.",
        )
        to = classes.choose(
            name,
            "as",
            y,
            "the same",
            "Decoder is told",
            "The class to decode the code as. Another one: the same code as a thing of that class.",
        )
        if to != y:
            sentence = "Decoded as another class: the errors compare two classes."
        elif guessed and y == default:
            sentence = (
                f"Its class is a guess: as «{plain(bridge.classes.worded(name, y))}» its reconstruction is nearest."
            )
        else:
            sentence = ""
        st.caption(sentence, width=300)
    return y, to


# ---- what the explorer has -------------------------------------------------------------------------


def one(atlas) -> Callable[[str], str]:
    """A parser of a link's item: the number of a picture of the map or a sample's seed."""

    def parse(text: str) -> str:
        words = tray.parse(text)
        if len(words) != 1 or (words[0][0] == "p" and int(words[0][1:]) >= len(atlas.z)):
            raise ValueError(text)
        return words[0]

    return parse


def pick(item: str) -> None:
    """An item of the gallery or the tray is the picture from now on."""
    st.session_state["item"] = item


def pick_number() -> None:
    """Takes the number that was typed into the widget."""
    pick(f"p{st.session_state['number']}")


def pick_another(y: np.ndarray, label: int) -> None:
    """Another picture of the map, of a class or (-1) of any."""
    among = np.arange(len(y)) if label < 0 else np.flatnonzero(y == label)
    pick(f"p{np.random.default_rng().choice(among)}")


def gallery(name: str, atlas) -> str:
    """The map's pictures by number and class, samples and the tray. -> the item's word"""
    in_url = lambda item: tray.form([item]) or None  # noqa: E731, uploads never stand in a link
    item = link.keep("item", "p0", one(atlas), in_url)
    if item[0] == "p":
        st.session_state["number"] = int(item[1:])
    number, kind, another = st.columns([1.1, 1.3, 2], vertical_alignment="bottom")
    number.number_input(
        f"{bridge.codes.origin(atlas).capitalize()} picture no.",
        0,
        len(atlas.z) - 1,
        key="number",
        on_change=pick_number,
    )
    label = kind.selectbox(
        "Class",
        range(-1, len(atlas.label_names)),
        format_func=lambda i: "any" if i < 0 else atlas.label_names[i],
        persist_state="session",
        key="class",
    )
    beside = another.container(horizontal=True)
    beside.button("Another", icon=":material/shuffle:", on_click=pick_another, args=(atlas.y, label))
    if tray.items():
        with beside.popover("From the tray", icon=":material/inventory_2:"):
            from_tray(name)
    return item


def from_tray(name: str) -> None:
    """The tray's pictures, each with its button."""
    with st.container(horizontal=True, gap="xsmall"):
        for place, word in enumerate(tray.items()):
            try:
                picture, says = tray.picture(name, word), tray.says(name, word)
            except bridge.Problem:  # the tray itself says what is wrong with it
                continue
            with st.container(width=58):
                st.image(portrait.whole(picture, 56), output_format="PNG", alt=says)
                st.button("Use", key=f"use {place}", help=plain(says), on_click=pick, args=(word,))


def live(name: str) -> None:
    """The mirror; what is frozen is an upload of this visit, and the page shows it."""

    def frozen(picture: np.ndarray, labels: tuple[int, ...]) -> None:
        word = tray.keep_upload(picture)
        if labels:
            tray.take_as(name, word, labels)
        pick(word)
        st.session_state["source"] = "Gallery"

    h, w, c = bridge.checkpoints.card(name)["data"]["shape"]
    factors = bridge.classes.factors(name) if len(bridge.classes.classes(name)) > 1 else ["told: class"]
    rows = [
        {"name": word, "of": list(names)} for word, names in zip(factors, bridge.classes.classes(name), strict=False)
    ]
    about = {"name": name, "aspect": bridge.judging.ASPECT if bridge.judging.framed(name) else w / h}
    about |= {"edge": bridge.judging.edge(name), "classes": rows, "colours": charts.CLASSES}
    mirror(about, (h, w, c), frozen)
    st.caption(
        "Hold something into the frame, or draw. It stays in this tab: no picture goes to the server until you freeze one."
    )


# ---- what the reader has ---------------------------------------------------------------------------


def upload(
    see: Callable, kind: str, grey: bool, until: str = "Until then, no. 0:", framed: bool = False
) -> dict | None:
    """An upload or a photograph. -> how it was seen; the last good one for a bad file; None before any

    see: (filename, content, fit, invert, where=…) -> how, or bridge.Problem. grey: whether the model's pictures are; light
    and dark turned round would be other colours. `until` is said before any. framed: the model asks for a part of it,
    whose box is shown.
    """
    link.keep("fit", "crop", link.one_of("crop", "fit"))
    if grey:
        link.keep("invert", "guess", link.one_of("guess", "yes", "no"))
    else:
        link.show("invert", None)
    if framed:
        left, box = st.columns([1.5, 1], gap="medium")
        with left:
            file_at, below = st.container(), st.container()
            fit, invert = st.columns(2)
        bridge.models.warm_faces()
    else:
        left, fit, invert = st.columns([2.2, 1, 1.4])
        file_at, below, box = left, st.container(), None
    with file_at:
        if kind == "Upload":
            file = st.file_uploader("PNG, JPEG, WebP, GIF, BMP or TIFF, up to 10 MB", key="file")
        else:
            file = st.camera_input("A photograph", key="photo")
    view, stays = (
        None,
        "It stays in this visit: nothing is stored, nothing leaves the machine that the explorer runs on.",
    )
    below.caption(stays if file else f"{stays} {until}")
    if file:
        with below:
            how = st.session_state["fit"], st.session_state["invert"] if grey else "no"
            view = seen(see, file.name, file.getvalue(), how, until)
    if view and box:
        with box:
            framing.show(view)
    fit.segmented_control(
        "Square",
        ["crop", "fit"],
        disabled=bool(view and view["box"]),
        key="fit",
        required=True,
        persist_state="session",
        help="Crop takes the middle; fit keeps all of it and fills the rest with its edge.",
    )
    if grey:
        invert.segmented_control(
            "Invert light and dark",
            ["guess", "yes", "no"],
            key="invert",
            required=True,
            persist_state="session",
            help="The model's own pictures have one ground, often black; a photograph on white paper has "
            "to be turned round before it looks like them.",
        )
    return view


def seen(see: Callable, filename: str, content: bytes, how: tuple[str, str], until: str) -> dict | None:
    """How a file is seen; of a bad one the error is shown, and the last good one stays on the page."""
    try:
        view = framing.seen(see, filename, content, how)
        st.session_state[LAST] = filename, content
        return view
    except bridge.Problem as problem:
        st.error(sentence(problem), icon=":material/broken_image:")
    if LAST not in st.session_state:
        st.caption(until)
        return None
    view = framing.seen(see, *st.session_state[LAST], how)
    st.caption("Until there is another that can be read, the one before it:")
    return view
