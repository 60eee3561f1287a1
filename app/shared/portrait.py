"""Figures of one picture from arrays: its code, its reconstruction, their difference, draws; no state, no model."""

import io
import itertools

import numpy as np
import plotly.graph_objects as go
from PIL import Image, ImageDraw

from . import charts

SIDE = 140  # pixels of a picture on the page; 28 and 64 are scaled by whole factors


def whole(picture: np.ndarray, side: int = SIDE) -> Image.Image:
    """A uint8 picture (h, w, c) enlarged by the largest whole factor that fits into `side`."""
    return charts.enlarge(picture, max(1, side // picture.shape[0]))


def original(image: Image.Image, side: int = SIDE) -> Image.Image:
    """The reader's picture, reduced to fit into `side`."""
    image = image.convert("RGBA")
    image.thumbnail((side, side))
    if max(image.size) < side // 2:
        factor = side // max(image.size)
        image = image.resize([s * factor for s in image.size], Image.Resampling.NEAREST)
    return image


def difference(x: np.ndarray, x_rec: np.ndarray, side: int = SIDE) -> tuple[Image.Image, float]:
    """Where two uint8 pictures (h, w, c) differ: orange the second is brighter, blue darker.

    -> the enlarged picture, and the largest difference, 0 to 1, which has the full colour.
    """
    signed = (x_rec.astype(float) - x).mean(2) / 255
    most = float(np.abs(signed).max())
    strength = (np.abs(signed) / max(most, 1e-6))[..., None]
    # data has more: its blue; the model's has more: the generated orange
    more, less = np.array([213, 94, 0]), np.array([0, 114, 178])
    colour = np.where(signed[..., None] > 0, more, less)
    pixels = (255 - strength * (255 - colour)).round().astype(np.uint8)
    return whole(pixels, side), most


def deviation(draws: np.ndarray, side: int = SIDE) -> tuple[Image.Image, float]:
    """Standard deviation of every pixel over draws uint8 (n, h, w, c). -> enlarged, and the largest"""
    sd = draws.astype(float).std(0).mean(2) / 255
    most = float(sd.max())
    shade = (255 * sd / max(most, 1e-6)).round().astype(np.uint8)
    return whole(shade[..., None], side), most


def row(pictures: np.ndarray, columns: int, scale: int) -> Image.Image:
    """uint8 pictures (n, h, w, c) in a grid, a gap of two pixels between them."""
    n, h, w, _ = pictures.shape
    rows = -(-n // columns)
    step_x, step_y = w * scale + 4, h * scale + 4
    sheet = Image.new("RGBA", (columns * step_x - 2, rows * step_y - 2), (0, 0, 0, 0))
    for i, picture in enumerate(pictures):
        place = ((i % columns) * step_x, (i // columns) * step_y)
        sheet.paste(charts.enlarge(picture, scale), place)
    return sheet


def code(mean: np.ndarray, sd: np.ndarray | None) -> go.Figure:
    """A code (d,) as bars against the prior's band of two standard deviations; sd as whiskers."""
    numbers = np.arange(len(mean))
    figure = go.Figure()
    figure.add_hrect(-2, 2, fillcolor=charts.PRIOR, opacity=0.18, line_width=0, layer="below")
    figure.add_bar(
        x=numbers,
        y=mean,
        marker_color=charts.CODES,
        error_y={"array": sd, "thickness": 1, "width": 0} if sd is not None else None,
        hovertemplate="z<sub>%{x}</sub> = %{y:.2f}<extra></extra>",
    )
    limit = max(3.2, float(np.abs(mean).max()) * 1.1)
    figure.update_layout(
        height=SIDE + 2,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        bargap=0.15,
        showlegend=False,
        dragmode=False,
    )
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(range=[-limit, limit], tickvals=[-2, 0, 2], fixedrange=True)
    return figure


def small_map(
    points: np.ndarray, here: np.ndarray, cloud: np.ndarray, near: np.ndarray, trail: np.ndarray, kind: str
) -> go.Figure:
    """A map (n, 2) in grey; `here` (2,) a star, `cloud` (m, 2) posterior draws, `near` (k, 2) data.

    trail (t, 2): arrows from one place to the next.

    `kind` is what the points are, in a word.
    A map this small shows 3,000 of its points at most: more would only be painted over each other.
    """
    points = points[:: -(-len(points) // 3000)]
    figure = go.Figure()
    figure.add_scattergl(
        x=points[:, 0],
        y=points[:, 1],
        mode="markers",
        marker={"size": 2, "color": charts.GREY, "opacity": 0.35},
        hoverinfo="skip",
        name=kind,
    )
    for xy, colour, size, symbol, what in (
        (near, charts.DATA, 6, "circle", "nearest"),
        (cloud, charts.CODES, 6, "circle", "draws"),
        (here[None], charts.RECONSTRUCTION, 15, "star", "this picture"),
    ):
        if len(xy):
            line = {"width": 1, "color": "white"}
            figure.add_scatter(
                x=xy[:, 0],
                y=xy[:, 1],
                mode="markers",
                name=what,
                hoverinfo="name",
                marker={"size": size, "color": colour, "symbol": symbol, "line": line},
            )
    for (x0, y0), (x1, y1) in itertools.pairwise(trail):
        figure.add_annotation(
            {"x": x1, "y": y1, "ax": x0, "ay": y0, "axref": "x", "ayref": "y", "text": ""},
            showarrow=True,
            arrowhead=2,
            arrowwidth=2,
            arrowcolor=charts.GENERATED,
        )
    figure.update_layout(
        height=300,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        dragmode=False,
        legend={
            "orientation": "h",
            "y": -0.02,
            "yanchor": "top",
            "x": 0,
            "itemsizing": "constant",
            "itemclick": False,
            "itemdoubleclick": False,
            "font": {"size": 12},
        },
    )
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True, scaleanchor="x")
    return figure


def comparison(captions: list[str], pictures: list[Image.Image]) -> bytes:
    """Pictures side by side with a line under each, as a PNG's bytes."""
    wide = max(SIDE, *(picture.width for picture in pictures)) + 16
    tall = max(picture.height for picture in pictures)
    sheet = Image.new("RGB", (wide * len(pictures) + 16, tall + 68), "white")
    pen = ImageDraw.Draw(sheet)
    for i, (caption, picture) in enumerate(zip(captions, pictures, strict=True)):
        left = 16 + i * wide
        rgba = picture.convert("RGBA")
        sheet.paste(rgba, (left, 16), rgba)
        pen.text((left, tall + 24), caption, fill="black", font_size=13)
    content = io.BytesIO()
    sheet.save(content, "png", optimize=True)
    return content.getvalue()
