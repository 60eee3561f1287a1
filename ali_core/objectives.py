"""The family: terms, adversarial matches over tuples, and FAMILY, a row per member."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch

from .config import Config
from .problem import Problem
from .samples import Samples, posterior

Tuples = tuple[tuple[str, ...], ...]


class Term(NamedTuple):
    """A weighted loss of the generator (encoder and decoder), and its formula in LaTeX."""

    weight: float
    loss: Callable[[Samples], torch.Tensor]
    formula: str


def reconstruction(s: Samples) -> torch.Tensor:
    """Mean absolute error of x_rec: -E_q log p(x|z) of a Laplace p(x|z), per pixel (ALICE, eq. 9)."""
    return (s.x - s.x_rec).abs().mean()


def latent_reconstruction(s: Samples) -> torch.Tensor:
    """Mean squared error of z_rec: -E_p log q(z|x) of a Gaussian, per dimension (ALICE's z-cycle)."""
    return (s.z - s.z_rec).square().mean()


def nll(s: Samples) -> torch.Tensor:
    """-E_q log p(x|z) in nats, p(x|z) Gaussian of standard deviation `s.sd` (VAE)."""
    squared = (s.x - s.x_rec).square().flatten(1)
    constant = squared.shape[1] * math.log(s.sd * math.sqrt(2 * math.pi))
    return squared.sum(1).mean() / (2 * s.sd**2) + constant


def kl(s: Samples) -> torch.Tensor:
    """KL(q(z|x) || N(0, I)) in nats, closed form (VAE, appendix B)."""
    mean, log_sigma = posterior(s.parameters, s.z.shape[1])
    return (0.5 * (mean.square() + (2 * log_sigma).exp() - 1) - log_sigma).sum(1).mean()


def match(logits: torch.Tensor, tuples: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Both players' losses of a match over K tuples, tuple k carrying label k.

    logits: (K n, K), tuple by tuple. The discriminator's is cross-entropy; the generator's is the
    product of terms, cross-entropy to every wrong label (GALI, section 3); weights 2/K and
    2/(K(K-1)) keep both on ALI's scale. K = 2 is ALI's softplus pair (ALI, Algorithm 1).
    """
    labels = torch.arange(tuples, device=logits.device).repeat_interleave(len(logits) // tuples)
    log_p = logits.float().log_softmax(1)
    right = log_p.gather(1, labels[:, None])[:, 0]
    wrong = log_p.sum(1) - right
    return -2 * right.mean(), -2 / (tuples - 1) * wrong.mean()


class Member(NamedTuple):
    """A row of the family; `matches` holds one entry of tuples per discriminator."""

    stochastic: bool  # q(z|x) is a Gaussian, or a point
    matches: tuple[Tuples, ...]
    terms: dict[str, Term]
    says: str  # one sentence for the card

    @property
    def formula(self) -> str:
        """What is minimised, in LaTeX."""
        parts = [
            r"\mathrm{JS}\left(q(" + _letters(t[0]) + r")\,\|\,p(" + _letters(t[1]) + r")\right)"
            for t in self.matches
        ]
        parts += [
            (f"{t.weight:g}\\," if t.weight != 1 else "") + t.formula for t in self.terms.values()
        ]
        return " + ".join(parts)


def _letters(names: tuple[str, ...]) -> str:
    return ", ".join(name[0] for name in names)


JOINT: Tuples = (("x", "z_hat"), ("x_tilde", "z"))  # ALI, eq. 1: (x, E(x)) against (G(z), z)

_CYCLE = r"\mathbb{E}_q\,\|x-G(E(x))\|_1"
_NLL = r"-\mathbb{E}_q\log p(x\mid z)"
_KL = r"\mathrm{KL}\left(q(z\mid x)\,\|\,p(z)\right)"

FAMILY: dict[str, Member] = {
    "ali": Member(
        True, (JOINT,), {}, "Encoder and decoder fool one discriminator that sees pairs (x, z)."
    ),
    "bigan": Member(
        False, (JOINT,), {}, "ALI whose encoder is a function: one picture has exactly one code."
    ),
    "alice": Member(
        True,
        (JOINT,),
        {"reconstruction": Term(5.0, reconstruction, _CYCLE)},
        "ALI with a price on the reconstruction error, so that a picture keeps its identity.",
    ),
    "vae": Member(
        True,
        (),
        {"nll": Term(1.0, nll, _NLL), "kl": Term(1.0, kl, _KL)},
        "No discriminator: likelihood of the picture, and codes pulled to the prior.",
    ),
}


def member(config: Config) -> Member:
    """The row of `config.member` with the weights of the config; raises Problem for unknown names."""
    if config.member not in FAMILY:
        raise Problem(f"There is no member «{config.member}»; there are: {', '.join(FAMILY)}.")
    row = FAMILY[config.member]
    for term in config.weights:
        if term not in row.terms:
            have = ", ".join(row.terms) or "none"
            raise Problem(f"Member «{config.member}» has no term «{term}»; its terms: {have}.")
    terms = {k: t._replace(weight=config.weights.get(k, t.weight)) for k, t in row.terms.items()}
    return row._replace(terms=terms)


def losses(row: Member, s: Samples) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """One forward of everything. -> loss per player, value per term (detached, for showing).

    Players: "discriminator" (absent without matches), then "generator" (encoder and decoder).
    """
    players, shown = {}, {}
    for i, tuples in enumerate(row.matches):
        # real and fake go through D in one call
        arguments = [
            torch.cat([getattr(s, name) for name in place]) for place in zip(*tuples, strict=True)
        ]
        logits = s.nets[f"discriminator{i}"](*arguments)
        for player, loss in zip(
            ("discriminator", "generator"), match(logits, len(tuples)), strict=True
        ):
            players[player] = players.get(player, 0) + loss
    for name, term in row.terms.items():
        # weight 0 switches a term off: its passes are not even computed
        if term.weight:
            value = term.loss(s)
            shown[name] = value.detach()
            players["generator"] = players.get("generator", 0) + term.weight * value
    return players, shown
