"""The map, its pictures, neighbours and places, and ways between codes; needs no torch.

A name is a checkpoint's, or that of a visitor's own map: see mine.py.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import streamlit as st

from ali_core.maps import atlas as core
from ali_core.models import latent
from ali_core.problem import Problem

from . import mine
from .checkpoints import SLASH, card, root, stamp


def atlas(name: str):
    """The checkpoint's map: see ali_core.maps.atlas.Atlas. Shared: never write into its arrays."""
    return mine.atlas(name) if SLASH in name else _atlas(str(root() / name), stamp(name))


@st.cache_resource(max_entries=4, show_spinner=False)
def _atlas(folder: str, stamp: tuple):
    loaded = core.load(folder)
    if loaded.label_names:
        return loaded
    # several factors have no names: the first one's classes are numbers
    return replace(loaded, label_names=[str(i) for i in range(int(loaded.y.max()) + 1)])


def atlas_by(name: str, factor: str):
    """The checkpoint's map with another of its factors as the class; any other word: as it is."""
    the_map = atlas(name)
    if factor not in the_map.factors:
        return the_map
    if SLASH in name:
        return mine.kept(name, ("by", factor), lambda: _coloured(the_map, factor))
    return _by(str(root() / name), stamp(name), factor)


@lru_cache(maxsize=8)
def _by(folder: str, stamp: tuple, factor: str):
    return _coloured(_atlas(folder, stamp), factor)


def _coloured(the_map, factor: str):
    place, classes = list(the_map.factors).index(factor), the_map.factors[factor]
    bare = any(word.isdigit() for word in classes) or set(classes) == {"no", "yes"}
    words = [f"{factor} {word}" if bare else word for word in classes]
    return replace(the_map, y=the_map.labels[:, place].astype(np.int64), label_names=words)


def clearest(name: str) -> str:
    """The factor that the checkpoint's map shows best; "class" where there is one at most."""
    several = len(atlas(name).factors) > 1
    if several and SLASH in name:
        return mine.kept(name, ("clearest",), lambda: core.clearest(atlas(name)))
    return _clearest(str(root() / name), stamp(name)) if several else "class"


@lru_cache(maxsize=16)
def _clearest(folder: str, stamp: tuple) -> str:
    return core.clearest(_atlas(folder, stamp))


def origin(atlas) -> str:
    """What the map's pictures are, as a word before "picture": "held-out" or "made"."""
    return atlas.split.replace(" ", "-")


def shipped(name: str) -> str:
    """What the pictures of the checkpoint's own map are, for a button; it may have no map."""
    return card(name).get("atlas", {}).get("split", "held out").replace(" ", "-").capitalize()


def pictures(name: str) -> np.ndarray:
    """The pictures of the checkpoint's map, uint8 (n, h, w, c); raises Problem for those of another."""
    if SLASH in name:
        return mine.pictures(name)
    the_map, shape = atlas(name), tuple(card(name)["data"]["shape"])
    x = read_pictures(str(root()), the_map.pictures)
    if len(x) < len(the_map.z) or x.shape[1:] != shape:
        raise Problem(
            f"The pictures «{the_map.pictures}» are {len(x):,} of {x.shape[1:]}, and the map of {name} "
            f"shows {len(the_map.z):,} of {shape}; make it anew: python -m ali_core atlas {root() / name}"
        )
    return x


@st.cache_resource(max_entries=2, show_spinner=False)
def read_pictures(folder: str, which: str) -> np.ndarray:
    """The verified picture set `which` of the folder of checkpoints, uint8 (n, h, w, c)."""
    return core.pictures(folder, which)


def nearest(name: str, z: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest held-out codes of each row of z: indices and distances, (m, k) each."""
    return core.nearest(atlas(name), np.atleast_2d(z), k)


def place(name: str, z: np.ndarray, which: str = "umap") -> np.ndarray:
    """Where codes stand on the map, (m, 2)."""
    return core.place(atlas(name), np.atleast_2d(z), which)


def lift(name: str, xy: tuple[float, float], which: str = "umap") -> dict:
    """A place on the map as a code: z, neighbours, map_distance, typical_map_distance."""
    return core.lift(atlas(name), np.asarray(xy, np.float32), which)


def near(name: str, z: np.ndarray) -> np.ndarray:
    """How many held-out codes are nearer than a typical eighth neighbour is, for each row of z, (m,)."""
    the_map = atlas(name)
    held, asked = the_map.z.astype(float), np.asarray(z, float)  # float32 loses what is subtracted
    squares = (held**2).sum(1) + (asked**2).sum(1)[:, None] - 2 * asked @ held.T
    return (squares <= the_map.typical["z"] ** 2).sum(1)


def interpolate(a: np.ndarray, b: np.ndarray, steps: int, how: str) -> np.ndarray:
    """A path between two codes, "slerp" or "lerp", ends included, (steps, d)."""
    return latent.interpolate(a, b, steps, how)


def corners(four: list[np.ndarray], steps: int) -> np.ndarray:
    """Blends of four codes (top left, top right, bottom left, bottom right), (steps, steps, d)."""
    return latent.corners(*four, steps)


def mean_picture_error(name: str) -> float | None:
    """The reconstruction error of a model that always answers with the mean picture.

    None without an atlas, and where its pictures are not the data's.
    """
    try:
        the_map = atlas(name)
        return None if the_map.split == "made" else _mean_picture_error(str(root()), the_map.pictures)
    except Problem:
        return None


@st.cache_data(max_entries=8, show_spinner=False)
def _mean_picture_error(folder: str, which: str) -> float:
    return float(np.mean(read_pictures(folder, which).var(0)) / 255**2)
