"""From one kind of pictures into another and back; one picture or many; and other ways (by_class.py)."""

import json

import numpy as np
import streamlit as st

from app import bridge
from app.shared import charts, film, holes, link, portrait, tray
from app.shared.card import duration, rows
from app.shared.plain import code, plain, sentence
from app.views.translate import by_class, many, subject

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
    """A row: what the model sees, its translation, that translated back, the truth; and its files."""
    result = bridge.translating.there_and_back(name, which.x, back, which.truth)
    ours, theirs = bridge.checkpoints.domains(name)[:: -1 if back else 1]
    metrics, way = bridge.checkpoints.card(name).get("metrics", {}), BACK if back else THERE
    usual = {key: metrics.get(f"{way}_{key}", {}).get("value") for key in ("cycle", "mse")}
    beside = {key: f" Usual: {value:.4f}." if value is not None else "" for key, value in usual.items()}
    unknown = which.steps if drawn else "Its truth is not known."
    error = f"**MSE {result['mse']:.4f}** to the truth.{beside['mse']}" if "mse" in result else unknown
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
        holes.cell(
            "Translation", charts.GENERATED, portrait.whole(result["translated"]), error, f"translated into {theirs}"
        )
        holes.cell(
            "And back",
            charts.RECONSTRUCTION,
            portrait.whole(result["again"]),
            f"**MSE {result['cycle']:.4f}** round trip.{beside['cycle']}",
            f"translated back to {ours}",
        )
        if which.truth is not None:
            holes.cell(
                "The truth",
                charts.DATA,
                portrait.whole(which.truth),
                f"SSIM {result['ssim']:.2f}. Copied as it was: MSE {result['mse_copy']:.4f}.",
                f"the truth: what it should be as {theirs}",
            )
    files(which, result, ours, theirs)


def files(which: subject.Subject, result: dict, ours: str, theirs: str) -> None:
    """Into the tray, and as PNGs."""
    captions = ["what the model sees", f"as {theirs}", f"back to {ours}\nMSE {result['cycle']:.4f}"]
    pictures = [which.x, result["translated"], result["again"]]
    if which.truth is not None:
        captions[1] += f"\nMSE {result['mse']:.4f}"
        captions, pictures = [*captions, "the truth"], [*pictures, which.truth]
    with st.container(horizontal=True):
        st.button(
            "To the tray",
            icon=":material/inventory_2:",
            on_click=keep,
            args=(result["translated"],),
            help="The translation goes with you to the other pages",
        )
        st.download_button(
            "Translation (PNG)",
            lambda: film.strip(result["translated"][None], 1),
            f"{name}-{theirs}.png",
            on_click="ignore",
        )
        st.download_button(
            "Comparison (PNG)",
            lambda: portrait.comparison(captions, [portrait.whole(each) for each in pictures]),
            f"{name}-comparison.png",
            on_click="ignore",
        )


def keep(translated: np.ndarray) -> None:
    """A translation into the tray."""
    tray.add(tray.keep_upload(translated))


def show_gallery(gallery: dict, back: bool) -> None:
    """The gallery's first pictures, each above its translation."""
    x = gallery["sides"][int(back), :SHOWN]
    translated = bridge.translating.translate(name, x, back)
    ours, theirs = bridge.checkpoints.domains(name)[:: -1 if back else 1]
    with st.container(horizontal=True, gap="xxsmall"):
        for number, pair in enumerate(zip(x, translated, strict=True)):
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
                shown = [measure.written(entry["value"]) if entry else "" for entry in values]
                lines.append([f"{arrow(back)}: {measure.short} {measure.arrow}", f"**{shown[0]}**", *shown[1:]])
    st.markdown(rows(["", "model", "copied", "nearest"], lines, (1, 2, 3)))
    n = max(entry["n"] for entry in metrics.values())
    paired = "there_mse" in metrics
    st.caption(
        f"Over {n:,} held-out pictures. "
        + (
            "It has to beat two answers that need no model: the picture copied as it is, and the other kind's "
            "training picture that is nearest to it."
            if paired
            else "Which pictures belong together is not known, so only the round trip is measured."
        )
    )


def about() -> None:
    """How it was trained, on which data, and under which licence."""
    card = bridge.checkpoints.card(name)
    data, training = card["data"], card.get("training", {})
    pairs = card["config"].get("pairs", 0)
    shown = f"{pairs:,} true pairs among them" if pairs else "no pair among them"
    st.caption(
        f"**{plain(name)}** is {plain(card['member']['name'].upper())}: {plain(card['member']['says'])} It learned from "
        f"{data['train']:,} pictures of {plain(bridge.checkpoints.domains(name)[0])} and {data['prior']['train']:,} of "
        f"{plain(bridge.checkpoints.domains(name)[1])}, {shown}"
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


def gallery_of() -> dict | None:
    """The gallery, or the sentence that says what is wrong with it."""
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
by_class.swap(name, usable, which)
by_class.holes_elsewhere(usable)
