"""Interpolate's third mode: a walk from one picture along a direction of z, one that is taught, and codes that are added up."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from app import bridge
from app.components.scrub import scrub
from app.shared import classes, engine, film, link, tray
from app.shared.plain import plain
from app.views.interpolate import ends, taught
from app.views.interpolate.frames import STEPS, Film, chosen, how_far, leave, number, pickers

WALK, MIX, TEACH = "walk", "mix", "teach"
NUMBER, EVERYTHING = "n", "all"
CONDITIONED = " Without “code”: the code stays, what the decoder is told changes."


def show(name: str, y: tuple[int, ...] | None, row, downloads) -> None:
    """A walk or a sum, and beside it how well each factor can be read from the codes.

    y: what a conditional checkpoint decodes as; row: the container for what is chosen; downloads: draws
    the buttons that save the frames.
    """
    fitted = bridge.directions.directions(name)
    link.keep("do", WALK, link.one_of(WALK, MIX, TEACH))
    with row:
        st.segmented_control(
            "With a code",
            [WALK, MIX, TEACH],
            format_func={WALK: "Walk", MIX: "A − B + C", TEACH: "Teach"}.get,
            key="do",
            persist_state="session",
            width="content",
        )
    left, right = st.columns([4, 3], gap="medium")
    if st.session_state["do"] == TEACH:
        shown, learned = taught.teach(name, y, row, left)
    else:
        leave(set(taught.SIDES))
        shown, dim = {WALK: walk, MIX: mix}[st.session_state["do"]](name, y, fitted, row, left)
    if shown:
        near = bridge.codes.near(name, shown.z)
        with left:
            play(name, shown, frames := engine.lazily(lambda: decoded(name, shown)), near)
    with right:
        if st.session_state["do"] == TEACH:
            taught.report(name, learned, float(st.session_state["reach"]))
        else:
            heat_map(name, fitted, dim)
        if shown:
            downloads(name, frames, shown.z, near, shown.key)


def decoded(name: str, shown: Film) -> np.ndarray:
    """A film's pictures."""
    return bridge.models.decode(name, shown.z, None if shown.ys[0] is None else np.array(shown.ys))


# ---- a walk ----------------------------------------------------------------------------------------


def walk(name: str, y, fitted, row, place) -> tuple[Film | None, int | None]:
    """Along a class, along one number of the code, or through the classes of a conditional model.

    -> the film, None without A; the number of the code that is walked along, if it is one
    """
    conditions = bridge.classes.factors(name) if bridge.classes.classes(name) else []
    names = {f"y{k}": factor if len(conditions) > 1 else "class" for k, factor in enumerate(conditions)}
    # first the classes that a conditional checkpoint is given, then those that are read from its codes
    codes_say = fitted.factors if fitted else {}
    names |= {f"f{k}": "code: " * bool(conditions) + factor for k, factor in enumerate(codes_say)}
    names[NUMBER] = "one number"
    along = chosen("along", list(names))
    with row:
        st.selectbox(
            "Along",
            list(names),
            format_func=names.get,
            key="along",
            persist_state="session",
            width=150,
            help="A factor: to where the codes of one of its classes are. One number: the "
            "others stay." + CONDITIONED * bool(conditions),
        )
    kind, which = along[0], int(along[1:] or 0)
    used = {"f": {"toward", "reach"}, NUMBER: {"dim", "reach"}}.get(kind, set())
    leave({"take", "toward", "dim", "reach"} - used)
    if kind != "y":
        label = which_class(fitted, which, row) if kind == "f" else which_number(name, fitted, row)
        reach = how_far(row, 4, ", in standard deviations of the codes along this direction.")
    with place:
        (ready,) = pickers(name, "a")
    dim = label if kind == NUMBER else None
    if not ready:
        return None, dim
    picture, z, says = ready
    if kind == "y":
        return through(name, picture, z, says, y, which), None
    if kind == "f":
        called, labels = list(codes_say.items())[which]
        word = labels[label] if len(codes_say) == 1 else f"{called} {labels[label]}"
        direction = fitted.toward(z, which, label)
    else:
        direction, word = np.eye(len(z))[dim], f"more of number {dim}"
        which = int(fitted.strength[:, dim].argmax()) if fitted else None
    path, units = bridge.directions.walk(name, z, direction, reach, STEPS)
    notes = [
        f"{'−' if unit < 0 else '+'}{abs(unit):.1f} sd toward {word}{seen}"
        for unit, seen in zip(units, reading(fitted, path, which), strict=True)
    ]
    return Film("walk", path, [y] * STEPS, notes), dim


def which_class(fitted, factor: int, row) -> int:
    """The class toward which codes go."""
    labels = list(fitted.factors.values())[factor]
    number("toward", 0, 0, len(labels) - 1)
    with row:
        return st.selectbox(
            "Toward",
            range(len(labels)),
            format_func=lambda k: labels[k],
            key="toward",
            persist_state="session",
            width=120,
        )


def which_number(name: str, fitted, row) -> int:
    """The number of the code that changes; to begin with the one that tells most of a factor."""
    last = bridge.codes.atlas(name).z.shape[1] - 1
    number("dim", int(fitted.strength.max(0).argmax()) if fitted else 0, 0, last)
    with row:
        return st.number_input("Number", 0, last, key="dim", persist_state="session", width=120)


