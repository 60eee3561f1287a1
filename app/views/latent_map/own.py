"""The reader's own pictures on the map: which are shown, how they are given, how far their map is."""

import os

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app import bridge
from app.server import visitors
from app.shared import link
from app.shared.plain import code, plain, sentence

HELD, MINE = "held-out", "mine"
CHOSEN, TROUBLE, ROUND, OTHER = "mine chosen here", "mine trouble", "mine round", "mine other"
SHOWN = 8  # bad files that are named


def session() -> str:
    """This tab's name on the server."""
    return get_script_run_ctx().session_id


def choose(name: str) -> str:
    """The choice between the checkpoint's pictures and the reader's. -> the name of the map to show; "" while there is none"""
    folder = bridge.mine.FOLDER in os.environ
    link.keep("pictures", MINE if folder else HELD, link.one_of(HELD, MINE))
    kind = st.segmented_control(
        "Pictures",
        [HELD, MINE],
        key="pictures",
        format_func={HELD: bridge.codes.shipped(name), MINE: "Mine"}.get,
        required=True,
        label_visibility="collapsed",
        persist_state="session",
        width="content",
        on_change=chosen,
        help="The map of the pictures that came with the model, or of pictures of your own: a folder or a zip",
    )
    if kind == HELD:
        return name
    if st.session_state.get(OTHER):
        return ""
    if folder and bridge.mine.state(session(), name)["state"] == "none":
        bridge.mine.start(session(), name)
    return bridge.mine.state(session(), name).get("map", "")


def chosen() -> None:
    """Numbers and places are those of one map."""
    st.session_state[CHOSEN] = True
    st.session_state["picks"], st.session_state["place"] = [], None


def intake(name: str) -> None:
    """In the place of the map, while there is none: how far it is, or how pictures are given."""
    for word in ("picks", "place", "view", "colour"):  # of a map that is not here
        link.show(word, None)
    if bridge.mine.state(session(), name)["state"] in ("waits", "works"):
        wait(name)
        return
    ask(name)


@st.fragment(run_every=1.0)
def wait(name: str) -> None:
    """The bar, and how to end it."""
    found = bridge.mine.state(session(), name)
    if found["state"] not in ("waits", "works"):
        st.rerun()
    st.progress(found["share"], f"{plain(bridge.mine.given(session()))}: {plain(found['says'])}")
    st.button("Cancel", on_click=bridge.mine.stop, args=(session(), name))
    st.caption("You may look at other pages meanwhile; it goes on.")


def ask(name: str) -> None:
    """What is wrong, what the reader has given already, and where files go."""
    found, given = bridge.mine.state(session(), name), bridge.mine.given(session())
    if trouble := st.session_state.pop(TROUBLE, "") or (found["says"] if found["state"] == "failed" else ""):
        st.error(sentence(trouble), icon=":material/broken_image:")
    elif not given and not st.session_state.get(CHOSEN):
        st.info(sentence(bridge.mine.GONE), icon=":material/link_off:")
    if given:
        st.button(f"Map {plain(given)} with {plain(name)}", type="primary", on_click=begin, args=(name,))
    most = bridge.mine.limits()
    files = st.file_uploader(
        "A zip of pictures, several zips, or pictures",
        accept_multiple_files=True,
        key=f"mine files {st.session_state.get(ROUND, 0)}",
    )
    if files:
        st.button(
            f"Map {len(files)} file{'s' * (len(files) > 1)} with {plain(name)}",
            type="primary",
            on_click=give,
            args=(name, files),
        )
    st.caption(
        f"16 to {most['pictures']:,} pictures, {most['megabytes']} MB in all, {most['minutes']:.0f} minutes at most. Folders in "
        "the zip become the classes. They are kept for this tab alone, on this machine, and are gone when you close or reload it. "
        f"A folder on this machine, of which {most['pictures']:,} are taken: {code('ali explore --pictures FOLDER')}"
    )


def begin(name: str) -> None:
    """What was given is mapped."""
    st.session_state.pop(OTHER, None)
    bridge.mine.start(session(), name)


def give(name: str, files: list) -> None:
    """The button was pressed."""
    try:
        address = visitors.named(st.context.ip_address)
        bridge.mine.give(session(), address, [(file.name, file.getvalue()) for file in files])
        begin(name)
        st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1  # an empty box: they are kept, and not twice
    except bridge.Problem as problem:
        st.session_state[TROUBLE] = str(problem)


def again() -> None:
    """Other pictures are wanted."""
    bridge.mine.take_back(session())
    chosen()
    st.session_state[OTHER] = True


def about(shown: str) -> None:
    """Under the map of the reader's pictures: what became of the files."""
    said, count = bridge.mine.about(shown), len(bridge.codes.atlas(shown).z)
    words = [f"**{count:,} pictures of {plain(bridge.mine.given(session()))}**"]
    if said["there"] > count + said["bad_count"]:
        words.append(f"evenly spread over its {said['there']:,} files")
    words += [f"{number:,} {says}" for says, number in said["done"].items()]
    if said["labelled"] == "guessed":
        words.append("the classes that this model is given are guessed: those whose reconstruction is nearest")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("; ".join(words) + ".", width="stretch")
        if said["bad_count"]:
            with st.popover(f"{said['bad_count']:,} unreadable", icon=":material/broken_image:"):
                st.markdown("".join(f"- {sentence(one)}\n" for one in said["bad"][:SHOWN]))
                if said["bad_count"] > SHOWN:
                    st.caption(f"and {said['bad_count'] - SHOWN:,} more")
        st.button("Other pictures", on_click=again, type="tertiary")
