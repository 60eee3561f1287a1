"""Models: each is loaded once and answers one call at a time."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from ali_core.data import apart
from ali_core.models import latent
from ali_core.problem import Problem

from . import classes, codes
from .checkpoints import card, of, root


@dataclass
class _Loaded:
    model: object
    lock: threading.Lock


# at least as many as a page asks side by side: with fewer, each click loads them all again
@st.cache_resource(max_entries=16, show_spinner="Waking the model …")
def _loaded(folder: str, sha256: str) -> _Loaded:
    import torch

    from ali_core.models.model import Model

    # one picture is too little to share: beside other work, two threads wait for each other, 10x slower
    torch.set_num_threads(1)
    return _Loaded(Model.load(folder), threading.Lock())


def warm(which: str) -> None:
    """Reads a picture set, imports torch and starts what decodes uploads, once: when the map is painted."""
    if not _warming:
        _warming.append(threading.Thread(target=_get_warm, args=(which,), daemon=True))
        _warming[0].start()


_warming: list[threading.Thread] = []


def warm_faces() -> None:
    """Has OpenCV read its cascades before an upload asks for them, once; never in this process."""
    if not _warming_faces:
        _warming_faces.append(threading.Thread(target=apart.warm, args=("face",), daemon=True))
        _warming_faces[0].start()


_warming_faces: list[threading.Thread] = []


def _get_warm(which: str) -> None:
    with contextlib.suppress(Problem):  # the page says it
        codes.read_pictures(str(root()), which)
    apart.warm()
    import ali_core.models.model  # noqa: F401


def ask(name: str, method: str, *inputs) -> np.ndarray:
    """The result of a method of Model, e.g. ask(name, "decode", z); one call at a time."""
    return consult(name, lambda model: getattr(model, method)(*inputs))


def consult(name: str, question: Callable):
    """The result of a function of the Model; one call at a time."""
    loaded = _loaded(str(root() / of(name)), card(name)["weights"]["sha256"])
    with loaded.lock:
        return question(loaded.model)


Classes = tuple[int, ...] | np.ndarray | None  # a conditional model's y: one for all, or (n, factors)


def encode(name: str, x: np.ndarray, y: Classes = None) -> np.ndarray:
    """Codes (posterior means) of pictures (n, h, w, c), uint8 or float in [0, 1]. -> (n, d)"""
    return ask(name, "encode", x, classes.condition(name, y, len(x)))


def posterior(name: str, x: np.ndarray, y: Classes = None) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the posterior, (n, d) each."""
    return ask(name, "posterior", x, classes.condition(name, y, len(x)))


def draw(name: str, x: np.ndarray, n: int, seed: int, y: Classes = None) -> np.ndarray:
    """n posterior samples of every picture, (n, len(x), d)."""
    return ask(name, "draw", x, n, seed, classes.condition(name, y, len(x)))


def decode(name: str, z: np.ndarray, y: Classes = None) -> np.ndarray:
    """Pictures of codes, uint8 (n, h, w, c)."""
    z = np.atleast_2d(z)
    return to_bytes(ask(name, "decode", z, classes.condition(name, y, len(z))))


def prior(name: str, n: int, seed: int, truncation: float = 1.0) -> np.ndarray:
    """n draws of the prior, (n, d)."""
    return ask(name, "prior", n, seed, truncation)


def reconstruct(name: str, x: np.ndarray, y: Classes = None) -> np.ndarray:
    """Decoded codes of pictures, uint8 (n, h, w, c)."""
    return to_bytes(ask(name, "reconstruct", x, classes.condition(name, y, len(x))))


def fills(name: str) -> bool:
    """Whether the checkpoint was trained to fill holes; imports torch, so no first paint asks."""
    from ali_core.family.members import FAMILY

    row = FAMILY.get(card(name)["config"]["member"])
    return row is not None and row.fills


def fill(name: str, x: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """A picture uint8 (h, w, c) whose hole, boolean (h, w), the model fills. -> uint8 (h, w, c)"""
    return to_bytes(ask(name, "fill", x[None], hole[None])[0])[0]


def in_turn(name: str, seed: int, y: tuple[int, ...] | None = None) -> tuple[int, ...]:
    """The classes of the sample of a seed: y, where that is negative the class that the seed has in turn; () if unconditional."""
    sizes = tuple(len(names) for names in classes.classes(name))
    if not sizes:
        return ()
    of_seed = latent.in_turn(np.array([seed]), sizes)[0].tolist()
    asked = y or (-1,) * len(sizes)
    return tuple(turn if label < 0 else label for label, turn in zip(asked, of_seed, strict=True))


def samples_of(
    name: str,
    seeds: tuple[int, ...],
    truncation: float = 1.0,
    y: tuple[int, ...] | None = None,
) -> np.ndarray:
    """One sample a seed, as the tray's `s42` has it, uint8 (n, h, w, c); y as in in_turn."""
    return _samples_of(name, card(name)["weights"]["sha256"], seeds, truncation, y)


@st.cache_data(max_entries=64, show_spinner=False)
def _samples_of(
    name: str,
    sha256: str,
    seeds: tuple[int, ...],
    truncation: float,
    y: tuple[int, ...] | None,
) -> np.ndarray:
    z = np.concatenate([prior(name, 1, seed, truncation) for seed in seeds])
    labels = np.array([in_turn(name, seed, y) for seed in seeds])
    return decode(name, z, labels if labels.size else None)


def to_bytes(x: np.ndarray) -> np.ndarray:
    """Float pictures in [0, 1] as uint8."""
    return (np.clip(x, 0, 1) * 255).round().astype(np.uint8)
