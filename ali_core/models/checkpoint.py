"""A checkpoint is a folder: model.safetensors (averaged weights) and card.json (all a reader needs).

Reading needs neither torch nor pickle, so the app can list checkpoints at once.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors

from ali_core.files import write_beside
from ali_core.problem import Problem

from . import schema

CARD, WEIGHTS = "card.json", "model.safetensors"


def names(root: str | Path = "checkpoints") -> list[str]:
    """The checkpoints under `root`, broken ones too, sorted."""
    folders = Path(root).glob("*/")
    return sorted(f.name for f in folders if (f / CARD).exists() or (f / WEIGHTS).exists())


def card(folder: str | Path) -> dict:
    """Reads card.json; raises Problem when it is missing, or not what a card may be: see schema.Card."""
    path = Path(folder) / CARD
    try:
        if (size := path.stat().st_size) > schema.LONGEST:
            raise Problem(f"{path} has {size:,} bytes; a card has {schema.LONGEST:,} at most.")
        content = path.read_bytes()
    except FileNotFoundError:
        raise Problem(f"{path} is missing; a checkpoint is a folder with a card and weights.") from None
    except OSError as error:
        raise Problem(f"{path} cannot be read ({error}); copy the checkpoint again.") from None
    return schema.card(content, path)


def weights(folder: str | Path) -> dict[str, np.ndarray]:
    """Reads and verifies the weights against the card: digest, names, shapes, no NaN.

    Raises Problem that names the file and what is wrong with it.
    """
    path, said = Path(folder) / WEIGHTS, card(folder)["weights"]
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size == said["bytes"] else b""
    except OSError:
        raise Problem(f"{path} is missing; copy the checkpoint again.") from None
    if size != said["bytes"]:
        raise Problem(
            f"{path} has {size} bytes where its card says {said['bytes']}: it is truncated or "
            "replaced; copy the checkpoint again."
        )
    if hashlib.sha256(content).hexdigest() != said["sha256"]:
        raise Problem(f"{path} is not the file its card describes (sha256 differs): do not trust it.")
    try:
        tensors = parse_tensors(content)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:  # or of numbers numpy lacks
        raise Problem(f"{path} is not a safetensors file ({error}); copy the checkpoint again.") from None
    shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
    for name in sorted(shapes.keys() | said["shapes"].keys()):
        if shapes.get(name) != said["shapes"].get(name):
            raise Problem(
                f"{path}: «{name}» has shape {shapes.get(name)} where the card says {said['shapes'].get(name)}."
            )
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise Problem(f"{path}: «{name}» holds NaN or infinity; this model cannot be used.")
    return tensors


def save(folder: str | Path, content: bytes, shapes: dict[str, list[int]], card: dict) -> None:
    """Writes the weights (a safetensors file's bytes), then the card that vouches for them."""
    digest = hashlib.sha256(content).hexdigest()
    said = {"file": WEIGHTS, "sha256": digest, "bytes": len(content), "shapes": shapes}
    card = schema.fitting(card | {"weights": said}, Path(folder) / CARD)  # before anything is written
    write_beside(Path(folder) / WEIGHTS, content)
    _write_card(folder, card)


def update_card(folder: str | Path, **entries) -> None:
    """Replaces top-level entries of the card, atomically."""
    _write_card(folder, card(folder) | entries)


def _write_card(folder: str | Path, content: dict) -> None:
    content |= {"schema": schema.SCHEMA}
    content = schema.fitting(content, Path(folder) / CARD)  # what is written can be read
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    write_beside(Path(folder) / CARD, (text + "\n").encode())
