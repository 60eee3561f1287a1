"""A table beside a folder of pictures: a row per picture, a column per factor, and who is shown.

CSV, .npz, or CelebA's own list of attributes. A table rather than more subfolders: a picture has one folder and
many labels.
"""

import csv
import io
import warnings
import zipfile
from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np

from ali_core.problem import Problem

from .pictures import shown

PERSON = ("person", "identity")  # a column of this name says who is shown, and is no factor
MOST_CLASSES = 100  # of a column; more are measurements, or a text for every picture
SHARED = 3  # pictures that a class has on average, at least, in a column of more than FEW classes
FEW = 10
NAMES = ("names", "files", "images")  # an .npz' keys, of the pictures' names
COLUMNS = ("attribute_names", "label_names")
VALUES = ("attributes", "labels")
SAID = {("0", "1"): ["no", "yes"], ("-1", "1"): ["no", "yes"], ("false", "true"): ["no", "yes"]}


class Labels(NamedTuple):
    """What a table says of n pictures: y int64 (n,k); Data's factors and label_names; who is shown, (n,), or nobody."""

    y: np.ndarray
    about: dict
    people: list[bytes]


@dataclass(frozen=True)
class Table:
    """A table as its file gives it: a row of texts, one per column, for each picture's name."""

    path: Path
    columns: list[str]
    rows: dict[str, list[str]]

    def beside(self, inside: list[PurePath]) -> "Beside":
        """The table with a folder's pictures that have a row; warns of the others, and of rows without a picture.

        A row names a picture by its path in the folder, or by its file name where the folder has that once.
        Raises Problem where no row names any.
        """
        counted = Counter(path.name for path in inside)
        row_of = {}
        for path in inside:
            if (name := path.as_posix()) in self.rows or (counted[name := path.name] == 1 and name in self.rows):
                row_of[path] = name
        if not row_of:
            named = ", ".join(shown(name) for name in list(self.rows)[:3])
            raise Problem(f"{self.path} has no row for any picture of the folder; its first rows name {named}.")
        words = f"{self.path} has no row for %d of the folder's files, which are left out: %s."
        _warn(words, [path.as_posix() for path in inside if path not in row_of])
        used = set(row_of.values())
        words = f"{self.path} has %d rows without a picture, which say nothing: %s."
        _warn(words, [name for name in self.rows if name not in used])
        return Beside(self, row_of)


@dataclass(frozen=True)
class Beside:
    """A table beside a folder: the name of each picture's row."""

    table: Table
    rows: dict[PurePath, str]

    @property
    def path(self) -> Path:
        """The table's file."""
        return self.table.path

    @property
    def inside(self) -> list[PurePath]:
        """The folder's pictures that have a row, in its order."""
        return list(self.rows)

    def labels(self, inside: list[PurePath]) -> Labels:
        """What the rows of these pictures say; warns of each column that is left out.

        Raises Problem where no column is categorical.
        """
        cells = np.array([self.table.rows[self.rows[path]] for path in inside])
        y, factors, people = [], {}, []
        for name, column in zip(self.table.columns, cells.T, strict=True):
            classes, labels = np.unique(column, return_inverse=True)
            if name.casefold() in PERSON and len(classes) > 1:
                people = [blake2b(word.encode(), digest_size=16).digest() for word in column]
                continue
            if why := _unfit(classes, len(inside)):
                warnings.warn(f"{self.path}: the column «{shown(name)}» {why}; it is left out.", stacklevel=5)
                continue
            if all(_number(word) is not None for word in classes):  # 10 comes after 9
                order = np.argsort([_number(word) for word in classes], kind="stable")
                classes, labels = classes[order], np.argsort(order)[labels]
            y.append(labels)
            factors[name] = SAID.get(tuple(word.lower() for word in classes), classes.tolist())
        if not factors:
            raise Problem(f"{self.path} has no column whose values are classes of these {len(inside)} pictures.")
        first, words = next(iter(factors.items()))
        about = {"factors": factors, "label_names": [f"{first} {word}" for word in words]}
        return Labels(np.stack(y, 1).astype(np.int64), about, people)


