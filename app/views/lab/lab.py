"""The lab: models in the plane that learn while one watches; recorded, live, or somebody else's live run."""

import streamlit as st

from app import bridge
from app.components.lab import LAYERS, VIEW, lab
from app.server import visitors
from app.shared import link
from app.shared.plain import sentence
from app.views.lab import experiment

REPLAY, LIVE = "Replay", "Live"
RUN, MINE = "run", "lab runs"  # the id in the link; id -> secret of what this reader started
TROUBLE = "lab problem"
# what this tab trains; how many it has begun; why the server trains in its place
TRAINED, STARTED, BECAUSE = "lab trained", "lab started", "lab because"
KEPT = ("layers", "x", "z", "step", "slow")  # of what is looked at, in the link
NONE = "nothing"
HEIGHT = {
    False: 606,
    True: 560,
}  # of the panels and their buttons, by whether it is live: all is seen at once

# ---- recorded ----------------------------------------------------------------------------------------


def replayed() -> list[dict]:
    """One or two recordings, chosen by name."""
    every = bridge.lab.recordings()
    scenes = {name: scene for name, scene in every.items() if isinstance(scene, dict)}
    for problem in [one for one in every.values() if isinstance(one, bridge.Problem)]:
        st.error(sentence(problem), icon=":material/broken_image:")
    if not scenes:
        st.info("There are no recordings here yet. Make them: `python -m ali_core record`.")
        return []
    first = "ali-grid" if "ali-grid" in scenes else next(iter(scenes))
    link.keep("show", first, link.one_of(*scenes))
    link.keep("beside", NONE, link.one_of(NONE, *scenes))

    def title(name: str) -> str:
        return scenes[name]["card"]["title"] if name in scenes else name

    for label, key, options in (
        ("Recorded run", "show", list(scenes)),
        ("Beside it", "beside", [NONE, *scenes]),
    ):
        st.selectbox(label, options, key=key, format_func=title, persist_state="session", width=300)
    names = [st.session_state["show"]]
    if st.session_state["beside"] not in (NONE, *names):
        names.append(st.session_state["beside"])
    return [{"recording": name, "title": title(name)} for name in names]


# ---- live --------------------------------------------------------------------------------------------


def identifier(text: str) -> str:
    """A parser of the link's run."""
    if len(text) > 40 or not text.replace("-", "").replace("_", "").isalnum():
        raise ValueError(text)
    return text


def start(settings: list[dict], points) -> None:
    """Starts the reader's run in their own tab, and ends the one they had."""
    try:
        begun = {"name": bridge.own.start(settings, points), "titles": [one["member"] for one in settings]}
    except bridge.Problem as problem:
        st.session_state[TROUBLE] = str(problem)
        return
    end()
    st.session_state[STARTED] = st.session_state.get(STARTED, 0) + 1
    st.session_state[TRAINED] = begun | {"number": st.session_state[STARTED]}


def start_class(settings: list[dict], points, because: str = "") -> None:
    """Starts the reader's run on the server, for everybody with its address, and ends the one they had."""
    state = st.session_state
    try:
        run, secret = bridge.live.start(settings, points, visitors.named(st.context.ip_address))
    except bridge.Problem as problem:
        state[TROUBLE] = f"{because} {problem}".strip()
        return
    end()
    state[MINE], state[RUN] = {run: secret}, run
    state[BECAUSE] = because


def lost(says: str) -> None:
    """The tab cannot train: the server does, and the page says why."""
    try:
        settings, points = bridge.own.of(st.session_state[TRAINED]["name"])
    except (bridge.Problem, TypeError):  # the server has begun anew, or the run has been ended meanwhile
        end()
        st.session_state[TROUBLE] = says
        return
    end()
    start_class(settings, points, f"{says} So this run trains on the server.")


def end() -> None:
    """Ends the reader's run, or leaves somebody else's."""
    for run, secret in st.session_state[MINE].items():
        bridge.live.stop(run, secret)
    st.session_state[MINE], st.session_state[RUN] = {}, ""
    st.session_state[TRAINED], st.session_state[BECAUSE] = None, ""


