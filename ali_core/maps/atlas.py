"""The latent map: codes of the held-out pictures, two flat views of them, and ways between the two.

`python -m ali_core atlas` makes it (layout.py); reading it needs numpy alone.
"""

import hashlib
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from ali_core.data import npz
from ali_core.measure import neighbours
from ali_core.models import checkpoint, schema
from ali_core.models.sheet import cut
from ali_core.problem import Problem

FILE, PICTURES, NEIGHBOURS = "atlas.npz", "pictures", 8
# its arrays; n codes of d numbers, k factors
KEPT = {"z": ("n", "d"), "pca": ("n", 2), "umap": ("n", 2), "error": ("n",), "round_trip": ("n",)}
KEPT |= {"y": ("n",), "labels": ("n", "k")}
QUANTILES = ("nearest", "error", "round_trip")  # of `typical`
WHOLE = {"y": "i", "labels": "i"}
FEWEST, MOST = 16, 100_000  # codes
LARGEST = 100 << 20  # bytes of the file, and of its arrays
FURTHEST, TINY = 1e6, 1e-9


@dataclass(frozen=True)
class Atlas:
    """Codes, map positions and errors of the first n held-out pictures of a checkpoint's data, or of n that it made.

    z: float32 (n,d) posterior means. y: int64 (n,). pca, umap: float32 (n,2) positions. error: (n,)
    pixel MSE of the reconstruction. round_trip: (n,) distance |E(G(E(x))) - E(x)|. trust: the
    trustworthiness of "pca" and "umap", 0.5 (chance) to 1. pictures: name of the picture set ("" for
    points). typical: "k", and the median distance of a point to its k-th neighbour in "z" and on
    "umap" and "pca"; at the "levels" 0..1 the quantiles of "nearest" (distance to the nearest other
    code) and of "error", to say how unusual a new picture is; where they are of held-out pictures and the
    map is not, "of" says so, and "round_trip" and (of pictures) "ssim" stand with them. split: "held out" or
    "made". labels, factors: int (n,k) where the data name k factors, the first of them y, and the names of each
    and of its classes. labelled: "data", or "classifier" where that named the model's samples.
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
        size = path.stat().st_size
        content = path.read_bytes() if size <= LARGEST else b""
    except OSError:
        raise Problem(f"{path} is missing; `{command}` makes it.") from None
    said = card.get("atlas", {})
    if said.get("weights") != card["weights"]["sha256"]:
        raise Problem(f"{path} was made from other weights than the card's; run `{command}` again.")
    if size > LARGEST or said.get("sha256") != hashlib.sha256(content).hexdigest():
        raise Problem(f"{path} is not the file its card describes; run `{command}` again.")
    arrays = _arrays(path, content)
    try:
        about = schema.parse(str(arrays.pop("about", "{}")).encode(), schema.About, path, f"run `{command}` again")
        _fit(arrays, about, card)
    except ValueError as error:
        raise Problem(f"{path} cannot be used ({error}); run `{command}` again.") from None
    typical = about["typical"]
    for name in ("z", "pca", "umap"):  # no distance is 0
        typical[name] = max(typical[name], TINY)
    typical |= {key: [max(value, TINY) for value in typical[key]] for key in QUANTILES if key in typical}
    names = {field.name for field in fields(Atlas)}
    return Atlas(**arrays, **{key: value for key, value in about.items() if key in names})


def _arrays(path: Path, content: bytes) -> dict[str, np.ndarray]:
    """The file's arrays of KEPT, floats as float32, integers as int64, and `about`, text."""
    try:
        arrays = npz.read(content, dict.fromkeys(KEPT, "fiu") | {"about": "U"}, LARGEST)
    except Exception as error:  # damaged zips raise nearly every exception there is
        raise Problem(f"{path} cannot be read ({error}); copy the checkpoint again, or make its atlas anew.") from None
    with np.errstate(over="ignore"):  # `_fit` finds the infinity
        return {
            name: array.astype({"f": np.float32, "i": np.int64, "u": np.int64}.get(array.dtype.kind))
            if name != "about"
            else array
            for name, array in arrays.items()
        }


