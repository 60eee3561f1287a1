"""One picture that the reader's own tab makes of a code, where it can; else the server's."""

import streamlit as st

from app.components.parcel import STYLE, Codes, pack, script

_decoded = st.components.v2.component(
    "ali_decoded",
    html='<div class="root"><canvas class="large" role="img"></canvas><p class="says"></p></div>',
    css=STYLE + ".says { margin: 4px 0 0; font-size: 0.875rem; opacity: 0.6; }",
    js=script("continuous.js", "decoded.js"),
)


def decoded(codes: Codes, scale: int, border: str, says: str, alt: str, key: str) -> None:
    """Shows the picture of the one code of `codes`, its pixels enlarged by `scale`, in a border of that colour.

    codes.heard is called with "off: why" where the tab cannot make it.
    """
    _decoded(
        key=key,
        data=pack(
            codes.blank[None, None], **codes.entries(in_tab=True), scale=scale, border=border, says=says, alt=alt
        ),
        on_engine_change=lambda: codes.heard(str(st.session_state[key].engine)),
    )
