"""The numbers of a checkpoint's card, each with its n, seed and split, and a sentence.

    python -m ali_core evaluate checkpoints/NAME

Two kinds: means over examples, which the card also holds for the first 500 so that a reader (or a
test) can check it in seconds, and comparisons of whole sets, which depend on their size.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from . import checkpoint, data, metrics, toys
from .classifier import RUNS, Classifier, classes, fingerprint, held_out_classes
from .data import Data
from .model import Model
from .problem import Problem, write_beside

SEED, SUBSET = 0, 500
SAMPLES = 10_000  # pictures drawn from the prior
POINTS = 2_500  # points drawn from it, as VEEGAN's protocol has it
FIT = 6  # training examples per held-out one among which neighbours are looked for
ROOM = 50_000_000  # numbers that the pixels of those may hold: 60,000 pictures of 28 x 28
INFORMATION = 2_000  # pictures among which I_q is estimated
PROBE = 20_000  # training examples a probe is fitted to: more do not change the second digit


def measure(
    model: Model, data: Data, classifier: Classifier | None = None, n: int = 0, seed: int = SEED
) -> dict[str, dict]:
    """Means over the first n held-out examples (0: all). -> the card's entries, by name

    Each is {"value", "n", "seed", "split", "says"}. Without a classifier (points, or no classes),
    without what needs one.
    """
    n = n or len(data.x_test)
    x, y = data.x_test[:n], held_out_classes(data)[:n]
    told = data.y_test[:n] if model.classes else None
    mean, sd = model.posterior(x, told)
    made = model.decode(mean, told)
    truth = x.astype(np.float32) / 255 if x.dtype == np.uint8 else x
    found = {}

    def note(key: str, value: float, says: str, **more) -> None:
        found[key] = _entry(value, says, len(x), seed, **more)

    says = "mean squared error of G(E(x)), mean codes, pixels in 0 to 1; lower is better"
    if x.ndim == 2:
        says = "mean squared error of G(E(x)), mean codes, per coordinate; lower is better"
    note("reconstruction_mse", metrics.mse(made, truth).mean(), says)
    if x.ndim == 4:
        # a perfect picture is infinitely good: 100 dB is more than eight bits can show
        decibels = np.minimum(metrics.psnr(made, truth), 100).mean()
        says = "peak signal-to-noise ratio of G(E(x)), mean of the pictures'; higher is better"
        note("psnr", decibels, says, unit="dB")
        similar = metrics.ssim(made, truth).mean()
        note("ssim", similar, "structural similarity of x and G(E(x)), at most 1")
    if classifier is not None:
        verdict, own = (classifier.logits(p).argmax(1) for p in (made, x))
        says = "share of reconstructions that the classifier gives "
        note("class_kept", (verdict == y).mean(), says + "the picture's true class")
        note("verdict_kept", (verdict == own).mean(), says + "the class it gives the picture")

    moments = metrics.against_prior(mean)
    says = "root mean square of the codes' means; the prior's is 0"
    note("latent_mean", moments["mean"], says)
    says = "standard deviation of the mean codes, averaged over dimensions; the prior's is 1"
    note("latent_sd", moments["sd"], says)
    prior = moments["prior_norm"]
    says = f"mean length of the mean codes; the prior's is {prior:.4g}"
    note("latent_norm", moments["norm"], says, prior=_rounded(prior))
    drawn = mean
    if model.stochastic:
        drawn = model.draw(x, 1, seed, told)[0]
        note("posterior_sd", sd.mean(), "mean standard deviation of q(z|x)")
        says = "standard deviation of codes drawn from q(z|x), averaged over dimensions; "
        note("drawn_sd", metrics.against_prior(drawn)["sd"], says + "the prior's is 1")
    if model.stochastic:
        few = min(INFORMATION, len(x))
        value = metrics.information_q(mean[:few], sd[:few], seed)
        says = "I_q(x;z) in nats, by Monte Carlo over n pictures: at most log n, "
        found["information_q"] = _entry(value, says + f"{np.log(few):.2f}", few, seed)
    z = model.prior(len(x), seed)
    heard = model.encode(model.decode(z, told), told)
    says = "I_p(x;z) in nats, at least: what a linear function of E(G(z)) tells of z"
    note("information_p", metrics.information_p(z, heard), says + " (Barber and Agakov)")
    away = np.linalg.norm(model.encode(made, told) - mean, axis=1).mean()
    says = "mean distance of E(G(E(x))) from E(x); two draws of the prior are about "
    note("round_trip", away, says + f"{prior * 2**0.5:.3g} apart")

    own = model.score(x, drawn, told)
    if own is not None:
        # a cyclic shift of a random order gives every picture another one's code
        order = np.random.default_rng(seed).permutation(len(x))
        others = np.empty_like(order)
        others[order] = np.roll(order, 1)
        says = "the discriminator's mean log-odds that (x, z) came from the encoder, z "
        note("log_odds", own.mean(), says + "drawn from q(z|x)")
        says += "drawn for another picture: as large as log_odds where it ignores z"
        note("log_odds_swapped", model.score(x, drawn[others], told).mean(), says)
    return found


def compare(
    model: Model,
    data: Data,
    classifier: Classifier | None,
    n: int = 0,
    seed: int = SEED,
    runs: Path = RUNS,
) -> dict[str, dict]:
    """Compares sets: codes with classes, samples with the first n held-out examples (0: all).

    Entries as of `measure`; those that learn from training examples also say from how many ("fit").
    """
    n = min(n or len(data.x_test), len(data.x_test))
    found = {}
    if data.loadings is not None and model.latent == 1:
        found["posterior_kl"] = _known_truth(model, data, n, seed)
    elif data.centres is not None:
        count, good = metrics.modes(model.sample(POINTS, seed), data.centres, data.sd)
        says = f"of {len(data.centres)} modes, those that samples reach (VEEGAN's protocol)"
        found["modes"] = _entry(count, says, POINTS, seed, split="samples")
        says = "share of samples within 3 standard deviations of a mode"
        found["good_samples"] = _entry(good, says, POINTS, seed, split="samples")
    if classifier is not None:
        samples = SAMPLES if n == len(data.x_test) else n
        found |= _samples(model, data, classifier, n, samples, seed)
        found |= _accuracies(model, data, n, seed, runs)
    if classifier is not None and model.classes:
        found |= _obedience(model, data, classifier, n, seed)
    return found


def _known_truth(model, data, n, seed) -> dict:
    """How far q(z|x) is from the posterior that made the data; z and -z name the same factor."""
    x = data.x_test[:n]
    mean, sd = model.posterior(x)
    true_mean, true_sd = toys.true_posterior(data, x)
    sd = np.maximum(sd, 1e-3)  # of an encoder that is a function: all but infinitely far
    away = min(metrics.gaussian_kl(sign * mean, sd, true_mean, true_sd).mean() for sign in (1, -1))
    says = "mean KL in nats of q(z|x) from the true p(z|x), which is known; 0 is perfect"
    return _entry(away, says, len(x), seed)


def _obedience(model, data, classifier, n, seed) -> dict[str, dict]:
    """Whether what is asked for by y is what is drawn: from scratch, and from a picture's own code."""
    asked = np.random.default_rng(seed).integers(model.classes[0], size=n)
    drawn = model.sample(n, seed, y=asked)
    edited = model.decode(model.encode(data.x_test[:n], data.y_test[:n]), asked)
    found = {}
    for key, pictures, what in (
        ("class_obeyed", drawn, "samples"),
        ("class_edited", edited, "held-out pictures, decoded with another class,"),
    ):
        says = f"share of {what} that the classifier gives the class that was asked for"
        right = classifier.logits(pictures).argmax(1) == asked
        found[key] = _entry(right.mean(), says, n, seed)
    return found


