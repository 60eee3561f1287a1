"""A path of pictures as a figure and as files; no state, no model."""

import io

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from . import charts
from .plain import label


def path_map(xy: np.ndarray, path: np.ndarray, near: np.ndarray, height: int, real: str) -> go.Figure:
    """The map's points (n, 2) in grey, and on them the path (m, 2), each step with its neighbours.

    `real` is the word for what these are.
    """
    figure = go.Figure()
    figure.add_scattergl(
        x=xy[:, 0],
        y=xy[:, 1],
        mode="markers",
        hoverinfo="skip",
        marker={"size": 2.5, "color": charts.GREY, "opacity": 0.25},
    )
    figure.add_scatter(
        x=path[:, 0],
        y=path[:, 1],
        mode="lines+markers",
        name="path",
        customdata=np.column_stack([np.arange(1, len(path) + 1), near]),
        hovertemplate=f"frame %{{customdata[0]}} · %{{customdata[1]}} {real} pictures are near<extra></extra>",
        line={"color": charts.CODES, "width": 3},
        marker={"size": 9, "color": charts.CODES, "opacity": 1, "line": {"width": 1, "color": "#FFFFFF"}},
    )
    for place, letter in ((0, "A"), (-1, "B")):
        figure.add_annotation(
            x=float(path[place, 0]),
            y=float(path[place, 1]),
            text=f"<b>{letter}</b>",
            showarrow=False,
            yshift=14,
            font={"size": 15, "shadow": "auto"},
        )
    return _bare(figure, height)


def pad_map(xy: np.ndarray, blends: np.ndarray, cell: tuple[int, int], height: int) -> go.Figure:
    """The map's points in grey, on them the blends of a pad (n, n, 2), the chosen cell ringed."""
    figure = go.Figure()
    figure.add_scattergl(
        x=xy[:, 0],
        y=xy[:, 1],
        mode="markers",
        hoverinfo="skip",
        marker={"size": 2.5, "color": charts.GREY, "opacity": 0.25},
    )
    flat = blends.reshape(-1, 2)
    figure.add_scatter(
        x=flat[:, 0],
        y=flat[:, 1],
        mode="markers",
        name="blends",
        hoverinfo="skip",
        marker={"size": 6, "color": charts.CODES, "opacity": 1, "line": {"width": 1, "color": "#FFFFFF"}},
    )
    figure.add_scatter(
        x=blends[cell][:1],
        y=blends[cell][1:],
        mode="markers",
        name="chosen",
        hoverinfo="skip",
        marker={"size": 15, "color": charts.CODES, "line": {"width": 3, "color": charts.GENERATED}},
    )
    for (row, column), letter in zip([(0, 0), (0, -1), (-1, 0), (-1, -1)], "ABCD", strict=True):
        x, y = blends[row, column]
        figure.add_annotation(
            x=float(x),
            y=float(y),
            text=f"<b>{letter}</b>",
            showarrow=False,
            yshift=14,
            font={"size": 15, "shadow": "auto"},
        )
    return _bare(figure, height)


def heat(factors: dict[str, list[str]], strength: np.ndarray, beta: np.ndarray, chosen: int | None) -> go.Figure:
    """How much each number of a code says of each factor: strength (k, d) of k factors; of one its classes' beta (K, d).

    The `chosen` number of the code is framed.
    """
    if len(factors) > 1:
        rows, values, scale = (
            list(factors),
            strength,
            [[0, "rgba(136,136,136,0.08)"], [1, charts.CODES]],
        )
        low, high = 0.0, float(strength.max())
    else:
        rows, values = next(iter(factors.values())), beta
        scale = [[0, charts.GENERATED], [0.5, "rgba(136,136,136,0.08)"], [1, charts.DATA]]
        high = float(np.abs(beta).max())
        low = -high
    figure = go.Figure(
        go.Heatmap(
            z=values,
            y=[label(row) for row in rows],
            zmin=low,
            zmax=high,
            colorscale=scale,
            showscale=False,
            ygap=1,
            hovertemplate="%{y}, number %{x}: %{z:.2f}<extra></extra>",
        )
    )
    if chosen is not None:
        figure.add_vrect(chosen - 0.5, chosen + 0.5, line={"color": charts.PRIOR, "width": 2}, fillcolor=None)
    return figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        height=24 * len(rows) + 60,
        xaxis={"title": "number of the code", "fixedrange": True, "showgrid": False},
        yaxis={
            "autorange": "reversed",
            "fixedrange": True,
            "automargin": True,
            "type": "category",
            "showgrid": False,
        },
        dragmode=False,
    )


def _bare(figure: go.Figure, height: int) -> go.Figure:
    axis = {"visible": False, "showgrid": False, "zeroline": False}
    return figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        height=height,
        xaxis=axis,
        yaxis=axis | {"scaleanchor": "x"},
        showlegend=False,
        hovermode="closest",
        dragmode="pan",
        uirevision="stays",
    )


def strip(frames: np.ndarray, scale: int = 4) -> bytes:
    """Pictures uint8 (n, h, w, c) side by side in a PNG, their pixels repeated `scale` times."""
    return pad(frames[None], scale)


def pad(square: np.ndarray, scale: int = 4) -> bytes:
    """Pictures uint8 (rows, columns, h, w, c) in their places in a PNG, pixels repeated as in `strip`."""
    rows = [np.concatenate(list(row), axis=1) for row in square]
    file = io.BytesIO()
    _image(np.concatenate(rows), scale).save(file, "png")
    return file.getvalue()


def gif(frames: np.ndarray, scale: int = 8) -> bytes:
    """A GIF that goes there and back without end, 12 frames a second, the first and the last shown longer."""
    to_and_fro = [*frames, *frames[-2:0:-1]]
    durations = np.full(len(to_and_fro), 80)
    durations[[0, len(frames) - 1]] = 480
    file = io.BytesIO()
    first, *rest = (_image(frame, scale) for frame in to_and_fro)
    first.save(file, "gif", save_all=True, append_images=rest, duration=durations.tolist(), loop=0)
    return file.getvalue()


def arrays(**named: np.ndarray) -> bytes:
    """An NPZ file."""
    file = io.BytesIO()
    np.savez_compressed(file, **named)
    return file.getvalue()


def _image(picture: np.ndarray, scale: int) -> Image.Image:
    picture = picture.repeat(scale, 0).repeat(scale, 1)
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
