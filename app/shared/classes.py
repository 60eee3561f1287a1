"""Choosing y, the classes that a conditional checkpoint is given, and one code as every class."""

import numpy as np
import streamlit as st

from app import bridge

from . import link, portrait
from .plain import plain

MOST = 2  # factors whose boxes stand side by side; more are folded away


def choose(name: str, key: str, y: tuple[int, ...] | None, says: str, label: str, why: str) -> tuple[int, ...] | None:
    """A box for every factor of y. -> the classes chosen; None for an unconditional checkpoint

    Its first entry is `y`, which `says` explains; None stands for -1 of every factor. `key` is its
    name in the session and in the link; `why` is the help beside it.
    """
    factors = bridge.classes.classes(name)
    if not factors:
        link.show(key, None)
        return None
    if len(factors) > MOST:
        with st.popover(f"{label} …", help=why):
            return _boxes(name, key, y, says, label, why)
    return _boxes(name, key, y, says, label, why)


def _boxes(name, key, y, says, label, why) -> tuple[int, ...]:
    chosen, called = [], bridge.classes.factors(name)
    factors = bridge.classes.classes(name)
    for factor, names in enumerate(factors):
        word = f"{key}{factor + 1}" if factor else key
        if st.session_state.get(word, -1) not in range(-1, len(names)):
            del st.session_state[word]  # it was chosen among another checkpoint's
        link.keep(word, -1, link.number(0, len(names) - 1))
        default = -1 if y is None else int(y[factor])
        first = says if y is None else f"{says}: {names[default]}"
        shown = [first, *names]
        picked = st.selectbox(
            label if len(factors) == 1 else f"{label}: {plain(called[factor])}",
            range(-1, len(names)),
            format_func=lambda i, shown=shown: shown[i + 1],
            key=word,
            persist_state="session",
            help=why,
            width=210,
        )
        chosen.append(default if picked < 0 else picked)
    return tuple(chosen)


def each(name: str, to: tuple[int, ...], factor: int) -> np.ndarray:
    """y as in `to`, but for one factor that takes every of its classes. -> int (classes, factors)"""
    count = len(bridge.classes.classes(name)[factor])
    y = np.repeat([to], count, 0)
    y[:, factor] = np.arange(count)
    return y


def every(name: str, z: np.ndarray, to: tuple[int, ...]) -> None:
    """One code (d,) decoded as every class, a row for each factor of y, the others as in `to`."""
    st.markdown(
        "#### The same code as every class",
        help="The code holds what the class does not say, the hand or the cut for example: it should "
        "stay while the class changes.",
    )
    called = bridge.classes.factors(name)
    for factor, names in enumerate(bridge.classes.classes(name)):
        if len(called) > 1:
            st.caption(plain(called[factor]))
        y = each(name, to, factor)
        decoded = bridge.models.decode(name, np.repeat(z[None], len(names), 0), y)
        with st.container(horizontal=True, gap="xxsmall"):
            for label, (picture, says) in enumerate(zip(decoded, names, strict=True)):
                with st.container(width=86, gap=None):
                    st.image(portrait.whole(picture, 84), output_format="PNG", alt=f"decoded as {says}")
                    st.caption(f"**{plain(says)}**" if label == to[factor] else plain(says))
