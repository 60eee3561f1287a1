"""Makes the latent map that atlas.py reads.

python -m ali_core atlas checkpoints/NAME          of the held-out pictures
python -m ali_core atlas checkpoints/NAME --made   of what the model makes: the data stay where they are
                                                   (--made reconstructions: of what it remembers of them)
"""

import hashlib
import io
import json
import math
import re
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import sklearn.manifold
import torch
import umap
from PIL.PngImagePlugin import PngInfo

from ali_core.config import Config
from ali_core.data import datasets
from ali_core.data.dataset import Data
from ali_core.files import write_beside
from ali_core.measure import means, metrics
from ali_core.measure.neighbours import nearest
from ali_core.models import checkpoint
from ali_core.models.latent import in_turn
from ali_core.models.model import Model, to_bytes
from ali_core.models.sheet import MOST_PIXELS, grid
from ali_core.problem import Problem

from .atlas import FILE, NEIGHBOURS, PICTURES, pictures

MOST, COLUMNS = 10_000, 100
UMAP = {"n_neighbors": 15, "min_dist": 0.1, "random_state": 42}
TRUST_N, TRUST_K, SEED = 2_000, 15, 42
LEVELS = [0.0, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0]


def build(folder: str | Path, made: str = "", most: int = MOST) -> None:
    """Encodes the held-out pictures, lays out the maps, and writes atlas, pictures and the card.

    made: "draws", pictures of prior draws instead, every class in turn, so that nothing of the data is passed
    on; of a model that is not conditional the data's classifier names them. "reconstructions": of the
    held-out pictures. most: pictures on the map.
    """
    folder, start = Path(folder), time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - start:5.0f} s  {words}", file=sys.stderr, flush=True)

    model = Model.load(folder)
    config, card = model.card["config"], model.card
    if model.domains:
        raise Problem(f"{model.name} is a translator: it has no latents to map; use `evaluate`.")
    held = datasets.of(Config(**config))
    if held.kept and not made:
        raise Problem(
            f"{held.name}: its licence ({held.licence}) does not let its pictures be passed on, and an atlas holds "
            "them; add --made, for a map of what the model makes."
        )
    if len(held.shape) == 3:  # a sheet that is larger is not read
        most = min(most, MOST_PIXELS // math.prod(held.shape[:2]))
    x = held.x_test[:most]
    condition = y = held.y_test[:most]
    if len(x) <= UMAP["n_neighbors"]:
        raise Problem(f"{held.name} holds out {len(x)}; a map needs 16 at least: add pictures.")
    split, labelled, label_names = "made" if made else "held out", "data", held.label_names
    if made == "reconstructions":
        x = to_bytes(model.reconstruct(x, y if model.conditional else None))
    elif made:
        condition = y = in_turn(np.arange(len(x)), model.class_counts or (1,))
        x = to_bytes(model.sample(len(x), SEED, y=condition))
        if not model.conditional and (judge := means.judge(held)):
            say("naming the samples: as the data's classifier sees it")
            y, labelled = judge.decide(judge.logits(x)), "classifier"
        elif not model.conditional:
            label_names = ["made"]
    factors = held.factors if y.shape[1] == len(held.factors) else {}
    labels = {"labels": y.astype(np.int16)} if factors else {}
    y, condition = y[:, 0], condition if model.conditional else None
    say(f"encoding {len(x)} pictures of {held.name}, {split}")
    # stored in 16 bits, so everything else is computed from what will be read
    codes = model.encode(x, condition)
    z = codes.astype(np.float16).astype(np.float32)
    reconstructions = model.decode(codes, condition)
    truth = x.astype(np.float32) / 255 if x.dtype == np.uint8 else x
    error = metrics.mse(reconstructions, truth)
    round_trip = np.linalg.norm(model.encode(reconstructions, condition) - codes, axis=1)
    say("laying out PCA and UMAP (umap compiles itself at every start: some of the time is that)")
    maps = {"pca": flat(z), "umap": unfolded(z)}
    say("measuring the maps")
    trust = {name: trusted(z, points) for name, points in maps.items()}
    typical = usual(z, maps, error)
    if made:
        say(f"measuring {len(held.x_test)} held-out pictures, which the map does not show")
        typical |= _as_held_out(model, held, z)
    source = folder.name + "-made" if made else held.name
    name = f"{source}-{x.shape[1]}{'-rgb' * (x.shape[3] == 3)}" if x.ndim == 4 else ""
    name = name.replace(":", "-")  # elsewhere it would name a drive
    if name:
        _store_pictures(folder.parent, name, x, shared=not made)
    about = {
        "trust": {which: value for which, (value, _, _) in trust.items()},
        "pictures": name,
        "label_names": list(label_names),
        "factors": factors,
        "labelled": labelled,
        "typical": typical,
        "split": split,
    }
    file = io.BytesIO()
    np.savez_compressed(
        file,
        z=z.astype(np.float16),
        y=y.astype(np.int32),
        **labels,
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
            "split": split,
            "labelled": labelled,
            "pictures": name,
            "umap": UMAP | {"version": umap.__version__},
            "trustworthiness": {
                which: {"value": round(value, 4), "n": n, "k": k, "seed": SEED}
                for which, (value, n, k) in trust.items()
            },
            "typical": typical,
            "round_trip": {
                "value": round(float(np.median(round_trip)), 4),
                "n": len(z),
                "says": "median distance between a picture's code and its reconstruction's code",
            },
        },
    )
    say(f"written: {folder / FILE}, trustworthiness {about['trust']}")


