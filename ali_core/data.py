"""Data sets: Fashion-MNIST, and toys in the plane; each comes with a held-out part."""

import gzip
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ali_core.problem import Problem

TOYS = ("grid", "ring", "moons", "spiral")
FASHION = "T-shirt/top Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag".split() + [
    "Ankle boot"
]


@dataclass(frozen=True)
class Data:
    """A data set in memory, with the part that training must not see.

    x: uint8 (n,h,w,c) pictures with c = 1 or 3, or float32 (n,2) points. y: int64 (n,) classes, or
    (n,k) factors as the file gave them; all 0 where there are no labels. x_test, y_test: held out.
    skipped: files that could not be read. centres (k,2), sd: the modes of the Gaussian toys.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    label_names: list[str]
    licence: str
    source: str
    skipped: tuple[str, ...] = ()
    centres: np.ndarray | None = None
    sd: float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example: (h,w,c), or (2,)."""
        return self.x.shape[1:]


def load(data: str, size: int = 0, channels: int = 0) -> Data:
    """Loads a data set by name or path, as pictures of `size` x `size` with 1 or 3 `channels`.

    data: "fashion-mnist", or a toy: "grid", "ring", "moons", "spiral". 0 = as the data has it.
    Raises Problem when the data are missing or unreadable.
    """
    if data in TOYS:
        return toy(data)
    if data == "fashion-mnist":
        return _idx(_fashion_folder(), "fashion-mnist")
    raise Problem(f"There is no data set “{data}”.")


def toy(name: str, n: int = 100_000, n_test: int = 10_000, seed: int = 0) -> Data:
    """Draws a toy in the plane: "grid" (25 Gaussians), "ring" (8), "moons" or "spiral" (2 arms).

    x: float32 (n,2), y: the mode or arm of each point. The same seed gives the same points.
    """
    rng = np.random.default_rng([seed, TOYS.index(name)])
    total = n + n_test
    centres, sd = None, 0.0
    if name in ("grid", "ring"):
        if name == "grid":  # the ALI paper's mixture
            ticks = np.arange(-4.0, 5.0, 2.0)
            centres, sd = (
                np.stack(np.meshgrid(ticks, ticks, indexing="ij"), -1).reshape(-1, 2),
                0.05,
            )
            label_names = [f"({a:.0f}, {b:.0f})" for a, b in centres]
        else:  # VEEGAN's ring
            angle = np.arange(8) * np.pi / 4
            centres, sd = np.stack([np.cos(angle), np.sin(angle)], -1), 0.01
            label_names = [f"{45 * k}°" for k in range(8)]
        y = rng.integers(len(centres), size=total)
        x = centres[y] + rng.normal(0, sd, (total, 2))
    else:
        y = rng.integers(2, size=total)
        along, sign = rng.random(total), 1 - 2 * y
        if name == "moons":
            angle, label_names = np.pi * along, ["upper", "lower"]
            x = np.stack([sign * np.cos(angle) - sign / 2, sign * np.sin(angle) - sign / 4], -1)
        else:  # the square root spreads the points evenly along the arm
            angle, label_names = 3 * np.pi * np.sqrt(along), ["first arm", "second arm"]
            arm = np.stack([np.cos(angle), np.sin(angle)], -1)
            x = (sign * angle / (1.5 * np.pi))[:, None] * arm
        x += rng.normal(0, 0.05, (total, 2))
    x, y = x.astype(np.float32), y.astype(np.int64)
    made = f"drawn by ali_core/data.py with seed {seed}"
    return Data(name, x[:n], y[:n], x[n:], y[n:], label_names, "CC0", made, centres=centres, sd=sd)


def _fashion_folder() -> Path:
    places = [Path(os.environ["FASHION_MNIST"])] if os.environ.get("FASHION_MNIST") else []
    places += [
        Path("/usr/share/datasets/fashion-mnist"),
        Path("data/fashion-mnist"),
        Path.home() / ".cache/ali-explorer/fashion-mnist",
    ]
    for place in places:
        if _idx_file(place, "train-images"):
            return place
    raise Problem(
        "Fashion-MNIST was not found in "
        + ", ".join(map(str, places))
        + ". Install it with Debian's `apt-get install dataset-fashion-mnist`, or put its four IDX"
        " files (.gz or unpacked) into a folder and set FASHION_MNIST to that folder."
    )


def _idx_file(folder: Path, part: str) -> Path | None:
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
        raise Problem(
            f"{path} promises {shape} bytes but holds {len(content) - start:,}; fetch it again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _idx(folder: Path, name: str) -> Data:
    arrays = []
    for part in ("train-images", "train-labels", "t10k-images", "t10k-labels"):
        path = _idx_file(folder, part)
        if path is None:
            raise Problem(f"{folder} holds no {part}-idx file; an IDX data set has four files.")
        arrays.append(_idx_array(path))
    x, y, x_test, y_test = arrays
    for pictures, labels, which in ((x, y, "train"), (x_test, y_test, "t10k")):
        if pictures.ndim != 3 or labels.ndim != 1 or len(pictures) != len(labels):
            raise Problem(
                f"{folder}: the {which} files do not fit together: pictures {pictures.shape}, "
                f"labels {labels.shape}."
            )
    fashion = name == "fashion-mnist"
    return Data(
        name,
        x[..., None],
        y.astype(np.int64),
        x_test[..., None],
        y_test.astype(np.int64),
        FASHION if fashion else [str(k) for k in range(int(y.max()) + 1)],
        "MIT" if fashion else "unknown",
        "https://github.com/zalandoresearch/fashion-mnist" if fashion else str(folder),
    )