def _samples(model, data, classifier, n, samples, seed) -> dict[str, dict]:
    """Samples beside held-out pictures, through the classifier's eyes."""
    real = classifier.features(data.x_test[:n])
    made = classifier.features(model.sample(samples, seed))
    floor = metrics.frechet(real, classifier.features(data.x[:n]))
    says = "Fréchet distance, in the classifier's features, of held-out pictures and "
    entry = _entry(metrics.frechet(real, made), says + "samples; lower is better", n, seed)
    found = {
        "frechet": entry | {"samples": samples},
        "frechet_floor": _entry(floor, says + "as many training pictures", n, seed),
    }
    says = {
        "precision": "share of samples that lie among real pictures",
        "recall": "share of real pictures that lie among samples",
        "density": "how densely real pictures lie around samples, about 1 for real ones",
        "coverage": "share of real pictures with a sample nearby",
    }
    for key, value in metrics.precision_recall_density_coverage(real, made).items():
        sentence = f"{says[key]} (5 neighbours, the classifier's features)"
        found[key] = _entry(value, sentence, n, seed, samples=samples)
    return found


def _accuracies(model, data, n, seed, runs) -> dict[str, dict]:
    """How well classes can be read from mean codes, beside raw pixels and PCA."""
    fit = min(len(data.x), FIT * n, ROOM // int(np.prod(data.shape)))
    told, told_test = (data.y[:fit], data.y_test[:n]) if model.classes else (None, None)
    codes, code_test = model.encode(data.x[:fit], told), model.encode(data.x_test[:n], told_test)
    values = _read(data, codes, code_test, seed)
    spaces = {
        "": "codes",
        "_pixels": "raw pixels",
        "_pca": f"{model.latent} principal components of the pixels",
    }
    for space, read in baselines(data, model.latent, n, fit, seed, runs).items():
        values |= {f"{key}_{space}": value for key, value in read.items()}
    found = {}
    for space, name in spaces.items():
        says = (
            f"share of held-out pictures whose nearest training picture, by {name}, has its class"
        )
        key = f"nn_accuracy{space}"
        found[key] = _entry(values[key], says, n, seed, fit=fit)
        says = f"accuracy of a logistic regression on {name}, standardised"
        key = f"probe_accuracy{space}"
        found[key] = _entry(values[key], says, n, seed, fit=min(fit, PROBE))
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


def _entry(value: float, says: str, n: int, seed: int, split: str = "held out", **more) -> dict:
    return {"value": _rounded(value), "n": n, "seed": seed, "split": split} | more | {"says": says}


def _rounded(value: float) -> float:
    return float(f"{float(value):.6g}")


def judge(data: Data, runs: Path = RUNS) -> Classifier | None:
    """The data's classifier; None for points and for pictures of one class."""
    if len(data.shape) == 1 or len(np.unique(classes(data))) < 2:
        return None
    return Classifier.get(data, SEED, runs)


def main(argv: list[str]) -> None:
    """python -m ali_core evaluate CHECKPOINT."""
    parser = argparse.ArgumentParser("python -m ali_core evaluate", description=__doc__)
    parser.add_argument("checkpoint", help="a checkpoint folder, e.g. checkpoints/fashion-alice")
    parser.add_argument(
        "--subset",
        type=int,
        default=0,
        metavar="N",
        help="measure on the first N held-out examples and print; the card stays as it is",
    )
    words = parser.parse_args(argv)
    if words.subset and words.subset < 10:
        raise Problem(f"--subset {words.subset}: fewer than 10 examples say nothing.")
    start = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - start:5.0f} s  {what}", file=sys.stderr, flush=True)

    model = Model.load(words.checkpoint)
    digest = model.card["weights"]["sha256"]
    config = model.card["config"]
    held = data.load(config["data"], config["size"], config["channels"])
    say(f"a classifier of {held.name}: read, or trained first")
    classifier = judge(held)
    say(f"measuring on {words.subset or 'all'} held-out examples")
    found = measure(model, held, classifier, words.subset)
    say("comparing samples and codes")
    found |= compare(model, held, classifier, words.subset)
    if not words.subset:
        for key, entry in measure(model, held, classifier, SUBSET).items():
            found[key]["subset"] = {"n": entry["n"], "value": entry["value"]}
        if checkpoint.card(words.checkpoint)["weights"]["sha256"] != digest:
            raise Problem(f"{words.checkpoint} got other weights meanwhile; run the command again.")
        entries = {"classifier": classifier.card} if classifier else {}
        checkpoint.update_card(words.checkpoint, metrics=found, **entries)
    say("done")
    for key, entry in found.items():
        print(f"{key:24} {entry['value']:<12} n {entry['n']:<7} {entry['says']}")
