"""Whether a reader's tab makes its pictures itself, or the server does."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from app import bridge
from app.components.parcel import Codes

from .plain import plain

OFF, READY = "engine off", "engine ready"


def usable(name: str) -> bool:
    """Whether the tab has said that it can run networks, and a checkpoint's graphs are there."""
    if OFF in st.session_state or not bridge.graphs.runs():
        return False
    return bridge.graphs.ready(name) is not None


def codes(name: str, z: np.ndarray, ys: list | None) -> Codes:
    """Codes for a component that decodes them; no name where the tab cannot: then it does not try again."""
    labels = [tuple(int(label) for label in y) for y in ys] if ys and ys[0] is not None else None
    tries = "" if OFF in st.session_state or not bridge.graphs.runs() else name
    return Codes(tries, z, labels, tuple(bridge.checkpoints.card(name)["data"]["shape"]), heard)


def heard(word: str) -> None:
    """A component's word: the tab can, or it cannot, and why."""
    if word.startswith("off: "):
        st.session_state[OFF] = word[5:205]
    st.session_state[READY] = True


def lazily(make: Callable[[], np.ndarray]) -> Callable[[], np.ndarray]:
    """Frames that are decoded once, when first asked for: by a download, or where the tab cannot decode them."""
    kept: list[np.ndarray] = []

    def frames() -> np.ndarray:
        if not kept:
            kept.append(make())
        return kept[0]

    return frames


def say(what: str = "The server makes these pictures, a fixed number of them") -> None:
    """Says why the server makes the pictures, where the tab was asked and could not."""
    if OFF in st.session_state:
        st.caption(f"{what}: {plain(st.session_state[OFF])}")


def between(z: np.ndarray, at: float) -> np.ndarray:
    """The code at a place of a path (n, d), in steps from 0: between two of its codes their blend, as in the tab."""
    low = min(int(at), len(z) - 1)
    high = min(low + 1, len(z) - 1)
    return (z[low] + (at - low) * (z[high] - z[low])).astype(np.float32)
