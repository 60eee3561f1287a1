"""The numbers of a checkpoint's card, each with its n, seed and split, and a sentence.

    python -m ali_core evaluate checkpoints/NAME

Everything is measured twice: on all held-out data, and on the first few hundred, so that a reader
(or a test) can check a card in seconds.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from . import checkpoint, data, metrics
from .classifier import RUNS, Judge, classes, classifier, fingerprint, held_out_classes
from .data import Data
from .model import Model
from .problem import Problem, write_beside

SEED, SUBSET, SAMPLES = 0, 500, 10_000
FIT = 6  # training examples per held-out one that neighbours and probes are fitted to
ROOM = 50_000_000  # numbers that the pixels of those may hold: 60,000 pictures of 28 x 28


def measure(
    model: Model,
    data: Data,
    classifier: Judge | None,
    subset: int = 0,
    seed: int = SEED,
    runs: Path = RUNS,
) -> dict[str, dict]:
    """Measures a model on the first `subset` held-out examples (0: on all). -> the card's metrics

    Each is {"value", "n", "seed", "split", "says"}; those that learn from training examples also
    say from how many ("fit"). classifier None (points, or no classes): without what needs it.
    """
    n = min(subset or len(data.x_test), len(data.x_test))
    x, y = data.x_test[:n], held_out_classes(data)[:n]
    mean, sd = model.posterior(x)
    made = model.decode(mean)
    found: dict[str, dict] = {}

    def note(key: str, value: float, says: str, **more) -> None:
        entry = {"value": _rounded(value), "n": n, "seed": seed, "split": "held out"}
        found[key] = entry | more | {"says": says}

    truth = x.astype(np.float32) / 255 if x.dtype == np.uint8 else x
    note(
        "reconstruction_mse",
        metrics.mse(made, truth).mean(),
        "mean squared error of G(E(x)), mean codes; lower is better",
    )
    if x.ndim == 4:
        note(
            "reconstruction_psnr",
            # a perfect picture is infinitely good: 100 dB is more than eight bits can show
            np.minimum(metrics.psnr(made, truth), 100).mean(),
            "peak signal-to-noise ratio of G(E(x)), mean of the pictures'; higher is better",
            unit="dB",
        )
        note(
            "reconstruction_ssim",
            metrics.ssim(made, truth).mean(),
            "structural similarity of x and G(E(x)), at most 1",
        )
    _note_codes(note, mean, sd, model, x, seed)
    if data.centres is not None:
        _note_modes(note, model, data, n, seed)
    if classifier is not None:
        _note_judged(note, model, classifier, data, made, n, seed)
        fit = min(len(data.x), FIT * n, ROOM // int(np.prod(data.shape)))
        codes, labels = model.encode(data.x[:fit]), classes(data)[:fit]
        note(
            "nn_accuracy",
            metrics.knn_accuracy(codes, labels, mean, y),
            "share of held-out codes whose nearest training code has the same class",
            fit=fit,
        )
        note(
            "probe_accuracy",
            metrics.linear_probe(codes, labels, mean, y),
            "accuracy of a logistic regression on the codes, standardised",
            fit=fit,
        )
        for key, value in baselines(data, model.latent, n, fit, runs).items():
            space = "raw pixels" if "pixels" in key else f"{model.latent} principal components"
            note(key, value, f"the same on {space}, to compare", fit=fit)
    return found


def _note_codes(note, mean, sd, model, x, seed) -> None:
    """The codes against the prior, and whether the discriminator looks at the code at all."""
    moments = metrics.against_prior(mean)
    draws = model.draw(x, 1, seed)[0] if model.stochastic else mean
    expected = _rounded(moments["prior_norm"])
    note("code_mean", moments["mean"], "root mean square of the codes' means; the prior's is 0")
    note(
        "code_sd",
        moments["sd"],
        "standard deviation of the mean codes, averaged over dimensions; the prior's is 1",
    )
    if model.stochastic:
        note("posterior_sd", sd.mean(), "mean standard deviation of q(z|x)")
        note(
            "draw_sd",
            metrics.against_prior(draws)["sd"],
            "standard deviation of codes drawn from q(z|x); the prior's is 1",
        )
    note("code_norm", moments["norm"], "mean length of the mean codes", prior=expected)
    own = model.score(x, draws)
    if own is not None:
        # a cyclic shift of a random order gives every picture another one's code
        order = np.random.default_rng(seed).permutation(len(x))
        others = np.empty_like(order)
        others[order] = np.roll(order, 1)
        swapped = model.score(x, draws[others])
        note(
            "swap_log_odds",
            (own - swapped).mean(),
            "the discriminator's log-odds of (x, E(x)) less those of x with another picture's code: "
            "0 means that it ignores the code",
            own=_rounded(own.mean()),
            swapped=_rounded(swapped.mean()),
        )


def _note_modes(note, model, data, n, seed) -> None:
    count = min(2_500, n)
    found, good = metrics.modes(model.sample(count, seed), data.centres, data.sd)
    note(
        "modes",
        found,
        f"modes of {len(data.centres)} that samples reach (VEEGAN's protocol)",
        n=count,
        split="samples",
    )
    note(
        "good_samples",
        good,
        "share of samples within 3 standard deviations of a mode",
        n=count,
        split="samples",
    )


def _note_judged(note, model, classifier, data, made, n, seed) -> None:
    """Reconstructions and samples through the classifier's eyes."""
    y = held_out_classes(data)[:n]
    real, real_logits = classifier.look(data.x_test[:n])
    verdict = classifier.look(made)[1].argmax(1)
    note(
        "class_kept",
        (verdict == y).mean(),
        "share of reconstructions that the classifier gives the picture's true class",
    )
    note(
        "verdict_kept",
        (verdict == real_logits.argmax(1)).mean(),
        "share of reconstructions that the classifier gives the class it gives the picture",
    )
    count = SAMPLES if n == len(data.x_test) else n
    samples = classifier.look(model.sample(count, seed))[0]
    note(
        "frechet",
        metrics.frechet(real, samples),
        "Fréchet distance of samples and held-out pictures in the classifier's features; lower is "
        "better; `floor` is that of as many training pictures",
        samples=count,
        floor=_rounded(metrics.frechet(real, classifier.look(data.x[:n])[0])),
    )
    says = {
        "precision": "share of samples that lie among real pictures (k = 5)",
        "recall": "share of real pictures that lie among samples (k = 5)",
        "density": "how densely real pictures lie around samples; about 1 for real ones (k = 5)",
        "coverage": "share of real pictures with a sample nearby (k = 5)",
    }
    for key, value in metrics.precision_recall_density_coverage(real, samples).items():
        note(key, value, f"{says[key]}, in the classifier's features", samples=count)


