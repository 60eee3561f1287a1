"""Two to four checkpoints side by side on the same pictures: reconstructions, samples, maps, numbers."""

import numpy as np
import streamlit as st

from app import bridge
from app.shared import charts, link, tray
from app.shared.card import MEASURES
from app.shared.plain import code, plain, sentence
from app.views.compare import comparison, lineup

COLUMNS = 8  # pictures and samples in a row
OTHERS = 3
SIDE = 84  # pixels of a picture, of which 28 is a third
LABEL = 158
HEIGHTS = {1: 280, 2: 280, 3: 275, 4: 215}  # of a map, by how many stand in a row
PARTS = {"pictures": "Pictures", "maps": "Maps", "numbers": "Numbers", "family": "Family"}
LAST = "compared last"

name = st.session_state["checkpoint"]
atlas = bridge.codes.atlas(name)
kind = bridge.codes.origin(atlas)

# ---- which checkpoints -------------------------------------------------------------------------------


def others_of(options: list[str]):
    """A parser of the URL's `fashion-ali,fashion-vae`; the checkpoint that is looked at may be among them."""

    def parse(text: str) -> list[str]:
        words = [word for word in dict.fromkeys(text.split(",")) if word != name]
        if not 1 <= len(words) <= OTHERS or not set(words) <= set(options):
            raise ValueError(text)
        return words

    return parse


def choose_others(options: list[str]) -> list[str]:
    """The reader's choice of one to three others."""
    state, before = st.session_state, st.session_state.get(LAST)
    state[LAST] = name
    if state.get("with"):  # the sidebar chose one of the others: they change places
        kept = [before if word == name else word for word in state["with"]]
        state["with"] = [word for word in kept if word in options]
        if not state["with"]:
            del state["with"]
    link.keep("with", options[: OTHERS - 1], others_of(options), ",".join)
    chosen = st.multiselect(
        f"{plain(name)} beside",
        options,
        key="with",
        max_selections=OTHERS,
        persist_state="session",
        placeholder="one to three others",
        width=460,
        help="Checkpoints whose maps show the same pictures. The sidebar chooses the first.",
    )
    return chosen


def readable(others: list[str]) -> list[str]:
    """The checkpoints whose maps can be read, that which is looked at first; a sentence on the others."""
    good = [name]
    for other in others:
        try:
            bridge.codes.atlas(other)
            good.append(other)
        except bridge.Problem as problem:
            st.error(
                f"**{plain(other)}** is left out. {sentence(problem)}",
                icon=":material/broken_image:",
            )
    return good


# ---- pictures ----------------------------------------------------------------------------------------


def row(title: str, under: str, pictures: np.ndarray, border: str, alt: str) -> None:
    """A row of pictures behind its name, its columns in line with those of the other rows."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        with st.container(width=LABEL, gap=None):
            st.markdown(f"**{comparison.unbroken(title)}**  \n{under}")
        scale = max(1, SIDE // pictures.shape[2])
        sheet = charts.contact_sheet(pictures, COLUMNS, scale, border)
        st.image(sheet, output_format="PNG", alt=alt)


def show_reconstructions(chosen: list[str], words: list[str], x: np.ndarray) -> None:
    """The pictures, and under each its reconstructions by every checkpoint."""
    what = ", ".join(tray.says(name, word) for word in words)
    with st.container(gap="xsmall"):
        row(
            "Pictures",
            f"{len(x)} {kind}" if words[0][0] == "p" else "from the tray",
            x,
            charts.DATA,
            what,
        )
        errors = [float(bridge.comparing.remembered(other, x)["mse"].mean()) for other in chosen]
        for other, error, closest in zip(chosen, errors, MEASURES["reconstruction_mse"].best(errors), strict=True):
            x_rec = bridge.comparing.remembered(other, x)["x_rec"]
            under = f"MSE **{error:.4f}**, closest" if closest else f"MSE {error:.4f}"
            alt = f"reconstructions by {other}, mean squared error {error:.4f}"
            row(other, under, x_rec, charts.RECONSTRUCTION, alt)
    st.caption(
        f"What each remembers of the picture above it. MSE: squared error, mean over these {len(x)}; "
        "brightness is 0 to 1, smaller is closer. The error over all held-out pictures is under Numbers."
    )


def show_samples(chosen: list[str]) -> None:
    """Samples of each from the same random numbers."""
    link.keep("seed", 0, link.number(0, 999_999))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.markdown("#### What they make up", width="content")
        first = st.number_input("First seed", 0, 999_999, key="seed", step=COLUMNS, persist_state="session", width=150)
    seeds = tuple(range(first, first + COLUMNS))
    with st.container(gap="xsmall"):
        for other in chosen:
            samples = bridge.models.samples_of(other, seeds)
            alt = f"samples of {other}, seeds {seeds[0]} to {seeds[-1]}"
            row(other, f"code of {bridge.checkpoints.card(other)['config']['latent']}", samples, charts.GENERATED, alt)
    st.caption(
        f"Seeds {seeds[0]} to {seeds[-1]}, chosen by nobody. The same seed is only the same random numbers: "
        "every checkpoint has given them its own meaning, so pictures of one column need not be alike. "
        "Compare the rows."
    )


# ---- maps --------------------------------------------------------------------------------------------


def places(other: str, words: list[str], x: np.ndarray) -> np.ndarray:
    """Where pictures stand on a checkpoint's map, (n, 2)."""
    held, z = bridge.codes.atlas(other), bridge.comparing.remembered(other, x)["z"]
    xy = bridge.codes.place(other, z)
    for i, word in enumerate(words):
        if word[0] == "p":
            xy[i] = held.umap[int(word[1:])]
    return xy


