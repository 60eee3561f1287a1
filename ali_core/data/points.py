"""Points of one's own for the lab: a table of two columns, or what somebody drew."""

import csv
import io
from collections.abc import Iterator

import numpy as np

from ali_core.problem import Problem

from .dataset import Data

FEWEST, MOST = 10, 100_000
LONGEST = 1_000  # characters of a line
# standard deviation that points are scaled to: the toys', so that one learning rate fits all
SPREAD = 1.5


def read_csv(name: str, content: bytes) -> np.ndarray:
    """Two columns of numbers, with or without a line of titles. -> float32 (n, 2)

    Raises Problem with the line that cannot be read.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(f"{name} is not text; export the table as CSV (UTF-8).") from None
    if (count := max(text.count("\n"), text.count("\r"))) > MOST + 1:
        raise Problem(f"{name} has {count:,} lines; the lab takes up to {MOST:,}.")
    try:
        dialect = csv.Sniffer().sniff(text[:4096], ",;\t ")
        rows = csv.reader(_lines(name, text), dialect)
        lines = [(k, cells) for k, row in enumerate(rows, 1) if (cells := [c for c in row if c])]
    except csv.Error:
        raise Problem(f"{name} has no two columns: write two numbers a line, with a comma between them.") from None
    points = []
    for place, (number, cells) in enumerate(lines):
        try:
            values = [float(cell) for cell in cells]
        except ValueError:
            if place == 0:  # titles
                continue
            raise Problem(f"{name}, line {number}: «{' '.join(cells)[:40]}» is not two numbers.") from None
        if len(values) != 2:
            raise Problem(f"{name}, line {number} has {len(values)} numbers; the lab takes two columns.")
        points.append(values)
    return checked(np.array(points, np.float32).reshape(-1, 2), name)


def _lines(name: str, text: str) -> Iterator[str]:
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        if len(line) > LONGEST:
            raise Problem(f"{name}, line {number} is longer than {LONGEST:,} characters.")
        yield line


def checked(points: np.ndarray, name: str) -> np.ndarray:
    """Returns points (n, 2) that a model can be trained on; raises Problem for others."""
    if not np.isfinite(points).all():
        row = int(np.flatnonzero(~np.isfinite(points).all(1))[0])
        raise Problem(f"{name}: point {row + 1} is not a number; every point needs two of them.")
    different = len(np.unique(points, axis=0))
    if different < FEWEST:
        are = "is 1 point" if different == 1 else f"are {different} different points"
        raise Problem(f"{name}: there {are}; the lab needs at least {FEWEST}.")
    if len(points) > MOST:
        raise Problem(f"{name} has {len(points):,} points; the lab takes up to {MOST:,}.")
    return points


def as_data(points: np.ndarray) -> Data:
    """Points (n, 2) as a data set, moved to the middle and scaled to the toys' spread.

    All are trained on, and all are shown: there is no held-out part. Raises Problem, see `checked`.
    """
    points = checked(points.astype(np.float64), "your points")
    points = points - points.mean(0)
    # in no order: a table comes sorted, and the lab shows the first of them
    points = np.random.default_rng(0).permutation(points)
    x = (points * (SPREAD / points.std())).astype(np.float32)
    y = np.zeros(len(x), np.int64)
    said = "none: the points shown are the ones it learns from"
    return Data("mine", x, y, x, y, ["yours"], "yours", "points of your own", held_out=said)
