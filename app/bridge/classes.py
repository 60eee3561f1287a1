"""The classes y that a conditional checkpoint is given: which there are, and of which a picture is."""

import numpy as np

from . import models
from .checkpoints import card
from .codes import atlas, pictures


def classes(name: str) -> list[list[str]]:
    """The names of y's classes, factor by factor, of a conditional checkpoint; [] for the others."""
    data = card(name)["data"]
    if not data.get("classes"):  # torch is not imported to say no
        return []
    from ali_core.family.members import FAMILY

    row = FAMILY.get(card(name)["config"]["member"])
    if row is None or not row.conditional:
        return []
    if data.get("factors"):
        named = zip(data["factors"].values(), data["classes"], strict=True)
        return [names[:size] for names, size in named]
    named = data["label_names"]  # of the first factor
    numbers = [[str(i) for i in range(size)] for size in data["classes"]]
    return [list(named) if len(named) == len(numbers[0]) else numbers[0], *numbers[1:]]


def factors(name: str) -> list[str]:
    """What y's factors are called, of a conditional checkpoint; numbers where they have no names."""
    named = list(card(name)["data"].get("factors", ()))
    return named or [str(k + 1) for k in range(len(classes(name)))]


def worded(name: str, y: tuple[int, ...]) -> str:
    """A choice of classes in words; of named factors with their names."""
    words = [names[label] for names, label in zip(classes(name), y, strict=True)]
    if card(name)["data"].get("factors"):
        words = [f"{factor} {word}" for factor, word in zip(factors(name), words, strict=True)]
    return ", ".join(words)


def of_pictures(name: str, numbers: np.ndarray) -> np.ndarray | None:
    """The classes of pictures of the map, int (n, factors); None for an unconditional checkpoint.

    Of a map that has the first factor only, the others are those whose reconstruction is nearest.
    """
    if not (factors := classes(name)):
        return None
    if atlas(name).labels is not None:
        return atlas(name).labels[numbers]
    first = atlas(name).y[numbers]
    return first[:, None] if len(factors) == 1 else likeliest(name, pictures(name)[numbers], first)


def likeliest(name: str, x: np.ndarray, first: np.ndarray | None = None) -> np.ndarray | None:
    """The classes whose reconstructions of x (n, h, w, c), uint8, are nearest, int (n, factors).

    `first`: the classes of the first factor, where they need not be chosen. None for an unconditional checkpoint.
    """
    return models.ask(name, "likeliest", x, first) if classes(name) else None


def condition(name: str, y: tuple[int, ...] | np.ndarray | None, n: int) -> np.ndarray | None:
    """y as a model takes it, (n, factors), one for all or (n, factors); None as it is."""
    return None if y is None else np.broadcast_to(y, (n, len(classes(name)))).copy()
