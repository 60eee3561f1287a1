"""Arrays of pictures that may be larger than memory: beyond LARGE bytes they lie in a file that is mapped.

The file has no name and goes with the process. What reads such an array reads it as any other, and the system fetches
what is asked for.
"""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from ali_core.problem import Problem

LARGE = 2**30  # bytes
PLACE = Path(".runs")  # not the system's own place for temporary files, which may be memory itself
PIECE = 64  # pictures that are copied at a time


def room(n: int, shape: tuple[int, ...]) -> np.ndarray:
    """An array uint8 (n, *shape) to be written; raises Problem where the disk has no room for it."""
    size = n * int(np.prod(shape))
    if size <= LARGE:
        return np.empty((n, *shape), np.uint8)
    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=PLACE) as file:
        try:
            _reserve(file, size)  # a mapped file that finds the disk full ends the process without a word
        except OSError as error:
            raise Problem(
                f"{n:,} pictures of {' x '.join(map(str, shape))} need {size / 1e9:.1f} GB in {PLACE.resolve()} while they are "
                f"used ({error.strerror}); make room there, or give a smaller size=."
            ) from None
        return np.memmap(file, np.uint8, "r+", shape=(n, *shape))


def ordered(x: np.ndarray, rows: np.ndarray, channels: int = 0) -> np.ndarray:
    """The pictures of these row numbers, in this order; of each the first `channels`, 0 = all."""
    found = room(len(rows), (*x.shape[1:3], channels or x.shape[3]))
    for at in range(0, len(rows), PIECE):
        found[at : at + PIECE] = x[rows[at : at + PIECE], ..., : channels or None]
    return found


def _reserve(file, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    elif shutil.disk_usage(PLACE).free < size:
        raise OSError(28, "too little is free")
    else:
        file.truncate(size)
