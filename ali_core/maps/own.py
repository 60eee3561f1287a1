"""A reader's own pictures as an atlas, as worker.py has laid it into a folder, and how many they may be; needs numpy alone."""

import base64
import json
from pathlib import Path

import numpy as np

from .atlas import TINY, Atlas

MOST = 10_000  # pictures
SECONDS = 600.0  # for all of it
SHEET, ARRAYS, PIXELS = "sheet.png", "arrays.npz", "pictures.npy"


def load(home: Path) -> tuple[Atlas, dict]:
    """What `build` wrote: the atlas, and what is said of it (there, bad, bad_count, done, labelled). Needs numpy alone."""
    with np.load(home / ARRAYS) as file:
        arrays = {name: file[name] for name in file.files}
    about = json.loads(str(arrays.pop("about")))
    typical = about["typical"]
    for name in ("z", "pca", "umap"):  # no distance is 0, not even among twenty copies of a picture
        typical[name] = max(typical[name], TINY)
    arrays |= {name: arrays[name].astype(np.float32) for name in ("z", "pca", "umap", "error", "round_trip")}
    arrays |= {name: arrays[name].astype(np.int64) for name in ("y", "labels") if name in arrays}
    said = {name: about.pop(name) for name in ("there", "bad", "bad_count", "done")}
    return Atlas(**arrays, pictures="", split="own", **about), said | {"labelled": about["labelled"]}


def floats(array: np.ndarray) -> dict:
    """An array as JSON has it, float32 in base64: what worker processes are sent and send."""
    return {"shape": array.shape, "floats": base64.b64encode(array.astype("<f4").tobytes()).decode()}


def numbers(sent: dict) -> np.ndarray:
    """The array of `floats`, float32."""
    return np.frombuffer(base64.b64decode(sent["floats"]), "<f4").reshape(sent["shape"]).astype(np.float32)
