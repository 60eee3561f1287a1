"""The rounds of the guess game: pictures that are real, reconstructed or sampled, and what D says of them."""

import numpy as np

from . import codes, models
from .classes import classes

REAL, REMEMBERED, SAMPLED = "real", "reconstruction", "sample"


def guessable(name: str) -> str | None:
    """None where the game can be played with a checkpoint, else the sentence that says why not."""
    if codes.atlas(name).split == "made":
        return f"The data of {name} may not be shown, so there is nothing real to guess. Choose another checkpoint."
    if classes(name):
        return f"{name} is conditional, and the class would say which picture is real; choose another checkpoint."
    return None


def rounds(name: str, seed: int, n: int = 10) -> list[dict]:
    """n rounds from a seed: "kind", "picture" uint8 (h, w, c), "no" or "seed", "log_odds".

    log_odds: the joint discriminator's, that (picture, its code) came from the encoder; None without one.
    """
    rng = np.random.default_rng(seed)
    kinds = rng.choice([REAL, REMEMBERED, SAMPLED], n)
    numbers = rng.choice(len(codes.atlas(name).z), n, replace=False)
    x = codes.pictures(name)[numbers].copy()
    remembered, sampled = kinds == REMEMBERED, kinds == SAMPLED
    if remembered.any():
        x[remembered] = models.reconstruct(name, x[remembered])
    if sampled.any():
        x[sampled] = models.samples_of(name, tuple(int(k) for k in numbers[sampled]))
    said = models.ask(name, "score", x, models.encode(name, x))
    return [
        {"kind": str(kind), "picture": picture, "no": int(number), "log_odds": None if said is None else float(said[k])}
        for k, (kind, picture, number) in enumerate(zip(kinds, x, numbers, strict=True))
    ]
