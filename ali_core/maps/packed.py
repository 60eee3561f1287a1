"""A map's codes and places in one piece of bytes, for a browser; needs numpy alone."""

import json
from dataclasses import replace

import numpy as np

from ali_core.measure import neighbours

from .atlas import Atlas


def pack(atlas: Atlas) -> bytes:
    """Length of a JSON (uint32), the JSON, then arrays, each at a multiple of 8 bytes; all little endian.

    z float16 (n, d); umap, pca float32 (n, 2); labels uint16 (n, k), the classes that each is decoded as; axes (d, 2) and
    middle (d,), float32, of the PCA. In the JSON: n, d, k, typical distances, names of the first factor's classes, origin.
    """
    labels = atlas.y[:, None] if atlas.labels is None else atlas.labels
    arrays = {
        "z": atlas.z.astype("<f2"),
        "umap": atlas.umap.astype("<f4"),
        "pca": atlas.pca.astype("<f4"),
        "labels": labels.astype("<u2"),
        "axes": atlas.axes.astype("<f4"),
        "middle": atlas.z.mean(0).astype("<f4"),
    }
    about = {"n": len(atlas.z), "d": atlas.z.shape[1], "k": labels.shape[1], "names": atlas.label_names}
    about |= {"typical": {key: atlas.typical[key] for key in ("z", "umap", "pca", "k")}}
    about |= {"origin": atlas.split.replace(" ", "-")}
    words = json.dumps(about, ensure_ascii=False).encode()
    parts = [len(words).to_bytes(4, "little") + words, *(np.ascontiguousarray(a).tobytes() for a in arrays.values())]
    return b"".join(part + b"\0" * (-len(part) % 8) for part in parts)


def fewer(atlas: Atlas, most: int) -> Atlas:
    """The map's first `most` points, with the distances that are typical among these."""
    if len(atlas.z) <= most:
        return atlas
    rows = {name: getattr(atlas, name)[:most] for name in ("z", "y", "pca", "umap", "error", "round_trip")}
    k = atlas.typical["k"]
    typical = {n: float(np.median(neighbours.nearest(rows[n], rows[n], k + 1)[1][:, k])) for n in ("z", "umap", "pca")}
    labels = None if atlas.labels is None else atlas.labels[:most]
    return replace(atlas, **rows, labels=labels, typical=atlas.typical | typical)
