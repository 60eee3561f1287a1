"""Comparisons of whole sets, for a checkpoint's card: samples with pictures, codes with classes.

A value that is about classes is the mean over the factors; where they have names, "factors" has each one's.
"""

import json
from pathlib import Path

import numpy as np
import torch

from ali_core.data import toys
from ali_core.data.dataset import Data
from ali_core.data.datasets import STACKED, load
from ali_core.family.samples import HIDDEN, holes
from ali_core.files import write_beside
from ali_core.models.model import Model
from ali_core.nets.imagenet import Eyes
from ali_core.nets.judge import RUNS, Classifier, fingerprint, per_factor

from . import metrics
from .groups import groups
from .held import ROOM, SAMPLES, TRUE, Held
from .measures import MEASURES
from .row import entry
from .set_measures import SETS

SEED = 0
POINTS = 2_500  # points drawn from it, as VEEGAN's protocol has it
TRIPLES = 26_000  # stacked digits drawn from it, as VEEGAN has it
FIT = 7  # training examples per held-out one among which neighbours are looked for, at most
SURE = 0.9  # probability from which the classifier counts as confident
PROBE = 20_000  # training examples a probe is fitted to: more do not change the second digit


def compare(
    model: Model,
    data: Data,
    classifier: Classifier | None,
    n: int = 0,
    seed: int = SEED,
    runs: Path = RUNS,
    eyes: Eyes | None = None,
) -> dict[str, dict]:
    """Compares sets: codes with classes, samples with the first n held-out examples (0: all).

    eyes: an ImageNet net, or None: without what needs one. Entries as of `measure`; those that learn from training
    examples also say from how many ("fit").
    """
    n = min(n or len(data.x_test), len(data.x_test))
    entries = {}
    if data.loadings is not None and model.latent == 1 and not model.conditional:
        entries["posterior_kl"] = _true_posterior(model, data, n, seed)
    elif data.centres is not None and data.loadings is None:
        count, good = metrics.modes(model.sample(POINTS, seed), data.centres, data.sd)
        says = SETS["modes"].says.format(modes=f"{len(data.centres)} modes", who="VEEGAN's protocol")
        entries["modes"] = entry(count, says, POINTS, seed, split="samples")
        entries["good_samples"] = entry(good, SETS["good_samples"].says, POINTS, seed, split="samples")
    elif data.name == STACKED:
        digit = Classifier.get(load("mnist"), SEED, runs)
        channels = np.moveaxis(model.sample(TRIPLES, seed), 3, 0)[..., None]
        count, away = metrics.stacked_modes(
            np.concatenate([digit.decide(digit.logits(channel)) for channel in channels], 1)
        )
        says = SETS["modes"].says.format(modes="1,000 triples of digits", who="to a classifier's eyes")
        entries["modes"] = entry(count, says, TRIPLES, seed, split="samples")
        entries["modes_kl"] = entry(away, SETS["modes_kl"].says, TRIPLES, seed, split="samples")
    if classifier is not None:
        samples = SAMPLES if n == len(data.x_test) else n
        entries |= _samples(model, data, classifier, n, samples, seed)
        entries |= _accuracies(model, data, classifier, n, seed, runs)
    if len(data.shape) == 3:
        entries |= _inpainting(model, data, classifier, n, seed)
    if classifier is not None and model.conditional:
        entries |= _obedience(model, data, classifier, n, seed)
    if classifier is not None and data.factors:
        entries |= groups(model, data, n, seed)
    held = Held(model, data, classifier, n, seed, eyes=eyes, runs=runs)
    taken = {key: held.take(key) for key, row in MEASURES.items() if row.whole}
    return entries | {key: entry for key, entry in taken.items() if entry}


def _true_posterior(model, data, n, seed) -> dict:
    """How far q(z|x) is from the true posterior of the linear toy; z and -z name the same factor."""
    x = data.x_test[:n]
    mean, sd = model.posterior(x)
    true_mean, true_sd = toys.true_posterior(data, x)
    sd = np.maximum(sd, 1e-3)  # of an encoder that is a function: all but infinitely far
    away = min(metrics.gaussian_kl(sign * mean, sd, true_mean, true_sd).mean() for sign in (1, -1))
    return entry(away, SETS["posterior_kl"].says, len(x), seed)


