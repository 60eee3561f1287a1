"""Another UMAP beside the map: with other neighbours and another least distance, and the same selection in both."""

import streamlit as st

from app import bridge
from app.components import map as parts
from app.shared import link, map_figure
from app.shared.plain import sentence
from app.views.latent_map.own import session

EVENTS = "map beside events"


def parse(text: str) -> tuple[int, float]:
    """A parser of `50,0.3`, neighbours and least distance; raises ValueError for anything else."""
    neighbours, least = text.split(",")
    value = int(neighbours), round(float(least), 2)
    low, high = bridge.layouts.NEIGHBOURS, bridge.layouts.MIN_DIST
    if not (low[0] <= value[0] <= low[1] and high[0] <= value[1] <= high[1]):
        raise ValueError(text)
    return value


def form(value: tuple[int, float] | None) -> str | None:
    """It for the URL."""
    return f"{value[0]},{value[1]:g}" if value else None


def chosen() -> tuple[int, float] | None:
    """The layout that stands beside the map, by its value; None for none."""
    return link.keep("beside", None, parse, form)


def popover(shown: str) -> None:
    """The knobs, and the layouts that there are."""
    help = "Lays the same codes out with other settings of UMAP, beside this map"
    with st.popover("UMAP anew", icon=":material/tune:", help=help):
        most = bridge.layouts.most(shown)
        now = st.session_state["beside"] or bridge.layouts.USUAL
        neighbours = st.slider(
            "Neighbours",
            bridge.layouts.NEIGHBOURS[0],
            most,
            min(now[0], most),
            help="How many neighbours of each code are kept together: few show small groups, many the shape of the whole",
        )
        least = st.slider(
            "Least distance",
            *bridge.layouts.MIN_DIST,
            now[1],
            step=0.01,
            help="How near points may come: 0 draws tight clumps, 1 spreads them evenly. Its name in UMAP is min_dist",
        )
        st.button("Lay out", type="primary", on_click=begin, args=(shown, (neighbours, round(least, 2))))
        for value, trust in bridge.layouts.made(shown).items():
            of_map = " (this map)" if value == bridge.layouts.USUAL else ""
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f"{says(value)}{of_map}: trustworthiness **{trust:.2f}**", width="stretch")
                if bridge.layouts.layout(shown, value) and value != st.session_state["beside"]:
                    st.button("Show", key=f"beside {form(value)}", type="tertiary", on_click=show_value, args=(value,))


def says(value: tuple[int, float]) -> str:
    """A layout's settings in words."""
    return f"{value[0]} neighbours, least distance {value[1]:g}"


def show_value(value: tuple[int, float] | None) -> None:
    """A layout stands beside the map from now on, or none."""
    st.session_state["beside"] = value


def begin(shown: str, value: tuple[int, float]) -> None:
    """A layout is wanted."""
    show_value(value)
    bridge.layouts.start(session(), shown, value)


def show(shown: str, value: tuple[int, float], colour: str) -> None:
    """The layout beside the map, or how far it is."""
    ready = bridge.layouts.layout(shown, value)
    if not ready:
        wait_or_ask(shown, value)
        return
    atlas = bridge.codes.atlas_by(shown, colour)
    figure = map_figure.latent_map(
        ready.umap,
        atlas.y,
        atlas.error,
        atlas.label_names,
        colour,
        f"{shown} {form(value)}",
        st.context.theme.type == "dark",
    )
    with st.container(key="beside"):
        st.plotly_chart(
            figure,
            key="beside figure",
            height="stretch",
            config={
                "scrollZoom": True,
                "displaylogo": False,
                "displayModeBar": True,
                "modeBarButtons": [["pan2d", "lasso2d", "select2d", "resetScale2d"]],
            },
            alt=alt(atlas, value),
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"UMAP with {says(value)}, turned like the map: trustworthiness **{ready.trust:.2f}**; the map beside it has "
            f"{atlas.trust['umap']:.2f}. What is picked in one is picked in both.",
            width="stretch",
        )
        st.button("Close", type="tertiary", on_click=show_value, args=(None,))


def wait_or_ask(shown: str, value: tuple[int, float]) -> None:
    """A bar while it is made; else a button, since a link alone starts no work."""
    state = bridge.layouts.state(shown, value)
    if state["state"] in ("waits", "works"):
        wait(shown, value)
        return
    if state["state"] == "failed":
        st.error(sentence(state["says"]), icon=":material/broken_image:")
    if value[0] > bridge.layouts.most(shown):
        st.info(f"{value[0]} neighbours are more than this map of {len(bridge.codes.atlas(shown).z)} pictures has.")
    else:
        st.button(f"Lay out with {says(value)}", type="primary", on_click=begin, args=(shown, value))
    st.button("Close", type="tertiary", on_click=show_value, args=(None,))


@st.fragment(run_every=1.0)
def wait(shown: str, value: tuple[int, float]) -> None:
    """The bar, and how to end it."""
    state = bridge.layouts.state(shown, value)
    if state["state"] not in ("waits", "works"):
        st.rerun()
    st.progress(state["share"], f"UMAP with {says(value)}: {state['says']}")
    st.button("Cancel", key="beside cancel", on_click=bridge.layouts.stop, args=(session(), shown, value))


def alt(atlas, value: tuple[int, float]) -> str:
    """The layout in words."""
    return f"{map_figure.alt(atlas, 'umap')} Laid out with {says(value)}."


def listen(shown: str, atlas, common: dict, on_event) -> None:
    """The layout hears and shows the same picks as the map: called where the map's component is."""
    value = st.session_state["beside"]
    if not value or not (ready := bridge.layouts.layout(shown, value)):
        return
    more = {"chart": "beside", "spacing": ready.spacing, "gallery": [], "place": None, "alt": alt(atlas, value)}
    parts.events({key: common[key] for key in common if key != "live"} | more, on_event, EVENTS)
