"""Figures and picture sheets from arrays; no state, no model."""

import numpy as np
import plotly.graph_objects as go
from PIL import Image, ImageOps

from .plain import label

DATA, GENERATED, RECONSTRUCTION = "#0072B2", "#D55E00", "#009E73"
CODES, PRIOR, DISCRIMINATOR, GREY = "#56B4E9", "#E69F00", "#CC79A7", "#888888"


def enlarge(picture: np.ndarray, scale: int, border: str = GREY) -> Image.Image:
    """A uint8 picture (h, w, c), its pixels repeated `scale` times, inside a border of one pixel."""
    image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
    image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    return ImageOps.expand(image.convert("RGB"), 1, border)


def contact_sheet(pictures: np.ndarray, columns: int, scale: int, border: str = GREY, gap: int = 3) -> Image.Image:
    """Pictures (n, h, w, c), each enlarged in its border, row by row on a transparent ground."""
    tiles = [enlarge(picture, scale, border) for picture in pictures]
    w, h = tiles[0].width + gap, tiles[0].height + gap
    sheet = Image.new("RGBA", (columns * w - gap, -(-len(tiles) // columns) * h - gap))
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (i % columns * w, i // columns * h))
    return sheet


def empty(side: int) -> Image.Image:
    """A place without a picture: an empty frame, as large as an enlarged picture of `side`."""
    image = Image.new("RGBA", (side + 2, side + 2), (136, 136, 136, 28))
    return ImageOps.expand(image.crop((1, 1, side + 1, side + 1)), 1, (136, 136, 136, 120))


def favicon() -> Image.Image:
    """Data to code and back: the explorer's two colours."""
    image = Image.new("RGBA", (32, 32))
    image.paste(DATA, (2, 2, 15, 30))
    image.paste(GENERATED, (17, 2, 30, 30))
    return image


# ten colours that stay apart under deuteranopia (Petroff 2021)
CLASSES = [
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
]


def class_colour(label: int) -> str:
    """The colour of a class on every page."""
    return CLASSES[label % len(CLASSES)]


def histogram(counts: np.ndarray, label_names: list[str]) -> go.Figure:
    """How many of each class, as bars with their numbers."""
    some = np.flatnonzero(counts)
    some = some[counts[some].argsort()]
    return bars(counts[some], [label_names[i] for i in some], counts[some], [class_colour(i) for i in some])


def bars(values, names: list[str], words, colours: list[str]) -> go.Figure:
    """A lying bar each, the first at the bottom, with its name before it and its words behind it."""
    figure = go.Figure(
        go.Bar(
            x=values,
            y=[label(name) for name in names],
            orientation="h",
            marker={"color": colours},
            text=words,
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    return figure.update_layout(
        margin={"l": 0, "r": 30, "t": 0, "b": 0},
        height=24 * len(names) + 8,
        xaxis={"visible": False, "fixedrange": True},
        yaxis={"fixedrange": True},
        bargap=0.3,
        dragmode=False,
    )