def unfolded(
    z: np.ndarray,
    neighbours: int = UMAP["n_neighbors"],
    min_dist: float = UMAP["min_dist"],
    told: Callable[[float], None] | None = None,
) -> np.ndarray:
    """UMAP of codes (n,d), given their exact neighbours, which it would search for longer. -> float32 (n,2)

    told: called with the share of it that is done.
    """
    words = UMAP | {"n_neighbors": neighbours, "min_dist": min_dist}
    if told:
        words["tqdm_kwds"] = {"file": _Told(told), "disable": False, "bar_format": "{percentage}", "mininterval": 0.3}
    layout = umap.UMAP(**words, n_jobs=1, precomputed_knn=nearest(z, z, neighbours))
    threads = torch.get_num_threads()
    try:
        with warnings.catch_warnings():  # that it cannot place new codes then: atlas.place does
            warnings.filterwarnings("ignore", message="precomputed_knn")
            return layout.fit_transform(z).astype(np.float32)
    finally:  # UMAP's threads are torch's too, and two round otherwise than one
        torch.set_num_threads(threads)


class _Told(io.StringIO):
    """A bar's file: every number that the bar writes, in percent, is told as a share."""

    def __init__(self, told: Callable[[float], None]):
        super().__init__()
        self.told = told

    def write(self, text: str) -> int:
        if found := re.search(r"[\d.]+", text):
            self.told(float(found[0]) / 100)
        return len(text)


def flat(z: np.ndarray) -> np.ndarray:
    """The first two principal components of codes (n,d). -> float32 (n,2)"""
    centred = z - z.mean(0)
    _, vectors = np.linalg.eigh(np.cov(centred, rowvar=False).reshape(z.shape[1], -1))
    axes = vectors[:, ::-1][:, :2]
    # an eigenvector's sign is free: fix it, so that every machine draws the same map
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])])
    points = np.zeros((len(z), 2), np.float32)
    points[:, : axes.shape[1]] = centred @ axes  # a latent of one dimension lies on a line
    return points


def trusted(z: np.ndarray, points: np.ndarray) -> tuple[float, int, int]:
    """The trustworthiness of a map (n,2) of codes (n,d), of how many of them it is, and of how many neighbours."""
    some = np.random.default_rng(SEED).permutation(len(z))[:TRUST_N]
    k = min(TRUST_K, (len(some) - 1) // 2)
    return float(sklearn.manifold.trustworthiness(z[some], points[some], n_neighbors=k)), len(some), k


def usual(z: np.ndarray, maps: dict[str, np.ndarray], error: np.ndarray) -> dict:
    """What an atlas has as `typical`, of codes (n,d), maps (n,2) and errors (n,)."""
    k = min(NEIGHBOURS, len(z) - 1)
    # the point nearest to a point is itself: ask for one more and leave the first out
    distances = {name: nearest(points, points, k + 1)[1] for name, points in maps.items()}
    distances["z"] = nearest(z, z, k + 1)[1]
    typical: dict = {name: float(np.median(each[:, k])) for name, each in distances.items()}
    typical |= {"k": k, "levels": LEVELS}
    for name, values in (("nearest", distances["z"][:, 1]), ("error", error)):
        typical[name] = [float(value) for value in np.quantile(values, LEVELS)]
    return typical


def _as_held_out(model: Model, held: Data, z: np.ndarray) -> dict:
    """What is usual for pictures of the data, in numbers: its own samples a model reconstructs better than those."""
    condition = held.y_test if model.conditional else None
    codes = model.encode(held.x_test, condition)
    reconstructions = model.decode(codes, condition)
    truth = held.x_test.astype(np.float32) / 255 if held.x_test.dtype == np.uint8 else held.x_test
    distances = {
        "nearest": nearest(z, codes)[1][:, 0],
        "error": metrics.mse(reconstructions, truth),
        "round_trip": np.linalg.norm(model.encode(reconstructions, condition) - codes, axis=1),
    }
    if truth.ndim == 4:
        distances["ssim"] = metrics.ssim(truth, reconstructions)
    quantiles = {key: np.quantile(values, LEVELS).tolist() for key, values in distances.items()}
    return {"of": "held out", **quantiles}


def _store_pictures(root: Path, name: str, x: np.ndarray, shared: bool = True) -> None:
    path = root / PICTURES / f"{name}.png"
    if shared and path.exists():
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
