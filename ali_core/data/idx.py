"""IDX files, and the data sets that are known by name (Fashion-MNIST, MNIST, characters)."""

import gzip
import os
import zlib
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ali_core.problem import Problem

from .dataset import Data
from .split import unsorted

FASHION = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]

# Three digits in three channels, 1,000 triples (Unrolled GAN, section 3.3.1; VEEGAN)
STACKED = "stacked-mnist"


class Known(NamedTuple):
    """A data set that is looked for by its name: in $VARIABLE, then in `places`."""

    places: tuple[str, ...]
    label_names: list[str]  # none: the file has them
    licence: str
    source: str
    fetch: str  # how to get it


_FILES = "its four IDX files (.gz or unpacked) into a folder and set {} to that folder."

KNOWN = {
    "fashion-mnist": Known(
        ("/usr/share/datasets/fashion-mnist", "data/fashion-mnist", "~/.cache/ali-explorer/fashion-mnist"),
        FASHION,
        "MIT",
        "https://github.com/zalandoresearch/fashion-mnist",
        f"Install it with Debian's `apt-get install dataset-fashion-mnist`, or put {_FILES}",
    ),
    "mnist": Known(
        ("data/mnist", "data/mnist.npz", "~/.cache/ali-explorer/mnist", "~/.cache/ali-explorer/mnist.npz"),
        [str(digit) for digit in range(10)],
        "CC BY-SA 3.0",
        "http://yann.lecun.com/exdb/mnist",
        f"Put {_FILES}",
    ),
    "sprites": Known(
        ("data/sprites64.npz", "~/.cache/ali-explorer/sprites64.npz"),
        [],
        "CC BY-SA 3.0 or GPL 3, Liberated Pixel Cup's artists (https://lpc.opengameart.org)",
        "https://github.com/YingzhenLi/Sprites",
        "Make it: `python -m ali_core sprites CLONE data/sprites64.npz`, or set {} to the file.",
    ),
}


def where(name: str) -> Path:
    """Where a known data set lies: a folder of IDX files, or an .npz; raises Problem when nowhere."""
    known = KNOWN[name]
    variable = name.upper().replace("-", "_")
    places = [os.environ[variable]] if os.environ.get(variable) else []
    places = [Path(place).expanduser() for place in (*places, *known.places)]
    for place in places:
        if (place.suffix == ".npz" and place.is_file()) or file_of(place, "train-images"):
            return place
    listed = ", ".join(map(str, places))
    raise Problem(f"{name} was not found in {listed}. {known.fetch.format(variable)}")


def file_of(folder: Path, part: str) -> Path | None:
    """The file of a part such as "train-images", which the mirrors spell in several ways."""
    return min(folder.glob(f"*{part}[-.]idx[13]-ubyte*"), default=None)


def _idx_array(path: Path) -> np.ndarray:
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise Problem(f"{path} cannot be read ({error}); fetch it again.") from error
    rank = content[3] if len(content) > 3 else 0
    start = 4 + 4 * rank
    if content[:3] != b"\0\0\x08" or rank not in (1, 3) or len(content) < start:
        raise Problem(f"{path} is not an IDX file of bytes; fetch it again.")
    shape = tuple(int(k) for k in np.frombuffer(content, ">u4", rank, 4))
    if len(content) - start != np.prod(shape, dtype=object):
        raise Problem(f"{path} promises {shape} bytes but holds {len(content) - start:,}; fetch it again.")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def read_idx(folder: Path) -> Data:
    """The four IDX files of a folder; raises Problem that names the file and what is wrong with it."""
    arrays = []
    for part in ("train-images", "train-labels", "t10k-images", "t10k-labels"):
        path = file_of(folder, part)
        if path is None:
            raise Problem(f"{folder} holds no {part}-idx file; an IDX data set has four files.")
        arrays.append(_idx_array(path))
    x, y, x_test, y_test = arrays
    for pictures, labels, which in ((x, y, "train"), (x_test, y_test, "t10k")):
        if pictures.ndim != 3 or labels.ndim != 1 or len(pictures) != len(labels) or not len(y):
            raise Problem(
                f"{folder}: the {which} files do not fit together: pictures {pictures.shape}, labels {labels.shape}."
            )
    name = folder.resolve().name
    return Data(
        name,
        *unsorted(x[..., None], y.astype(np.int64), x_test[..., None], y_test.astype(np.int64)),
        [str(k) for k in range(int(max(y.max(), y_test.max())) + 1)],
        "unknown",
        f"folder {name}",
    )


def stacked(digits: Data) -> Data:
    """As many triples of digits as there are digits, drawn with a fixed seed; y: the three digits."""
    rng, parts = np.random.default_rng(0), []
    for x, y in ((digits.x, digits.y), (digits.x_test, digits.y_test)):
        rows = rng.integers(len(x), size=(3, len(x)))
        parts += [np.concatenate([x[row] for row in rows], 3), y[rows, 0].T]
    x, y, x_test, y_test = parts
    return replace(digits, name=STACKED, x=x, y=y, x_test=x_test, y_test=y_test)
