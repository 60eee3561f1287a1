"""Compare's figures and words, from cards and arrays; no model."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from app import bridge
from app.shared import charts, map_figure
from app.shared.card import MEASURES, compared, duration, rows, written
from app.shared.plain import code, label, plain


def meaning(key: str, names: list[str]) -> str:
    """What a measure of checkpoints is, which way is better, and what it is compared to."""
    cards = [bridge.checkpoints.card(name) for name in names if key in bridge.checkpoints.card(name).get("metrics", {})]
    says, way = plain(cards[0]["metrics"][key]["says"].rstrip(".")), MEASURES[key].way
    than = {compared(key, card, bridge.codes.mean_picture_error(names[0])) for card in cards} - {way}  # said already
    beside = f" Compared to: {than.pop()}." if len(than) == 1 else ""
    return f"{says[:1].upper()}{says[1:]}. {way[:1].upper()}{way[1:]}.{beside}"


def measured(names: list[str]) -> list[str]:
    """The measures that a card of these checkpoints has, in the tables' order."""
    cards = [bridge.checkpoints.card(name).get("metrics", {}) for name in names]
    return [key for key, row in MEASURES.items() if row.shown and any(key in metrics for metrics in cards)]


def values(key: str, names: list[str]) -> list[float | None]:
    """A measure of every checkpoint, None where it is not measured."""
    return [bridge.checkpoints.card(name).get("metrics", {}).get(key, {}).get("value") for name in names]


def unbroken(name: str) -> str:
    """A name with hyphens at which no table breaks the line."""
    return plain(name).replace("-", "\u2011")


def table(names: list[str]) -> str:
    """All measures of checkpoints, the best in bold, and what it took to get there; Markdown."""
    cards = [bridge.checkpoints.card(name) for name in names]
    lines = []
    for key in measured(names):
        numbers = values(key, names)
        marks = MEASURES[key].best(numbers)
        cells = [written(key, v) for v in numbers]
        counts = sorted({c["metrics"][key]["n"] for c in cards if key in c.get("metrics", {})})
        lines.append(
            [
                MEASURES[key].name,
                MEASURES[key].arrow,
                *(f"**{c}**" if mark else c for c, mark in zip(cells, marks, strict=True)),
                "; ".join(f"{n:,}" for n in counts),
            ]
        )
    trainings = [card.get("training", {}) for card in cards]
    took = {
        "Member of the family": [plain(card["member"]["name"]) for card in cards],
        "Numbers in a code": [str(card["config"]["latent"]) for card in cards],
        "Weights, in MB": [f"{card['weights']['bytes'] / 1e6:.1f}" for card in cards],
        "Pictures seen in training": [f"{t['samples_seen']:,}" if t else "–" for t in trainings],
        "Time of training": [duration(t["seconds"]) if t else "–" for t in trainings],
    }
    lines += [[what, "", *cells, ""] for what, cells in took.items()]
    head = ["", "better", *(unbroken(name) for name in names), "n"]
    return rows(head, lines, tuple(range(2, len(head))))


def bars(key: str, names: list[str]) -> go.Figure:
    """One measure of every checkpoint; the best is darker and labelled, the value to aim at is a line."""
    numbers = values(key, names)
    marks = MEASURES[key].best(numbers)
    figure = go.Figure(
        go.Bar(
            x=[value or 0 for value in numbers],
            y=[
                f"{label(name)}<br><b>{written(key, value)}</b>" + (" best" if mark else "")
                for name, value, mark in zip(names, numbers, marks, strict=True)
            ],
            orientation="h",
            marker={"color": charts.GREY, "opacity": [1 if mark else 0.45 for mark in marks]},
            hoverinfo="skip",
        )
    )
    if not isinstance(aim := MEASURES[key].better, str):
        figure.add_vline(aim, line={"dash": "dash", "color": charts.PRIOR, "width": 2})
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        height=48 * len(names) + 10,
        xaxis={"visible": False, "fixedrange": True, "rangemode": "tozero"},
        yaxis={
            "fixedrange": True,
            "autorange": "reversed",
            "tickfont": {"size": 14},
            "ticksuffix": " ",
        },
        bargap=0.3,
        dragmode=False,
    )
    return figure


