"""Rings the point of the current frame on a Plotly path, in the browser."""

import streamlit as st

from app.components.parcel import script

_follow = st.components.v2.component("ali_follow", js=script("follow.js"))


def follow(key: str, chart: str) -> None:
    """The chart of key `chart` follows the scrub of `key`: its only path of markers has a point a frame."""
    _follow(key=f"{key} follow", data={"key": key, "chart": chart}, height=1)
