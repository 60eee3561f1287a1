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


def strips(name: str, z: np.ndarray, most: int, steps: int, reach: float) -> list[dict]:
    """A code z (d,) changed by one factor after another, the `most` that its codes tell best, the clearest first.

    -> of each: factor; z (n, d); says, what each code is; start, which of them is z. A factor of two classes is
    walked from the first to the second, `reach` standard deviations to either side; of several z gets one after another.
    """
    fitted = directions(name)
    strips = []
    for k in fitted.clearest(most) if fitted else []:
        factor, labels = list(fitted.factors.items())[k]
        if len(labels) == 2:
            path, units = walk(name, z, fitted.toward(z, k, 1), reach, steps)
            says = [f"{'−' if unit < 0 else '+'}{abs(unit):.1f} sd toward {labels[1]}" for unit in units]
            start = steps // 2
        else:
            path = np.stack([fitted.swapped(z, k, label) for label in range(len(labels))])
            says, start = list(labels), int(fitted.read(z[None])[0, k])
        strips.append({"factor": factor, "labels": list(labels), "z": path, "says": says, "start": start})
    return strips
