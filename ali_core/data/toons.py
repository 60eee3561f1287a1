"""Cartoon heads, and other figures, put together from the layers of a DiceBear style, as an .npz with exact factors.

python -m ali_core toons OUT.npz --n 40000 --size 64 --seed 0
python -m ali_core toons OUT.npz --style voxel-art     or sprouts

A part or a colour that a figure lacks has the class “none”. Held out are, whatever the seed: a tenth of the
characters on every background, and every figure with certain pairs of classes; `split` says which is which.
The same seed gives the same bytes; the same command goes on where it was stopped.
"""

import os
from pathlib import Path

import numpy as np

from ali_core.problem import Problem

from .dataset import Data
from .figures import Figures

SIZES = (32, 64, 128)
N = 12_000  # of data=toons
CHUNK = 256  # figures drawn at a time


def data(size: int) -> Data:
    """The first N cartoon heads of seed 0, drawn here; raises Problem where a package is missing."""
    figures = Figures("toon-head")
    labels = figures.labels(N, 0)
    images, train = figures.draw(labels, size), figures.split(labels) == "train"
    first, classes = next(iter(figures.factors.items()))
    return Data(
        "toons",
        images[train],
        labels[train].astype(np.int64),
        images[~train],
        labels[~train].astype(np.int64),
        [f"{first} {name}" for name in classes],
        figures.style.licence,
        figures.style.credit,
        factors=figures.factors,
        held_out=figures.held_out,
    )


def write(path: Path, style: str, n: int, size: int, seed: int) -> np.ndarray:
    """Writes the .npz of n figures; what an earlier call drew of them is not drawn anew. -> their split

    Raises Problem where no figure would be held out, or none would be left.
    """
    from tqdm import tqdm

    figures = Figures(style)
    labels = figures.labels(n, seed)
    split = figures.split(labels)
    train = split == "train"
    if train.all() or not train.any():
        raise Problem(f"{path} would hold no figure to train on, or hold none out: give a larger --n.")
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = path.with_name(f".{path.name}.{style}-{size}-{seed}.partial")
    drawn.touch()
    each = size * size * 3
    done = min(drawn.stat().st_size // each, n) // CHUNK * CHUNK
    bar = tqdm(total=n, initial=done, unit=" figures", disable=None)
    with drawn.open("r+b") as file:
        file.seek(done * each)
        for at in range(done, n, CHUNK):
            images = figures.draw(labels[at : at + CHUNK], size)
            file.write(images.tobytes())
            bar.update(len(images))
    bar.close()
    beside = path.with_name(f".{path.name}.partial")
    with beside.open("wb") as file:
        np.savez_compressed(
            file,
            images=np.memmap(drawn, np.uint8, "r", shape=(n, size, size, 3)),
            labels=labels,
            label_names=np.array([f"{f}({','.join(c)})" for f, c in figures.factors.items()]),
            train=train,
            split=split,
            source=figures.style.credit,
            licence=figures.style.licence,
            held_out=figures.held_out,
        )
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    drawn.unlink()
    return split
