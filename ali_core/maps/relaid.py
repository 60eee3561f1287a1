"""Another UMAP of the same codes: with other neighbours and another least distance, in a process of its own.

python -m ali_core.maps.relaid     that process; the app starts it

It reads one line of JSON on stdin: {"neighbours", "min_dist", "z": codes (n,d) and "beside": a map (n,2) to be turned like, each
as {"shape", "floats"}, float32 in base64}. On stdout it says how far it is, and at last a line "= " with JSON: umap as
they, trust (trustworthiness), spacing (the median distance to the eighth neighbour on it).
"""

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Callable

import numpy as np

from . import layout
from .own import floats, numbers

NEIGHBOURS, MIN_DIST = (2, 100), (0.0, 0.99)  # the least and the most of each


def lay(
    z: np.ndarray, neighbours: int, min_dist: float, beside: np.ndarray, told: Callable[[float, str], None]
) -> tuple[np.ndarray, float, float]:
    """UMAP of codes (n,d), turned like the map `beside` (n,2). -> positions (n,2), trustworthiness, spacing"""
    told(0.0, "UMAP starts")
    points = layout.unfolded(z, neighbours, min_dist, lambda share: told(0.1 + 0.8 * share, "lays out the map"))
    told(0.9, "measures the map")
    points = turned(points, beside)
    spacing = layout.usual(z, {"umap": points}, np.zeros(len(z)))["umap"]
    return points, layout.trusted(z, points)[0], spacing


def turned(points: np.ndarray, beside: np.ndarray) -> np.ndarray:
    """A map (n,2), rotated or mirrored about its middle so that it lies as near as it can to another; no distance changes."""
    centred = points - points.mean(0)
    left, _, right = np.linalg.svd(centred.T @ (beside - beside.mean(0)))
    return (centred @ (left @ right)).astype(np.float32)


def main() -> int:
    """One order in, one map out."""
    with contextlib.suppress(AttributeError, OSError):  # pages answer first; Windows has no nice
        os.nice(10)
    order = json.loads(sys.stdin.readline())

    def told(share: float, says: str) -> None:
        print(f"{share:.4f} {says}", flush=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        z, beside = numbers(order["z"]), numbers(order["beside"])
        points, trust, spacing = lay(z, order["neighbours"], order["min_dist"], beside, told)
    print("= " + json.dumps({"umap": floats(points), "trust": trust, "spacing": spacing}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