def find(number: int) -> None:
    """Marks one picture alone, or all again."""
    state = st.session_state
    state["only"] = 0 if state["only"] == number else number


def show_maps(chosen: list[str], words: list[str], x: np.ndarray) -> None:
    """The pictures with their numbers, and every checkpoint's map with the same numbers."""
    says = [tray.says(name, word) for word in words]
    only = link.keep("only", 0, link.number(0, COLUMNS))
    with st.container(horizontal=True, gap="small"):
        for i, (picture, what) in enumerate(zip(x, says, strict=True), 1):
            with st.container(width=62, gap=None, horizontal_alignment="center"):
                shown = charts.enlarge(picture, max(1, 56 // len(picture)), charts.DATA)
                st.image(shown, output_format="PNG", alt=what)
                st.button(
                    str(i),
                    key=f"only {i}",
                    help=f"Find this one: {plain(what)}",
                    on_click=find,
                    args=(i,),
                    type="primary" if only == i else "secondary",
                )
    marked = [i for i in range(len(x)) if only in (0, i + 1)] or list(range(len(x)))
    dark = st.context.theme.type == "dark"
    for column, other in zip(st.columns(len(chosen), gap="small"), chosen, strict=True):
        xy, trust = places(other, words, x)[marked], bridge.codes.atlas(other).trust["umap"]
        with column:
            st.markdown(f"**{comparison.unbroken(other)}**, trust {trust:.2f}")
            st.plotly_chart(
                comparison.small_map(
                    other,
                    xy,
                    [i + 1 for i in marked],
                    [says[i] for i in marked],
                    HEIGHTS[len(chosen)],
                    dark,
                ),
                key=f"map of {other}",
                config={"displayModeBar": False},
                alt=f"UMAP of the codes of {other}, coloured by class; {len(marked)} pictures are marked",
            )
    st.markdown(comparison.legend(atlas.label_names), unsafe_allow_html=True)
    st.caption(
        "One picture has one number on all maps; its button shows it alone. Every map was laid out by itself (UMAP): which way up it "
        "stands and how large an island is mean nothing; who stands together does, as far as the trust goes "
        "(1 is perfect, 0.5 is chance)."
    )


# ---- numbers and formulas ----------------------------------------------------------------------------


def show_numbers(chosen: list[str]) -> None:
    """One measure as bars, and all in a table."""
    keys = comparison.measured(chosen)
    if not keys:
        st.info(f"Nothing is measured yet: {code(f'python -m ali_core evaluate checkpoints/{name}')}")
        return
    link.keep("measure", keys[0], link.one_of(*keys))
    if st.session_state["measure"] not in keys:
        st.session_state["measure"] = keys[0]
    key = st.selectbox(
        "Measure",
        keys,
        format_func=lambda key: MEASURES[key].name,
        key="measure",
        persist_state="session",
        width=460,
    )
    st.plotly_chart(
        comparison.bars(key, chosen),
        key="bars",
        config={"displayModeBar": False},
        alt=f"bars of {MEASURES[key].name}; the table below has the numbers",
    )
    st.caption(comparison.meaning(key, chosen))
    st.markdown(comparison.table(chosen))
    st.caption(
        "From the cards. Bold: the best of those compared; ↑ higher, ↓ lower, → the nearer to this number "
        "the better. n: how many pictures or samples. –: not measured. They did not learn for equally long, "
        "nor with equally many weights: the last rows say it."
    )


def show_family(chosen: list[str]) -> None:
    """The losses of the compared members, and the table of the whole family."""
    for other in chosen:
        member = bridge.checkpoints.card(other)["member"]
        st.markdown(
            f"**{comparison.unbroken(other)}** ({plain(member['name'])}): {comparison.formula(member['formula'])}"
        )
    st.markdown("#### The whole family")
    st.caption(
        "q(x, z): a picture and its code; p(x, z): a code of the prior and its picture. $I_q$ and $I_p$: how "
        "much information picture and code hold about each other in the one and in the other; the number is "
        "its coefficient in what is minimised, so below 0 the member wants more of it; “maximised”: it wants more, at a price that is not in "
        "nats, as its term is no likelihood (ALICE's absolute error). Constraints: "
        "divergences that are 0 when q and p agree, and their weights; λ is learned. Bold: compared above."
    )
    st.markdown(comparison.family(bridge.family.members(), chosen), unsafe_allow_html=True)


options = bridge.comparing.peers(name)[1:]
with st.container(horizontal=True, vertical_alignment="bottom"):
    others = choose_others(options) if options else []
    link.keep("part", "pictures", link.one_of(*PARTS))
    part = st.segmented_control(
        "Compare", PARTS, key="part", format_func=PARTS.get, required=True, persist_state="session"
    )
chosen = readable(others)
if not others:
    st.info(
        "Choose at least one other checkpoint to compare with."
        if options
        else f"There is no other checkpoint whose map shows the same pictures as {plain(name)}'s, so nothing stands "
        "beside it. `python -m ali_core train`, `evaluate` and `atlas` make one; see README."
    )
    if not options and (company := bridge.comparing.in_company()):
        st.page_link(
            "views/compare/compare.py",
            label=f"Compare {plain(company)} with others",
            icon=":material/arrow_forward:",
            query_params={"checkpoint": company},
        )
if part in ("pictures", "maps"):
    words, x = lineup.choose(name, atlas, COLUMNS)
    if not words:
        st.info("The tray is empty. Put pictures into it on any page, or bring your own.")
    elif part == "pictures":
        show_reconstructions(chosen, words, x)
    else:
        show_maps(chosen, words, x)
    if part == "pictures":
        show_samples(chosen)
elif part == "numbers":
    show_numbers(chosen)
else:
    show_family(chosen)
