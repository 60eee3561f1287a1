"""The explorer: page, sidebar (checkpoint, its samples, the tray), navigation. main.py serves it."""

import re
from pathlib import Path

import streamlit as st

from app import bridge, charts, link, tray

# without icons: the browser would fetch them from another host, as the tab's icon
PAGES = [
    st.Page("views/latent_map.py", title="Map", default=True),
    st.Page("views/reconstruct.py", title="Reconstruct"),
    st.Page("views/interpolate.py", title="Interpolate"),
    st.Page("views/compare.py", title="Compare"),
    st.Page("views/model.py", title="Model"),
]


def choose(names: list[str], problems: dict[str, str]) -> str | None:
    """The picker of what is not broken. -> the checkpoint that is looked at, or None"""
    good = [name for name in names if name not in problems]
    asked = st.query_params.get("checkpoint")
    if not good:
        st.error(
            f"There is no usable checkpoint in {bridge.root()}. Train one: "
            "python -m ali_core train preset=fashion-alice"
        )
    else:
        if asked and asked not in good and asked not in problems:
            # a link's text must not become Markdown: a picture in it would call another host
            plain = re.sub(r"[^\w.-]", "?", asked)[:60]
            st.warning(f"There is no checkpoint «{plain}»; {good[0]} is shown.")
        if st.session_state.get("checkpoint") not in [None, *good]:
            del st.session_state["checkpoint"]
        link.keep("checkpoint", good[0], link.one_of(*good), always=True)
        st.selectbox("Checkpoint", good, key="checkpoint", persist_state="session")
    return st.session_state["checkpoint"] if good else None


def show_samples(name: str) -> None:
    """Six pictures the checkpoint makes up."""
    strip = bridge.samples(name)
    if strip is None:
        return
    st.caption("Six samples of it", help="Decoded from random codes of the prior, seeds 0 to 5.")
    shown = charts.contact_sheet(strip, 6, max(1, 40 // strip.shape[1]), charts.GENERATED, gap=8)
    st.image(shown, output_format="PNG", alt="samples of seeds 0 to 5")


# first of all: a sidebar that is already drawn keeps its width (four pictures of the tray fit into this)
st.set_page_config(page_icon=charts.favicon(), layout="wide", initial_sidebar_state=316)
page = st.navigation(PAGES)
link.begin(page.url_path)
st.html(Path(__file__).with_name("style.css"))
with st.sidebar:
    names = bridge.names()
    problems = {name: sentence for name in names if (sentence := bridge.broken(name))}
    name = choose(names, problems)
    if name:
        show_samples(name)
        tray.show(name)
    for broken, sentence in problems.items():
        st.error(f"**{broken}** cannot be used. {sentence}", icon=":material/broken_image:")
st.set_page_config(
    f"{name or 'no checkpoint'}: {page.title.lower()}"
)  # the title names what is seen
if name:
    try:
        page.run()
    except bridge.Problem as problem:
        st.error(str(problem), icon=":material/broken_image:")
