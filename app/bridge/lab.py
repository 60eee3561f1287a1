"""The lab's data: recordings, members that train in the plane, settings, the reader's points."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from ali_core.data import points
from ali_core.lab import packs
from ali_core.problem import Problem

from .checkpoints import root


def recordings() -> dict[str, dict | Problem]:
    """The recordings, by name: its scene (with "card"), or the Problem that says what is wrong with it."""
    scenes: dict[str, dict | Problem] = {}
    for path in sorted((root() / "lab").glob("*.gz")):
        try:
            scenes[path.stem] = recorded(path.stem)[0]
        except Problem as problem:
            scenes[path.stem] = problem
    return scenes


def recorded(name: str) -> list[dict]:
    """The numbers of a recording: its scene's, then every frame's; raises Problem for no recording.

    A frame also has "posterior_sd", the mean of the codes' standard deviations, where there are any.
    """
    path = root() / "lab" / f"{name}.gz"
    return _numbers(str(path), path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=64)
def _numbers(path: str, stamp: int) -> list[dict]:
    every = []
    for pack in packs.read(Path(path)):
        numbers, arrays = packs.unpack(pack)
        if "z_sd" in arrays:
            numbers["posterior_sd"] = float(arrays["z_sd"].mean())
        every.append(numbers)
    return every


def packed(name: str) -> bytes:
    """A recording's scene and frames as a browser reads them; raises Problem for no recording."""
    return packs.joined(packs.read(root() / "lab" / f"{name}.gz"))


def settings() -> dict:
    """The settings of a live run and their defaults; imports torch."""
    from ali_core.lab import scenes

    return scenes.SETTINGS


def planar() -> dict[str, dict]:
    """Members that train on points: name -> says, formula, terms (name -> weight); imports torch."""
    from ali_core.family.members import FAMILY
    from ali_core.lab import scenes

    able = {}
    for name, row in FAMILY.items():
        try:
            scenes.config({"member": name})
        except Problem:
            continue
        terms = {key: term.weight for key, term in row.terms.items() if key not in row.slack}
        able[name] = {"says": row.says, "formula": row.formula, "terms": terms}
    return able


def table_of_points(name: str, content: bytes) -> np.ndarray:
    """A CSV's points, float32 (n, 2); raises Problem with the line that cannot be read."""
    return points.read_csv(name, content)


def points_of(drawing: np.ndarray) -> np.ndarray | None:
    """Points of what was drawn, uint8 (h, w, 1): one per inked pixel, somewhere in it; None for none."""
    down, along = np.nonzero(drawing[..., 0])
    places = np.stack([along, len(drawing) - 1 - down], 1).astype(np.float32)
    places += np.random.default_rng(0).random(places.shape, np.float32)
    return places if len(places) else None