def live(row) -> list[dict]:
    """The run of the link, or the one that the reader starts; the widgets stand in the row."""
    state = st.session_state
    state.setdefault(MINE, {})
    state.setdefault(TRAINED, None)
    run = link.keep(RUN, "", identifier)
    about = bridge.live.about(run) if run else None
    if about and run not in state[MINE]:
        row.markdown(f"**A run that somebody shares:** {worded(about)}", width="content")
        row.button("Start one of my own", on_click=end)
    else:
        with row:
            settings = experiment.choose()
        points = experiment.points()
        with row:
            st.button("Start", type="primary", icon=":material/play_arrow:", on_click=start, args=(settings, points))
            if about or state[TRAINED]:
                st.button("End", icon=":material/stop:", on_click=end)
            share(run if about else "", settings, points)
        if problem := state.pop(TROUBLE, None):
            st.error(sentence(problem), icon=":material/error:")
        elif about and state.get(BECAUSE):
            st.warning(sentence(state[BECAUSE]), icon=":material/dns:")
        elif run and not about:
            st.info("The run of this link has ended. Start begins one with the settings above.")
    if about:
        first, *more = [one["member"] for one in about["settings"]]
        secret = state[MINE].get(run, "")
        return [{"run": run, "secret": secret, "title": first}, *({"title": name} for name in more)]
    if state[TRAINED]:
        first, *more = state[TRAINED]["titles"]
        mine = {"in_tab": state[TRAINED]["name"], "number": state[TRAINED]["number"]}
        return [mine | {"title": first}, *({"title": name} for name in more)]
    return []


def worded(about: dict) -> str:
    """A run's settings in words."""
    settings = about["settings"]
    members = " beside ".join(one["member"] for one in settings)
    return f"{members} on {experiment.DATA[settings[0]['data']]}, seed {settings[0]['seed']}"


def share(run: str, settings: list[dict], points) -> None:
    """How a class watches one run, which the server trains."""
    with st.popover("Class", icon=":material/groups:"):
        if not run:
            st.markdown(
                "Start trains in your own tab. For a class, the server trains one run, which everyone watches "
                "who opens its address; only you have the buttons."
            )
            busy = bridge.live.load()
            if busy["runs"] >= busy["limit"]:
                st.caption(f"All {busy['limit']} places are taken, {busy['waiting']} wait: yours would too.")
            st.button("Start for a class", on_click=start_class, args=(settings, points))
            return
        st.markdown(
            "Everyone who opens this page's address watches **this** run; only you have the buttons. "
            "Thirty watchers cost one training."
        )
        address = f"{st.context.url}?live=1&run={run}"
        st.code(address, language=None, wrap_lines=True)
        if "localhost" in address or "127.0.0.1" in address:
            st.caption(
                "This address works on this machine only. For a class: "
                "`python -m app --server.address 0.0.0.0`, and this machine's name in place of localhost."
            )


# ---- what is looked at -------------------------------------------------------------------------------


def layers(text: str) -> list[str]:
    """A parser of layers with commas between them."""
    words = [word for word in text.split(",") if word]
    if not set(words) <= set(LAYERS):
        raise ValueError(text)
    return words


def view() -> dict:
    """Layers, places and step of the link."""
    link.keep("layers", VIEW["layers"], layers, ",".join)
    for name in ("x", "z"):
        link.keep(name, VIEW[name], link.number(0, 8))
    link.keep("step", 0, link.number(0, 10**7))
    link.keep("slow", 0, link.number(0, 1))
    return {name: st.session_state[name] for name in KEPT}


def seen(shown: dict) -> None:
    """Keeps the view that the reader has chosen, for the link."""
    for name in KEPT:
        st.session_state[name] = shown[name]


# ---- the page ----------------------------------------------------------------------------------------

link.keep("live", False, lambda text: text == "1", lambda on: str(int(on)))
row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
with row:
    st.segmented_control(
        "What runs",
        [False, True],
        format_func=[REPLAY, LIVE].__getitem__,
        key="live",
        label_visibility="collapsed",
        persist_state="session",
    )
if st.session_state["live"]:
    runs = live(row)
else:
    with row:
        runs = replayed()
if runs:
    lab(runs, "lab", HEIGHT[st.session_state["live"]], view(), seen, lost=lost)
