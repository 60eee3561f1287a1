"""The map: every picture at the place of its code; point, click, lasso, or decode an empty place."""

import streamlit as st

from app import bridge
from app.shared import link, map_figure
from app.shared.plain import plain
from app.views.latent_map import inspector, knobs, own

MEANS = {
    "umap": "Neighbours on this map mostly are neighbours among the codes (trustworthiness "
    "**{trust:.2f}**; 1 is perfect, 0.5 is chance). The sizes of the islands and the gaps between them "
    "mean little: UMAP stretches and cuts {d} directions until they lie flat.",
    "pca": "The two directions in which the codes vary most, undistorted; the other {hidden} are left "
    "out. So what lies far apart is far apart, but what lies together need not be (trustworthiness "
    "**{trust:.2f}**; 1 is perfect, 0.5 is chance).",
}


def show_map(name: str, atlas, row) -> None:
    """Controls, beside what stands in `row`, the figure, and what it means."""
    link.keep("view", "umap", link.one_of("umap", "pca"))
    factors = list(atlas.factors or ["class"])
    colours = dict(zip(factors if len(factors) > 1 else ["class"], factors, strict=True)) | {"error": "error"}
    if st.session_state.get("colour") not in [None, *colours]:
        del st.session_state["colour"]  # it was chosen for another checkpoint
    link.keep("colour", bridge.codes.clearest(name), link.one_of(*colours))
    with row:
        view = st.segmented_control(
            "View",
            ["umap", "pca"],
            key="view",
            format_func=str.upper,
            required=True,
            label_visibility="collapsed",
            persist_state="session",
            width="content",
        )
        choose = dict(
            label="Colour",
            options=list(colours),
            key="colour",
            format_func=lambda word: f"colour: {colours[word]}",
            label_visibility="collapsed",
            persist_state="session",
        )
        if len(colours) == 2:
            choose["format_func"] = lambda word: f"colour: {plain(colours[word])}"  # Markdown
            colour = st.segmented_control(**choose, required=True, width="content")
        else:
            colour = st.selectbox(**choose, width=200)
    # the dots at once, as a picture; it goes when the chart can be pointed at
    dots = map_figure.preview(name, view, colour)
    st.html(f"<style>.st-key-map::before {{ background-image: url({dots}) }}</style>")
    value = knobs.chosen()
    first, second = st.columns(2) if value else (st.container(), None)
    with first, st.container(key="map"):
        st.plotly_chart(
            map_figure.figure(name, view, colour, st.context.theme.type == "dark"),
            key="map figure",
            height="stretch",
            config={
                "scrollZoom": True,
                "displaylogo": False,
                "displayModeBar": True,
                "modeBarButtons": [["pan2d", "lasso2d", "select2d", "resetScale2d", "toImage"]],
            },
            alt=map_figure.alt(atlas, view),
        )
    if value:
        with second:
            knobs.show(name, value, colour)
    means, again = st.columns([3.4, 1])
    means.caption(MEANS[view].format(trust=atlas.trust[view], d=atlas.z.shape[1], hidden=atlas.z.shape[1] - 2))
    with again:
        knobs.popover(name)


name = st.session_state["checkpoint"]
left, right = st.columns([2, 1], gap="medium")
with left:
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with row:
        st.markdown("#### Map", width="content")
        shown = own.choose(name)
    if shown not in ("", name):
        own.about(shown)
    if shown:
        show_map(shown, bridge.codes.atlas(shown), row)
    else:
        own.intake(name)
if shown:
    with right:
        inspector.show(shown, st.session_state["view"], st.session_state["colour"])
