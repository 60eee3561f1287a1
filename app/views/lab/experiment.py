"""The settings of a live run: member, data, numbers, the reader's points; all of them stand in the link."""

import numpy as np
import streamlit as st

from app import bridge
from app.components.draw import draw
from app.shared import link

NONE = "nothing"
SIDE = 64  # pixels of the canvas that points are drawn on
POINTS, SEEDS = "points", 999_999
DATA = {
    "grid": "25 Gaussians",
    "ring": "8 Gaussians on a ring",
    "moons": "two moons",
    "spiral": "two spirals",
    "linear": "one tilted Gaussian",
    "mine": "my own points",
}
# a live run's numbers: what they are called, least, most, step, form, what they mean
NUMBERS = {
    "width": ("Width", 4, 128, 4, "%d", "Units of each hidden layer; there are two in every network."),
    "batch": ("Batch", 8, 1024, 8, "%d", "Points of the data, and codes, that a step sees."),
    "lr": ("Rate of E and G", 0.0, 0.1, 1e-4, "%.5f", "Adam's learning rate."),
    "lr_discriminator": ("Rate of D", 0.0, 0.1, 1e-4, "%.5f", "Adam's learning rate."),
    "r1": (
        "Price of steepness",
        0.0,
        100.0,
        0.01,
        "%.3f",
        "What D pays for steep beliefs (R1 and R2): calmer training.",
    ),
    "sines": (
        "Sines",
        0.0,
        100.0,
        1.0,
        "%.1f",
        "D also sees sines of x, of up to so many radians per unit: it tells fine detail apart.",
    ),
}


def choose() -> list[dict]:
    """The reader's settings: of one run, or of two that differ in their member only."""
    members, plain = bridge.lab.planar(), bridge.lab.settings()
    link.keep("member", plain["member"], link.one_of(*members))
    link.keep("against", NONE, link.one_of(NONE, *members))
    link.keep("data", plain["data"], link.one_of(*DATA))
    link.keep("seed", 0, link.number(0, SEEDS))  # other pages keep theirs under this name
    says = "\n\n".join(f"**{name}**: {row['says']}" for name, row in members.items())
    beside = "A second run on the same data, from the same seed; both step together."
    for label, key, options, wide, about in (
        ("Member", "member", list(members), 155, says),
        ("Beside it", "against", [NONE, *members], 155, beside),
        ("Data", "data", list(DATA), 185, None),
    ):
        st.selectbox(
            label,
            options,
            key=key,
            format_func=lambda one: DATA.get(one, one),
            help=about,
            persist_state="session",
            width=wide,
        )
    st.number_input("Seed", 0, SEEDS, key="seed", persist_state="session", width=110)
    with st.popover("Numbers", icon=":material/tune:"):
        common, weights = _numbers(members, plain)
    state = st.session_state
    common |= {"data": state["data"], "seed": state["seed"]}
    pair = [state["member"]] + [state["against"]] * (state["against"] not in (NONE, state["member"]))
    return [common | {"member": one, "weights": weights.get(one, {})} for one in pair]


def _numbers(members: dict[str, dict], plain: dict) -> tuple[dict, dict[str, dict]]:
    """The numbers of the networks, and of each member's terms."""
    common, weights, state = {}, {}, st.session_state
    for key, (title, low, high, step, form, says) in NUMBERS.items():
        link.keep(key, plain[key], _between(low, high, type(plain[key])), "{:g}".format)
        common[key] = st.number_input(
            title, low, high, step=step, key=key, format=form, help=says, persist_state="session"
        )
    for member in dict.fromkeys((state["member"], state["against"])):
        for term, weight in members[member]["terms"].items() if member != NONE else ():
            key = f"{member}.{term}"
            link.keep(key, weight, _between(0.0, 1e6, float), "{:g}".format)
            weights.setdefault(member, {})[term] = st.number_input(
                f"{member}: weight of {term.replace('_', ' ')}",
                0.0,
                1e6,
                key=key,
                step=0.1,
                format="%.3f",
                persist_state="session",
            )
    return common, weights


def _between(low: float, high: float, kind: type):
    """A parser of numbers from low to high."""

    def parse(text: str):
        value = kind(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return parse


def points() -> np.ndarray | None:
    """The reader's points where the data are "mine": drawn, or of a CSV; None where there are none."""
    if st.session_state["data"] != "mine":
        return None
    link.keep(POINTS, [], link.numbers(SIDE * SIDE), link.numbers_form)
    state = st.session_state
    with st.expander("My points", expanded=not st.session_state.get("run"), icon=":material/draw:"):
        left, right = st.columns(2)
        with left:
            drawing = np.zeros((SIDE, SIDE, 1), np.uint8)
            drawing.reshape(-1)[state[POINTS]] = 255
            st.caption("Draw them: every pixel is a point. The drawing stands in the link.")
            draw(drawing, 0, None, "", "lab drawing", _drawn)
        with right:
            file = st.file_uploader(
                "Or a CSV of two columns",
                ["csv", "txt", "tsv"],
                help="Two numbers a line. It stays on this machine, in this session; not in the link.",
            )
            text = st.text_area("Or pasted", placeholder="0.5, 1.2\n0.7, 0.9\n…", height=120)
    try:
        if file:
            return bridge.lab.table_of_points(file.name, file.getvalue())
        if text.strip():
            return bridge.lab.table_of_points("what you pasted", text.encode())
    except bridge.Problem as problem:
        st.error(str(problem), icon=":material/error:")
        return None
    return bridge.lab.points_of(drawing)


def _drawn(drawing: np.ndarray) -> None:
    st.session_state[POINTS] = np.flatnonzero(drawing).tolist()
