"""What the map has beyond Plotly, without a rerun: pictures for dots and at the pointer, clicks, lassos, arrow keys.

It listens to the Plotly chart inside the container of key "map", draws rings over it, and shows a gallery of
pictures. The browser fetches the sheet of all pictures itself, after the first paint.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent
_events = st.components.v2.component(
    "ali_map_events",
    js="\n".join((HERE / f).read_text(encoding="utf-8") for f in ("map.js", "map_pictures.js", "map_decode.js")),
    css=(HERE / "map.css").read_text(encoding="utf-8"),
)


def events(data: dict, on_event: Callable[[], None], key: str = "map events") -> None:
    """Listens to the map and shows a gallery.

    data: sheet (address of the PNG of all pictures, 100 a row); tile [w, h]; spacing (how far apart typical points are); labels; picks and near (numbers to ring); place [x, y] or None; gallery: list of
    {"id", "says"}; scale of its pictures; alt: what the chart is, for a screen reader;
    live: what decodes under the pointer: mode ("off", "decode", "lattice"), name, view, as (classes, or None).
    chart: the key of the chart's container, where that is not "map"; without live nothing is decoded there.
    on_event: called with st.session_state[key].event set: {"point": id}, {"place": [x, y]},
    {"points": [ids]} or {"live": mode}.
    """
    _events(data=data, key=key, on_event_change=on_event)
