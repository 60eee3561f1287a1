"""What a data set is."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .split import RULE


@dataclass(frozen=True)
class Data:
    """A data set in memory, with the part that training must not see.

    x: uint8 (n,h,w,c) pictures with c = 1 or 3, or float32 (n,2) points. y: int64 (n,k), the classes of k
    factors, k = 1 where a picture has one class (given as (n,) it becomes that here); all 0 where there
    are no labels; measurements as the file gave them. x_test, y_test: held out.
    skipped: files that could not be read. centres (k,2), sd: the modes of the Gaussian toys; with
    loadings (2,d) one centre, and x = centre + loadings z + sd noise, z ~ N(0, I). prior: the second
    domain of a translation, z's; partners: the true z of every x, where there is one: then the
    held-out examples of both domains belong together one by one too. factors: where
    they have names, those of the k factors, each with the names of its classes; label_names are then the
    first one's. held_out: how the held-out part was chosen, where the data do not say it themselves.
    frame: "face" where the pictures are framed as in `faces`.
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
    loadings: np.ndarray | None = None
    prior: "Data | None" = None
    partners: np.ndarray | None = None
    factors: dict[str, list[str]] = field(default_factory=dict)
    held_out: str = ""
    frame: str = ""

    def __post_init__(self):
        for name in ("y", "y_test"):
            y = getattr(self, name)
            object.__setattr__(self, name, y[:, None] if y.ndim == 1 else y)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example: (h,w,c), or (2,)."""
        return self.x.shape[1:]

    @property
    def sizes(self) -> list[int]:
        """How many classes each factor has: the data set says it, whatever part of it is at hand."""
        if self.factors:
            return [len(classes) for classes in self.factors.values()]
        return [len(self.label_names)] * self.y.shape[1]

    @property
    def kept(self) -> bool:
        """Whether its licence forbids to pass its pictures on, which is said with “no redistribution”."""
        return "no redistribution" in self.licence.lower()

    @cached_property
    def fingerprint(self) -> str:
        """Twelve letters that differ when pictures, classes or parts differ, of either domain."""
        parts = _arrays(self) + (_arrays(self.prior) if self.prior else [])
        return digest(*parts, *([] if self.partners is None else [self.partners]))

    def learned(self, fingerprint: str | None) -> bool:
        """Whether what noted this fingerprint has learned from this set, and from this part of it.

        None, of what is older than fingerprints: where the set itself says its parts, surely so.
        """
        return fingerprint == self.fingerprint if fingerprint else self.held_out != RULE


def fingerprint(data: Data) -> str:
    """Twelve letters that differ when the pictures or their classes differ; of one domain alone."""
    return digest(*_arrays(data))


def _arrays(data: Data) -> list[np.ndarray]:
    # a class that has no factor's name counts as (n,): what was noted when such a y had one axis stays true
    plain = data.y.shape[1] == 1 and not data.factors
    y, y_test = (y[:, 0] if plain else y for y in (data.y, data.y_test))
    return [data.x, y, data.x_test, y_test]


def digest(*arrays: np.ndarray) -> str:
    """Twelve letters that differ when the arrays do."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(repr((array.shape, array.dtype)).encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()[:12]
