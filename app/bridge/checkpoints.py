"""Which checkpoints there are, what is wrong with them, their cards and samples."""

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from ali_core.models import checkpoint, sheet
from ali_core.problem import Problem

DEFAULT = "toons"
SLASH = "/"  # in the name of a visitor's map: see mine.py
STAMPED = (checkpoint.CARD, checkpoint.WEIGHTS, "atlas.npz")


def root() -> Path:
    """The folder of checkpoints: $ALI_CHECKPOINTS, or `checkpoints` beside the app."""
    return _root(os.environ.get("ALI_CHECKPOINTS"), os.getcwd())


@lru_cache
def _root(given: str | None, here: str) -> Path:
    path = Path(given) if given else Path(__file__).parents[2] / "checkpoints"
    # sentences name files: a short path reads better
    return path.relative_to(here) if path.is_relative_to(here) else path


def names() -> list[str]:
    """All checkpoints but the translators, the default first, broken ones too."""
    of_one = [name for name in checkpoint.names(root()) if not domains(name)]
    return sorted(of_one, key=lambda name: (name != DEFAULT, name))


def translators() -> list[str]:
    """The checkpoints that translate, broken ones too, as far as their cards can be read."""
    return [name for name in checkpoint.names(root()) if domains(name)]


def domains(name: str) -> tuple[str, ...]:
    """What a translator's two kinds of pictures are called; () for the other checkpoints."""
    try:
        return tuple(card(name)["data"].get("domains", ()))
    except Problem:  # `broken` says it
        return ()


def broken(name: str) -> str | None:
    """None for a checkpoint that can be used, else the sentence that says what is wrong."""
    return _checked(str(root() / name), stamp(name))


def of(name: str) -> str:
    """The checkpoint of a map's name: itself, or the one that a visitor's own pictures were mapped by."""
    return name.partition(SLASH)[0]


def card(name: str) -> dict:
    """The card of the checkpoint of a map's name."""
    name = of(name)
    return _card(str(root() / name), stamp(name))


def stamp(name: str) -> tuple:
    """Time and size of a checkpoint's files: what is kept of them holds while these stay."""
    folder = root() / name
    return tuple(_stamp(f"{folder}/{file}") for file in STAMPED)


def _stamp(file: str) -> tuple[int, int] | None:
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


# every page asks these of every checkpoint, some of them thrice: Streamlit's cache takes its time to answer
@lru_cache(maxsize=64)
def _card(folder: str, stamp: tuple) -> dict:
    return checkpoint.card(folder)


@lru_cache(maxsize=64)
def _checked(folder: str, stamp: tuple) -> str | None:
    try:
        checkpoint.weights(folder)
        shape = checkpoint.card(folder)["data"]["shape"]
    except Problem as problem:
        return str(problem)
    if len(shape) != 3:
        return f"{Path(folder).name} makes points, not pictures; this explorer shows pictures."
    return None


def samples(name: str) -> np.ndarray | None:
    """Six samples, seeds 0 to 5, uint8 (6, h, w, c), as they were saved beside the weights; None without.

    Raises Problem for a file that is something else.
    """
    path, (h, w, c) = root() / name / "samples.png", card(name)["data"]["shape"]
    if not path.exists():
        return None
    return tiles(path, 6, h, w, c, "copy the checkpoint again")


def tiles(path: Path, n: int, h: int, w: int, c: int, remedy: str) -> np.ndarray:
    """The first n pictures of a PNG that sheet.grid wrote, uint8 (n, h, w, c); raises Problem for others."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            pictures = sheet.cut(image, n, h, w)
        if pictures.shape[3] != c:
            raise ValueError(f"it has {pictures.shape[3]} channels, not {c}")
    except Exception as error:  # damaged files raise nearly every exception there is
        raise Problem(f"{path} cannot be used ({error}); {remedy}.") from None
    return pictures
