"""Eyes and hands of the map: pictures beside the pointer, clicks, lassos and arrow keys, without a rerun.

Two parts, because raw bytes travel alone: `sheet` hands the browser all pictures once, `events` listens to
the Plotly chart inside the container of key "map", draws rings over it, and shows a gallery of pictures.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent
_sheet = st.components.v2.component(
    "ali_map_sheet", js=(HERE / "map_sheet.js").read_text(encoding="utf-8")
)
_events = st.components.v2.component(
    "ali_map_events",
    js=(HERE / "map.js").read_text(encoding="utf-8"),
    css=(HERE / "map.css").read_text(encoding="utf-8"),
)


def sheet(png: bytes) -> None:
    """Gives the browser the PNG sheet of all pictures, 100 a row."""
    _sheet(data=png, key="map sheet", height=1)


def events(data: dict, on_event: Callable[[], None]) -> None:
    """Listens to the map and shows a gallery.

    data: tile [w, h]; labels; picks and near (numbers to ring); place [x, y] or None; gallery: list of
    {"id", "says"}; scale of its pictures; alt: what the chart is, for a screen reader.
    on_event: called with st.session_state["map events"].event set: {"point": id}, {"place": [x, y]} or
    {"points": [ids]}.
    """
    _events(data=data, key="map events", on_event_change=on_event)
