"""The measures, a row each: its name, what it says, which way is better, how it is shown and how it is taken.

Cards, the Model page, Compare and README's results table read them here; torch is not needed for that.
A new one is a row and its test. What it needs of a model and its data is an attribute of held.Held.
"""

import math

import numpy as np

from . import metrics
from .row import Measure, rounded
from .set_measures import SETS

SHARE = "share of reconstructions, or of their factors, that the classifier gives "
OVER = ", over draws of held-out examples"
DIVERGENCE = f"the divergence of its tuples, in nats, at least: ln K less D's cross-entropy{OVER}"
GUESSES = "a discriminator that guesses: 0"
NEAR = 0.1  # nats below its ceiling from which an estimate of I_q says nothing but "at least"


def _term(name: str, what: str, form: str, better: str = "lower", beside: str = "") -> dict[str, Measure]:
    return {f"term_{name}": Measure(f"Term: {what}", f"the term «{name}»{OVER}", form, better, beside)}


RECONSTRUCTIONS = {
    "reconstruction_mse": Measure(
        "Reconstruction error (MSE)",
        "mean squared error of G(E(x)), mean codes; of pixels in 0 to 1, or of coordinates",
        ".4f",
        "lower",
        "the mean picture: {mean_picture}|PCA of the same size: {reconstruction_mse_pca}",
        short="reconstruction MSE",
        guessed=True,
        taken=lambda h: metrics.mse(h.reconstructions, h.truth).mean(),
    ),
    "reconstruction_mse_pca": Measure(
        "Reconstruction error of PCA of the same size (MSE)",
        "mean squared error of held-out pictures made of {by} principal components of the training pictures: as many "
        "numbers as the code has",
        ".4f",
        short="PCA's MSE",
        needs="pictures",
        whole=True,
        taken=lambda h: h.pca_error(),
    ),
    "psnr": Measure(
        "Reconstruction, PSNR",
        "peak signal-to-noise ratio of G(E(x)), mean of the pictures'",
        ".1f",
        "higher",
        unit="dB",
        needs="pictures",
        # a perfect picture is infinitely good: 100 dB is more than eight bits can show
        taken=lambda h: np.minimum(metrics.psnr(h.reconstructions, h.truth), 100).mean(),
    ),
    "ssim": Measure(
        "Reconstruction, SSIM",
        "structural similarity of x and G(E(x)), at most 1",
        ".3f",
        "higher",
        "the same picture: 1",
        short="SSIM",
        needs="pictures",
        guessed=True,
        taken=lambda h: metrics.ssim(h.reconstructions, h.truth).mean(),
    ),
    "perceptual": Measure(
        "Perceptual distance of reconstructions",
        "2 - 2 cos of the features of x and G(E(x)) in {net}, which learned ImageNet, mean of places and depths; pictures "
        "of fewer than {side} pixels enlarged to that",
        ".3f",
        "lower",
        "another held-out picture: {perceptual_other}",
        short="perceptual",
        floor="perceptual_other",
        needs="pictures eyes",
        taken=lambda h: h.perceived(h.reconstructions),
    ),
    "perceptual_other": Measure(
        "Perceptual distance of two held-out pictures",
        "the same distance of x and another held-out picture",
        ".3f",
        needs="pictures eyes",
        taken=lambda h: h.perceived(h.truth[h.others]),
        shown=False,
    ),
    "identified": Measure(
        "Reconstructions tell which picture it was",
        "share of reconstructions that lie nearer to their own picture than to 7 other held-out ones, by the angle of {net}'s "
        "last features",
        ".1%",
        "higher",
        "chance: 12.5%",
        short="its own of 8",
        needs="pictures eyes",
        taken=lambda h: h.identified(),
    ),
    "class_kept": Measure(
        "Reconstructions keep the class",
        SHARE + "the picture's true class",
        ".1%",
        "higher",
        "chance: {chance}",
        short="class kept",
        needs="judge",
        guessed=True,
        taken=lambda h: h.shares(h.reconstruction_verdict == h.y),
    ),
    "verdict_kept": Measure(
        "Reconstructions keep the verdict",
        SHARE + "the class it gives the picture",
        ".1%",
        "higher",
        needs="judge",
        taken=lambda h: h.shares(h.reconstruction_verdict == h.verdict),
    ),
    "feature_mse": Measure(
        "Reconstruction error in features",
        "mean squared error of G(E(x)) in the classifier's features",
        ".3f",
        "lower",
        needs="judge",
        taken=lambda h: metrics.mse(h.reconstruction_features, h.features).mean(),
    ),
    "class_named": Measure(
        "The discriminator names the class",
        "share of held-out examples whose class the discriminator names",
        ".1%",
        "higher",
        "chance: {chance}",
        needs="named",
        taken=lambda h: {"value": (h.named == h.y[:, :1]).mean(), "labels": h.model.card["config"]["labels"]},
    ),
}

