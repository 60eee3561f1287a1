"""The tray: up to four pictures that go with the reader from page to page.

An item is a word: `p123` is held-out picture 123; `s42` the sample of seed 42, `s42t0.7` the same with
truncation 0.7, `s42y3` as class 3 of a conditional checkpoint (otherwise the seed's class in turn);
`u1` an upload and `z1` a latent, which are kept in the session only. Words of the first two kinds stand
in the URL.
"""

import re

import numpy as np
import streamlit as st

from app import bridge

from . import charts, link
from .plain import plain

SIZE = 4
ITEM = re.compile(r"p\d{1,7}|s\d{1,9}(t[0-2](\.\d{1,2})?)?(y\d{1,3}(\.\d{1,3}){0,7})?|[uz]\d{1,4}")
SAMPLE = re.compile(r"s(?P<seed>\d+)(t(?P<truncation>[\d.]+))?(y(?P<y>[\d.]+))?")
KEPT, BEFORE, SENT, TAKEN = "tray kept", "tray before", "tray sent", "tray taken as"


def items() -> list[str]:
    """The words in the tray, at most four."""
    return st.session_state.get("tray", [])


def add(item: str) -> None:
    """Puts a word into the tray; in a full tray the oldest gives way. A word stands there once."""
    if item not in items():
        _change([*items(), item][-SIZE:])


def remove(item: str) -> None:
    """Takes a word out."""
    _change([word for word in items() if word != item])


def undo() -> None:
    """Takes back the last change."""
    before = st.session_state.get(BEFORE, [])
    if before:
        st.session_state["tray"] = before.pop()


def _change(words: list[str]) -> None:
    before = st.session_state.setdefault(BEFORE, [])
    before.append(items())
    del before[:-20]
    st.session_state["tray"] = words


def keep_upload(array: np.ndarray) -> str:
    """Keeps a picture as the model sees it, uint8 (h, w, c), in the session. -> its word"""
    return _keep("u", array)


def keep_latent(name: str, z: np.ndarray, y: tuple[int, ...] | None = None) -> str:
    """Keeps a code (d,) of checkpoint `name`, and the class it is decoded as, in the session. -> its word"""
    return _keep("z", (name, z, y))


def of_map(name: str, number: int) -> str:
    """The word for a picture of the map; one of the reader's own is an upload."""
    if bridge.checkpoints.of(name) == name:
        return f"p{number}"
    return keep_upload(bridge.codes.pictures(name)[number])


def sample_word(seed: int, truncation: float = 1.0, y: tuple[int, ...] = ()) -> str:
    """The word of a sample; y: its classes where they are not the seed's in turn."""
    spread = f"t{truncation:.2f}".rstrip("0").rstrip(".") if truncation != 1 else ""
    return f"s{seed}{spread}" + ("y" + ".".join(str(label) for label in y) if y else "")


def seed_of(item: str) -> int:
    """The seed of a sample's word."""
    return int(SAMPLE.fullmatch(item)["seed"])


def _keep(letter: str, what) -> str:
    kept = st.session_state.setdefault(KEPT, {})
    word = f"{letter}{len(kept) + 1}"
    kept[word] = what
    return word


def picture(name: str, item: str) -> np.ndarray:
    """The item's picture, uint8 (h, w, c); samples are drawn by checkpoint `name`.

    Raises bridge.Problem when the word cannot be followed.
    """
    kind, number = item[0], item[1:]
    if kind == "p":
        pictures = bridge.codes.pictures(name)
        if int(number) >= len(pictures):
            raise bridge.Problem(f"There is no picture {number}; the last is {len(pictures) - 1}.")
        return pictures[int(number)]
    if kind == "s":
        return bridge.models.decode(name, latent(name, item), classes_of(name, item))[0]
    what = _kept(item)
    return what if kind == "u" else bridge.models.decode(*what)[0]


def latent(name: str, item: str) -> np.ndarray:
    """The item's code for checkpoint `name`, (d,)."""
    kind, number = item[0], item[1:]
    if kind == "s":
        words = SAMPLE.fullmatch(item)
        return bridge.models.prior(name, 1, int(words["seed"]), float(words["truncation"] or 1))[0]
    if kind == "p" and (atlas := bridge.codes.atlas(name)) and int(number) < len(atlas.z):
        return atlas.z[int(number)]
    if kind == "z" and _kept(item)[0] == name:
        return _kept(item)[1]
    x = picture(name, item)
    (h, w, c), (high, wide, _) = x.shape, (shape := tuple(bridge.checkpoints.card(name)["data"]["shape"]))
    if x.shape != shape:
        raise bridge.Problem(
            f"«{item}» was made {'grey' if c == 1 else 'coloured'}, {w} × {h}, for another model; {name} sees {wide} × {high}: "
            "give it the file again."
        )
    return bridge.models.encode(name, x[None], classes_of(name, item))[0]


