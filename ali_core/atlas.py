"""The latent map: codes of the held-out pictures, two flat views of them, and ways between the two.

`python -m ali_core atlas` makes it (layout.py); reading it needs numpy alone.
"""

import hashlib
import io
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from . import checkpoint
from .problem import Problem
from .sheet import cut

FILE, PICTURES, NEIGHBOURS = "atlas.npz", "pictures", 8


@dataclass(frozen=True)
class Atlas:
    """What is known of the first n held-out pictures of a checkpoint's data, or of n that it made.

    z: float32 (n,d) posterior means. y: int64 (n,). pca, umap: float32 (n,2) positions. error: (n,)
    pixel MSE of the reconstruction. round_trip: (n,) distance |E(G(E(x))) - E(x)|. trust: the
    trustworthiness of "pca" and "umap", 0.5 (chance) to 1. pictures: name of the picture set ("" for
    points). typical: "k", and the median distance of a point to its k-th neighbour in "z" and on
    "umap" and "pca"; at the "levels" 0..1 the quantiles of "nearest" (distance to the nearest other
    code) and of "error", to tell how unusual a new picture is. split: "held out" or "made". labels,
    factors: int (n,k) where k factors are known, the first of them y, and the names of each and of its
    classes. labelled: "data", or "classifier" where that named what the model made.
    """

    z: np.ndarray
    y: np.ndarray
    pca: np.ndarray
    umap: np.ndarray
    trust: dict[str, float]
    error: np.ndarray
    round_trip: np.ndarray
    pictures: str
    label_names: list[str]
    typical: dict
    split: str = "held out"
    labels: np.ndarray | None = None
    factors: dict[str, list[str]] = field(default_factory=dict)
    labelled: str = "data"

    @cached_property
    def axes(self) -> np.ndarray:
        """The two directions of z that the PCA map shows, (d, 2)."""
        centred = self.z - self.z.mean(0)
        return np.linalg.lstsq(centred.T @ centred, centred.T @ self.pca, rcond=1e-6)[0]


def load(folder: str | Path) -> Atlas:
    """Reads and verifies a checkpoint's atlas; Problem when missing, damaged or of other weights."""
    path, card = Path(folder) / FILE, checkpoint.card(folder)
    command = f"python -m ali_core atlas {Path(folder).as_posix()}"
    try:
        content = path.read_bytes()
    except OSError:
        raise Problem(f"{path} is missing; `{command}` makes it.") from None
    said = card.get("atlas", {})
    if said.get("weights") != card["weights"]["sha256"]:
        raise Problem(f"{path} was made from other weights than the card's; run `{command}` again.")
    if said.get("sha256") != hashlib.sha256(content).hexdigest():
        raise Problem(f"{path} is not the file its card describes; run `{command}` again.")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        about = json.loads(str(file["about"]))
        wide = {key: file[key].astype(np.float32) for key in ("z", "pca", "umap", "error")}
        return Atlas(
            **wide,
            y=file["y"].astype(np.int64),
            round_trip=file["round_trip"].astype(np.float32),
            labels=file["labels"].astype(np.int64) if "labels" in file else None,
            **about,
        )


def nearest(atlas: Atlas, z: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest held-out codes of latents (m,d), nearest first. -> indices (m,k), distances (m,k)"""
    return nearest_rows(atlas.z, z, k)


def place(atlas: Atlas, z: np.ndarray, which: str = "umap", k: int = NEIGHBOURS) -> np.ndarray:
    """Positions of latents (m,d) on the map. -> float32 (m,2)

    On the PCA map the projection itself; on the UMAP the weighted geometric median of the k nearest
    codes' positions (a mean would fall into the empty space between two islands).
    """
    z = np.asarray(z, np.float32)
    if which == "pca":
        return ((z - atlas.z.mean(0)) @ atlas.axes).astype(np.float32)
    indices, distances = nearest(atlas, z, k)
    weights = _weights(distances, atlas.typical["z"])[..., None]
    points = atlas.umap[indices].astype(float)
    position = (weights * points).sum(1)
    for _ in range(32):  # Weiszfeld's iteration
        away = np.linalg.norm(points - position[:, None], axis=2, keepdims=True)
        pull = weights / np.maximum(away, 1e-6)
        position = (pull * points).sum(1) / pull.sum(1)
    return position.astype(np.float32)


def lift(atlas: Atlas, xy: np.ndarray, which: str = "umap", k: int = NEIGHBOURS) -> dict:
    """A latent for a place (2,) on a map, blended from its k nearest points there.

    -> z (d,), with the norm that its sources have; neighbours: their indices, nearest first;
    map_distance: to the eighth nearest point, which for a typical point is typical_map_distance.
    """
    points = getattr(atlas, which)
    count = max(k, atlas.typical["k"])
    indices, distances = (found[0] for found in nearest_rows(points, np.asarray(xy)[None], count))
    typical = atlas.typical[which]
    weights, sources = _weights(distances[:k], typical)[:, None], atlas.z[indices[:k]]
    z = (weights * sources).sum(0)
    # a mean of codes is shorter than codes are, and decodes to something washed out
    norm = (weights * np.linalg.norm(sources, axis=1, keepdims=True)).sum()
    z *= norm / max(np.linalg.norm(z), 1e-6)
    return {
        "z": z.astype(np.float32),
        "neighbours": indices[:k],
        "map_distance": float(distances[atlas.typical["k"] - 1]),
        "typical_map_distance": typical,
    }


def pictures(root: str | Path, name: str) -> np.ndarray:
    """The picture set ROOT/pictures/NAME.png, in the order of the atlas. -> uint8 (n,h,w,c)"""
    path = Path(root) / PICTURES / f"{name}.png"
    try:
        with Image.open(path) as sheet:
            sheet.load()
            n, h, w = (int(word) for word in sheet.text["pictures"].split())
            found = cut(sheet, n, h, w)
            intact = sheet.text["sha256"] == hashlib.sha256(found.tobytes()).hexdigest()
    except FileNotFoundError:
        raise Problem(f"{path} is missing; `python -m ali_core atlas` makes it.") from None
    except Exception as error:  # damaged files raise nearly every exception there is
        raise Problem(f"{path} cannot be read ({error}); copy it again.") from None
    if not intact:
        raise Problem(f"{path} holds other pictures than it says; copy it again.")
    return found


def nearest_rows(points: np.ndarray, asked: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest points (n,d) of rows (m,d), nearest first. -> indices (m,k), distances (m,k)"""
    asked, k = np.asarray(asked, np.float32), min(k, len(points))
    squares, found, distances = (points**2).sum(1), [], []
    for chunk in np.array_split(asked, -(-len(asked) // 500) or 1):
        # |q|^2 is the same for all points and cannot change their order
        near = squares - 2 * chunk @ points.T
        indices = np.argpartition(near, k - 1, axis=1)[:, :k]
        exact = np.linalg.norm(points[indices] - chunk[:, None], axis=2)
        order = exact.argsort(1, kind="stable")
        found.append(np.take_along_axis(indices, order, 1))
        distances.append(np.take_along_axis(exact, order, 1))
    return np.concatenate(found), np.concatenate(distances)


def _weights(distances: np.ndarray, typical: float) -> np.ndarray:
    """Inverse squares, summing to 1 along the last axis; at no distance one point has it all."""
    weights = 1 / (distances.astype(float) ** 2 + (1e-3 * typical) ** 2 + 1e-12)
    return weights / weights.sum(-1, keepdims=True)