def _inpainting(model, data, classifier, n, seed) -> dict[str, dict]:
    """The error inside of random holes, filled by the model, beside what the mean picture gives."""
    corners = torch.rand(n, 4, generator=torch.Generator().manual_seed(seed))
    hole = holes(corners, data.shape).numpy()[:, 0][..., None]
    x = data.x_test[:n].astype(np.float32) / 255
    # a model that never saw a hole is shown a black one, as GALI's paper has it
    hidden = np.where(hole, np.float32(HIDDEN if model.fills else 0), x)
    y = data.y_test[:n] if model.conditional else None
    size = hole.sum() * data.shape[2]
    mean = data.x.mean(0, dtype=np.float64) / 255
    says = SETS["inpainting_mse"].says

    def error(pictures: np.ndarray) -> float:
        return float(((pictures - x) ** 2 * hole).sum(dtype=np.float64) / size)

    filled = error(model.reconstruct(hidden, y))
    entries = {
        "inpainting_mse": entry(filled, says + given_true(model), n, seed),
        "inpainting_mse_mean": entry(error(mean), SETS["inpainting_mse_mean"].says, n, seed),
    }
    if y is not None and classifier is not None:
        guess = classifier.decide(classifier.logits(np.where(hole, np.float32(0), x)))
        words = "; networks told the class that the classifier gives the rest of x"
        filled = error(model.reconstruct(hidden, guess))
        entries["inpainting_mse_guessed"] = entry(filled, says + words, n, seed)
    return entries


def given_true(model: Model) -> str:
    """The end of a conditional model's sentence: the number may come from the class that its networks are given."""
    return TRUE if model.conditional else ""


def _obedience(model, data, classifier, n, seed) -> dict[str, dict]:
    """Whether the classes asked for are drawn, from scratch and from a held-out picture's code.

    One factor: any class is asked for, of samples and of codes alike. Several: samples are asked for all
    factors as held-out pictures have them, codes for another class of one factor, each factor in turn.
    """
    rng, k = np.random.default_rng(seed), len(model.class_counts)
    x, y = data.x_test[:n], data.y_test[:n]
    rows, which = np.arange(n), np.arange(n) % k
    if k == 1:
        asked = edited = rng.integers(model.class_counts[0], size=(n, 1))
    else:
        asked, edited, sizes = y[rng.permutation(n)], y.copy(), np.array(model.class_counts)[which]
        edited[rows, which] = (y[rows, which] + rng.integers(1, np.maximum(sizes, 2))) % sizes

    def seen(pictures: np.ndarray) -> np.ndarray:
        return classifier.decide(classifier.logits(pictures))

    def of_each(right: np.ndarray, asks: np.ndarray) -> dict:
        shares = {name: round(float(right[asks[:, f], f].mean()), 4) for f, name in enumerate(data.factors)}
        return {"factors": shares} if shares else {}

    drawn = seen(model.sample(n, seed, y=asked)) == asked
    after = seen(model.decode(model.encode(x, y), edited))
    right, changed = after == edited, np.arange(k) == which[:, None]
    obeyed, edits = (SETS[key].says + mean_of(data) for key in ("class_obeyed", "class_edited"))
    entries = {
        "class_obeyed": entry(drawn.mean(), obeyed, n, seed, **of_each(drawn, np.ones_like(changed))),
        "class_edited": entry(right[changed].mean(), edits, n, seed, **of_each(right, changed)),
    }
    if k > 1:
        same = after == seen(x)
        true = round(float((after == y)[~changed].mean()), 4)
        more = {"true": true} | of_each(same, ~changed)
        entries["others_kept"] = entry(same[~changed].mean(), SETS["others_kept"].says, n, seed, **more)
    return entries


def _samples(model, data, classifier, n, samples, seed) -> dict[str, dict]:
    """Samples beside held-out pictures, through the classifier's eyes."""
    real = classifier.features(data.x_test[:n])
    generated, logits = classifier.look(model.sample(samples, seed))
    floor = metrics.frechet(real, classifier.features(data.x[:n]))
    distance = entry(metrics.frechet(real, generated), SETS["frechet"].says, n, seed)
    entries = {
        "frechet": distance | {"samples": samples},
        "frechet_floor": entry(floor, SETS["frechet_floor"].says, n, seed),
    }
    if len(classifier.sizes) > 1:
        entries |= _confidence(data, classifier, logits, n, seed)
    else:
        score = metrics.inception_score(logits)
        entries["inception_score"] = entry(score, SETS["inception_score"].says, n, seed, samples=samples)
    for key, value in metrics.precision_recall_density_coverage(real, generated).items():
        entries[key] = entry(value, SETS[key].says, n, seed, samples=samples)
    return entries


def _confidence(data, classifier, logits, n, seed) -> dict[str, dict]:
    """In how many factors the classifier is sure of what it sees: in samples, and in real pictures."""
    entries = {}
    for key, scores in (("confident", logits), ("confident_real", classifier.logits(data.x_test[:n]))):
        sure = np.stack([metrics.confident(head, SURE) for head in classifier.heads(scores)], 1)
        says = SETS[key].says.format(sure=SURE)
        shares = per_factor(data, sure)
        entries[key] = entry(sure.mean(), says, n, seed, samples=len(scores), factors=shares)
    return entries


