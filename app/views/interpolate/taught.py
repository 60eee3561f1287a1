"""A direction that the reader's own examples teach: pictures with a thing, pictures without it."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from app import bridge
from app.shared import charts, link, tray
from app.shared.examples import MOST, SIDES, WITH, WITHOUT, add, words
from app.shared.plain import plain, sentence
from app.views.interpolate.frames import STEPS, Film, how_far, leave, pickers

OFFERED, SIDE = 12, 44  # pictures that are offered; pixels of a small picture
FILE, SEEN, DICE = "taught file", "taught seen", "taught dice"


def teach(name: str, y, row, place) -> tuple[Film | None, "bridge.teaching.Taught | None"]:
    """A's code moved along what the reader's examples teach. -> the film, None without A or enough of them; what they teach"""
    leave({"along", "toward", "dim", "take"})
    reach = how_far(row, 2, "; 1 is the way from the examples without it to those with it.")
    with place:
        learned = examples(name)
        (ready,) = pickers(name, "a")
    if not (ready and learned):
        return None, learned
    _, z, _ = ready
    units = np.linspace(-reach, reach, STEPS)
    path = learned.moved(np.repeat(z[None], STEPS, 0), units)
    notes = [f"{'−' if unit < 0 else '+'}{abs(unit):.1f} toward {learned.name}" for unit in units]
    return Film("teach", path, [y] * STEPS, notes), learned


def remove(side: str, word: str) -> None:
    """Takes a picture off a side."""
    st.session_state[side] = [one for one in st.session_state[side] if one != word]


def upload(name: str, side: str, key: str) -> None:
    """Takes uploaded or photographed pictures as examples; what is wrong with one is said under the rows."""
    files = st.session_state[key] or []
    st.session_state.pop(f"{side} problem", None)
    taken = st.session_state.setdefault(SEEN, set())
    for file in files if isinstance(files, list) else [files]:
        if file.file_id in taken:
            continue
        taken.add(file.file_id)
        try:
            seen = bridge.judging.see(name, file.name, file.getvalue(), "crop", "guess")
            add(side, [tray.keep_upload(seen["array"])])
        except bridge.Problem as problem:
            st.session_state[f"{side} problem"] = str(problem)


def example(name: str) -> None:
    """Five pictures of the class that the map shows clearest, and five of the others."""
    atlas = bridge.codes.atlas(name)
    rng = np.random.default_rng(0)
    fitted = bridge.directions.directions(name)
    factor = fitted.clearest(1)[0] if fitted and fitted.clearest(1) else 0
    y = atlas.y if atlas.labels is None else atlas.labels[:, factor]
    most = np.bincount(y).argmax()
    for side, rows in ((WITH, np.flatnonzero(y == most)), (WITHOUT, np.flatnonzero(y != most))):
        st.session_state[side] = [f"p{i}" for i in rng.permutation(rows)[:5]]


def choose(name: str, side: str) -> None:
    """The ways to an example: the tray, pictures of the map, files, the camera."""
    row = st.container(horizontal=True, gap="xsmall")
    offered = [word for word in tray.items()]
    many = len(bridge.codes.pictures(name))
    shown = np.random.default_rng(st.session_state.get(DICE, 0)).permutation(many)[:OFFERED]
    for word in [*offered, *(f"p{i}" for i in shown)]:
        with row.container(width=SIDE + 14, gap=None, horizontal_alignment="center"):
            try:
                thumbnail(name, word)
            except bridge.Problem:  # the tray itself says what is wrong with it
                continue
            st.button(
                "Add",
                key=f"{side} add {word}",
                on_click=add,
                args=(side, [word]),
                type="tertiary",
                disabled=word in st.session_state[side],
            )
    st.button(
        "Other pictures",
        icon=":material/casino:",
        key=f"{side} dice",
        on_click=lambda: st.session_state.update({DICE: st.session_state.get(DICE, 0) + 1}),
    )
    key = f"{side} files"
    st.file_uploader("Your own pictures", accept_multiple_files=True, key=key, on_change=upload, args=(name, side, key))
    if st.checkbox("Camera", key=f"{side} camera"):
        key = f"{side} photo"
        st.camera_input("A photograph", key=key, on_change=upload, args=(name, side, key))
    st.caption("On the **Map**, a lasso's pictures can be put on either side at once.")


def thumbnail(name: str, word: str) -> None:
    """A small picture of an example; raises bridge.Problem where it is gone."""
    seen, says = tray.picture(name, word), tray.says(name, word)
    st.image(charts.enlarge(seen, max(1, SIDE // len(seen))), width=SIDE, output_format="PNG", alt=says)


def side_of(name: str, side: str) -> list[np.ndarray]:
    """Draws a row of examples. -> their codes"""
    codes, gone = [], []
    with st.container(horizontal=True, gap="xxsmall", vertical_alignment="center"):
        st.markdown(f"**{SIDES[side]}**", width=84)
        for place, word in enumerate(st.session_state[side]):
            with st.container(width=SIDE + 6, gap=None, horizontal_alignment="center"):
                try:
                    codes.append(tray.latent(name, word))
                    thumbnail(name, word)
                except bridge.Problem as problem:
                    gone.append(str(problem))
                    continue
                st.button(
                    "✕", key=f"{side} out {place}", help="Take out", on_click=remove, args=(side, word), type="tertiary"
                )
        with st.popover("Add", icon=":material/add:", disabled=len(st.session_state[side]) >= MOST):
            choose(name, side)
    for why in [*gone, *filter(None, [st.session_state.get(f"{side} problem")])]:
        st.error(sentence(why))
    return codes


def examples(name: str) -> "bridge.teaching.Taught | None":
    """Both rows of examples, and what they teach; None as long as they cannot."""
    for side in SIDES:
        link.keep(side, [], words, lambda found: ",".join(word for word in found if word[0] in "ps") or None)
    if kept := from_file(name):
        return kept
    sides = [side_of(name, side) for side in SIDES]
    fewest = bridge.teaching.FEWEST
    if min(map(len, sides)) < fewest:
        st.info(
            f"Show it at least {fewest} pictures **with** a thing and {fewest} **without**, better five of each, as different "
            "as can be in everything else: what all of one side share is learned too."
        )
        st.button("An example to begin with", icon=":material/school:", on_click=example, args=(name,))
        return None
    try:
        return bridge.teaching.teach(name, *sides, called())
    except bridge.Problem as problem:
        st.error(sentence(problem))
        return None


def called() -> str:
    """What the reader calls the thing."""
    return (st.session_state.get("taught name") or "").strip() or "it"


def from_file(name: str) -> "bridge.teaching.Taught | None":
    """A direction that was kept as a file and is given back, in place of examples."""
    if not (content := st.session_state.get(FILE)):
        return None
    try:
        found = bridge.teaching.read(name, content)
    except bridge.Problem as problem:
        st.error(sentence(problem))
        found = None
    says = (
        ""
        if found is None
        else f"«{plain(found.name)}», taught by {found.examples[0]} pictures with it and {found.examples[1]} without."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(says, width="content")
        st.button("Back to the examples", on_click=lambda: st.session_state.pop(FILE, None))
    return found


def take_file() -> None:
    """Takes a direction's file."""
    if file := st.session_state["taught npz"]:
        st.session_state[FILE] = file.getvalue()


