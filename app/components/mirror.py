"""The live mirror: camera or drawing through encoder and decoder in the tab; the server gets what is frozen."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st

from app.components.parcel import from_base64

_mirror = st.components.v2.component(
    "ali_mirror",
    html='<div class="root"></div>',
    js=Path(__file__).with_name("mirror.js").read_text(encoding="utf-8"),
)


def mirror(about: dict, shape: tuple[int, int, int], frozen: Callable[[np.ndarray, tuple[int, ...]], None]) -> None:
    """Shows the mirror of a model for pictures of this shape.

    about: name, aspect, edge, classes, colours; see components/engine/mirror.js. frozen: called with a picture, uint8
    (h, w, c), and the classes that a conditional model encoded it as.
    """

    def heard() -> None:
        word = st.session_state["mirror"].frozen or {}
        content = from_base64(word.get("picture"), int(np.prod(shape)))
        if content is not None:
            sizes = [len(one["of"]) for one in about["classes"]]
            labels = tuple(int(label) for label in word.get("labels", ()))
            if len(labels) == len(sizes) and all(0 <= label < size for label, size in zip(labels, sizes, strict=True)):
                frozen(np.frombuffer(content, np.uint8).reshape(shape), labels)

    _mirror(key="mirror", data=about, height="content", on_frozen_change=heard, on_off_change=lambda: None)
