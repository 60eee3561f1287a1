"""The share of every class in the training pictures, factor by factor, and a model's error on each class."""

import numpy as np

from ali_core.data.dataset import Data
from ali_core.models.model import Model

from . import metrics
from .held import TRUE
from .row import entry, rounded
from .set_measures import SETS


def groups(model: Model, data: Data, n: int = 0, seed: int = 0) -> dict[str, dict]:
    """Two entries: the model's error and the share in training, of every "factor: class" of the data.

    Of the first n held-out pictures (0: all); classes of which fewer than two are held out have no error.
    """
    x, y = data.x_test[: n or None], data.y_test[: n or None]
    error = metrics.mse(model.reconstruct(x, y if model.conditional else None), x.astype(np.float32) / 255)
    shares, errors, unsure = {}, {}, 0.0
    for k, (factor, classes) in enumerate(data.factors.items()):
        for c, word in enumerate(classes):
            of_class = error[y[:, k] == c]
            shares[f"{factor}: {word}"] = rounded((data.y[:, k] == c).mean())
            if len(of_class) > 1:
                errors[f"{factor}: {word}"] = rounded(of_class.mean())
                unsure = max(unsure, of_class.std(ddof=1) / len(of_class) ** 0.5)
    says = SETS["group_error"].says.format(unsure=unsure) + (TRUE if model.conditional else "")
    ratio = max(errors.values(), default=1) / max(min(errors.values(), default=1), 1e-12)
    rarest = min(shares.values())
    return {
        "group_error": entry(ratio, says, len(x), seed, factors=errors),
        "group_share": entry(rarest, SETS["group_share"].says, len(data.y), seed, split="training", factors=shares),
    }
