"""Which directions of a checkpoint's codes go with which factor; needs no torch."""

import numpy as np
import streamlit as st

from ali_core.models import directions as core

from . import codes
from .checkpoints import root, stamp


def directions(name: str) -> core.Directions | None:
    """Fitted to the map's codes and labels: see ali_core.models.directions; None for a map without labels."""
    return _directions(str(root() / name), stamp(name), codes.atlas(name))


@st.cache_resource(max_entries=4, show_spinner=False)
def _directions(folder: str, stamp: tuple, _atlas) -> core.Directions | None:
    factors, labels = _atlas.factors, _atlas.labels
    if labels is None:
        factors, labels = {"class": list(_atlas.label_names)}, _atlas.y[:, None]
    if all(len(names) < 2 for names in factors.values()):
        return None
    return core.fit(_atlas.z, labels, factors)


def walk(name: str, z: np.ndarray, along: np.ndarray, reach: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes (steps, d) through z along a direction, and how far each is, in sd of the map's codes."""
    return core.walk(z, along, codes.atlas(name).z, reach, steps)
