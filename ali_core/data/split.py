"""What is held out where a data set does not say, and in which order its pictures stand.

A picture's content decides: copies stay together, and a picture more or less moves no other one
from one part to the other.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from PIL import Image

from . import large

SHARE = 0.1
RULE = "a tenth of the pictures, by a hash of each: copies stay together"

BY_PERSON = "a tenth of the persons, by a hash of each: nobody is in both parts"
OF_NOBODY = f"{RULE}; the table has no column of persons, so one may be in both parts"


def content(picture: Image.Image) -> bytes:
    """A hash of a picture's size and pixels, the same whatever file format or mode it is kept in."""
    pixels = picture.convert("RGBA").tobytes()
    return hashlib.blake2b(repr(picture.size).encode() + pixels, digest_size=16).digest()


def contents(x: np.ndarray) -> list[bytes]:
    """A hash of each picture of x (n,h,w,c)."""
    return [hashlib.blake2b(picture.tobytes(), digest_size=16).digest() for picture in x]


def drawn(hashes: Iterable[bytes], *shares: float) -> list[np.ndarray]:
    """Row numbers of parts, in an order that the hashes decide as well: no class comes first.

    Every share (up to two) is taken from what the ones before left; the last part is the rest. A part
    to which none would fall gets one, and leaves one to each after it; it is empty only where there are
    fewer different pictures than parts.
    """
    numbers = np.frombuffer(b"".join(hashes), ">u8").reshape(-1, 2) / 2.0**64
    left, parts = np.argsort(numbers[:, 0], kind="stable"), []
    for k, share in enumerate(shares):
        chances, rest = numbers[left, k], len(shares) - k
        different = np.unique(chances)
        taken = chances < share
        if not taken.any():
            taken = chances == different[:1]
        taken &= chances < different[-rest] if len(different) > rest else False
        parts.append(left[taken])
        left = left[~taken]
    return [*parts, left]


def parted(hashes: list[bytes], people: list[bytes]) -> list[np.ndarray]:
    """Row numbers of what is held out and of the rest: by a picture's hash, or by its person's where those are given."""
    parts = drawn(people or hashes, SHARE)
    # nobody's pictures stand in a row
    return [part[np.argsort([hashes[row] for row in part])] for part in parts] if people else parts


def unsorted(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray):
    """The two parts that a data set brings itself, neither in the order of its classes."""
    train, held = order(y), order(y_test)
    pictures = (x if isinstance(rows, slice) else large.ordered(x, rows) for x, rows in ((x, train), (x_test, held)))
    return next(pictures), y[train], next(pictures), y_test[held]


def order(y: np.ndarray) -> np.ndarray | slice:
    """An order for a part that a data set brings itself, of classes y (n,) or (n,k): the one it has.

    Where classes come one after another, as in folders, another one, drawn with a fixed seed: whatever
    takes the first n of a part would miss some.
    """
    if not y.size:
        return slice(None)
    y = y.reshape(len(y), -1)[:, 0]
    chance = ((np.unique(y, return_counts=True)[1] / len(y)) ** 2).sum()
    followed = (y[1:] == y[:-1]).sum() / max(1, len(y) - 1)
    if followed <= (1 + chance) / 2:
        return slice(None)
    return np.random.default_rng(0).permutation(len(y))