def baselines(data: Data, latent: int, n: int, fit: int, runs: Path = RUNS) -> dict[str, float]:
    """What the data alone give: accuracies on pixels and on PCA of the latent's size; kept in `runs`."""
    path = runs / f"baselines-{data.name}-{fingerprint(data)}-{latent}-{n}-{fit}.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    from sklearn.decomposition import PCA

    x, x_test = (p.reshape(len(p), -1).astype(np.float32) / 255 for p in (data.x, data.x_test))
    x, x_test = x[:fit], x_test[:n]
    components = min(latent, *x.shape)
    pca = PCA(components, svd_solver="randomized", random_state=SEED).fit(x)
    spaces = {"pixels": (x, x_test), "pca": (pca.transform(x), pca.transform(x_test))}
    y, y_test = classes(data)[:fit], held_out_classes(data)[:n]
    found = {}
    for name, (train, test) in spaces.items():
        found[f"nn_accuracy_{name}"] = metrics.knn_accuracy(train, y, test, y_test)
        found[f"probe_accuracy_{name}"] = metrics.linear_probe(train, y, test, y_test)
    write_beside(path, json.dumps(found).encode())
    return found


def _rounded(value: float) -> float:
    return float(f"{float(value):.6g}")


def judge(data: Data, seed: int = SEED, runs: Path = RUNS) -> Judge | None:
    """The data's classifier; None for points and for pictures of one class."""
    if len(data.shape) == 1 or len(np.unique(classes(data))) < 2:
        return None
    return classifier(data, seed, runs)


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
    judged = judge(held)
    if words.subset:
        say(f"measuring on {words.subset}")
        found = measure(model, held, judged, words.subset)
    else:
        say("measuring on all held-out examples")
        found = measure(model, held, judged)
        say(f"measuring on the first {SUBSET}")
        few = measure(model, held, judged, SUBSET)
        for key, entry in few.items():
            found[key]["subset"] = {k: entry[k] for k in ("n", "value")}
        if checkpoint.card(words.checkpoint)["weights"]["sha256"] != digest:
            raise Problem(f"{words.checkpoint} got other weights meanwhile; run the command again.")
        entries = {"classifier": judged.about} if judged else {}
        checkpoint.update_card(words.checkpoint, metrics=found, **entries)
    say("done")
    for key, entry in found.items():
        print(f"{key:24} {entry['value']:<12} n {entry['n']:<7} {entry['says']}")
