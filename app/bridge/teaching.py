"""Directions that a reader's examples teach a checkpoint, and what else they change."""

import numpy as np
import streamlit as st

from ali_core.models import taught
from ali_core.models.taught import FEWEST, Taught  # noqa: F401, for the page
from ali_core.problem import Problem

from . import classes, codes, directions, models
from .checkpoints import card

ASKED, SEED = 100, 0  # held-out pictures that are moved to see what changes


def teach(name: str, with_it: list[np.ndarray], without: list[np.ndarray], called: str) -> Taught:
    """What codes (d,) with a thing and codes without it teach; raises Problem where they cannot."""
    d = codes.atlas(name).z.shape[1]
    sides = [np.stack(side) if side else np.zeros((0, d), np.float32) for side in (with_it, without)]
    return taught.teach(*sides, called, card(name)["weights"]["sha256"])


def read(name: str, content: bytes) -> Taught:
    """A direction from its .npz; raises Problem for another file and for another checkpoint's direction."""
    found = taught.read(content)
    if found.checkpoint != card(name)["weights"]["sha256"] or len(found.along) != codes.atlas(name).z.shape[1]:
        raise Problem(f"«{found.name}» was taught with another checkpoint's codes, not with {name}'s.")
    return found


def changes(name: str, found: Taught, amount: float) -> dict[str, float]:
    """Of the map's pictures without the thing: the share whose class reads as another after the move, factor by factor.

    Read by a line from what the encoder makes of the decoded pictures, moved and not. {} for a map without classes.
    """
    return _changes(name, card(name)["weights"]["sha256"], found.content(), amount)


@st.cache_data(max_entries=32, show_spinner="Looking at what else changes …")
def _changes(name: str, sha256: str, content: bytes, amount: float) -> dict[str, float]:
    fitted, found = directions.directions(name), taught.read(content)
    if fitted is None:
        return {}
    z = codes.atlas(name).z
    without = np.random.default_rng(SEED).permutation(np.flatnonzero(found.place(z) < 0))[:ASKED]
    y = classes.of_pictures(name, without)
    before, after = (
        fitted.read(_round_trip(name, codes, y)) for codes in (z[without], found.moved(z[without], amount))
    )
    return dict(zip(fitted.factors, (before != after).mean(0).tolist(), strict=True))


def _round_trip(name: str, z: np.ndarray, y: np.ndarray | None) -> np.ndarray:
    return models.encode(name, models.decode(name, z, y), y)
