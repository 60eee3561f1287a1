"""The latent map: codes of the held-out pictures, two flat views of them, and ways between the two.

    python -m ali_core atlas checkpoints/NAME

makes it; reading it needs numpy alone (umap and scikit-learn are imported by that command only).
"""

import argparse
import hashlib
import io
import json
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from . import checkpoint, metrics
from .problem import Problem, write_beside
from .sheet import cut, grid

FILE, PICTURES, COLUMNS = "atlas.npz", "pictures", 100
MOST, NEIGHBOURS = 10_000, 8
UMAP = {"n_neighbors": 15, "min_dist": 0.1, "random_state": 42}
TRUST_N, TRUST_K, SEED = 2_000, 15, 42
LEVELS = [0.0, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0]


@dataclass(frozen=True)
class Atlas:
    """What is known of the first n held-out pictures of a checkpoint's data.

    z: float32 (n,d) posterior means. y: int64 (n,). pca, umap: float32 (n,2) positions. error: (n,)
    pixel MSE of the reconstruction. round_trip: (n,) distance |E(G(E(x))) - E(x)|. trust: the
    trustworthiness of "pca" and "umap", 0.5 (chance) to 1. pictures: name of the picture set ("" for
    points). typical: "k", and the median distance of a point to its k-th neighbour in "z" and on
    "umap" and "pca"; at the "levels" 0..1 the quantiles of "nearest" (distance to the nearest other
    code) and of "error", to tell how unusual a new picture is.
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
            **about,
        )


def nearest(atlas: Atlas, z: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest held-out codes of latents (m,d), nearest first. -> indices (m,k), distances (m,k)"""
    return _nearest(atlas.z, z, k)


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
    indices, distances = (found[0] for found in _nearest(points, np.asarray(xy)[None], count))
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


def build(folder: str | Path) -> None:
    """Encodes the held-out pictures, lays out the maps, and writes atlas, pictures and the card."""
    import sklearn.manifold
    import umap

    from . import data
    from .model import Model

    folder, start = Path(folder), time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - start:5.0f} s  {words}", file=sys.stderr, flush=True)

    model = Model.load(folder)
    config, card = model.card["config"], model.card
    held = data.load(config["data"], config["size"], config["channels"])
    x = held.x_test[:MOST]
    y = held.y_test[:MOST] if held.y_test.ndim == 1 else held.y_test[:MOST, 0]
    if len(x) <= UMAP["n_neighbors"]:
        raise Problem(f"{held.name} holds out {len(x)}; a map needs 16 at least: add pictures.")
    told = held.y_test[:MOST] if model.classes else None
    say(f"encoding {len(x)} held-out pictures of {held.name}")
    # stored in 16 bits, so everything else is computed from what will be read
    codes = model.encode(x, told)
    z = codes.astype(np.float16).astype(np.float32)
    reconstructions = model.decode(codes, told)
    truth = x.astype(np.float32) / 255 if x.dtype == np.uint8 else x
    error = metrics.mse(reconstructions, truth)
    round_trip = np.linalg.norm(model.encode(reconstructions, told) - codes, axis=1)
    say("laying out PCA and UMAP (the first time, umap compiles itself: half a minute more)")
    layout = umap.UMAP(**UMAP, n_jobs=1)
    maps = {"pca": _pca(z), "umap": layout.fit_transform(z).astype(np.float32)}
    say("measuring the maps")
    some = np.random.default_rng(SEED).permutation(len(z))[:TRUST_N]
    k = min(TRUST_K, (len(some) - 1) // 2)
    trust = {
        name: float(sklearn.manifold.trustworthiness(z[some], flat[some], n_neighbors=k))
        for name, flat in maps.items()
    }
    typical = _typical(z, maps, error)
    name = f"{held.name}-{x.shape[1]}{'-rgb' * (x.shape[3] == 3)}" if x.ndim == 4 else ""
    if name:
        _store_pictures(folder.parent, name, x)
    about = {
        "trust": trust,
        "pictures": name,
        "label_names": list(held.label_names),
        "typical": typical,
    }
    file = io.BytesIO()
    np.savez_compressed(
        file,
        z=z.astype(np.float16),
        y=y.astype(np.int32),
        **maps,
        error=error.astype(np.float32),
        round_trip=round_trip.astype(np.float32),
        about=json.dumps(about, ensure_ascii=False),
    )
    write_beside(folder / FILE, file.getvalue())
    checkpoint.update_card(
        folder,
        atlas={
            "file": FILE,
            "sha256": hashlib.sha256(file.getvalue()).hexdigest(),
            "weights": card["weights"]["sha256"],
            "n": len(z),
            "split": "held out",
            "pictures": name,
            "umap": UMAP | {"version": umap.__version__},
            "trustworthiness": {
                which: {"value": round(value, 4), "n": len(some), "k": k, "seed": SEED}
                for which, value in trust.items()
            },
            "typical": typical,
            "round_trip": {
                "value": round(float(np.median(round_trip)), 4),
                "n": len(z),
                "says": "median distance between a picture's code and its reconstruction's code",
            },
        },
    )
    say(f"written: {folder / FILE}, trustworthiness {trust}")


def _pca(z: np.ndarray) -> np.ndarray:
    centred = z - z.mean(0)
    _, vectors = np.linalg.eigh(np.cov(centred, rowvar=False).reshape(z.shape[1], -1))
    axes = vectors[:, ::-1][:, :2]
    # an eigenvector's sign is free: fix it, so that every machine draws the same map
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])])
    flat = np.zeros((len(z), 2), np.float32)
    flat[:, : axes.shape[1]] = centred @ axes  # a latent of one dimension lies on a line
    return flat


def _typical(z: np.ndarray, maps: dict[str, np.ndarray], error: np.ndarray) -> dict:
    k = min(NEIGHBOURS, len(z) - 1)
    # a point's own nearest is itself: ask for one more and leave the first out
    distances = {name: _nearest(points, points, k + 1)[1] for name, points in maps.items()}
    distances["z"] = _nearest(z, z, k + 1)[1]
    typical: dict = {name: float(np.median(found[:, k])) for name, found in distances.items()}
    typical |= {"k": k, "levels": LEVELS}
    for name, values in (("nearest", distances["z"][:, 1]), ("error", error)):
        typical[name] = [float(value) for value in np.quantile(values, LEVELS)]
    return typical


def _store_pictures(root: Path, name: str, x: np.ndarray) -> None:
    path = root / PICTURES / f"{name}.png"
    if path.exists():
        if not np.array_equal(pictures(root, name), x):
            raise Problem(
                f"{path} holds other pictures than this data set, and other atlases may use it; "
                "give the data set another name, or remove that file and make those atlases again."
            )
        return
    words, content = PngInfo(), io.BytesIO()
    words.add_text("pictures", " ".join(str(number) for number in x.shape[:3]))
    words.add_text("sha256", hashlib.sha256(x.tobytes()).hexdigest())
    grid(x, COLUMNS).save(content, "png", optimize=True, pnginfo=words)
    write_beside(path, content.getvalue())


def _nearest(points: np.ndarray, asked: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
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


def main(argv: list[str]) -> None:
    """python -m ali_core atlas CHECKPOINT."""
    parser = argparse.ArgumentParser("python -m ali_core atlas", description=__doc__)
    parser.add_argument("checkpoint", help="a checkpoint folder, e.g. checkpoints/fashion-alice")
    build(parser.parse_args(argv).checkpoint)
