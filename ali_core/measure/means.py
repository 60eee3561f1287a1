"""The numbers of a checkpoint's card, each with its n, seed and split, and a sentence.

    python -m ali_core evaluate checkpoints/NAME

Two kinds: means over examples, which the card also holds for the first 500 so that a reader (or a
test) can check it in seconds, and comparisons of whole sets, which depend on their size.
"""

import dataclasses
from pathlib import Path

import numpy as np
import torch

from ali_core.config import Config
from ali_core.data.dataset import Data
from ali_core.family.members import member
from ali_core.family.objectives import divergences
from ali_core.models.model import Model
from ali_core.nets.imagenet import Eyes
from ali_core.nets.judge import RUNS, Classifier
from ali_core.training.inputs import Inputs

from .held import Held
from .measures import MEASURES
from .row import entry
from .sets import SEED

SUBSET = 500


def measure(
    model: Model,
    data: Data,
    classifier: Classifier | None = None,
    n: int = 0,
    seed: int = SEED,
    eyes: Eyes | None = None,
) -> dict[str, dict]:
    """Means over the first n held-out examples (0: all). -> the card's entries, by name

    Each is {"value", "n", "seed", "split", "says"}. Without a classifier (points, or no classes),
    without what needs one; so without an ImageNet net.
    """
    held, entries = Held(model, data, classifier, n or len(data.x_test), seed, eyes=eyes), {}
    for key, row in MEASURES.items():
        if row.whole or (taken := held.take(key)) is None:
            continue
        entries[key] = taken
        # E could read the class that it is given, so beside it stands what it does with a guessed one
        if row.guessed and held.guessed:
            entries[f"{key}_guessed"] = held.guessed.take(key)
    return entries | _constraints(model, data, held.n, seed)


def _constraints(model: Model, data: Data, n: int, seed: int) -> dict[str, dict]:
    """What the member's own losses come to on held-out examples: each term, each match's divergence."""
    config = Config(**{**model.card["config"], "seed": seed, "batch": min(n, SUBSET)})
    row, batches = member(config), n // config.batch
    held = dataclasses.replace(data, x=data.x_test[:n], y=data.y_test[:n])
    inputs, values = Inputs(config, row, held), []
    # M is the training pictures' classifier, as it was in training
    nets = model.nets | Inputs(config, row, data).given(model.device)
    with torch.inference_mode():
        for step in range(batches):
            found = divergences(row, inputs.samples(nets, step, 1, 0, model.device))
            values.append({key: value.item() for key, value in found.items()})
    return {
        key: entry(np.mean([value[key] for value in values]), MEASURES[key].says, batches * config.batch, seed)
        for key in values[0]
    }


def judge(data: Data, runs: Path = RUNS) -> Classifier | None:
    """The data's classifier; None for points, for pictures of one class, and for labels that are no classes."""
    unnamed = data.y.shape[1] > 1 and not data.factors
    if len(data.shape) == 1 or unnamed or len(np.unique(data.y)) < 2:
        return None
    return Classifier.get(data, SEED, runs)
