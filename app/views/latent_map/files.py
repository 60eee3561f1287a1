"""The points that a lasso has chosen, as files."""

import io

import numpy as np

from app import bridge


def table(atlas, numbers: np.ndarray) -> bytes:
    """The chosen points as CSV."""
    lines = ["number,class,error,round_trip,umap_x,umap_y,pca_x,pca_y"]
    for i in numbers:
        values = [atlas.error[i], atlas.round_trip[i], *atlas.umap[i], *atlas.pca[i]]
        label = atlas.label_names[atlas.y[i]].replace('"', '""')
        lines.append(f'{i},"{label}",' + ",".join(f"{value:.6g}" for value in values))
    return ("\n".join(lines) + "\n").encode()


def arrays(name: str, atlas, numbers: np.ndarray) -> bytes:
    """The chosen points as NPZ."""
    file = io.BytesIO()
    np.savez_compressed(
        file,
        number=numbers,
        y=atlas.y[numbers],
        label_names=np.array(atlas.label_names),
        z=atlas.z[numbers],
        umap=atlas.umap[numbers],
        pca=atlas.pca[numbers],
        error=atlas.error[numbers],
        round_trip=atlas.round_trip[numbers],
        pictures=bridge.codes.pictures(name)[numbers],
    )
    return file.getvalue()
