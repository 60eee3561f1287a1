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
from ali_core.nets.judge import RUNS, Classifier, per_factor
from ali_core.training.inputs import Inputs

from . import metrics
from .sets import SEED, entry, rounded

SUBSET = 500
INFORMATION = 2_000  # pictures among which I_q is estimated
NEAR = 0.1  # nats below its ceiling from which an estimate says nothing but "at least"


def measure(
    model: Model, data: Data, classifier: Classifier | None = None, n: int = 0, seed: int = SEED
) -> dict[str, dict]:
    """Means over the first n held-out examples (0: all). -> the card's entries, by name

    Each is {"value", "n", "seed", "split", "says"}. Without a classifier (points, or no classes),
    without what needs one.
    """
    n = n or len(data.x_test)
    x, y = data.x_test[:n], data.y_test[:n]
    told = y if model.classes else None
    mean, sd = model.posterior(x, told)
    made = model.decode(mean, told)
    truth = x.astype(np.float32) / 255 if x.dtype == np.uint8 else x
    found = {}

    # E could read a class that it is told, so beside it stands what it does with a guessed one
    true = "" if told is None else "; networks told the true class"
    guessed = "; networks told the class that the classifier gives x"

    def note(key: str, value: float, says: str, told: str = true, **more) -> None:
        found[key] = entry(value, says + told, len(x), seed, **more)

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
        (again, verdict), (features, own) = (classifier.look(p) for p in (made, x))
        verdict, own = classifier.decide(verdict), classifier.decide(own)
        says = "mean squared error of G(E(x)) in the classifier's features; lower is better"
        note("feature_mse", metrics.mse(again, features).mean(), says)
        says = "share of reconstructions that the classifier gives "
        if data.factors:
            says = "share of the factors of reconstructions that the classifier gives "
        for key, truth_of_it, end in (
            ("class_kept", y, "the picture's true class"),
            ("verdict_kept", own, "the class it gives the picture"),
        ):
            right = verdict == truth_of_it
            shares = {"factors": per_factor(data, right)} if data.factors else {}
            note(key, right.mean(), says + end, **shares)
        if told is not None:
            blind = model.reconstruct(x, own)
            value = metrics.mse(blind, truth).mean()
            note("reconstruction_mse_guessed", value, "mean squared error of G(E(x))", guessed)
            if x.ndim == 4:
                says = "structural similarity of x and G(E(x)), at most 1"
                note("ssim_guessed", metrics.ssim(blind, truth).mean(), says, guessed)
            right = (classifier.decide(classifier.logits(blind)) == y).mean()
            says = "share of reconstructions that the classifier gives the picture's true class"
            note("class_kept_guessed", right, says, guessed)

    if (named := model.classify(x)) is not None:
        says = "share of held-out examples whose class the discriminator names"
        note("class_named", (named == y[:, :1]).mean(), says, labels=model.card["config"]["labels"])

    moments = metrics.against_prior(mean)
    says = "root mean square of the codes' means; the prior's is 0"
    note("latent_mean", moments["mean"], says)
    says = "standard deviation of the mean codes, averaged over dimensions; the prior's is 1"
    note("latent_sd", moments["sd"], says)
    prior = moments["prior_norm"]
    says = f"mean length of the mean codes; the prior's is {prior:.4g}"
    note("latent_norm", moments["norm"], says, prior=rounded(prior))
    drawn = mean
    if model.stochastic:
        drawn = model.draw(x, 1, seed, told)[0]
        note("posterior_sd", sd.mean(), "mean standard deviation of q(z|x)")
        says = "standard deviation of codes drawn from q(z|x), averaged over dimensions; "
        note("drawn_sd", metrics.against_prior(drawn)["sd"], says + "the prior's is 1")
        few = min(INFORMATION, len(x))
        value = metrics.information_q(mean[:few], sd[:few], seed)
        found["information_q"] = entry(value, about_information(value, few) + true, few, seed)
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
    return found | _constraints(model, data, n, seed)


def about_information(value: float, n: int) -> str:
    """What an estimate of I_q among n pictures says, which cannot be told once it is all that n can show."""
    ceiling = np.log(n)
    says = f"I_q(x;z) in nats, by Monte Carlo over n pictures: at most log n, {ceiling:.2f}"
    if value < ceiling - NEAR:
        return says
    return says + ", where it stands: every picture is told from the others, and how much more a code tells is not seen"


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
            values.append(divergences(row, inputs.samples(nets, step, 1, 0, model.device)))
    found = {}
    for key in values[0]:
        what = "the divergence of its tuples, in nats, at least: ln K less D's cross-entropy"
        if key == "negative_elbo":
            what = "−ELBO in nats, KL(q(x,z) || p(x,z)) but for the data's entropy,"
        if key.startswith("term_"):
            what = f"the term «{key.removeprefix('term_')}»"
        says = f"{what}, over draws of held-out examples"
        mean = float(np.mean([value[key] for value in values]))
        found[key] = entry(mean, says, batches * config.batch, seed)
    return found


def judge(data: Data, runs: Path = RUNS) -> Classifier | None:
    """The data's classifier; None for points, for pictures of one class, and for labels that are no classes."""
    unnamed = data.y.shape[1] > 1 and not data.factors
    if len(data.shape) == 1 or unnamed or len(np.unique(data.y)) < 2:
        return None
    return Classifier.get(data, SEED, runs)
