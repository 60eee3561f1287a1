"""Reconstruct's section for checkpoints that fill holes: paint one, see what the model puts there."""

import base64
import zlib

import numpy as np
import streamlit as st

from app import bridge
from app.components.hole import paint

from . import charts, link, portrait
from .plain import plain

PAINTED = "hole"  # the hole's word, in the session and in the link


def middle(shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """The hole to begin with: a box of three sevenths of each side, (left, top, width, height)."""
    high, wide = (round(side * 3 / 7) for side in shape)
    return (shape[1] - wide) // 2, (shape[0] - high) // 2, wide, high


def word(hole: np.ndarray) -> str:
    """A hole, boolean (h, w), for the link: `left.top.width.height` of a box, "none", or its bits."""
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    if not len(rows):
        return "none"
    left, top, wide, high = columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1
    if hole.sum() == wide * high:
        return f"{left}.{top}.{wide}.{high}"
    return "~" + base64.urlsafe_b64encode(zlib.compress(np.packbits(hole).tobytes(), 9)).decode()


def parse(text: str, shape: tuple[int, int]) -> np.ndarray:
    """The hole, boolean (h, w), of a link's word; raises ValueError for anything else."""
    hole, pixels = np.zeros(shape, bool), shape[0] * shape[1]
    if text.startswith("~"):
        try:
            packed = base64.b64decode(text[1:], altchars=b"-_", validate=True)
            content = zlib.decompressobj().decompress(packed, -(-pixels // 8) + 1)
        except zlib.error:
            raise ValueError(text) from None
        if len(content) != -(-pixels // 8):
            raise ValueError(text)
        bits = np.unpackbits(np.frombuffer(content, np.uint8))
        return bits[:pixels].reshape(shape).astype(bool)
    if text != "none":
        left, top, wide, high = (int(number) for number in text.split("."))
        if not (0 <= left < left + wide <= shape[1] and 0 <= top < top + high <= shape[0]):
            raise ValueError(text)
        hole[top : top + high, left : left + wide] = True
    return hole


def kept(shape: tuple[int, int]) -> np.ndarray:
    """The hole that the session and the link hold, boolean (h, w)."""
    default = ".".join(str(number) for number in middle(shape))

    def canonical(text: str) -> str:
        return word(parse(text, shape))

    if PAINTED in st.session_state:
        try:  # another checkpoint's pictures may be of another size
            canonical(st.session_state[PAINTED])
        except ValueError:
            del st.session_state[PAINTED]
    return parse(link.keep(PAINTED, default, canonical), shape)


def error(filled: np.ndarray, x: np.ndarray, hole: np.ndarray) -> float:
    """Mean squared difference inside of a hole, brightness 0 to 1; 0 for none."""
    if not hole.any():
        return 0.0
    return float(((filled[hole].astype(float) - x[hole]) ** 2).mean()) / 255**2


def cell(title: str, colour: str, image, caption: str, alt: str) -> None:
    """A picture with its heading and a line under it."""
    with st.container(width=158, gap="xsmall"):
        st.markdown(f"<span style='color:{colour}'>■</span> **{title}**", unsafe_allow_html=True)
        st.image(image, output_format="PNG", alt=alt)
        st.caption(caption)


@st.fragment
def show(name: str, x: np.ndarray) -> None:
    """The section; a stroke reruns this alone. x: uint8 (h, w, c) as the model sees it."""
    shape = x.shape[:2]
    st.markdown(
        "#### Paint a hole",
        help="The model is not shown what is under the hole: it encodes the rest, and what it decodes "
        "stands in the hole. It has learned on boxes of a quarter to five eighths of each side; holes of "
        "another form or size are new to it.",
    )
    hole = kept(shape)
    left, right = st.columns([1, 1.95], gap="medium")
    with left:
        paint(
            x,
            hole,
            middle(shape),
            key="hole canvas",
            painted=lambda hole: st.session_state.update({PAINTED: word(hole)}),
        )
    filled = {"model": bridge.models.fill(name, x, hole)} | bridge.judging.stand_ins(name, x, hole)
    errors = {key: error(picture, x, hole) for key, picture in filled.items()}
    gap, most = portrait.difference(x, filled["model"])
    some = bool(hole.any())
    under = {key: f"MSE in the hole {value:.4f}" if some else "no hole" for key, value in errors.items()}
    with right, st.container(horizontal=True, gap="small"):
        cell(
            "Filled",
            charts.RECONSTRUCTION,
            portrait.whole(filled["model"]),
            f"**{under['model']}**",
            f"the picture with its hole filled by the model, {under['model']}",
        )
        cell("The truth", charts.DATA, portrait.whole(x), "What was hidden.", "the whole picture")
        cell(
            "Where they differ",
            charts.GREY,
            gap,
            f"Orange: brighter. Full colour: {most:.2f}.",
            f"map of the differences, at most {most:.2f}",
        )
        cell(
            "The mean picture",
            charts.GREY,
            portrait.whole(filled["mean"]),
            under["mean"],
            f"the hole filled with the mean picture, {under['mean']}",
        )
        cell(
            "The nearest picture",
            charts.GREY,
            portrait.whole(filled["nearest"]),
            under["nearest"],
            f"the hole filled with the picture whose visible part is nearest, {under['nearest']}",
        )
        with st.container(width=158, gap="small"):
            st.markdown(judged(errors) if some else "**Nothing is hidden.** Paint a hole first.")
            st.download_button(
                "PNG",
                lambda: sheet(x, hole, filled, under),
                f"{name}-hole.png",
                icon=":material/download:",
                on_click="ignore",
                help="The picture with its hole, filled, and the truth",
            )


def judged(errors: dict[str, float]) -> str:
    """The three errors in a sentence."""
    model, others = errors["model"], {"mean": "the mean", "nearest": "the nearest picture"}
    beaten = [says for key, says in others.items() if model < errors[key]]
    if len(beaten) == 2:
        return "**Closer than both** simple ways to fill it."
    if beaten:
        lost = next(says for says in others.values() if says not in beaten)
        return f"**Closer than {beaten[0]}**, but {lost} is closer."
    return "**Both simple ways are closer** here."


def sheet(x: np.ndarray, hole: np.ndarray, filled: dict, under: dict) -> bytes:
    """The comparison as a PNG's bytes."""
    grey = np.where(hole[..., None], np.uint8(136), x)
    pictures = [grey, filled["model"], x, filled["mean"], filled["nearest"]]
    captions = ["with a hole", f"filled\n{under['model']}", "the truth"]
    captions += [f"the mean picture\n{under['mean']}", f"the nearest picture\n{under['nearest']}"]
    return portrait.comparison(captions, [portrait.whole(picture) for picture in pictures])


def elsewhere(name: str) -> None:
    """For a checkpoint that cannot: which one can, if there is one."""
    link.show(PAINTED, None)
    able = bridge.judging.fillers(name)
    if able:
        st.caption(
            f"{plain(name)} never saw a picture with a hole. {plain(' and '.join(able))} did: choose it in the sidebar "
            "to paint a hole here and see it filled."
        )
