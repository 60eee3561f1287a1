"""The map's figure: built once for each checkpoint, view, colouring and ground, then only sent."""

import base64
import io

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from PIL import Image, ImageDraw
from plotly.colors import sample_colorscale

from app import bridge

from . import charts, plain

NAMED = 100  # classes that have a name on the map
ROOM, CELLS = (560, 430), 48  # pixels of a small map; squares along its longer side in which points are counted
WIDE, HIGH = 7.5, 18  # pixels of a letter of a name, and of its line


def figure(name: str, view: str, colour: str, dark: bool) -> go.Figure:
    """The figure of a checkpoint's map. Shared: never write into it.

    view: "umap" or "pca"; colour: "class", "error" or a factor; dark: whether the ground is.
    """
    atlas = bridge.codes.atlas_by(name, colour)  # raises Problem without a map that belongs to the card
    if bridge.checkpoints.SLASH in name:
        return bridge.mine.kept(name, ("figure", view, colour, dark), lambda: _figure(name, view, colour, dark, atlas))
    return _made(name, bridge.checkpoints.card(name)["atlas"]["sha256"], view, colour, dark, atlas)


@st.cache_resource(max_entries=16, show_spinner=False)
def _made(name: str, sha256: str, view: str, colour: str, dark: bool, _atlas) -> go.Figure:
    return _figure(name, view, colour, dark, _atlas)


def _figure(name: str, view: str, colour: str, dark: bool, atlas) -> go.Figure:
    revision = f"{name} {view}"
    return latent_map(getattr(atlas, view), atlas.y, atlas.error, atlas.label_names, colour, revision, dark)


def latent_map(
    xy: np.ndarray,
    y: np.ndarray,
    error: np.ndarray,
    label_names: list[str],
    colour: str = "class",
    revision: str = "",
    dark: bool = False,
) -> go.Figure:
    """All points (n, 2) in one trace; by class, or `colour` is "error"; a new `revision` resets the zoom.

    customdata is (number, class, error, x) of a point, for whoever listens: its x stays when it is hidden.
    """
    ink = "#ffffff" if dark else "#000000"
    marker = {"size": 4.5, "opacity": 0.8}
    if colour != "error":
        n = len(charts.CLASSES)
        steps = [(at / n, tone) for i, tone in enumerate(charts.CLASSES) for at in (i, i + 1)]
        marker |= {"color": y % n, "cmin": -0.5, "cmax": n - 0.5, "colorscale": steps}
    else:
        top = float(np.quantile(error, 0.95))
        bar = {"orientation": "h", "thickness": 10, "len": 0.6, "x": 0.5, "y": 0, "yanchor": "top"}
        bar |= {"title": {"text": "reconstruction error (MSE), cut at the worst 5 %", "side": "bottom"}}
        marker |= {"color": error, "cmin": 0, "cmax": top, "colorscale": "Cividis", "colorbar": bar}
    data = np.column_stack([np.arange(len(y)), y, error, xy[:, 0]]).astype(np.float32)
    figure = go.Figure(
        go.Scattergl(
            x=xy[:, 0],
            y=xy[:, 1],
            customdata=data,
            mode="markers",
            marker=marker,
            hoverinfo="none",
            showlegend=False,
        )
    )
    spots = label_spots(xy, y, label_names[:NAMED])
    for label, word in enumerate(label_names[:NAMED]):
        if colour != "error":
            figure.add_scatter(
                x=[None],
                y=[None],
                mode="markers",
                name=plain.label(word),
                hoverinfo="skip",
                marker={"size": 9, "color": charts.class_colour(label)},
            )
        if label not in spots:
            continue
        x, height = spots[label]
        figure.add_annotation(
            x=x,
            y=height,
            text=plain.label(word),
            showarrow=False,
            font={"size": 13, "weight": 600, "color": ink, "shadow": "auto"},
        )
    legend = {"orientation": "h", "y": 0, "yanchor": "top", "x": 0.5, "xanchor": "center"}
    axis = {"visible": False, "showgrid": False, "zeroline": False}
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis=axis,
        yaxis=axis | {"scaleanchor": "x"},
        legend=legend | {"font": {"size": 12}},
        hovermode="closest",
        hoverdistance=14,
        dragmode="pan",
        uirevision=revision,
        clickanywhere=True,
        hoveranywhere=True,
    )
    return figure


