"""The lab: models in the plane that learn while one watches; recorded, live, or somebody else's live run."""

import streamlit as st

from app import bridge, experiment, link
from app.components.lab import lab

REPLAY, LIVE = "Replay", "Live"
RUN, MINE = "run", "lab runs"  # ids in the link; id -> secret of the runs this reader started
NONE = "nothing"
HEIGHT = 560
VIEW = ("layers", "probe", "speed", "slow", "frame")

# ---- recorded ----------------------------------------------------------------------------------------


def replayed() -> list[dict]:
    """One or two recordings, chosen by name."""
    found = bridge.recordings()
    if not found:
        st.info("There are no recordings here yet. Make them: `python -m ali_core record`.")
        return []
    first = "ali-grid" if "ali-grid" in found else next(iter(found))
    link.keep("show", first, link.one_of(*found))
    link.keep("beside", NONE, link.one_of(NONE, *found))

    def title(name: str) -> str:
        return found[name]["card"]["title"] if name in found else name

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for label, key, options in (
            ("Recorded run", "show", list(found)), ("Beside it", "beside", [NONE, *found]),
        ):  # fmt: skip
            st.selectbox(
                label, options, key=key, format_func=title, persist_state="session", width=300
            )
    names = [st.session_state["show"]]
    if st.session_state["beside"] not in (NONE, *names):
        names.append(st.session_state["beside"])
    return [{"recording": name, "title": title(name)} for name in names]


# ---- live --------------------------------------------------------------------------------------------


def ids(text: str) -> str:
    """A parser of the link's runs: one id, or two with a comma."""
    words = text.split(",")
    if not 1 <= len(words) <= 2 or not all(
        0 < len(word) < 40 and word.replace("-", "").replace("_", "").isalnum() for word in words
    ):
        raise ValueError(text)
    return text


def start(settings: list[dict], own) -> None:
    """Starts the reader's runs, and ends those they had."""
    state = st.session_state
    try:
        begun = [bridge.start(one, own) for one in settings]
    except bridge.Problem as problem:
        st.session_state["lab problem"] = str(problem)
        return
    end()
    state[MINE] = dict(begun)
    state[RUN] = ",".join(state[MINE])


def end() -> None:
    """Ends the reader's own runs."""
    for run, secret in st.session_state.get(MINE, {}).items():
        bridge.stop(run, secret)
    st.session_state[MINE], st.session_state[RUN] = {}, ""


def live() -> list[dict]:
    """The runs of the link, or those the reader starts."""
    state = st.session_state
    state.setdefault(MINE, {})
    runs = [one for one in link.keep(RUN, "", ids).split(",") if one]
    about = [bridge.about(run) for run in runs]
    if runs and not set(runs) & set(state[MINE]) and any(about):
        words = "You watch a run that somebody shares. "
        st.caption(words + " · ".join(worded(one) for one in about if one))
        st.button("Start one of my own", on_click=end)
    else:
        settings, own = experiment.choose()
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button("Start", type="primary", icon=":material/play_arrow:",
                      on_click=start, args=(settings, own))  # fmt: skip
            if any(about):
                st.button("End", icon=":material/stop:", on_click=end)
                share()
            busy = bridge.load()
            st.caption(f"{busy['runs']} of {busy['limit']} runs live here, {busy['waiting']} wait.")
        if problem := state.pop("lab problem", None):
            st.error(problem, icon=":material/error:")
        if runs and not any(about):
            st.info("The run of this link has ended. Start begins one with the settings above.")
    return [
        {"run": run, "secret": state[MINE].get(run, ""), "title": one["settings"]["member"]}
        for run, one in zip(runs, about, strict=True)
        if one
    ]


def worded(about: dict) -> str:
    """A run's settings in words."""
    settings = about["settings"]
    return f"{settings['member']} on {experiment.DATA[settings['data']]}, seed {settings['seed']}"


def share() -> None:
    """How a class watches this run."""
    with st.popover("Class", icon=":material/groups:"):
        st.markdown(
            "Everyone who opens this page's address watches **this** run; only you have the buttons. "
            "Thirty watchers cost one training."
        )
        address = f"{st.context.url}?live=1&run={st.session_state[RUN]}"
        st.code(address, language=None, wrap_lines=True)
        if "localhost" in address or "127.0.0.1" in address:
            st.caption(
                "This address works on this machine only. For a class: "
                "`python -m app --server.address 0.0.0.0`, and this machine's name in place of localhost."
            )


# ---- the page ----------------------------------------------------------------------------------------

link.keep("live", False, lambda text: text == "1", lambda on: str(int(on)))
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    st.segmented_control("What runs", [False, True], format_func=[REPLAY, LIVE].__getitem__,
                         key="live", label_visibility="collapsed", persist_state="session")  # fmt: skip
    runs = live() if st.session_state["live"] else replayed()
if runs:
    lab(runs, key="lab", height=HEIGHT)
