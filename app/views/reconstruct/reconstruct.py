"""A picture, what the model sees of it, its code, what the model remembers, and where they differ."""

import numpy as np
import streamlit as st

from app import bridge
from app.shared import charts, classes, film, holes, link, portrait, source
from app.shared.card import uneven
from app.shared.plain import plain
from app.views.reconstruct import place, strips

DRAWS = 16
ALIKE = 0.05  # a deviation of the draws, of 1, that hardly anybody sees

name = st.session_state["checkpoint"]
card = bridge.checkpoints.card(name)
atlas = bridge.codes.atlas(name)
data = card["data"]["name"]


def cell(column, title: str, colour: str, image, caption: str, alt: str, scale: str = "") -> None:
    """A picture of the first row with its heading, its scale if it has one, and a line under it."""
    with column:
        heading(title, colour)
        st.image(image, output_format="PNG", alt=alt)
        with st.container(gap=None):
            if scale:
                st.html(scale)
            st.caption(caption)


def heading(title: str, colour: str, more: str = "") -> None:
    """A title behind a square in its colour: coloured letters would be too faint on one of the two grounds."""
    st.markdown(f"<span style='color:{colour}'>■</span> **{title}**{more}", unsafe_allow_html=True)


def ramp(least: str, colours: str, most: str) -> str:
    """The scale of a picture whose colours mean numbers, as HTML that holds numbers only."""
    bar = f"flex:1;height:9px;border:1px solid {charts.GREY};background:linear-gradient(90deg,{colours})"
    line = "display:flex;align-items:center;gap:5px;max-width:142px;font-size:0.8rem"
    return f"<div style='{line}'>{least}<span style='{bar}'></span>{most}</div>"


def story(x: np.ndarray, what: str, seen: dict | None, y, to) -> dict:
    """The first row: file, model's input, code, reconstruction, difference. -> as judging.look; gap, original, most"""
    result = bridge.judging.look(name, x, y, to)
    x_rec, mean, sd = result["x_rec"], result["mean"], result["sd"]
    gap, most = portrait.difference(x, x_rec)
    with st.container(key="story"):
        columns = st.columns([1, 1, 1.7, 1, 1], gap="small")
    original = portrait.original(seen["original"]) if seen else portrait.whole(x)
    cell(columns[0], "Your picture" if seen else "The picture", charts.DATA, original, plain(what), what)
    steps = " ".join(seen["steps"]) if seen else "It is a picture of the kind the model knows."
    size = f"{x.shape[1]}x{x.shape[0]}"
    seen_alt = f"the same picture as the model sees it, {size} pixels"
    cell(
        columns[1],
        "What the model sees",
        charts.DATA,
        portrait.whole(x),
        steps or f"As it is, {size}.",
        seen_alt,
    )
    with columns[2]:
        heading("Its code", charts.CODES, f", {len(mean)} numbers")
        st.plotly_chart(
            portrait.code(mean, sd if result["stochastic"] else None),
            config={"displayModeBar": False},
            alt=f"bar chart of the code; {int((abs(mean) > 2).sum())} of {len(mean)} numbers beyond 2",
        )
        beyond = 100 * float((np.abs(mean) > 2).mean())
        st.caption(
            f"Orange: where 95 % of the prior lies; {beyond:.0f} % of these numbers lie outside. "
            f"Length {result['norm']:.1f}, the prior's is {np.sqrt(len(mean)):.1f}."
        )
    cell(
        columns[3],
        "What it remembers",
        charts.RECONSTRUCTION,
        portrait.whole(x_rec),
        "The decoder's picture of that code" + (f", as «{plain(bridge.classes.worded(name, to))}»." if to else "."),
        f"reconstruction, mean squared error {result['mse']:.4f}",
    )
    cell(
        columns[4],
        "Where they differ",
        charts.GREY,
        gap,
        "Orange: brighter than it was. Blue: darker. Black to white is 1.",
        f"map of the differences, at most {most:.2f}",
        ramp(f"−{most:.2f}", f"{charts.DATA},white,{charts.GENERATED}", f"{most:.2f}"),
    )
    return result | {"gap": gap, "original": original, "most": most}


def numbers(result: dict) -> None:
    """Four errors, each with where it lies among those of the usual pictures."""
    kind = bridge.judging.usual(name)
    closer = bridge.judging.more(name, "error", result["mse"])
    sharper, first = bridge.judging.sharper(name, result["ssim"])
    steadier = bridge.judging.more(name, "round_trip", result["drift"])
    with st.container(key="numbers"):
        columns = st.columns(4)
    for column, (label, value, than, why) in zip(
        columns,
        (
            (
                "Squared error",
                f"{result['mse']:.4f}",
                f"closer than {closer:.0f} % of {kind}",
                "Mean over pixels, brightness 0 to 1. Smaller is closer.",
            ),
            (
                "PSNR",
                f"{result['psnr']:.1f} dB",
                f"{kind} median {result['psnr_median']:.1f} dB",
                "The same on a logarithmic scale; larger is closer.",
            ),
            (
                "SSIM",
                f"{result['ssim']:.3f}",
                f"sharper than {sharper:.0f} % of {kind}",
                "Structural similarity: edges and contrast rather than brightness; 1 is identical."
                + (f" Compared with the first {first} {kind} pictures, the others with all." if first else ""),
            ),
            (
                "Its code moves",
                f"{result['drift']:.2f}",
                f"less than {steadier:.0f} % of {kind}",
                "Distance between the codes of the picture and of its reconstruction: a small pixel error can still be another thing to the model, and the other way round.",
            ),
        ),
        strict=True,
    ):
        column.metric(label, value, than, delta_color="off", delta_arrow="off", help=why)


