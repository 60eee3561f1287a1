"""Comparisons of whole sets, for a checkpoint's card: samples with pictures, codes with classes."""

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
from ali_core.nets.judge import RUNS, Classifier, classes, fingerprint, held_out_classes, per_factor

from . import metrics
from .held import ROOM, SAMPLES, Held
from .measures import MEASURES
from .row import entry
from .set_measures import SETS

SEED = 0
POINTS = 2_500  # points drawn from it, as VEEGAN's protocol has it
TRIPLES = 26_000  # stacked digits drawn from it, as VEEGAN has it
FIT = 6  # training examples per held-out one among which neighbours are looked for
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

    eyes: an ImageNet net, or None: without what needs one. Entries as of `measure`; those that learn from training examples also say from how many ("fit").
    """
    n = min(n or len(data.x_test), len(data.x_test))
    found = {}
    if data.loadings is not None and model.latent == 1 and not model.classes:
        found["posterior_kl"] = _known_truth(model, data, n, seed)
    elif data.centres is not None and data.loadings is None:
        count, good = metrics.modes(model.sample(POINTS, seed), data.centres, data.sd)
        says = SETS["modes"].says.format(modes=f"{len(data.centres)} modes", who="VEEGAN's protocol")
        found["modes"] = entry(count, says, POINTS, seed, split="samples")
        found["good_samples"] = entry(good, SETS["good_samples"].says, POINTS, seed, split="samples")
    elif data.name == STACKED:
        digit = Classifier.get(load("mnist"), SEED, runs)
        channels = np.moveaxis(model.sample(TRIPLES, seed), 3, 0)[..., None]
        count, away = metrics.stacked_modes(np.stack([digit.logits(channel).argmax(1) for channel in channels], 1))
        says = SETS["modes"].says.format(modes="1,000 triples of digits", who="to a classifier's eyes")
        found["modes"] = entry(count, says, TRIPLES, seed, split="samples")
        found["modes_kl"] = entry(away, SETS["modes_kl"].says, TRIPLES, seed, split="samples")
    if classifier is not None:
        samples = SAMPLES if n == len(data.x_test) else n
        found |= _samples(model, data, classifier, n, samples, seed)
    several = bool(data.factors)  # factors.py compares those
    if classifier is not None and not several:
        found |= _accuracies(model, data, classifier, n, seed, runs)
    if len(data.shape) == 3:
        found |= _inpainting(model, data, classifier, n, seed)
    if classifier is not None and model.classes and not several:
        found |= _obedience(model, data, classifier, n, seed)
    held = Held(model, data, classifier, n, seed, eyes=eyes, runs=runs)
    taken = {key: held.take(key) for key, row in MEASURES.items() if row.whole}
    return found | {key: entry for key, entry in taken.items() if entry}


def _known_truth(model, data, n, seed) -> dict:
    """How far q(z|x) is from the posterior that made the data; z and -z name the same factor."""
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
    told = data.y_test[:n] if model.classes else None
    size = hole.sum() * data.shape[2]
    mean = data.x.mean(0, dtype=np.float64) / 255
    says = SETS["inpainting_mse"].says

    def error(made: np.ndarray) -> float:
        return float(((made - x) ** 2 * hole).sum(dtype=np.float64) / size)

    filled = error(model.reconstruct(hidden, told))
    found = {
        "inpainting_mse": entry(filled, says + told_true(model), n, seed),
        "inpainting_mse_mean": entry(error(mean), SETS["inpainting_mse_mean"].says, n, seed),
    }
    if told is not None and classifier is not None:
        guess = classifier.decide(classifier.logits(np.where(hole, np.float32(0), x)))
        words = "; networks told the class that the classifier gives the rest of x"
        filled = error(model.reconstruct(hidden, guess))
        found["inpainting_mse_guessed"] = entry(filled, says + words, n, seed)
    return found


def told_true(model: Model) -> str:
    """What a number of a conditional model says at its end: a class that is told could be read from the code."""
    return "; networks told the true class" if model.classes else ""


def _obedience(model, data, classifier, n, seed) -> dict[str, dict]:
    """Whether what is asked for by y is what is drawn: from scratch, and from a picture's own code."""
    asked = np.random.default_rng(seed).integers(model.classes[0], size=n)
    drawn = model.sample(n, seed, y=asked)
    edited = model.decode(model.encode(data.x_test[:n], data.y_test[:n]), asked)
    found = {}
    for key, pictures in (("class_obeyed", drawn), ("class_edited", edited)):
        right = classifier.logits(pictures).argmax(1) == asked
        found[key] = entry(right.mean(), SETS[key].says, n, seed)
    return found


