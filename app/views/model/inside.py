"""The section Inside: is the prior matched, where are its holes, and what does the joint discriminator tell apart."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from app import bridge
from app.shared import charts, link
from app.shared.plain import sentence

KINDS = {
    "real": ("a held-out picture and its code", charts.DATA),
    "generated": ("a sample and the code it was decoded from", charts.GENERATED),
    "reconstruction": ("a reconstruction and the picture's code", charts.RECONSTRUCTION),
    "mismatched": ("a held-out picture and another one's code", charts.GREY),
}
SPAN = 0.005  # of the log-odds, left out at either end of the drawing


def show(name: str) -> None:
    """A switch, and what is computed when it is on."""
    st.markdown("#### Inside")
    if not bridge.inside.askable(name):
        st.caption("The held-out pictures of this model did not come with it, so its codes cannot be looked at here.")
        return
    link.keep("inside", False, lambda text: text == "True")
    if not st.toggle("Ask its prior and its discriminator", key="inside", persist_state="session"):
        return
    try:
        left, right = st.columns(2, gap="large")
        with left:
            show_prior(name)
        with right:
            show_discriminator(name)
    except bridge.Problem as problem:
        st.error(sentence(problem))


def show_prior(name: str) -> None:
    """Each number of the code against the prior, and the prior's holes, decoded."""
    match, holes, lonely, near = bridge.inside.prior(name)
    d, level = len(match.dimensions), bridge.inside.LEVEL
    st.markdown("**Is the prior matched?**")
    st.plotly_chart(
        bars(match.dimensions, match.threshold),
        key="prior",
        config={"displayModeBar": False},
        alt=f"bars of {d} distances from the prior, the largest {match.dimensions.max():.3f}; a line at {match.threshold:.3f}",
    )
    length = "differs" if match.length > match.threshold else "does not differ"
    st.caption(
        f"A bar is a number of the code: how far its distribution over {match.n:,} held-out pictures is from N(0, 1) "
        f"(Kolmogorov–Smirnov, 0 to 1). **{len(match.differ)} of {d}** are beyond the line at {match.threshold:.3f}, which the "
        f"largest crosses by chance in {level:.0%} of models. The codes' length {length} from the prior's ({match.length:.3f})."
    )
    st.markdown("**Where it has holes**")
    scale = max(1, 56 // lonely.shape[1])
    for pictures, says in ((lonely, "The loneliest draws of the prior, decoded"), (near, "Draws amid codes, decoded")):
        st.image(
            charts.contact_sheet(pictures, 6, scale, charts.GENERATED), output_format="PNG", alt=says, caption=says
        )
    st.caption(
        f"**{holes.share:.1%}** of {len(holes.apart):,} draws lie where hardly a picture is encoded; {level:.0%} would by chance."
    )


def show_discriminator(name: str) -> None:
    """What the discriminator of pairs says of four kinds of them."""
    st.markdown("**What does its discriminator tell apart?**")
    scores = bridge.inside.discriminated(name)
    if not scores:
        st.caption("This member is trained without a discriminator of pairs.")
        return
    means = {kind: float(values.mean()) for kind, values in scores.items()}
    st.plotly_chart(
        curves(scores),
        key="pairs",
        config={"displayModeBar": False},
        alt="; ".join(f"{says}: {means[kind]:.2f} on average" for kind, (says, _) in KINDS.items()),
    )
    apart = means["real"] - means["mismatched"]
    knows = "does" if apart > 0.1 else "hardly does"
    st.caption(
        "The log-odds that a pair came from the encoder; at 0 it cannot say, and a finished game stands there. "
        f"{len(scores['real'])} pairs of each kind; means "
        + ", ".join(f"{kind} {means[kind]:.2f}" for kind in KINDS)
        + f". A pair that does not belong together looks less real to a discriminator that minds codes: this one {knows}."
    )


def bars(distances: np.ndarray, threshold: float) -> go.Figure:
    """Distances from the prior, largest first, and the line of chance."""
    order = np.argsort(-distances)
    over = distances[order] > threshold
    figure = go.Figure(
        go.Bar(
            x=np.arange(len(order)),
            y=distances[order],
            marker={"color": np.where(over, charts.GENERATED, charts.CODES)},
            customdata=order,
            hovertemplate="number %{customdata} of the code: %{y:.3f}<extra></extra>",
        )
    )
    figure.add_hline(threshold, line={"dash": "dash", "color": charts.PRIOR, "width": 2})
    return figure.update_layout(
        height=190,
        margin={"l": 40, "r": 0, "t": 8, "b": 8},
        xaxis={"visible": False, "fixedrange": True},
        yaxis={"fixedrange": True, "rangemode": "tozero"},
        bargap=0.15,
        dragmode=False,
    )


def curves(scores: dict[str, np.ndarray]) -> go.Figure:
    """A histogram of each kind of pair over the same bins, as a line."""
    every = np.concatenate(list(scores.values()))
    edges = np.linspace(*np.quantile(every, [SPAN, 1 - SPAN]), 31)
    figure = go.Figure()
    for kind, (says, colour) in KINDS.items():
        share = np.histogram(np.clip(scores[kind], edges[0], edges[-1]), edges)[0] / len(scores[kind])
        figure.add_scatter(
            x=(edges[1:] + edges[:-1]) / 2,
            y=share,
            name=says,
            mode="lines",
            line={"shape": "hvh", "color": colour, "width": 2.5},
            hovertemplate=f"{kind}: %{{y:.0%}} near %{{x:.2f}}<extra></extra>",
        )
    figure.add_vline(0, line={"dash": "dot", "color": charts.GREY, "width": 1})
    return figure.update_layout(
        height=340,
        margin={"l": 40, "r": 0, "t": 8, "b": 40},
        legend={"orientation": "h", "y": -0.2, "x": 0},
        xaxis={"fixedrange": True, "title": {"text": "log-odds"}},
        yaxis={"fixedrange": True, "tickformat": ".0%", "rangemode": "tozero"},
        dragmode=False,
    )