def read(file: str) -> Table:
    """Reads a table; raises Problem for a file that is none, and for two rows of one picture."""
    path = Path(file).expanduser()
    if not path.is_file():
        raise Problem(f"table={file}: there is no such file; give a CSV, an .npz or CelebA's list of attributes.")
    if path.suffix == ".npz" or zipfile.is_zipfile(path):
        columns, names, cells = _npz(path)
    else:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise Problem(f"{path} cannot be read as a table in UTF-8 ({error}); save it as CSV.") from None
        lines = text.splitlines()
        if len(lines) > 2 and lines[0].strip().isdigit():
            columns, names, cells = _celeba(path, lines)
        else:
            columns, names, cells = _csv(path, text)
    if twice := [name for name, n in Counter(names).items() if n > 1]:
        raise Problem(f"{path} has {len(twice)} pictures with two rows, as {shown(twice[0])}; leave one of each.")
    if twice := [name for name, n in Counter(columns).items() if n > 1]:
        raise Problem(f"{path} has two columns «{shown(twice[0])}»; give each its own name.")
    if not names or not columns:
        raise Problem(f"{path} has {len(names)} rows and {len(columns)} columns of labels; one of each is the least.")
    return Table(path, columns, dict(zip(names, cells, strict=True)))


def _csv(path: Path, text: str) -> tuple[list[str], list[str], list[list[str]]]:
    """The first line names the columns, of which the first is the picture's name."""
    first = text.split("\n", 1)[0]
    mark = max(",;\t", key=first.count)
    try:
        head, *rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=mark) if row]
    except (csv.Error, ValueError) as error:
        raise Problem(f"{path} cannot be read as CSV ({error}).") from None
    for number, row in enumerate(rows, 2):
        if len(row) != len(head):
            raise Problem(f"{path}: row {number} has {len(row)} cells where the first line names {len(head)} columns.")
    return head[1:], [row[0] for row in rows], [row[1:] for row in rows]


def _celeba(path: Path, lines: list[str]) -> tuple[list[str], list[str], list[list[str]]]:
    """How many, the attributes' names, and then a picture's name and -1 or 1 for each."""
    columns = [word.replace("_", " ").lower() for word in lines[1].split()]
    rows = [line.split() for line in lines[2:] if line.strip()]
    for number, row in enumerate(rows, 3):
        if len(row) != len(columns) + 1:
            raise Problem(f"{path}: line {number} has {len(row) - 1} values where line 2 names {len(columns)}.")
    return columns, [row[0] for row in rows], [row[1:] for row in rows]


def _npz(path: Path) -> tuple[list[str], list[str], list[list[str]]]:
    """Arrays of names (n,), of what the columns are called (k,), and of values (n,k)."""
    try:
        with np.load(path, allow_pickle=False) as file:
            names, columns, values = (
                next((file[key] for key in keys if key in file.files), None) for keys in (NAMES, COLUMNS, VALUES)
            )
    except Exception as error:  # damaged zips raise nearly every exception there is
        raise Problem(f"{path} cannot be read as an .npz of plain arrays ({error}).") from None
    if names is None or columns is None or values is None or values.shape != (len(names), len(columns)):
        raise Problem(
            f"{path} needs «names» (n,), «attribute_names» (k,) and «attributes» (n,k), which fit each other."
        )
    words = [str(word).replace("_", " ") for word in columns]
    return words, [str(name) for name in names], values.astype(str).tolist()


def _unfit(classes: np.ndarray, n: int) -> str:
    """Why a column's values are no classes; "" where they are."""
    if len(classes) < 2:
        return f"has one value, «{shown(classes[0])}», for all of these pictures"
    numbers = [_number(word) for word in classes]
    if all(number is not None for number in numbers) and any(number % 1 for number in numbers):
        return "holds measurements, not classes"
    if len(classes) > MOST_CLASSES or (len(classes) > FEW and n < SHARED * len(classes)):
        return f"is not categorical: it has {len(classes)} values for {n} pictures"
    return ""


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _warn(words: str, names: list[str]) -> None:
    if names:
        listed = ", ".join(map(shown, names[:20])) + (" and more" if len(names) > 20 else "")
        warnings.warn(words % (len(names), listed), stacklevel=5)