def _samples(model, data, classifier, n, samples, seed) -> dict[str, dict]:
    """Samples beside held-out pictures, through the classifier's eyes."""
    real = classifier.features(data.x_test[:n])
    made, logits = classifier.look(model.sample(samples, seed))
    floor = metrics.frechet(real, classifier.features(data.x[:n]))
    distance = entry(metrics.frechet(real, made), SETS["frechet"].says, n, seed)
    found = {
        "frechet": distance | {"samples": samples},
        "frechet_floor": entry(floor, SETS["frechet_floor"].says, n, seed),
    }
    if classifier.sizes:
        found |= _confidence(data, classifier, logits, n, seed)
    else:
        score = metrics.inception_score(logits)
        found["inception_score"] = entry(score, SETS["inception_score"].says, n, seed, samples=samples)
    for key, value in metrics.precision_recall_density_coverage(real, made).items():
        found[key] = entry(value, SETS[key].says, n, seed, samples=samples)
    return found


def _confidence(data, classifier, logits, n, seed) -> dict[str, dict]:
    """In how many factors the classifier is sure of what it sees: in samples, and in real pictures."""
    found = {}
    for key, scores in (("confident", logits), ("confident_real", classifier.logits(data.x_test[:n]))):
        sure = np.stack([metrics.confident(head, SURE) for head in classifier.heads(scores)], 1)
        says = SETS[key].says.format(sure=SURE)
        shares = per_factor(data, sure)
        found[key] = entry(sure.mean(), says, n, seed, samples=len(scores), factors=shares)
    return found


def _accuracies(model, data, classifier, n, seed, runs) -> dict[str, dict]:
    """How well classes can be read from mean codes, beside raw pixels and PCA."""
    fit = min(len(data.x), FIT * n, ROOM // int(np.prod(data.shape)))
    told, told_test = (data.y[:fit], data.y_test[:n]) if model.classes else (None, None)
    codes, code_test = model.encode(data.x[:fit], told), model.encode(data.x_test[:n], told_test)
    values = _read(data, codes, code_test, seed)
    y, y_test = classes(data)[:fit], held_out_classes(data)[:n]
    layers = model.hidden(data.x[:fit], told), model.hidden(data.x_test[:n], told_test)
    values["nn_accuracy_hidden"] = metrics.knn_accuracy(layers[0], y, layers[1], y_test)
    spaces = {
        "": "codes",
        "_pixels": "raw pixels",
        "_pca": f"{model.latent} principal components of the pixels",
    }
    for space, read in baselines(data, model.latent, n, fit, seed, runs).items():
        values |= {f"{key}_{space}": value for key, value in read.items()}
    found = {}
    for space, name in spaces.items():
        told = "" if space else told_true(model)
        key = f"nn_accuracy{space}"
        says = SETS[key].says.format(by=name) + told
        found[key] = entry(values[key], says, n, seed, fit=fit)
        key = f"probe_accuracy{space}"
        says = SETS[key].says.format(by=name) + told
        found[key] = entry(values[key], says, n, seed, fit=min(fit, PROBE))
    says = SETS["nn_accuracy_hidden"].says.format(by="the encoder's last hidden layer") + told_true(model)
    if model.classes:
        guess = classifier.decide(classifier.logits(data.x_test[:n]))
        share = metrics.knn_accuracy(codes, y, model.encode(data.x_test[:n], guess), y_test)
        words = SETS["nn_accuracy"].says.format(by="codes")
        words += "; networks told the class that the classifier gives the held-out ones"
        found["nn_accuracy_guessed"] = entry(share, words, n, seed, fit=fit)
    found["nn_accuracy_hidden"] = entry(values["nn_accuracy_hidden"], says, n, seed, fit=fit)
    return found


def _read(data: Data, x: np.ndarray, x_test: np.ndarray, seed: int) -> dict[str, float]:
    y, y_test = classes(data)[: len(x)], held_out_classes(data)[: len(x_test)]
    rows = np.random.default_rng(seed).permutation(len(x))[:PROBE]
    return {
        "nn_accuracy": metrics.knn_accuracy(x, y, x_test, y_test),
        "probe_accuracy": metrics.linear_probe(x[rows], y[rows], x_test, y_test),
    }


def baselines(
    data: Data, latent: int, n: int, fit: int, seed: int = SEED, runs: Path = RUNS
) -> dict[str, dict[str, float]]:
    """What the data alone give, on "pixels" and on "pca" of the latent's size; each kept in `runs`."""
    x, x_test = (p.reshape(len(p), -1).astype(np.float32) / 255 for p in (data.x, data.x_test))
    x, x_test = x[:fit], x_test[:n]
    stem = f"baselines-{data.name}-{fingerprint(data)}-{n}-{fit}-{seed}"

    def kept(name: str, spaces) -> dict[str, float]:
        path = runs / f"{stem}-{name}.json"
        if not path.exists():
            write_beside(path, json.dumps(_read(data, *spaces(), seed)).encode())
        return json.loads(path.read_text(encoding="utf-8"))

    def components() -> tuple[np.ndarray, np.ndarray]:
        from sklearn.decomposition import PCA

        pca = PCA(min(latent, *x.shape), svd_solver="randomized", random_state=seed).fit(x)
        return pca.transform(x), pca.transform(x_test)

    return {"pixels": kept("pixels", lambda: (x, x_test)), "pca": kept(f"pca-{latent}", components)}