def reading(fitted, z: np.ndarray, factor: int | None) -> list[str]:
    """What a line through the codes reads of a factor, in words, for every code."""
    if fitted is None:
        return [""] * len(z)
    called, labels = list(fitted.factors.items())[factor]
    word = "" if len(fitted.factors) == 1 else f"{called} "
    return [f" · reads as {word}{labels[k]}" for k in fitted.read(z)[:, factor]]


def through(name: str, picture, z: np.ndarray, says: str, y, factor: int) -> Film:
    """A's code decoded as every class of one factor of a conditional checkpoint."""
    ys, labels = classes.each(name, y, factor), bridge.classes.classes(name)[factor]
    many = np.repeat(z[None], len(ys), 0)
    called = bridge.classes.factors(name)[factor] if len(y) > 1 else "class"
    notes = [f"{called} {word}" for word in labels]
    notes[y[factor]] += ", as decoded"
    conditions = [tuple(int(label) for label in one) for one in ys]
    beside = [picture, y[factor]]
    return Film("told", many, conditions, notes, beside, (says, "A decoded"))


# ---- codes that are added up -----------------------------------------------------------------------


def mix(name: str, y, fitted, row, place) -> tuple[Film | None, None]:
    """A − B + C, or one factor of C on A. -> the film, None where an end is missing; None"""
    given = bridge.classes.classes(name)
    factors = bridge.classes.factors(name) if given else list(fitted.factors if fitted else ())
    if given and len(factors) == 1:
        factors = ["class"]
    names = {EVERYTHING: "all that B lacks"} | {str(k): f"only {f}" for k, f in enumerate(factors)}
    take = chosen("take", list(names))
    leave({"along", "toward", "dim", "reach"})
    with row:
        st.selectbox(
            "C gives",
            list(names),
            format_func=names.get,
            key="take",
            persist_state="session",
            width=180,
            help="All that B lacks: A − B + C, number by number. Only a factor: A's own "
            "class of it is taken out and C's put in, everything else stays A's.",
        )
    letters = "abc" if take == EVERYTHING else "ac"
    with place:
        shown = dict(zip(letters, pickers(name, letters), strict=True))
    if not all(shown.values()):
        return None, None
    a, c = shown["a"][1], shown["c"][1]
    beside = [shown["a"][0], shown["c"][0]], (shown["a"][2], shown["c"][2])
    if take != EVERYTHING and given:
        factor, of_c = int(take), tray.classes_of(name, st.session_state["c"])
        ys = [y, (*y[:factor], of_c[factor], *y[factor + 1 :]), of_c]
        z, called = np.stack([a, a, c]), factors[factor]
        notes = ["A decoded", f"A with C's {called}: {given[factor][of_c[factor]]}", "C decoded"]
        return Film("mix", z, ys, notes, *beside), None
    if take == EVERYTHING:
        to, what = a - shown["b"][1] + c, "(C − B)"
    else:
        factor = int(take)
        label = int(fitted.read(c[None])[0, factor])
        to = fitted.swapped(a, factor, label)
        what = f"the way to C's {factors[factor]}, {list(fitted.factors.values())[factor][label]}"
    shares = np.linspace(0, 2, STEPS)
    z = (a + shares[:, None] * (to - a)).astype(np.float32)
    notes = [f"A + {share:.1f} × {what}" for share in shares]
    return Film("mix", z, [y] * STEPS, notes, *beside), None


# ---- what is drawn ---------------------------------------------------------------------------------


def play(name: str, shown: Film, frames: Callable[[], np.ndarray], near: np.ndarray) -> None:
    """The film strip, with the number of pictures near every frame."""
    first_and_last = [0, len(shown.z) - 1], (shown.notes[0], shown.notes[-1])
    beside, says = (shown.ends, shown.says) if shown.says else first_and_last
    scrub(
        None if engine.usable(name) else frames(),
        engine.codes(name, shown.z, shown.ys),
        beside,
        list(says),
        shown.notes,
        near,
        ends.real(name),
        key=shown.key,
        kept=lambda at: tray.add(tray.keep_latent(name, engine.between(shown.z, at), shown.ys[round(at)])),
    )
    engine.say()


def heat_map(name: str, fitted, dim: int | None) -> None:
    """Which number of the code tells which factor, and how well all of them do together."""
    if fitted is None:
        st.caption("The map's pictures have no classes: what a direction means is not known.")
        return
    figure = film.heat(fitted.factors, fitted.strength, fitted.beta, dim)
    alt = "How much each number of the code tells of each factor"
    st.plotly_chart(figure, key="heat", config={"displayModeBar": False}, alt=alt)
    parts = list(zip(fitted.factors, fitted.accuracy, fitted.chance, strict=True))
    guess = ", ".join(f"{plain(factor)} {chance:.0%}" for factor, _, chance in parts)
    right = ", ".join(f"{plain(factor)} {share:.0%}" for factor, share, _ in parts)
    seen = ", as the data's classifier sees them" * (bridge.codes.atlas(name).labelled == "classifier")
    st.caption(
        f"Read from the code by a line: {right}." + (f" Guessing: {guess}." if len(parts) == 1 else ""),
        help=f"Least squares from the codes to the classes{seen}. The shares are of pictures to which it "
        "was not fitted. The colours are its coefficients, as if all numbers of the code had the same "
        f"spread. Guessing the commonest class: {guess}.",
    )