CODES = {
    "round_trip": Measure(
        "Codes move on the way round",
        "mean distance of E(G(E(x))) from E(x); two draws of the prior are about {apart:.3g} apart",
        ".2f",
        "lower",
        "no movement: 0",
        taken=lambda h: np.linalg.norm(h.model.encode(h.reconstructions, h.condition) - h.mean, axis=1).mean(),
    ),
    "latent_mean": Measure(
        "Mean of the codes",
        "root mean square of the codes' means; the prior's is 0",
        ".3f",
        0,
        "the prior: 0",
        taken=lambda h: h.moments["mean"],
    ),
    "latent_sd": Measure(
        "Spread of the mean codes",
        "standard deviation of the mean codes, averaged over dimensions; the prior's is 1",
        ".2f",
        1,
        "the prior: 1",
        short="code sd",
        taken=lambda h: h.moments["sd"],
    ),
    "drawn_sd": Measure(
        "Spread of drawn codes",
        "standard deviation of codes drawn from q(z|x), averaged over dimensions; the prior's is 1",
        ".2f",
        1,
        "the prior: 1",
        needs="stochastic",
        taken=lambda h: metrics.against_prior(h.drawn)["sd"],
    ),
    "posterior_sd": Measure(
        "Width of a posterior",
        "mean standard deviation of q(z|x)",
        ".2f",
        beside="the prior: 1",
        needs="stochastic",
        taken=lambda h: h.sd.mean(),
    ),
    "latent_norm": Measure(
        "Length of the mean codes",
        "mean length of the mean codes; the prior's is {prior:.4g}",
        ".2f",
        beside="the prior: {prior}",
        taken=lambda h: {"value": h.moments["norm"], "prior": rounded(h.prior)},
    ),
    "information_q": Measure(
        "Information in codes of pictures, I_q (nats, at most log n)",
        "I_q(x;z) in nats, by Monte Carlo over n pictures: at most log n, {ceiling:.2f}{reached}",
        ".1f",
        beside="at most log n: {ceiling}{reached}",
        needs="stochastic",
        taken=lambda h: h.information_q(),
    ),
    "information_p": Measure(
        "Information in pictures of codes, I_p (nats)",
        "I_p(x;z) in nats, at least: what a linear function of E(G(z)) tells of z (Barber and Agakov)",
        ".1f",
        beside="a lower bound",
        taken=lambda h: h.information_p(),
    ),
    "log_odds": Measure(
        "Discriminator on a picture and its code",
        "the discriminator's mean log-odds that (x, z) came from the encoder, z drawn from q(z|x)",
        ".2f",
        beside="with another picture's code: {log_odds_swapped}",
        needs="joint",
        taken=lambda h: h.model.score(h.x, h.drawn, h.condition).mean(),
    ),
    "log_odds_swapped": Measure(
        "Discriminator on a picture and another's code",
        "the same log-odds, z drawn for another picture: as large as log_odds where it ignores z",
        ".2f",
        needs="joint",
        taken=lambda h: h.model.score(h.x, h.drawn[h.others], h.condition).mean(),
        shown=False,
    ),
}

# taken together by means.py: a member's own losses
CONSTRAINTS = {
    "negative_elbo": Measure(
        "−ELBO (nats)", f"−ELBO in nats, KL(q(x,z) || p(x,z)) but for the data's entropy{OVER}", ".0f", "lower"
    ),
    "match_0": Measure("Divergence of the tuples (nats)", DIVERGENCE, ".3f", beside=GUESSES),
    "match_1": Measure("Divergence of the second match (nats)", DIVERGENCE, ".3f", beside=GUESSES),
    "match_2": Measure("Divergence of the third match (nats)", DIVERGENCE, ".3f", beside=GUESSES),
    **_term("reconstruction", "absolute error of a reconstruction", ".4f"),
    **_term("latent_reconstruction", "squared error of a code's way round", ".4f"),
    **_term("inverse", "squared error of a code's way back", ".4f"),
    **_term("nll", "−log p(x|z) (nats)", ".1f"),
    **_term("kl", "KL of posterior and prior (nats)", ".1f", "", "the member's own loss"),
    **_term("mmd", "MMD of codes and prior", ".4f", "lower", "equal distributions: 0"),
    **_term("consistency", "−ELBO (nats)", ".1f"),
    **_term("supervised", "cross-entropy of the class (nats)", ".3f", "lower", "chance: its logarithm"),
}

MEASURES = RECONSTRUCTIONS | CODES | CONSTRAINTS | SETS


def ceiling(value: float, n: int) -> dict:
    """What n pictures can show of I_q at most, in nats, and in words whether an estimate has come to it."""
    most = math.log(n)
    words = ", where it stands: every picture is told from the others, and how much more a code tells is not seen"
    return {"ceiling": most, "reached": words if value >= most - NEAR else ""}
