"""Which checkpoints there are, what is wrong with them, their cards and samples."""

import os
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from ali_core import checkpoint, sheet
from ali_core.problem import Problem

DEFAULT = "fashion-alice"


def root() -> Path:
    """The folder of checkpoints: $ALI_CHECKPOINTS, or `checkpoints` beside the app."""
    given = os.environ.get("ALI_CHECKPOINTS")
    path = Path(given) if given else Path(__file__).parents[2] / "checkpoints"
    # sentences name files: a short path reads better
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


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


def card(name: str) -> dict:
    """The checkpoint's card."""
    return _card(str(root() / name), stamp(name))


def stamp(name: str) -> tuple:
    """Time and size of a checkpoint's files: what is kept of them holds while these stay."""
    files = [root() / name / file for file in (checkpoint.CARD, checkpoint.WEIGHTS, "atlas.npz")]
    stats = [file.stat() if file.exists() else None for file in files]
    return tuple((s.st_mtime_ns, s.st_size) if s else None for s in stats)


@st.cache_resource(max_entries=64, show_spinner=False)
def _card(folder: str, stamp: tuple) -> dict:
    return checkpoint.card(folder)


@st.cache_resource(max_entries=64, show_spinner=False)
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
    """Six samples, seeds 0 to 5, uint8 (6, h, w, c), as they were saved beside the weights; None without."""
    path, (h, w, _) = root() / name / "samples.png", card(name)["data"]["shape"]
    if not path.exists():
        return None
    with Image.open(path) as strip:
        return sheet.cut(strip, 6, h, w)
