"""What an encoder lets one ask: is the prior matched, where are its holes, what does the joint discriminator tell apart.

Pure functions of codes, but for `discriminated`, which asks a model. scipy is read when they are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .neighbours import nearest

if TYPE_CHECKING:  # which brings torch, and the app paints without
    from ali_core.models.model import Model

LEVEL = 0.01  # how often a matched prior is called unmatched
EIGHTH = 8  # the nearest alone is much by chance


class Match(NamedTuple):
    """Codes beside N(0, I): Kolmogorov-Smirnov distances, 0 (equal) to 1."""

    dimensions: np.ndarray  # (d,) of each number of the code from N(0, 1)
    length: float  # of the squared lengths from chi-squared with d degrees of freedom
    threshold: float  # what the largest of these d + 1 exceeds by chance in LEVEL of all samples of n
    n: int

    @property
    def differ(self) -> np.ndarray:
        """The dimensions that differ from the prior, by number."""
        return np.flatnonzero(self.dimensions > self.threshold)


def matched(codes: np.ndarray) -> Match:
    """How far codes (n, d) are from draws of N(0, I).

    With d + 1 tests at once each has its share of LEVEL (Bonferroni).
    """
    from scipy import stats

    n, d = codes.shape
    codes = np.asarray(codes, np.float64)
    dimensions = np.array([stats.kstest(codes[:, k], "norm").statistic for k in range(d)])
    length = stats.kstest((codes**2).sum(1), stats.chi2(d).cdf).statistic
    return Match(dimensions, float(length), float(stats.kstwo.ppf(1 - LEVEL / (d + 1), n)), n)


class Holes(NamedTuple):
    """Draws of the prior and how alone they are among codes; 1 is as near to a code as to another draw."""

    apart: np.ndarray  # (m,) distance to the eighth nearest code over that to the eighth nearest other draw
    threshold: float  # what 1 in 100 draws exceeds among fresh draws in place of codes

    @property
    def share(self) -> float:
        """The share of draws that lie in holes; LEVEL by chance."""
        return float((self.apart > self.threshold).mean())


def holes(codes: np.ndarray, draws: np.ndarray, seed: int = 0) -> Holes:
    """Which draws (m, d) of the prior have no code (n, d) near.

    Near is what as many fresh draws of N(0, I) have in place of the codes, so that neither the dimension nor n decides.
    """
    fresh = np.random.default_rng(seed).standard_normal((2, *codes.shape)).astype(np.float32)
    usual, chance, apart = (nearest(some, draws, EIGHTH)[1][:, -1] for some in (*fresh, codes.astype(np.float32)))
    return Holes(apart / usual, float(np.quantile(chance / usual, 1 - LEVEL)))


class Trip(NamedTuple):
    """Pictures that go through encoder and decoder again and again."""

    codes: np.ndarray  # (turns + 1, n, d): E(x), then E of each turn's picture
    pictures: np.ndarray  # (turns, n, h, w, c), 0 to 1: the decoded pictures, that of E(x) first

    @property
    def drift(self) -> np.ndarray:
        """How far the code moves in each turn, (turns, n)."""
        return np.linalg.norm(np.diff(self.codes, axis=0), axis=-1)

    def settles(self, share: float = 0.05) -> np.ndarray:
        """After how many turns a code moves by less than a share of its first move, (n,); 0 where it does not."""
        calm = self.drift <= share * self.drift[:1]
        return np.where(calm.any(0), calm.argmax(0), 0)


def round_trip(model: Model, x: np.ndarray, turns: int, y: np.ndarray | None = None) -> Trip:
    """x (n, h, w, c) -> z_hat = E(x) -> x_rec = G(z_hat) -> z_rec = E(x_rec) -> …, by the encoder's means.

    y: the classes of x, for a conditional model.
    """
    codes, pictures = [model.encode(x, y)], []
    for _ in range(turns):
        pictures.append(model.decode(codes[-1], y))
        codes.append(model.encode(pictures[-1], y))
    return Trip(np.stack(codes), np.stack(pictures))


def discriminated(model: Model, x: np.ndarray, seed: int = 0, y: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """The joint discriminator's log-odds that a pair came from the encoder, (n,) each; {} without such a one.

    real: (x, z_hat), z_hat drawn from the posterior; generated: (x_tilde, z), z of the prior; reconstruction:
    (G(z_hat), z_hat); mismatched: (x, the next picture's z_hat). y: the classes of x, for a conditional model.
    """
    z_hat = model.draw(x, 1, seed, y)[0]
    if model.score(x[:1], z_hat[:1], None if y is None else y[:1]) is None:
        return {}
    z = model.prior(len(x), seed)
    return {
        "real": model.score(x, z_hat, y),
        "generated": model.score(model.decode(z, y), z, y),
        "reconstruction": model.score(model.decode(z_hat, y), z_hat, y),
        "mismatched": model.score(x, np.roll(z_hat, 1, axis=0), y),
    }
