"""A film strip for every attribute that the codes tell clearly, all of one picture."""

import numpy as np
import streamlit as st

from app import bridge
from app.shared import charts, portrait, tray
from app.shared.plain import plain

MOST, STEPS, REACH = 6, 7, 3.0
SIDE = 56  # of a picture in it


def show(name: str, x: np.ndarray, code: np.ndarray, y: tuple[int, ...] | None) -> None:
    """The strips of a picture's code in two columns, if its attributes can be read and the model is not conditional.

    y: a conditional checkpoint's classes; its page shows every class already.
    """
    strips = [] if y else bridge.directions.strips(name, code, MOST, STEPS, REACH)
    if not strips:
        return
    frames = np.split(
        bridge.models.decode(name, np.concatenate([strip["z"] for strip in strips])),
        np.cumsum([len(strip["z"]) for strip in strips])[:-1],
    )
    head, walk = st.columns([4, 1], vertical_alignment="bottom")
    head.markdown(
        "#### The same, changed",
        help="The code goes along the line that tells one attribute in the map's codes, and is decoded: "
        f"{REACH:.0f} standard deviations to either side, or to each class of several. The clearest {len(strips)} of "
        f"{len(bridge.directions.directions(name).factors)} attributes; what goes with one in the data comes along with it.",
    )
    if walk.button("Walk further", icon=":material/route:", help="On Interpolate, along any of its directions"):
        st.session_state["mode"] = "directions"
        item = st.session_state["item"] if st.session_state["source"] == "Gallery" else tray.keep_upload(x)
        tray.send(item, "views/interpolate/interpolate.py")
    columns = st.columns(2, gap="medium")
    for place, (strip, pictures) in enumerate(zip(strips, frames, strict=True)):
        with columns[place % 2].container(gap=None):
            st.image(
                sheet(pictures, strip["start"]),
                output_format="PNG",
                alt=f"{strip['factor']}: " + ", ".join(strip["says"]),
            )
            st.caption(words(strip))


def words(strip: dict) -> str:
    """What a strip shows, in a line."""
    factor, labels = plain(strip["factor"]), [plain(label) for label in strip["labels"]]
    if len(labels) == 2:
        return f"**{factor}**: {labels[0]} ← as it is → {labels[1]}"
    labels[strip["start"]] = f"**{labels[strip['start']]}** (as it is)"
    return f"**{factor}**: " + ", ".join(labels)


def sheet(pictures: np.ndarray, start: int):
    """A strip in one row; the frame of the picture's code as it is has the reconstruction's border."""
    h = pictures.shape[1]
    strip = portrait.row(pictures, len(pictures), max(1, SIDE // h))
    step = pictures.shape[2] * max(1, SIDE // h) + 4
    mine = charts.enlarge(pictures[start], max(1, SIDE // h), charts.RECONSTRUCTION)
    strip.paste(mine, (start * step, 0))
    return strip
