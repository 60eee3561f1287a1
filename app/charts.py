"""Figures and picture sheets from arrays; no state, no model."""

import numpy as np
from PIL import Image, ImageOps

DATA, GENERATED, RECONSTRUCTION = "#0072B2", "#D55E00", "#009E73"
CODES, PRIOR, DISCRIMINATOR, GREY = "#56B4E9", "#E69F00", "#CC79A7", "#888888"


def enlarge(picture: np.ndarray, scale: int, border: str = GREY) -> Image.Image:
    """A uint8 picture (h, w, c), its pixels repeated `scale` times, inside a border of one pixel."""
    image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
    image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    return ImageOps.expand(image.convert("RGB"), 1, border)


def empty(side: int) -> Image.Image:
    """A place without a picture: a frame around nothing, as large as an enlarged picture of `side`."""
    image = Image.new("RGBA", (side + 2, side + 2), (136, 136, 136, 28))
    return ImageOps.expand(image.crop((1, 1, side + 1, side + 1)), 1, (136, 136, 136, 120))


def favicon() -> Image.Image:
    """Data to code and back: the explorer's two colours."""
    image = Image.new("RGBA", (32, 32))
    image.paste(DATA, (2, 2, 15, 30))
    image.paste(GENERATED, (17, 2, 30, 30))
    return image
