"""The explorer: page, sidebar (checkpoint, its samples, the tray), navigation. main.py serves it."""

from pathlib import Path

import streamlit as st

from app import bridge
from app.shared import charts, link, tray
from app.shared.plain import plain, sentence

CHOSEN = "checkpoint"  # the picker's name in the session and in the link
# without icons: the browser would fetch them from another host, as the tab's icon
PAGES = [
    st.Page("views/latent_map/latent_map.py", title="Map", default=True),
    st.Page("views/reconstruct/reconstruct.py", title="Reconstruct"),
    st.Page("views/interpolate/interpolate.py", title="Interpolate"),
    st.Page("views/translate/translate.py", title="Translate"),
    st.Page("views/compare/compare.py", title="Compare"),
    st.Page("views/model/model.py", title="Model"),
    st.Page("views/lessons/lessons.py", title="Lessons"),
    st.Page("views/lab/lab.py", title="Lab"),
    st.Page("views/guess/guess.py", title="Guess"),
]
PLANE = ("lessons", "lab")  # pages of models in the plane: no checkpoint, no tray


def choose(key: str, names: list[str], problems: dict[str, str]) -> str | None:
    """The picker of what is not broken. -> the checkpoint that is looked at, or None

    `key` is its name in the session: a translator and a checkpoint of the other pages stand there together.
    """
    good = [name for name in names if name not in problems]
    asked = st.query_params.get("checkpoint")
    if good:
        if asked and asked not in good and asked not in problems:
            refuse(asked, good[0])
        if st.session_state.get(key) not in [None, *good]:
            del st.session_state[key]
        link.keep(key, good[0], link.one_of(*good), always=True, shown="checkpoint")
        st.selectbox("Checkpoint", good, key=key, persist_state="session")
    return st.session_state[key] if good else None


def refuse(asked: str, shown: str) -> None:
    """Says of a link's checkpoint that this page does not show it, and which page does."""
    named, shown = plain(asked[:60]), plain(shown)
    if asked in bridge.checkpoints.translators():
        st.warning(f"{named} translates between two kinds of pictures; {shown} is shown here.")
        to, says = "views/translate/translate.py", f"{named} on Translate"
    elif asked in bridge.checkpoints.names():
        st.warning(f"{named} has learned one kind of pictures and cannot translate; {shown} is shown.")
        to, says = "views/reconstruct/reconstruct.py", f"{named} on Reconstruct"
    else:
        st.warning(f"There is no checkpoint «{named}»; {shown} is shown.")
        return
    st.page_link(to, label=says, icon=":material/arrow_forward:", query_params={CHOSEN: asked})


def show_samples(name: str) -> None:
    """Six pictures the checkpoint makes up."""
    try:
        strip = bridge.checkpoints.samples(name)
    except bridge.Problem as problem:
        st.error(sentence(problem), icon=":material/broken_image:")
        return
    if strip is None:
        return
    st.caption("Six samples of it", help="Decoded from random codes of the prior, seeds 0 to 5.")
    shown = charts.contact_sheet(strip, 6, max(1, 40 // strip.shape[1]), charts.GENERATED, gap=8)
    st.image(shown, output_format="PNG", alt="samples of seeds 0 to 5")


def sidebar(translating: bool) -> str | None:
    """The picker, samples of what is picked, the tray, and what is broken. -> the checkpoint that is looked at"""
    names = bridge.checkpoints.names()
    every = names + bridge.checkpoints.translators() * translating
    problems = {name: why for name in every if (why := bridge.checkpoints.broken(name))}
    good = [name for name in names if name not in problems]
    if translating:  # the tray's pictures are those of the other pages' checkpoint
        chosen = choose("translator", bridge.checkpoints.translators(), problems)
        if st.session_state.get(CHOSEN) not in good:
            st.session_state[CHOSEN] = good[0] if good else None
    else:
        chosen = choose(CHOSEN, good, problems)
        if chosen:
            show_samples(chosen)
        else:
            st.error(
                f"There is no usable checkpoint in {bridge.checkpoints.root()}. Train one: "
                "python -m ali_core train preset=fashion-alice"
            )
    if good:
        tray.show(st.session_state[CHOSEN])
    for broken, why in problems.items():
        st.error(f"**{plain(broken)}** cannot be used. {sentence(why)}", icon=":material/broken_image:")
    return chosen


# first of all: a sidebar that is already drawn keeps its width (four pictures of the tray fit into this)
st.set_page_config(page_icon=charts.favicon(), layout="wide", initial_sidebar_state=316)
page = st.navigation(PAGES)
link.begin(page.url_path)
st.html(Path(__file__).with_name("style.css"))
translating = page.url_path == "translate"
plane = page.url_path in PLANE
name = None
if not plane:
    with st.sidebar:
        name = sidebar(translating)
# the title names what is seen
st.set_page_config(f"{name or 'no checkpoint'}: {page.title.lower()}" if not plane else page.title)
if name or translating or plane:
    try:
        page.run()
    except bridge.Problem as problem:
        st.error(sentence(problem), icon=":material/broken_image:")