def preview(name: str, view: str, colour: str) -> str:
    """The map's dots as a PNG in a data address: what is seen until Plotly has drawn them."""
    atlas = bridge.codes.atlas_by(name, colour)
    if bridge.checkpoints.SLASH in name:
        return bridge.mine.kept(name, ("preview", view, colour), lambda: _drawn(view, colour, atlas))
    return _preview(bridge.checkpoints.card(name)["atlas"]["sha256"], view, colour, atlas)


@st.cache_resource(max_entries=16, show_spinner=False)
def _preview(sha256: str, view: str, colour: str, _atlas) -> str:
    return _drawn(view, colour, _atlas)


def _drawn(view: str, colour: str, atlas) -> str:
    xy = getattr(atlas, view)
    if colour != "error":
        tones = [charts.class_colour(int(label)) for label in atlas.y]
    else:
        shares = np.minimum(atlas.error / max(np.quantile(atlas.error, 0.95), 1e-9), 1)
        tones = sample_colorscale("Cividis", shares.tolist())
    low, high = xy.min(0), xy.max(0)
    room = 0.062 * (high - low)  # what Plotly leaves around points
    low, high = low - room, high + room
    scale = 1400 / max((high - low).max(), 1e-6)  # twice as large as most screens show it
    width, height = (max(2, int(side)) for side in (high - low) * scale)
    image = Image.new("RGBA", (width, height))
    pen = ImageDraw.Draw(image)
    for (x, y), tone in zip((xy - low) * scale, tones, strict=True):
        pen.circle((x, height - y), 4.5, fill=tone)
    image = image.resize((width // 2, height // 2), Image.Resampling.BOX)
    content = io.BytesIO()
    image.quantize(128, Image.Quantize.FASTOCTREE).save(content, "PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def label_spots(xy: np.ndarray, y: np.ndarray, label_names: list[str]) -> dict[int, tuple[float, float]]:
    """A place for each class's name: where most of its points are and fewest of others, and no other name is."""
    low, span = xy.min(0), np.maximum(np.ptp(xy, axis=0), 1e-6)
    unit = max(span / ROOM) * 1.12  # of the map in a pixel, where the map is as small as on a projector
    cell = span.max() / CELLS
    at = ((xy - low) / cell).astype(int)
    sides = at.max(0) + 1
    counts = np.zeros((len(label_names), *sides))
    named = y < len(label_names)
    np.add.at(counts, (y[named], *at[named].T), 1)
    shares = counts.sum((1, 2), keepdims=True) / max(len(y), 1)
    excess = _blurred(counts) - shares * _blurred(counts.sum(0, keepdims=True))
    spots, taken = {}, []
    for label in np.argsort(-excess.reshape(len(excess), -1).max(1)).tolist():
        surplus = excess[label].ravel()
        half = np.array([WIDE * len(label_names[label]) + 6, HIGH]) / 2 * unit
        for spot in np.argsort(-surplus)[: int((surplus > 0).sum())]:
            middle = low + (np.array(np.unravel_index(spot, sides)) + 0.5) * cell
            if all((np.abs(middle - other) > half + room).any() for other, room in taken):
                spots[label] = (float(middle[0]), float(middle[1]))
                taken.append((middle, half))
                break
    return spots


def _blurred(counts: np.ndarray) -> np.ndarray:
    """Counts (k, rows, columns), each spread over its neighbourhood."""
    bell = np.exp(-(np.linspace(-2, 2, 9) ** 2))
    for axis in (1, 2):
        counts = np.apply_along_axis(lambda line: np.convolve(line, bell)[4:-4], axis, counts)
    return counts


def alt(atlas, view: str) -> str:
    """The map's alternative text."""
    return (
        f"{view.upper()} of the codes of {len(atlas.z):,} {bridge.codes.origin(atlas)} pictures in {len(atlas.label_names)} "
        "classes. Arrow keys go from picture to picture, Enter picks one; the inspector's number fields "
        "reach every picture and place."
    )
