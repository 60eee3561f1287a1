"""Two domains for translation: x's pictures, and z's, which are the prior.

Some have true pairs: both domains are computed here from one data set, or come in one .npz.
Training sees two halves that share no picture; the held-out parts belong together one by one.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ali_core.problem import Problem

from .dataset import Data
from .split import RULE, SHARE, contents, drawn, order


def edges(x: np.ndarray) -> np.ndarray:
    """White lines on black where brightness changes by more than three tenths, uint8 as x (n,h,w,c)."""
    padded = np.pad(x.astype(np.float32) / 255, ((0, 0), (0, 1), (0, 1), (0, 0)))
    here, right = padded[:, :-1, :-1], padded[:, :-1, 1:]
    below, across = padded[:, 1:, :-1], padded[:, 1:, 1:]
    change = np.hypot(here - across, right - below)  # Roberts' cross
    return ((change > 0.3).any(3, keepdims=True) * np.uint8(255)).repeat(x.shape[3], 3)


def transpose(x: np.ndarray) -> np.ndarray:
    """Rows as columns, (n,h,w,c)."""
    return np.ascontiguousarray(x.swapaxes(1, 2))


class Pair(NamedTuple):
    """A pair of domains computed from one data set, each by a function of its pictures."""

    of: str
    x: Callable[[np.ndarray], np.ndarray]
    z: Callable[[np.ndarray], np.ndarray]


PAIRS = {
    "edges-fashion": Pair("fashion-mnist", edges, np.copy),
    "mnist-transpose": Pair("mnist", np.copy, transpose),
}


def truth(name: str, x: np.ndarray, back: bool) -> np.ndarray | None:
    """What pictures (n,h,w,c) of PAIRS[name]'s first domain (`back`: second) are in the other.

    None where that cannot be computed: for other names, and of edges.
    """
    if name not in PAIRS:
        return None
    ours, theirs = (PAIRS[name].z, PAIRS[name].x) if back else (PAIRS[name].x, PAIRS[name].z)
    undone_by_itself = ours in (np.copy, transpose)
    return theirs(ours(x)) if undone_by_itself else None


def derived(name: str, data: Data) -> Data:
    """The two domains of PAIRS[name], computed from `data`, the data set PAIRS[name].of."""
    pair = PAIRS[name]
    return _halves(replace(data, name=name), pair.x, pair.z)


def _halves(data: Data, x: Callable, z: Callable) -> Data:
    """One half of the training pictures for x's domain, the other for z's."""
    order = np.random.default_rng(0).permutation(len(data.x))
    ours, theirs = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    prior = replace(data, x=z(data.x[theirs]), y=data.y[theirs], x_test=z(data.x_test))
    return replace(
        data,
        x=x(data.x[ours]),
        y=data.y[ours],
        x_test=x(data.x_test),
        prior=prior,
        partners=z(data.x[ours]),
    )


def paired(
    path: Path,
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
    split: np.ndarray | None,
    about: dict,
) -> Data:
    """The true pairs (x, z) of an .npz, classes y; `split` says "a", "b" or "test" of each.

    A pair of split "a" gives training its x, one of "b" its z, one of "test" is held out. Without
    `split` a hash of x says it, a tenth "test". about: further fields of both Data. Raises Problem that
    names the array that does not fit.
    """
    z = z[..., None] if z.ndim == 3 else z
    if z.shape != x.shape or z.dtype != np.uint8:
        raise Problem(
            f"{path}: “images_b” {z.dtype} {z.shape} must be bytes, one picture for each of “images” {x.shape}."
        )
    a = b = test = ()
    if split is None:
        test, a, b = drawn(contents(x), SHARE, 0.5)
        about = {"held_out": RULE} | about
    elif split.shape == (len(x),):
        parts = (np.flatnonzero(split == name) for name in ("a", "b", "test"))
        a, b, test = (part[order(y[part])] for part in parts)
    if not (len(a) and len(b) and len(test)):
        raise Problem(f"{path}: “split” must give each of the {len(x)} pairs a, b or test, all used.")
    shared = {"name": path.stem, "y_test": y[test]} | about
    prior = Data(x=z[b], y=y[b], x_test=z[test], **shared)
    return Data(x=x[a], y=y[a], x_test=x[test], **shared, prior=prior, partners=z[a])


def two(x: Data, z: Data) -> Data:
    """Two data sets as the domains of a translation, without pairs.

    Raises Problem when one is no pictures, or of another size or other channels.
    """
    for data in (x, z):
        if len(data.shape) != 3:
            raise Problem(f"{data.name} holds points; translation is between two sets of pictures.")
    if x.shape != z.shape:
        raise Problem(
            f"{x.name} has pictures of {x.shape}, {z.name} of {z.shape} (height, width, channels): "
            "give both the same size= and channels=."
        )
    # a set that came with a second domain keeps neither its pairs nor the name by which `truth` finds them
    name = x.name if x.prior is None else f"{x.name}+{z.name}"
    return replace(x, name=name, prior=replace(z, prior=None, partners=None), partners=None)
