"""A direction of z that a few examples teach: some pictures with a thing, some without it."""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ali_core.files import write_beside
from ali_core.problem import Problem

FEWEST = 2  # examples of a side; one cannot be left out of fewer


@dataclass(frozen=True)
class Taught:
    """What examples teach; everything is in units of the way from the codes without the thing to those with it.

    along (d,): that way, from the mean code of the one side to that of the other; middle (d,): half of the way, which divides
    the sides. examples: how many with it, how many without. right: the share of examples that the others alone put on their
    own side. checkpoint: the digest of the weights whose codes they are.
    """

    name: str
    along: np.ndarray
    middle: np.ndarray
    examples: tuple[int, int]
    right: float
    checkpoint: str = ""

    def place(self, z: np.ndarray) -> np.ndarray:
        """How far along codes (n, d) are: -0.5 where the mean without is, 0.5 where the mean with is. -> (n,)"""
        return (np.asarray(z) - self.middle) @ self.along / (self.along @ self.along)

    def moved(self, z: np.ndarray, amount: float | np.ndarray) -> np.ndarray:
        """Codes (n, d) moved by an amount, one for all or one each (n,). -> float32 (n, d)"""
        return (np.asarray(z) + np.multiply.outer(amount, self.along)).astype(np.float32)

    def content(self) -> bytes:
        """An .npz, which `read` takes back."""
        file = io.BytesIO()
        np.savez(file, **{name: np.asarray(value) for name, value in vars(self).items()})
        return file.getvalue()

    def write(self, path: str | Path) -> None:
        """Writes the .npz, beside and renamed."""
        write_beside(Path(path), self.content())


def teach(with_it: np.ndarray, without: np.ndarray, name: str = "", checkpoint: str = "") -> Taught:
    """The direction from the codes (m, d) without a thing to those (n, d) with it, and how well it tells each left out.

    The difference of the means. Raises Problem with fewer than two of a side, or where both sides are the same.
    """
    for codes, says in ((with_it, "with it"), (without, "without it")):
        if len(codes) < FEWEST:
            raise Problem(
                f"{FEWEST} pictures {says} are the fewest that can teach a direction; there are {len(codes)}."
            )
    along = with_it.mean(0) - without.mean(0)
    if not np.linalg.norm(along) > 1e-6:
        raise Problem("Both sides have the same codes; give pictures that differ in the thing.")
    sides = np.concatenate([with_it, without]), np.repeat([True, False], [len(with_it), len(without)])
    right = [_left_out(*sides, i) for i in range(len(sides[0]))]
    middle = (with_it.mean(0) + without.mean(0)) / 2
    return Taught(name, along, middle, (len(with_it), len(without)), float(np.mean(right)), checkpoint)


def _left_out(codes: np.ndarray, with_it: np.ndarray, i: int) -> bool:
    """Whether the other examples put example i on its own side."""
    others = np.arange(len(codes)) != i
    a, b = codes[others & with_it].mean(0), codes[others & ~with_it].mean(0)
    return bool(((codes[i] - (a + b) / 2) @ (a - b) > 0) == with_it[i])


def read(file: str | Path | bytes) -> Taught:
    """What `write` wrote, a path or its content; raises Problem that says what is wrong with it."""
    says = "The file" if isinstance(file, bytes) else str(file)
    try:
        with np.load(io.BytesIO(file) if isinstance(file, bytes) else file, allow_pickle=False) as kept:
            found = {name: kept[name] for name in Taught.__dataclass_fields__}
        along, middle = found["along"].astype(np.float32), found["middle"].astype(np.float32)
        n, m = (int(count) for count in found["examples"])
        made = Taught(str(found["name"]), along, middle, (n, m), float(found["right"]), str(found["checkpoint"]))
    except OSError as error:
        raise Problem(f"{says} cannot be read: {error.strerror or error}.") from None
    except (ValueError, KeyError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise Problem(f"{says} is no direction that was taught here ({error}).") from None
    if along.ndim != 1 or along.shape != middle.shape or not np.isfinite([*along, *middle]).all() or not along.any():
        raise Problem(f"{says}: “along” and “middle” must be as many finite numbers as a code has, and not all 0.")
    return made
