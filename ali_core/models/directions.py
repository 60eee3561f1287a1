"""Which directions of z go with which factor: linear least squares on a map's codes and labels."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Directions:
    """What codes (n,d) and labels (n,k) of k named factors say of each other; K classes in all.

    beta: (K,d) standardised coefficients of a class's indicator on z: how much of it each number of the
    code says. means: (K,d) what each class adds to a code, the other factors being equal. accuracy,
    chance: per factor, of classes read from codes that were not fitted, and of the commonest class.
    """

    factors: dict[str, list[str]]
    beta: np.ndarray
    means: np.ndarray
    accuracy: list[float]
    chance: list[float]
    centre: np.ndarray
    sd: np.ndarray
    reader: np.ndarray

    def span(self, factor: int) -> slice:
        """Where a factor's classes stand among all K."""
        sizes = [len(names) for names in self.factors.values()]
        start = sum(sizes[:factor])
        return slice(start, start + sizes[factor])

    def read(self, z: np.ndarray) -> np.ndarray:
        """The classes that a line through the codes (n,d) reads. -> int (n,k)"""
        scores = _with_one((np.asarray(z) - self.centre) / self.sd) @ self.reader
        return _decide(scores, [self.span(k) for k in range(len(self.factors))])

    def toward(self, z: np.ndarray, factor: int, label: int) -> np.ndarray:
        """The direction (d,) from what the code's present class adds to what `label` adds, of length 1.

        Of a code that is of that class already: away from all the others. 0 where there is none.
        """
        means, present = self.means[self.span(factor)], self.read(z[None])[0, factor]
        away = means[label] - (means.mean(0) if present == label else means[present])
        return away / max(np.linalg.norm(away), 1e-12)

    def swapped(self, z: np.ndarray, factor: int, label: int) -> np.ndarray:
        """A code (d,) with one factor's class exchanged: less what its present one adds, plus what `label` adds."""
        means = self.means[self.span(factor)]
        return (z + means[label] - means[self.read(z[None])[0, factor]]).astype(np.float32)

    def clearest(self, most: int, least: float = 0.1) -> list[int]:
        """At most so many factors, those first that a line reads best; none that it hardly reads better than a guess."""
        parts = zip(self.accuracy, self.chance, strict=True)
        gains = [(right - chance) / max(1 - chance, 1e-12) for right, chance in parts]
        return sorted((k for k, gain in enumerate(gains) if gain > least), key=lambda k: -gains[k])[:most]

    @property
    def strength(self) -> np.ndarray:
        """How much of each factor each number of the code says, (k,d): root mean square of beta."""
        parts = [self.beta[self.span(k)] for k in range(len(self.factors))]
        return np.stack([np.sqrt((part**2).mean(0)) for part in parts])


def fit(z: np.ndarray, labels: np.ndarray, factors: dict[str, list[str]]) -> Directions:
    """Fits codes (n,d) and labels int (n,k) to each other; `factors` names the k and their classes."""
    sizes = [len(names) for names in factors.values()]
    hot = np.concatenate([np.eye(size)[column] for size, column in zip(sizes, labels.T, strict=True)], 1)
    where = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    places = [slice(rows[0], rows[-1] + 1) for rows in where]
    centre, sd = z.mean(0, dtype=float), np.maximum(z.std(0, dtype=float), 1e-6)
    inputs, spread = _with_one((z - centre) / sd), np.maximum(hot.std(0), 1e-6)
    # at random: sampled pictures have their classes in turn
    fitted, asked = np.array_split(np.random.default_rng(0).permutation(len(z)), 2)
    half, _, _, _ = np.linalg.lstsq(inputs[fitted], hot[fitted], rcond=None)
    right = _decide(inputs[asked] @ half, places) == labels[asked]
    reader, _, _, _ = np.linalg.lstsq(inputs, hot, rcond=None)
    means, _, _, _ = np.linalg.lstsq(hot - hot.mean(0), z - centre, rcond=1e-6)
    return Directions(
        factors,
        beta=reader[:-1].T / spread[:, None],
        means=means,
        accuracy=right.mean(0).tolist(),
        chance=[float(hot[asked, place].mean(0).max()) for place in places],
        centre=centre,
        sd=sd,
        reader=reader,
    )


def walk(z: np.ndarray, along: np.ndarray, codes: np.ndarray, reach: float, steps: int):
    """Codes from -reach to +reach along a direction (d,) of length 1, through z (d,) in the middle.

    In units of the standard deviation of `codes` (n,d) along it. -> float32 (steps,d), units (steps,)
    """
    units = np.linspace(-reach, reach, steps)
    path = z + np.outer(units * (codes @ along).std(), along)
    return path.astype(np.float32), units


def _with_one(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x, np.ones((len(x), 1))], 1)


def _decide(scores: np.ndarray, places: list[slice]) -> np.ndarray:
    return np.stack([scores[:, place].argmax(1) for place in places], 1)