def report(name: str, found: "bridge.teaching.Taught | None", amount: float) -> None:
    """How far the direction is to be trusted, what else it changes, its name and its file."""
    if found:
        n = sum(found.examples)
        st.markdown(
            f"**{round(found.right * n)} of {n}** examples are told right by the others alone.",
            help="Each example is left out once, and the direction that the others teach says on which side it is. Half would "
            "be right by chance.",
        )
        shares = bridge.teaching.changes(name, found, amount)
        if shares:
            figure, alt = bars(shares)
            st.plotly_chart(figure, key="taught changes", config={"displayModeBar": False}, alt=alt)
            st.caption(
                f"What changes when {bridge.teaching.ASKED} of the map's pictures without it are moved by {amount:g}: the share whose "
                "class reads as another afterwards. A direction that a few examples teach holds all that they happen to share: "
                "more examples, more different ones, clean it."
            )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Its name", key="taught name", placeholder="smile, hat, …", max_chars=40, width=170)
        if found:
            st.download_button(
                "Keep (NPZ)",
                found.content,
                f"{name}-direction.npz",
                icon=":material/download:",
                help="For this page another time, and for `model.moved(z, file, amount)` in Python.",
                on_click="ignore",
            )
    with st.popover("Use a kept one"):
        st.file_uploader("A direction's NPZ", type="npz", key="taught npz", on_change=take_file)


def bars(shares: dict[str, float]) -> tuple[go.Figure, str]:
    """A bar a factor, the one that changes most above. -> the figure, what it says in words"""
    order = sorted(shares, key=lambda factor: shares[factor])
    values, words = [shares[factor] for factor in order], [f"{shares[factor]:.0%}" for factor in order]
    figure = charts.bars(values, order, words, [charts.GENERATED] * len(order)).update_xaxes(range=[0, 1.1])
    return figure, "share that changes: " + ", ".join(f"{factor} {shares[factor]:.0%}" for factor in reversed(order))