def _accuracies(model, data, classifier, n, seed, runs) -> dict[str, dict]:
    """How well classes can be read from mean codes, beside raw pixels and PCA."""
    room = ROOM // int(np.prod(data.shape))
    fit = min(len(data.x), FIT * n, max(PROBE, room))
    few = min(fit, room)  # of pixels there is only room for so many
    given, given_test = (data.y[:fit], data.y_test[:n]) if model.conditional else (None, None)
    codes, code_test = model.encode(data.x[:fit], given), model.encode(data.x_test[:n], given_test)
    spaces = {"": ("codes", fit, _read(data, codes, code_test, seed))}
    pixels, pca = baselines(data, model.latent, n, fit, few, seed, runs)
    spaces["_pixels"] = ("raw pixels", few, pixels)
    spaces["_pca"] = (f"{model.latent} principal components of the pixels", fit, pca)
    entries = {}
    for space, (name, among, read) in spaces.items():
        true = "" if space else given_true(model)
        says = SETS[f"nn_accuracy{space}"].says.format(by=name) + mean_of(data) + true
        entries[f"nn_accuracy{space}"] = entry(read["nearest"], says, n, seed, fit=among)
        if shares := read["probes"]:
            says = SETS[f"probe_accuracy{space}"].says.format(by=name) + mean_of(data) + true
            more = {"factors": dict(zip(data.factors, shares, strict=True))} if data.factors else {}
            entries[f"probe_accuracy{space}"] = entry(np.mean(shares), says, n, seed, fit=min(among, PROBE), **more)
    y, y_test = data.y[:fit], data.y_test[:n]
    layers = model.hidden(data.x[:fit], given), model.hidden(data.x_test[:n], given_test)
    says = SETS["nn_accuracy_hidden"].says.format(by="the encoder's last hidden layer") + mean_of(data)
    says += given_true(model)
    share = metrics.knn_accuracy(layers[0], y, layers[1], y_test)
    entries["nn_accuracy_hidden"] = entry(share, says, n, seed, fit=fit)
    if model.conditional:
        guess = classifier.decide(classifier.logits(data.x_test[:n]))
        share = metrics.knn_accuracy(codes, y, model.encode(data.x_test[:n], guess), y_test)
        says = (
            SETS["nn_accuracy"].says.format(by="codes")
            + mean_of(data)
            + "; networks told the class that the classifier gives the held-out ones"
        )
        entries["nn_accuracy_guessed"] = entry(share, says, n, seed, fit=fit)
    return entries


def mean_of(data: Data) -> str:
    """The end of a sentence about the classes of several factors."""
    return ", mean of the factors'" if data.y.shape[1] > 1 else ""


def _read(data: Data, x: np.ndarray, x_test: np.ndarray, seed: int, probe: bool = True) -> dict:
    """How well classes can be read from x for x_test. -> "nearest": a share; "probes": a share per factor"""
    y, y_test = data.y[: len(x)], data.y_test[: len(x_test)]
    rows = np.random.default_rng(seed).permutation(len(x))[:PROBE] if len(x) > PROBE else slice(None)
    probes = [metrics.linear_probe(x[rows], y[rows, k], x_test, y_test[:, k]) for k in range(probe * y.shape[1])]
    return {
        "nearest": metrics.knn_accuracy(x, y, x_test, y_test),
        "probes": [round(share, 4) for share in probes],
    }


def baselines(
    data: Data, latent: int, n: int, fit: int, few: int, seed: int = SEED, runs: Path = RUNS
) -> tuple[dict, dict]:
    """`_read` without a model: on pixels, and on PCA of the latent's size; kept in `runs`.

    The first `few` training pictures give the pixels and the components, on which the first `fit` are read.
    """
    stem = f"baselines-{data.name}-{fingerprint(data)}-{n}-{fit}-{few}-{seed}"

    def flat(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), -1).astype(np.float32) / 255

    def kept(name: str, make) -> dict:
        path = runs / f"{stem}-{name}.json"
        if not path.exists():
            write_beside(path, json.dumps(make()).encode())
        return json.loads(path.read_text(encoding="utf-8"))

    def pixels() -> dict:
        x = flat(data.x[:few])
        # a regression on large pictures' pixels for each of several factors takes many minutes
        return _read(data, x, flat(data.x_test[:n]), seed, probe=data.y.shape[1] == 1)

    def components() -> dict:
        from sklearn.decomposition import PCA

        some = flat(data.x[:few])
        pca = PCA(min(latent, *some.shape), svd_solver="randomized", random_state=seed).fit(some)
        parts = (data.x[:fit], data.x_test[:n])
        spaces = [np.concatenate([pca.transform(flat(x[k : k + few])) for k in range(0, len(x), few)]) for x in parts]
        return _read(data, *spaces, seed)

    return kept("pixels", pixels), kept(f"pca-{latent}", components)
