"""Comparisons of whole sets where the data know several factors, for a checkpoint's card.

A value is the mean over the factors; the entry's "factors" has each one's.
"""

import json
from pathlib import Path

import numpy as np

from ali_core.data.dataset import Data
from ali_core.files import write_beside
from ali_core.models.model import Model
from ali_core.nets.judge import RUNS, Classifier, fingerprint, per_factor

from . import metrics
from .row import entry, rounded
from .set_measures import SETS
from .sets import PROBE, ROOM, SEED, told_true


def compare(
    model: Model,
    data: Data,
    classifier: Classifier,
    n: int = 0,
    seed: int = SEED,
    runs: Path = RUNS,
) -> dict[str, dict]:
    """How well each factor can be read from the codes; of a conditional model also whether it obeys.

    Of the first n held-out pictures (0: all); entries as of `evaluate.measure`.
    """
    n = min(n or len(data.x_test), len(data.x_test))
    found = _probes(model, data, classifier, n, seed, runs) | groups(model, data, n, seed)
    return found | (_obedience(model, data, classifier, n, seed) if model.classes else {})


def groups(model: Model, data: Data, n: int = 0, seed: int = SEED) -> dict[str, dict]:
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
    says = SETS["group_error"].says.format(unsure=unsure) + told_true(model)
    ratio = max(errors.values(), default=1) / max(min(errors.values(), default=1), 1e-12)
    rarest = min(shares.values())
    return {
        "group_error": entry(ratio, says, len(x), seed, factors=errors),
        "group_share": entry(rarest, SETS["group_share"].says, len(data.y), seed, split="training", factors=shares),
    }


def _probes(model, data, classifier, n, seed, runs) -> dict[str, dict]:
    fit = min(len(data.x), PROBE)
    told, told_test = (data.y[:fit], data.y_test[:n]) if model.classes else (None, None)
    codes, code_test = model.encode(data.x[:fit], told), model.encode(data.x_test[:n], told_test)
    few = min(fit, ROOM // int(np.prod(data.shape)))  # of pixels there is only room for so many
    pca, pixels = baselines(data, model.latent, n, fit, few, seed, runs)
    name = f"{model.latent} principal components of the pixels"
    probes = {"": (_probe(data, codes, code_test), "mean codes"), "_pca": (pca["probe"], name)}
    found = {}
    for space, (shares, words) in probes.items():
        says = f"accuracy of a logistic regression on {words}, standardised, mean of the factors'"
        says += "" if space else told_true(model)
        found[f"probe_accuracy{space}"] = entry(
            float(np.mean(list(shares.values()))), says, n, seed, fit=fit, factors=shares
        )
    nearest = {}
    if model.classes:
        guess = classifier.decide(classifier.logits(data.x_test[:n]))
        share = _nearest(data, codes, model.encode(data.x_test[:n], guess))
        words = "codes of networks told the factors that the classifier gives the held-out pictures"
        nearest["_guessed"] = (share, fit, words)
    nearest |= {
        "": (_nearest(data, codes, code_test), fit, "codes"),
        "_pca": (pca["nearest"], fit, name),
        "_pixels": (pixels["nearest"], few, "raw pixels"),
    }
    for space, (share, among, words) in nearest.items():
        says = f"share of held-out pictures' factors in which the nearest training picture, by {words},"
        says += " is the same, mean of the factors'"
        says += told_true(model) if words == "codes" else ""
        found[f"nn_accuracy{space}"] = entry(share, says, n, seed, fit=among)
    return found


def _probe(data: Data, x: np.ndarray, x_test: np.ndarray) -> dict[str, float]:
    y, y_test = data.y[: len(x)].T, data.y_test[: len(x_test)].T
    return {name: round(metrics.linear_probe(x, y[k], x_test, y_test[k]), 4) for k, name in enumerate(data.factors)}


def _nearest(data: Data, x: np.ndarray, x_test: np.ndarray) -> float:
    # the mean over pictures and factors alike: labels compare element by element
    return metrics.knn_accuracy(x, data.y[: len(x)], x_test, data.y_test[: len(x_test)])


def baselines(
    data: Data, latent: int, n: int, fit: int, few: int, seed: int = SEED, runs: Path = RUNS
) -> tuple[dict, dict]:
    """What the data alone give: on PCA of the latent's size, and nearest by pixels; kept in `runs`.

    The components are those of the first `few` training pictures. -> {"probe": a share per factor,
    "nearest": a share}, {"nearest": a share}
    """
    stem = f"factors-{data.name}-{fingerprint(data)}-{n}-{fit}-{seed}"

    def flat(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), -1).astype(np.float32) / 255

    def kept(name: str, make) -> dict:
        path = runs / f"{stem}-{name}.json"
        if not path.exists():
            write_beside(path, json.dumps(make(), ensure_ascii=False).encode())
        return json.loads(path.read_text(encoding="utf-8"))

    def components() -> dict:
        from sklearn.decomposition import PCA

        some = flat(data.x[:few])
        pca = PCA(min(latent, *some.shape), svd_solver="randomized", random_state=seed).fit(some)
        spaces = [
            np.concatenate([pca.transform(flat(x[k : k + few])) for k in range(0, len(x), few)])
            for x in (data.x[:fit], data.x_test[:n])
        ]
        return {"probe": _probe(data, *spaces), "nearest": _nearest(data, *spaces)}

    def pixels() -> dict:
        return {"nearest": _nearest(data, flat(data.x[:few]), flat(data.x_test[:n]))}

    return kept(f"pca-{latent}", components), kept("pixels", pixels)


def _obedience(model, data, classifier, n, seed) -> dict[str, dict]:
    """Whether the factors asked for are drawn, and the others left as they were.

    From scratch, all factors together as held-out pictures have them; and from a real picture's own
    code, one factor changed to any other of its classes, each factor in turn.
    """
    rng, k = np.random.default_rng(seed), len(model.classes)
    x, y = data.x_test[:n], data.y_test[:n]

    def seen(pictures: np.ndarray) -> np.ndarray:
        return classifier.decide(classifier.logits(pictures))

    asked = y[rng.permutation(n)]
    drawn = seen(model.sample(n, seed, y=asked)) == asked
    says = "share of the factors asked for that the classifier sees in samples"
    found = {
        "class_obeyed": entry(drawn.mean(), says, n, seed, factors=per_factor(data, drawn)),
    }
    rows, which = np.arange(n), np.arange(n) % k
    sizes, changed = np.array(model.classes)[which], y.copy()
    changed[rows, which] = (y[rows, which] + rng.integers(1, np.maximum(sizes, 2))) % sizes
    after, before = seen(model.decode(model.encode(x, y), changed)), seen(x)
    right = after[rows, which] == changed[rows, which]
    others = np.arange(k) != which[:, None]
    same = after == before
    names = list(data.factors)
    says = "share of held-out pictures, encoded with y and decoded with one factor of it changed, in "
    says += "which the classifier sees "
    of_each = {name: round(float(right[which == f].mean()), 4) for f, name in enumerate(names)}
    found["class_edited"] = entry(right.mean(), says + "the class asked for", n, seed, factors=of_each)
    shares = {name: round(float(same[others[:, f], f].mean()), 4) for f, name in enumerate(names)}
    true = (after == y)[others].mean()
    says = f"share of the {k - 1} other factors of those pictures to which the classifier gives the "
    found["others_kept"] = entry(
        same[others].mean(),
        says + "class it gives the real picture; true: their true class",
        n,
        seed,
        true=round(float(true), 4),
        factors=shares,
    )
    return found
