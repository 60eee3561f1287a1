"""From one kind of pictures into another and back; a class swapped for another; one picture or many."""

import json

import numpy as np
import streamlit as st

from app import bridge
from app.shared import charts, classes, film, holes, link, portrait, tray
from app.shared.card import duration, rows
from app.shared.plain import code, plain, sentence
from app.views.translate import many, subject

THERE, BACK = "there", "back"
SHOWN = 12  # pairs of the gallery

good = [other for other in bridge.checkpoints.translators() if not bridge.checkpoints.broken(other)]
name = st.session_state["translator"] if good else None


def arrow(back: bool) -> str:
    """A direction in words, as Markdown."""
    return plain(" → ".join(bridge.checkpoints.domains(name)[:: -1 if back else 1]))


def controls(gallery: dict | None) -> tuple[bool, str]:
    """Direction and source. -> whether back, and which kind of source"""
    kinds = subject.kinds(name, gallery)
    if st.session_state.get(subject.FROM) not in [None, *kinds]:
        del st.session_state[subject.FROM]  # it was chosen for another translator
    link.keep("way", THERE, link.one_of(THERE, BACK))
    link.keep(subject.FROM, kinds[0], link.one_of(*kinds))
    with st.container(horizontal=True, gap="medium"):
        way = st.segmented_control(
            "Direction",
            [THERE, BACK],
            key="way",
            format_func=lambda way: arrow(way == BACK),
            required=True,
            persist_state="session",
            label_visibility="collapsed",
            width="content",
        )
        kind = st.segmented_control(
            "Picture from",
            kinds,
            key=subject.FROM,
            required=True,
            persist_state="session",
            label_visibility="collapsed",
            width="content",
        )
    return way == BACK, kind


# ---- one picture -----------------------------------------------------------------------------------


def story(which: subject.Subject, back: bool, drawn: bool) -> None:
    """The row that tells it: what is seen, its translation, translated back, the truth; its files."""
    found = bridge.translating.there_and_back(name, which.x, back, which.truth)
    ours, theirs = bridge.checkpoints.domains(name)[:: -1 if back else 1]
    metrics, way = bridge.checkpoints.card(name).get("metrics", {}), BACK if back else THERE
    usual = {key: metrics.get(f"{way}_{key}", {}).get("value") for key in ("cycle", "mse")}
    beside = {key: f" Usual: {value:.4f}." if value is not None else "" for key, value in usual.items()}
    unknown = which.steps if drawn else "Its truth is not known."
    error = f"**MSE {found['mse']:.4f}** to the truth.{beside['mse']}" if "mse" in found else unknown
    with st.container(horizontal=True, gap="small"):
        if which.original:
            holes.cell("Your picture", charts.DATA, portrait.original(which.original), plain(which.what), which.what)
        if not drawn:
            holes.cell(
                "What the model sees",
                charts.DATA,
                portrait.whole(which.x),
                which.steps if which.original else f"{plain(which.what)}. {which.steps}",
                f"what the model sees: {which.what}",
            )
        holes.cell("Translation", charts.GENERATED, portrait.whole(found["made"]), error, f"translated into {theirs}")
        holes.cell(
            "And back",
            charts.RECONSTRUCTION,
            portrait.whole(found["again"]),
            f"**MSE {found['cycle']:.4f}** round trip.{beside['cycle']}",
            f"translated back to {ours}",
        )
        if which.truth is not None:
            holes.cell(
                "The truth",
                charts.DATA,
                portrait.whole(which.truth),
                f"SSIM {found['ssim']:.2f}. Copied as it was: MSE {found['mse_copy']:.4f}.",
                f"the truth: what it should be as {theirs}",
            )
    files(which, found, ours, theirs)


