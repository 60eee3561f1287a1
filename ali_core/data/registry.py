"""The data sets that have a name, a row each: where their files may lie, and how to get them."""

import os
from pathlib import Path
from typing import NamedTuple

from ali_core.problem import Problem

from .idx import file_of

FASHION = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


class Named(NamedTuple):
    """A data set that is looked for by its name: in $VARIABLE, then in `places`."""

    places: tuple[str, ...]
    label_names: list[str]  # none: the file has them
    licence: str
    source: str
    fetch: str  # how to get it


_FILES = "its four IDX files (.gz or unpacked) into a folder and set {} to that folder."

DATA_SETS = {
    "fashion-mnist": Named(
        ("/usr/share/datasets/fashion-mnist", "data/fashion-mnist", "~/.cache/ali-explorer/fashion-mnist"),
        FASHION,
        "MIT",
        "https://github.com/zalandoresearch/fashion-mnist",
        f"Install it with Debian's `apt-get install dataset-fashion-mnist`, or put {_FILES}",
    ),
    "mnist": Named(
        ("data/mnist", "data/mnist.npz", "~/.cache/ali-explorer/mnist", "~/.cache/ali-explorer/mnist.npz"),
        [str(digit) for digit in range(10)],
        "CC BY-SA 3.0",
        "http://yann.lecun.com/exdb/mnist",
        f"Put {_FILES}",
    ),
    "sprites": Named(
        ("data/sprites64.npz", "~/.cache/ali-explorer/sprites64.npz"),
        [],
        "CC BY-SA 3.0 or GPL 3, Liberated Pixel Cup's artists (https://lpc.opengameart.org)",
        "https://github.com/YingzhenLi/Sprites",
        "Make it: `python -m ali_core sprites CLONE data/sprites64.npz`, or set {} to the file.",
    ),
}


def where(name: str) -> Path:
    """Where a named data set lies: a folder of IDX files, or an .npz; raises Problem when nowhere."""
    named = DATA_SETS[name]
    variable = name.upper().replace("-", "_")
    places = [os.environ[variable]] if os.environ.get(variable) else []
    places = [Path(place).expanduser() for place in (*places, *named.places)]
    for place in places:
        if (place.suffix == ".npz" and place.is_file()) or file_of(place, "train-images"):
            return place
    listed = ", ".join(map(str, places))
    raise Problem(f"{name} was not found in {listed}. {named.fetch.format(variable)}")