def _fit(arrays: dict[str, np.ndarray], about: dict, card: dict) -> None:
    """Raises ValueError where arrays, what is said of them, and the card do not fit each other."""
    z, factors, typical = arrays.get("z"), about.get("factors", {}), about["typical"]
    if z is None or z.ndim != 2 or not FEWEST <= len(z) <= MOST:
        raise ValueError(f"«z» must hold {FEWEST} to {MOST:,} codes")
    n, classes = len(z), card["data"].get("classes", [])
    if factors or "labels" in arrays:
        wanted = KEPT
        if classes and len(classes) != len(factors):
            raise ValueError("it knows other factors than its card")
    else:
        wanted = {name: shape for name, shape in KEPT.items() if name != "labels"}
    sizes = {"n": n, "d": card["config"]["latent"], "k": len(factors)}
    for name, shape in wanted.items():
        array, shape = arrays.get(name), tuple(sizes.get(side, side) for side in shape)
        if array is None or array.shape != shape or array.dtype.kind != WHOLE.get(name, "f"):
            raise ValueError(f"«{name}» must have the shape {shape}")
        if array.dtype.kind == "f" and not (np.abs(array) <= FURTHEST).all():  # nor NaN
            raise ValueError(f"«{name}» holds numbers beyond {FURTHEST:,}")
    named = [len(names) for names in factors.values()]
    labels = len(about["label_names"]) or schema.LABELS
    for name, most in (("y", labels), *([("labels", np.array(named))] if named else [])):
        if (arrays[name] < 0).any() or (arrays[name] >= most).any():
            raise ValueError(f"«{name}» holds classes that have no name")
    levels, rows = typical["levels"], [typical[key] for key in (*QUANTILES, "ssim") if key in typical]
    if not {0.5, 0.99} <= set(levels) or any(len(row) != len(levels) for row in rows):
        raise ValueError("«typical» lacks a level")


def nearest(atlas: Atlas, z: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest held-out codes of latents (m,d), nearest first. -> indices (m,k), distances (m,k)"""
    return neighbours.nearest(atlas.z, z, k)


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
    indices, distances = (each[0] for each in neighbours.nearest(points, np.asarray(xy)[None], count))
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


def clearest(atlas: Atlas) -> str:
    """The factor that neighbours on the UMAP most often share, beyond what chance would have them share."""
    asked = np.random.default_rng(0).permutation(len(atlas.z))[:300]
    near = neighbours.nearest(atlas.umap, atlas.umap[asked], NEIGHBOURS + 1)[0]

    def shared(labels: np.ndarray) -> float:
        alike = (labels[near] == labels[asked, None]).mean() - 1 / near.shape[1]  # each is its own neighbour
        chance = float(((np.bincount(labels) / len(labels)) ** 2).sum())
        return (alike - chance) / max(1 - chance, TINY)

    return max(zip(atlas.factors, atlas.labels.T, strict=True), key=lambda factor: shared(factor[1]))[0]


def pictures(root: str | Path, name: str) -> np.ndarray:
    """The picture set ROOT/pictures/NAME.png, in the order of the atlas. -> uint8 (n,h,w,c)"""
    path = Path(root) / PICTURES / f"{name}.png"
    try:
        with Image.open(path, formats=("PNG",)) as sheet:
            n, h, w = (int(word) for word in sheet.info["pictures"].split())
            cells = cut(sheet, n, h, w)
            intact = sheet.info["sha256"] == hashlib.sha256(cells.tobytes()).hexdigest()
    except FileNotFoundError:
        raise Problem(f"{path} is missing; `python -m ali_core atlas` makes it.") from None
    except Exception as error:  # damaged files raise nearly every exception there is
        raise Problem(f"{path} cannot be read ({error}); copy it again.") from None
    if not intact:
        raise Problem(f"{path} holds other pictures than it says; copy it again.")
    return cells


def _weights(distances: np.ndarray, typical: float) -> np.ndarray:
    """Inverse squares, summing to 1 along the last axis; at no distance one point has it all."""
    weights = 1 / (distances.astype(float) ** 2 + (1e-3 * typical) ** 2 + 1e-12)
    return weights / weights.sum(-1, keepdims=True)