def files(which: subject.Subject, found: dict, ours: str, theirs: str) -> None:
    """Into the tray, and as PNGs."""
    captions = ["what the model sees", f"as {theirs}", f"back to {ours}\nMSE {found['cycle']:.4f}"]
    pictures = [which.x, found["made"], found["again"]]
    if which.truth is not None:
        captions[1] += f"\nMSE {found['mse']:.4f}"
        captions, pictures = [*captions, "the truth"], [*pictures, which.truth]
    with st.container(horizontal=True):
        st.button(
            "To the tray",
            icon=":material/inventory_2:",
            on_click=keep,
            args=(found["made"],),
            help="The translation goes with you to the other pages",
        )
        st.download_button(
            "Translation (PNG)", lambda: film.strip(found["made"][None], 1), f"{name}-{theirs}.png", on_click="ignore"
        )
        st.download_button(
            "Comparison (PNG)",
            lambda: portrait.comparison(captions, [portrait.whole(each) for each in pictures]),
            f"{name}-comparison.png",
            on_click="ignore",
        )


def keep(made: np.ndarray) -> None:
    """A translation into the tray."""
    tray.add(tray.keep_upload(made))


def show_gallery(gallery: dict, back: bool) -> None:
    """The gallery's first pictures, each above its translation."""
    x = gallery["sides"][int(back), :SHOWN]
    made = bridge.translating.translate(name, x, back)
    ours, theirs = bridge.checkpoints.domains(name)[:: -1 if back else 1]
    with st.container(horizontal=True, gap="xxsmall"):
        for number, pair in enumerate(zip(x, made, strict=True)):
            with st.container(width=66, gap=None):
                st.image(
                    portrait.row(np.array(pair), 1, max(1, 64 // x.shape[1])),
                    output_format="PNG",
                    alt=f"{ours} no. {number}, and as {theirs} below",
                )
    whose = "made by the model" if gallery["made"] else "held out from training, chosen by nobody"
    ours, theirs = plain(ours), plain(theirs)
    st.caption(f"The gallery's first {len(x)}, {whose}: above {ours}, below as {theirs}.")


# ---- how good, and what it is ----------------------------------------------------------------------


def measured() -> None:
    """The card's numbers against the two baselines, in one table."""
    metrics = bridge.checkpoints.card(name).get("metrics", {})
    st.markdown("#### How good")
    if not metrics:
        st.caption(f"Nothing is measured yet: {code(f'python -m ali_core evaluate checkpoints/{name}')}")
        return
    lines = []
    for back, way in enumerate((THERE, BACK)):
        for key, measure in bridge.TRANSLATIONS.items():
            values = [metrics.get(f"{way}_{key}{kind}") for kind in ("", "_copy", "_neighbour")]
            if values[0]:
                told = [measure.written(entry["value"]) if entry else "" for entry in values]
                lines.append([f"{arrow(back)}: {measure.short} {measure.arrow}", f"**{told[0]}**", *told[1:]])
    st.markdown(rows(["", "model", "copied", "nearest"], lines, (1, 2, 3)))
    n = max(entry["n"] for entry in metrics.values())
    known = "there_mse" in metrics
    st.caption(
        f"Over {n:,} held-out pictures. "
        + (
            "It has to beat two answers that need no model: the picture copied as it is, and the other kind's "
            "training picture that is nearest to it."
            if known
            else "Which pictures belong together is not known, so only the round trip is measured."
        )
    )


def about() -> None:
    """What was trained, on what, and may I use it."""
    card = bridge.checkpoints.card(name)
    data, training = card["data"], card.get("training", {})
    pairs = card["config"].get("pairs", 0)
    told = f"{pairs:,} true pairs among them" if pairs else "no pair of them known"
    st.caption(
        f"**{plain(name)}** is {plain(card['member']['name'].upper())}: {plain(card['member']['says'])} It learned from "
        f"{data['train']:,} pictures of {plain(bridge.checkpoints.domains(name)[0])} and {data['prior']['train']:,} of "
        f"{plain(bridge.checkpoints.domains(name)[1])}, {told}"
        + (f", in {training['steps']:,} steps ({duration(training['seconds'])}). " if training else ". ")
        + f"It knows nothing else: whatever you show it, it answers with such a picture. Data: {plain(data['licence'])}; "
        f"weights: {plain(card.get('licence', 'no licence stated'))}."
    )
    st.download_button(
        "Card (JSON)",
        json.dumps(card, indent=1, ensure_ascii=False),
        f"{name}-card.json",
        "application/json",
        on_click="ignore",
    )


# ---- the other routes ------------------------------------------------------------------------------


def swap(which: subject.Subject | None) -> None:
    """The second route: encode with y, decode with another y'."""
    st.markdown("#### The other way: swap the class")
    able = [other for other in usable if bridge.classes.classes(other)]
    st.markdown(
        "A **translator** has learned from two piles of pictures that nobody labelled or paired, and knows the way "
        "between these two only. A **conditional** model is told the class y: it encodes the picture with its y and "
        "decodes the code with any other y', one model for all classes, but it changes only what y names, and y has "
        "to be known or guessed."
    )
    if not able:
        st.caption("No conditional checkpoint is here. Train one: `python -m ali_core train preset=mnist-conditional`")
        return
    related = [other for other in able if which and bridge.translating.kin(name, other)]
    other = (related or able)[0]
    item = "p0"
    if related:
        link.show("swapped", None)
        x, what = which.x, which.what
    else:
        last = len(bridge.codes.atlas(other).z) - 1
        if st.session_state.get("swapped", 0) > last:
            del st.session_state["swapped"]  # it was chosen of another checkpoint
        link.keep("swapped", 0, link.number(0, last))
        number = st.number_input(
            f"Picture no. of {plain(other)}", 0, last, key="swapped", persist_state="session", width=190
        )
        item = f"p{number}"
        x, what = tray.picture(other, item), tray.says(other, item)
    found = bridge.comparing.remembered(other, x[None])
    y = tuple(int(label) for label in found["y"][0])
    left, right = st.columns([1, 4.4], gap="small")
    with left:
        holes.cell(
            "The picture",
            charts.DATA,
            portrait.whole(x),
            f"{plain(what)}. Guess: «{plain(bridge.classes.worded(other, y))}», whose reconstruction is nearest.",
            what,
        )
    with right:
        classes.every(other, found["z"][0], y)
    asked = {"checkpoint": other} | ({} if related else {"item": item})
    st.page_link(
        "views/reconstruct/reconstruct.py",
        query_params=asked,
        icon=":material/arrow_forward:",
        label=f"On Reconstruct {plain(other)} takes your own picture, and you say what its class is",
    )


def holes_elsewhere() -> None:
    """Where a hole is painted and filled."""
    if able := [other for other in usable if bridge.models.fills(other)]:
        st.page_link(
            "views/reconstruct/reconstruct.py",
            query_params={"checkpoint": able[0]},
            icon=":material/arrow_forward:",
            label=f"Translate a picture with a hole into a whole one: paint it on Reconstruct, {plain(able[0])} fills it",
        )


def gallery_of() -> dict | None:
    """The gallery; what is wrong with it is said."""
    try:
        return bridge.translating.gallery(name)
    except bridge.Problem as problem:
        st.error(sentence(problem), icon=":material/broken_image:")
        return None


usable = [other for other in bridge.checkpoints.names() if not bridge.checkpoints.broken(other)]
which = None
if name:
    gallery = gallery_of()
    back, kind = controls(gallery)
    if gallery:
        subject.keep_number(gallery)
    if kind == subject.DRAW:
        left, right = st.columns([1, 1.95], gap="medium")
        with left:
            which = subject.canvas(name, gallery, back)
        with right:
            story(which, back, drawn=True)
    elif which := subject.choose(name, kind, gallery, back):
        story(which, back, drawn=False)
    if gallery:
        show_gallery(gallery, back)
    left, right = st.columns([1.35, 1], gap="large")
    with left:
        measured()
        about()
    with right:
        many.show(name, back)
else:
    st.info(
        f"There is no translator in {bridge.checkpoints.root()}. Train one, in about an hour: "
        "`python -m ali_core train preset=edges-fashion`",
        icon=":material/translate:",
    )
swap(which)
holes_elsewhere()
