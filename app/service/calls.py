"""What the service answers: plain data, by way of the bridge. The description says these types."""

import numpy as np
from msgspec import Struct

from app import bridge

from .asked import Asked, Codes, File, Pictures, TwoCodes, TwoPictures

NEIGHBOURS = 8
Numbers = list[list[float]]
Words = list[list[str]]


class Encoded(Struct):
    """Codes: the means of the posterior, and its standard deviations (0 of a deterministic encoder)."""

    codes: Numbers
    sd: Numbers
    classes: Words


class Decoded(Struct):
    """PNG files of codes."""

    pictures: list[File]
    classes: Words


class Reconstructed(Struct):
    """PNG files: what the model saw, and what it makes of it; and their mean squared difference, brightness 0 to 1."""

    seen: list[File]
    pictures: list[File]
    mse: list[float]
    classes: Words


class Between(Struct):
    """PNG files along a great circle between two codes, ends included."""

    pictures: list[File]
    codes: Numbers
    classes: Words


class Placed(Struct):
    """Where codes stand on the checkpoint's two maps; the nearest of the map's codes, and how far they are."""

    codes: Numbers
    umap: Numbers
    pca: Numbers
    neighbours: list[list[int]]
    distances: Numbers
    classes: Words


class About(Struct):
    """A model that can be asked."""

    name: str
    title: str
    shape: list[int]
    latent: int
    classes: dict[str, list[str]]
    map: bool
    learned_from: str
    licence: str


class Models(Struct):
    """Every model that can be asked."""

    models: list[About]


class Said(Struct):
    """What is wrong, and what to do."""

    error: str


def about(name: str) -> About:
    """A checkpoint in a few words; `classes` by factor, empty for a model that is not told any."""
    card = bridge.checkpoints.card(name)
    data = card["data"]
    told = dict(zip(bridge.classes.factors(name), bridge.classes.classes(name), strict=False))
    mapped = (bridge.checkpoints.root() / name / "atlas.npz").exists()
    learned, licence = data["name"], card.get("licence", "")
    return About(name, card.get("title", name), data["shape"], card["config"]["latent"], told, mapped, learned, licence)


def encode(asked: Asked, steps: int) -> dict[str, np.ndarray]:
    """Codes of pictures."""
    y = asked.told()
    mean, sd = bridge.models.posterior(asked.name, asked.x, y)
    return {"codes": mean, "sd": sd} | _labels(y)


def decode(asked: Asked, steps: int) -> dict[str, np.ndarray]:
    """Pictures of codes."""
    y = asked.told()
    return {"pictures": bridge.models.decode(asked.name, asked.z, y)} | _labels(y)


def reconstruct(asked: Asked, steps: int) -> dict[str, np.ndarray]:
    """What the model remembers of pictures."""
    y = asked.told()
    made = bridge.models.reconstruct(asked.name, asked.x, y)
    ours, theirs = (x.astype(np.float32) / (255 if x.dtype == np.uint8 else 1) for x in (asked.x, made))
    mse = ((ours - theirs) ** 2).reshape(len(ours), -1).mean(1)
    return {"seen": bridge.models.to_bytes(ours), "pictures": made, "mse": mse} | _labels(y)


def interpolate(asked: Asked, steps: int) -> dict[str, np.ndarray]:
    """Pictures on the way between two."""
    given = asked.x if asked.z is None else asked.z
    if len(given) != 2:
        raise bridge.Problem(f"A path has two ends, and {len(given)} were sent.")
    y = asked.told()
    ends = asked.z if asked.x is None else bridge.models.encode(asked.name, asked.x, y)
    z = bridge.codes.interpolate(ends[0], ends[1], steps, "slerp")
    along = None if y is None else y[(np.arange(steps) >= steps / 2).astype(int)]  # each half as its end
    return {"pictures": bridge.models.decode(asked.name, z, along), "codes": z} | _labels(along)


def place(asked: Asked, steps: int) -> dict[str, np.ndarray]:
    """Where pictures or codes stand on the map, and beside whom."""
    bridge.codes.atlas(asked.name)  # raises Problem without one, before anything is asked
    y = asked.told() if asked.z is None else None
    z = asked.z if asked.x is None else bridge.models.encode(asked.name, asked.x, y)
    maps = {which: bridge.codes.place(asked.name, z, which) for which in ("umap", "pca")}
    neighbours, distances = bridge.codes.nearest(asked.name, z, NEIGHBOURS)
    return {"codes": z, **maps, "neighbours": neighbours, "distances": distances} | _labels(y)


def _labels(y: np.ndarray | None) -> dict[str, np.ndarray]:
    return {} if y is None else {"classes": y}


def worded(name: str, answer: dict[str, np.ndarray]) -> dict:
    """An answer as JSON has it: pictures as PNG files, classes by their names, numbers in lists."""
    said = {key: value.tolist() for key, value in answer.items() if value.dtype != np.uint8}
    said |= {key: [png(one[None], 1) for one in value] for key, value in answer.items() if value.dtype == np.uint8}
    known = bridge.classes.classes(name)
    said["classes"] = [[known[k][i] for k, i in enumerate(row)] for row in said.get("classes", ())]
    return said


def png(pictures: np.ndarray, columns: int) -> bytes:
    """Pictures uint8 (n, h, w, c) side by side in one PNG file."""
    return bridge.sheet.png(bridge.sheet.grid(pictures, columns))


# a call: how it is asked in JSON, and what it answers
CALLS = {
    "encode": (encode, (Pictures,), Encoded),
    "decode": (decode, (Codes,), Decoded),
    "reconstruct": (reconstruct, (Pictures,), Reconstructed),
    "interpolate": (interpolate, (TwoPictures, TwoCodes), Between),
    "place": (place, (Pictures, Codes), Placed),
}