def small_map(
    name: str, xy: np.ndarray, numbers: list[int], says: list[str], height: int, dark: bool = False
) -> go.Figure:
    """A checkpoint's UMAP by class, small; places xy (n, 2) are marked with their numbers."""
    atlas = bridge.codes.atlas(name)
    figure = go.Figure(_cloud(name, bridge.checkpoints.card(name)["atlas"]["sha256"], atlas))
    ink, ground = ("#ffffff", "#0e1117") if dark else ("#000000", "#ffffff")
    for (x, y), number, what in zip(xy.tolist(), numbers, says, strict=True):
        turn = 2 * np.pi * (number - 1) / 8  # each another way, so that neighbours' numbers stay apart
        figure.add_annotation(
            x=x,
            y=y,
            ax=26 * np.sin(turn),
            ay=-26 * np.cos(turn),
            text=f"<b>{number}</b>",
            hovertext=label(what),
            bgcolor=ground,
            bordercolor=ink,
            borderpad=2,
            font={"size": 13, "color": ink},
            arrowcolor=ink,
            arrowwidth=1.5,
            arrowhead=6,
            arrowsize=1.2,
        )
    return figure.update_layout(height=height)


@st.cache_resource(max_entries=16, show_spinner=False)
def _cloud(name: str, sha256: str, _atlas) -> go.Figure:
    """The Map page's dots, without the data that hovering needs."""
    figure = go.Figure(map_figure.figure(name, "umap", "class", dark=False).data[0])
    figure.update_traces(
        marker={"size": 2.5},
        customdata=None,
        text=[label(_atlas.label_names[k]) for k in _atlas.y],
        hoverinfo="text",
    )
    margin = dict.fromkeys("lrtb", 14)  # numbers at the edge
    figure.update_layout(margin=margin, showlegend=False, hovermode="closest", dragmode=False)
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True, scaleanchor="x")
    return figure


def legend(label_names: list[str]) -> str:
    """The classes' colours in one line, Markdown with HTML; for all maps together."""
    return " &ensp; ".join(
        f"<span style='color:{charts.class_colour(i)}'>●</span>&nbsp;{plain(word).replace(' ', '&nbsp;')}"
        for i, word in enumerate(label_names)
    )


def formula(latex: str) -> str:
    """A formula that fits into a cell of a Markdown table: its lines may break, and its bars do not end the cell."""
    for long, short in (
        (r"\|", r"\Vert "),
        ("|", r"\vert "),
        (r"\left(", "("),
        (r"\right)", ")"),
        ("+ -", "- "),
        (", (", r",\allowbreak ("),
    ):
        latex = latex.replace(long, short)
    return f"${latex}$"


def family(members: list[dict], compared: list[str]) -> str:
    """The table of the family, the members of the compared checkpoints in bold; Markdown with HTML."""
    lines = []
    for row in members:
        mark = "**" if set(row["checkpoints"]) & set(compared) else ""
        shipped = "".join(f"<br>{code(name)}".replace("-", "\u2011") for name in row["checkpoints"])
        held = "<br>".join(f"{formula(f)}&ensp;({weight})" for f, weight in row["constraints"])
        lines.append(
            [
                f"{mark}{unbroken(row['member'])}{mark}{shipped}",
                row["I_q"].replace("-", "−"),
                row["I_p"].replace("-", "−"),
                f"{row['says']}<br>{formula(row['minimises'])}",
                held,
            ]
        )
    head = ["Member", "$I_q$", "$I_p$", "What it minimises", "Constraints (weight)"]
    return rows(head, lines, (1, 2))
