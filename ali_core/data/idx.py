"""IDX files, as MNIST and Fashion-MNIST have them, and triples of digits."""

import gzip
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from ali_core.problem import Problem

from .dataset import Data
from .split import unsorted

# Three digits in three channels, 1,000 triples (Unrolled GAN, section 3.3.1; VEEGAN)
STACKED = "stacked-mnist"


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
