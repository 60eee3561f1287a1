"""What the data show much and little of, factor by factor, and where a model errs more."""

import numpy as np

from ali_core.data.dataset import Data
from ali_core.models.model import Model

from . import metrics
from .held import TRUE
from .row import entry, rounded
from .set_measures import SETS


def groups(model: Model, data: Data, n: int = 0, seed: int = 0) -> dict[str, dict]:
    """What the data show much and little of, and where the model errs more: an entry each, per "factor: class".

    Of the first n held-out pictures (0: all); classes of which fewer than two are held out have no error.
    """
    x, y = data.x_test[: n or None], data.y_test[: n or None]
    told = y if model.classes else None
    error = metrics.mse(model.reconstruct(x, told), x.astype(np.float32) / 255)
    shares, errors, unsure = {}, {}, 0.0
    for k, (factor, classes) in enumerate(data.factors.items()):
        for c, word in enumerate(classes):
            own = error[y[:, k] == c]
            shares[f"{factor}: {word}"] = rounded((data.y[:, k] == c).mean())
            if len(own) > 1:
                errors[f"{factor}: {word}"] = rounded(own.mean())
                unsure = max(unsure, own.std(ddof=1) / len(own) ** 0.5)
    says = SETS["group_error"].says.format(unsure=unsure) + (TRUE if model.classes else "")
    ratio = max(errors.values(), default=1) / max(min(errors.values(), default=1), 1e-12)
    rarest = min(shares.values())
    return {
        "group_error": entry(ratio, says, len(x), seed, factors=errors),
        "group_share": entry(rarest, SETS["group_share"].says, len(data.y), seed, split="training", factors=shares),
    }