def classes_of(name: str, item: str) -> tuple[int, ...] | None:
    """The item's classes for a conditional checkpoint; None for an unconditional one.

    The map has those of its pictures, and what was decoded has those it was decoded as; of an upload the
    reader's choice, else those whose reconstruction is nearest.
    """
    if not (factors := bridge.classes.classes(name)):
        return None
    kind, number = item[0], item[1:]
    if kind == "p":
        if int(number) >= len(bridge.codes.atlas(name).z):
            raise bridge.Problem(f"There is no picture {number}.")
        return tuple(int(label) for label in bridge.classes.of_pictures(name, np.array([int(number)]))[0])
    if kind == "s":
        asked = [int(label) for label in (SAMPLE.fullmatch(item)["y"] or "").split(".") if label]
        fits = len(asked) == len(factors) and all(map(int.__lt__, asked, map(len, factors)))
        return bridge.models.in_turn(name, seed_of(item), tuple(asked) if fits else None)
    if kind == "z" and _kept(item)[0] == name:
        return _kept(item)[2]
    taken = st.session_state.setdefault(TAKEN, {})
    if (name, item) not in taken:
        taken[name, item] = nearest_class(name, picture(name, item))
    return taken[name, item]


def nearest_class(name: str, x: np.ndarray) -> tuple[int, ...] | None:
    """The classes whose reconstruction of a picture uint8 (h, w, c) is nearest; None if unconditional."""
    likeliest = bridge.classes.likeliest(name, x[None])
    return None if likeliest is None else tuple(int(label) for label in likeliest[0])


def take_as(name: str, item: str, y: tuple[int, ...] | None) -> None:
    """From now on checkpoint `name` takes an upload of the tray as of these classes."""
    st.session_state.setdefault(TAKEN, {})[name, item] = y


def _kept(item: str):
    try:
        return st.session_state[KEPT][item]
    except KeyError:
        raise bridge.Problem(f"«{item}» was kept in another visit and is gone.") from None


def says(name: str, item: str) -> str:
    """What an item is, in words."""
    kind, number = item[0], item[1:]
    if kind == "p":
        atlas = bridge.codes.atlas(name)
        return f"{atlas.label_names[atlas.y[int(number)]]}, no. {number}"
    y = classes_of(name, item)
    if kind == "s":
        words = SAMPLE.fullmatch(item)
        spread = f", truncation {words['truncation']}" if words["truncation"] else ""
        shown = f"sample, seed {words['seed']}{spread}"
    else:
        shown = {"u": "your picture", "z": "a code of this visit"}[kind] + f" ({item})"
    return shown + (f", as «{bridge.classes.worded(name, y)}»" if y else "")


def parse(text: str) -> list[str]:
    """The words of the URL's `p7,s42`; raises ValueError for anything else."""
    words = text.split(",") if text else []
    if len(words) > SIZE or not all(ITEM.fullmatch(word) and word[0] in "ps" for word in words):
        raise ValueError(text)
    return list(dict.fromkeys(words))


def form(words: list[str]) -> str:
    """What stands in the URL: numbers and seeds only."""
    return ",".join(word for word in words if word[0] in "ps")


def send(item: str, page: str) -> None:
    """Opens another page with this item, e.g. send("p7", "views/reconstruct/reconstruct.py")."""
    st.session_state[SENT] = item
    st.switch_page(page)


def received() -> str | None:
    """The item another page sent here, once."""
    return st.session_state.pop(SENT, None)


def show(name: str) -> None:
    """Draws the tray: four places, remove, undo."""
    words = link.keep("tray", [], parse, lambda words: form(words) or None)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(
            "**Tray**",
            help="Up to four pictures that go with you from page to page.",
            width="content",
        )
        st.button(
            "",
            icon=":material/undo:",
            help="Undo the tray's last change",
            on_click=undo,
            key="tray undo",
            type="tertiary",
            disabled=not st.session_state.get(BEFORE),
        )
    with st.container(horizontal=True, gap="xxsmall", key="tray"):
        for place in range(SIZE):
            _slot(name, place, words[place] if place < len(words) else None)


def _slot(name: str, place: int, item: str | None) -> None:
    with st.container(width=58, gap=None, horizontal_alignment="center"):
        if item is None:
            st.image(charts.empty(56), output_format="PNG", alt="an empty place of the tray")
            return
        try:
            seen, what = picture(name, item), says(name, item)
        except bridge.Problem as problem:
            seen, what = None, str(problem)
        scale = max(1, 56 // len(seen)) if seen is not None else 1
        shown = charts.empty(56) if seen is None else charts.enlarge(seen, scale)
        st.image(shown, output_format="PNG", alt=what)
        st.button(
            "✕",
            key=f"tray remove {place}",
            help=f"Take out: {plain(what)}",
            on_click=remove,
            args=(item,),
            type="tertiary",
        )