def warn(result: dict) -> None:
    """A warning when the picture is unlike the training data."""
    if not result["unlike"]:
        return
    st.warning(
        f"**Unlike anything this model has seen** ({' and '.join(result['unlike'])}). It has seen "
        f"{card['data']['train']:,} pictures of {plain(data)} and nothing else; whatever you show it, it answers "
        "with a picture of that kind.",
        icon=":material/travel_explore:",
    )


def posterior(x: np.ndarray, result: dict, y, to) -> np.ndarray:
    """Sixteen posterior draws and their deviation. -> their codes (16, d), or none for a deterministic encoder"""
    st.markdown(
        "#### What else it could be",
        help="The encoder answers with a distribution of codes, q(z|x), the posterior.",
    )
    if not result["stochastic"]:
        st.caption("This encoder is a function: one picture has exactly one code, so there is nothing to draw.")
        return np.zeros((0, len(result["mean"])), np.float32)
    seed = link.keep("draw", 0, link.number(0, 9999))
    codes = bridge.models.draw(name, x[None], DRAWS, seed, y)[:, 0]
    draws = bridge.models.decode(name, codes, to)
    shade, most = portrait.deviation(draws, 112)
    left, right = st.columns([2.6, 1], gap="small")
    scale = max(1, 56 // x.shape[0])
    left.image(portrait.row(draws, 8, scale), output_format="PNG", alt=f"{DRAWS} decoded posterior draws")
    alike = " They look alike: this encoder is nearly sure of its code." if most < ALIKE else ""
    left.caption(
        f"{DRAWS} draws of the posterior, decoded. Its mean width is {result['sd'].mean():.2g}; the prior's is 1.{alike}"
    )
    left.button(
        "Draw again",
        icon=":material/casino:",
        help=f"These are of seed {seed}; the same seed draws the same again.",
        on_click=lambda: st.session_state.update(draw=(seed + 1) % 10_000),
    )
    right.image(shade, output_format="PNG", alt=f"deviation of the draws, at most {most:.3f}")
    with right.container(gap=None):
        st.html(ramp("0", "black,white", f"{most:.2g}"))
        st.caption("Their deviation, pixel by pixel.")
    return codes


def rivals(x: np.ndarray, result: dict) -> None:
    """The same picture in every checkpoint of the same shape."""
    others = bridge.judging.rivals(name)
    st.markdown(
        "#### The same picture, other models",
        help="All checkpoints for pictures of this shape. MSE: the squared error, smaller is closer.",
    )
    row = st.container(horizontal=True)
    for other in others:
        theirs = result if other == name else bridge.judging.remember(other, x)
        with row.container(width=118):
            st.image(
                portrait.whole(theirs["x_rec"], 112),
                output_format="PNG",
                alt=f"reconstruction by {other}, mean squared error {theirs['mse']:.4f}",
            )
            st.caption(f"**{plain(other)}**  \nMSE {theirs['mse']:.4f}  \nSSIM {theirs['ssim']:.3f}")


def downloads(x: np.ndarray, result: dict, y, to) -> None:
    """Buttons: into the tray, the comparison as PNG, the arrays as NPZ."""
    captions = [
        "picture",
        "as the model sees it",
        f"{name}\nMSE {result['mse']:.4f}",
        f"difference\nfull colour: {result['most']:.2f}",
    ]
    images = [result["original"], portrait.whole(x), portrait.whole(result["x_rec"]), result["gap"]]
    arrays = {"picture": x, "code": result["mean"], "code_sd": result["sd"]}
    if y:
        arrays |= {"encoded_as": np.array(y), "decoded_as": np.array(to)}
    with st.container(horizontal=True):
        st.button("To the tray", icon=":material/inventory_2:", on_click=source.keep, args=(name, x, y))
        st.download_button(
            "Comparison (PNG)",
            lambda: portrait.comparison(captions, images),
            f"{name}-comparison.png",
            on_click="ignore",
        )
        st.download_button(
            "Picture, code, reconstruction (NPZ)",
            lambda: film.arrays(**arrays, reconstruction=result["x_rec"]),
            f"{name}-reconstruction.npz",
            on_click="ignore",
        )


chosen = source.choose(name, atlas)
if chosen is None:  # the mirror: all of it happens in the reader's tab
    st.stop()
x, what, seen, itself = chosen
y, to = source.choose_classes(name, x, what, seen)
if said := uneven(card):
    st.caption(said)
result = story(x, what, seen, y, to)
numbers(result)
warn(result)
downloads(x, result, y, to)
if to:
    classes.every(name, result["mean"], to)
strips.show(name, x, result["mean"], to)
if able := bridge.models.fills(name):
    holes.show(name, x)
left, right = st.columns([1.15, 1], gap="medium")
with left:
    codes = posterior(x, result, y, to)
    rivals(x, result)
with right:
    place.show(name, x, result, codes, itself, y)
if not able:
    holes.elsewhere(name)
