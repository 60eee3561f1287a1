"""What a member consists of: terms, adversarial matches over tuples, and the losses they give."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from ali_core.config import Config
from ali_core.nets import bodies, paper, perceptrons
from ali_core.problem import Problem

from . import terms
from .samples import HOLED, KIND, PAIRED, Samples

Tuples = tuple[tuple[str, ...], ...]
# The coefficient of information that a loss wants which is no likelihood: negative, of a size that is not in nats
MAXIMISED = -math.inf


class Term(NamedTuple):
    """A weighted loss of a player, and what it stands for in the information-autoencoding family.

    information: its coefficients of I_q(x;z) and I_p(x;z) for a weight of 1; constraint: the
    divergence that is left, in LaTeX (methods by Zhao, Song, Ermon 2018).
    """

    weight: float
    loss: Callable[[Samples], torch.Tensor]
    formula: str
    information: tuple[float, float] = (0.0, 0.0)
    constraint: str = ""
    player: str = "generator"


# ---- what encoder and decoder minimise of a match, from log p(label) (K n, K) and the labels -------


def confuse(log_p: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The product of terms: cross-entropy to every wrong label (GALI, section 3); at K = 2, ALI's."""
    right = log_p.gather(1, labels[:, None])[:, 0]
    return -2 / (log_p.shape[1] - 1) * (log_p.sum(1) - right).mean()


def forward_kl(log_p: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """KL(q || p), the log-ratio that D has learned under the first tuple (AVB)."""
    return (log_p[:, 0] - log_p[:, 1]).chunk(log_p.shape[1])[0].mean()


def reverse_kl(log_p: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """KL(p || q), the log-ratio that D has learned under the second tuple (VEEGAN)."""
    return (log_p[:, 1] - log_p[:, 0]).chunk(log_p.shape[1])[1].mean()


def symmetric_kl(log_p: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """KL(q || p) + KL(p || q) (AS-VAE)."""
    return forward_kl(log_p, labels) + reverse_kl(log_p, labels)


class Match(NamedTuple):
    """A discriminator that tells tuples apart; encoder and decoder make them alike."""

    tuples: Tuples
    formula: str
    generator: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = confuse
    information: tuple[float, float] = (0.0, 0.0)
    names_classes: bool = False  # K classes of the first tuple and one of the second (semi-supervised)


class Member(NamedTuple):
    """A row of the family; a discriminator per match."""

    says: str  # one sentence for the card
    matches: tuple[Match, ...] = ()
    terms: dict[str, Term] = {}  # noqa: RUF012  (a row is never changed, only replaced)
    stochastic: bool = True  # q(z|x) is a Gaussian, or a point
    conditional: bool = False  # every network is given the class y
    slack: dict[str, float] = {}  # noqa: RUF012  terms that are constraints: kept at or below this

    @property
    def formula(self) -> str:
        """What is minimised, in LaTeX."""
        parts = [m.formula for m in self.matches]
        for name, term in self.terms.items():
            if name in self.slack:
                parts.append(rf"\lambda\left({term.formula} - {self.slack[name]:g}\right)")
            elif term.weight:
                parts.append((f"{term.weight:g}\\," if term.weight != 1 else "") + term.formula)
        return " + ".join(parts)

    @property
    def information(self) -> tuple[float, float]:
        """Coefficients of I_q(x;z) and I_p(x;z) in what is minimised; negative: more is wanted, see MAXIMISED."""
        pairs = [m.information for m in self.matches]
        pairs += [
            tuple(term.weight * a for a in term.information)
            for name, term in self.terms.items()
            if term.weight and name not in self.slack
        ]
        return tuple(sum(column) for column in zip(*pairs, strict=True)) if pairs else (0.0, 0.0)

    @property
    def needs_labels(self) -> bool:
        """Whether training needs the classes of the data."""
        return self.conditional or any(m.names_classes for m in self.matches)

    @property
    def names(self) -> set[str]:
        """Every random variable that the matches name."""
        return {name for m in self.matches for t in m.tuples for name in t}

    @property
    def fills(self) -> bool:
        """Whether training hides parts of pictures."""
        return bool(self.names & HOLED)

    @property
    def features(self) -> bool:
        """Whether training needs M, a given network's features."""
        return any(KIND[name] == "m" for name in self.names)

    @property
    def paired(self) -> bool:
        """Whether training is shown true pairs of two domains."""
        return bool(self.names & PAIRED)


def prepare(
    row: Member,
    shape: tuple[int, ...],
    config: Config,
    n_classes: int = 0,
    prior: tuple[int, ...] = (),
) -> dict[str, nn.Module]:
    """The networks that a row and a config need (see nets.bodies.build); n_classes: length of a one-hot y.

    prior: (h, w, c) of z where it is a second domain. Raises Problem for a `net` that there is not, and
    for data that do not fit it.
    """
    discriminators = [
        (
            tuple(KIND[name] for name in m.tuples[0]),
            n_classes + 1 if m.names_classes else len(m.tuples),
        )
        for m in row.matches
    ]
    if config.net not in bodies.BODIES:
        if row.stochastic and config.net in perceptrons.NETS:
            raise Problem(
                f"net={config.net} has an encoder without a spread, and «{config.member}» draws from a "
                "Gaussian; take member=bigan."
            )
        return paper.build(config.net, shape, config.latent, discriminators)
    return bodies.build(
        shape,
        config,
        row.stochastic,
        discriminators,
        n_classes if row.conditional else 0,
        [row.terms[name].weight for name in row.slack],
        prior,
    )


def match(logits: torch.Tensor, tuples: int, generator=confuse) -> tuple[torch.Tensor, torch.Tensor]:
    """Both players' losses of a match over K tuples, tuple k carrying label k.

    logits: (K n, K), tuple by tuple. The discriminator's is cross-entropy; weights 2/K and
    2/(K(K-1)) keep both players on ALI's scale (GALI, section 3). K = 2 is ALI's softplus pair
    (ALI, Algorithm 1).
    """
    labels = torch.arange(tuples, device=logits.device).repeat_interleave(len(logits) // tuples)
    log_p = logits.float().log_softmax(1)
    return -2 * log_p.gather(1, labels[:, None]).mean(), generator(log_p, labels)


def _tuples(m: Match, s: Samples) -> list[torch.Tensor]:
    """A match's tuples, place by place, upon each other: real and fake go through D in one call."""
    return [torch.cat([getattr(s, name) for name in place]) for place in zip(*m.tuples, strict=True)]


def _logits(m: Match, i: int, s: Samples, arguments: list[torch.Tensor]) -> torch.Tensor:
    logits = s.nets[f"discriminator{i}"](*arguments)
    if m.names_classes:  # any of the K classes, or the last one
        logits = torch.stack([logits[:, :-1].logsumexp(1), logits[:, -1]], 1)
    return logits


def _discriminate(m: Match, i: int, s: Samples) -> tuple[torch.Tensor, torch.Tensor]:
    """Both players' losses of the row's i-th match."""
    return match(_logits(m, i, s, _tuples(m, s)), len(m.tuples), m.generator)


def penalised(m: Match, i: int, s: Samples) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Both players' losses of the row's i-th match, and D's steepness.

    Steepness is half the squared gradient of D's margin at every tuple, summed over tuples (R1 and R2), by x, z and
    whatever else D sees; the margin is the right tuple's logit less the mean of the others', for two tuples
    the log-odds (Mescheder 2018, eq. 9; Huang 2024, R3GAN). Of two tuples the same gradient, times a
    number for each example, is also what encoder and decoder learn from: D is gone through once.
    """
    arguments, k = _tuples(m, s), len(m.tuples)
    inputs = [a.detach().requires_grad_() for a in arguments]
    logits = _logits(m, i, s, inputs).float()
    discriminator, generator = match(logits, k, m.generator)
    labels = torch.arange(k, device=logits.device).repeat_interleave(len(logits) // k)[:, None]
    right = logits.gather(1, labels)[:, 0]
    margin = right - (logits.sum(1) - right) / (k - 1)
    slopes = torch.autograd.grad(margin.sum(), inputs, create_graph=True)
    steep = k / 2 * sum(g.float().flatten(1).square().sum(1) for g in slopes).mean()
    if k > 2:
        return discriminator, _discriminate(m, i, s)[1], steep
    (pull,) = torch.autograd.grad(generator, logits, retain_graph=True)
    pull = pull.gather(1, labels)[:, 0]
    pulls = [
        (pull * (slope.detach().float() * a.float()).flatten(1).sum(1)).sum()
        for slope, a in zip(slopes, arguments, strict=True)
    ]
    # of the loss the value, of the pulls the gradient
    return discriminator, generator.detach() + sum(p - p.detach() for p in pulls), steep


def losses(
    row: Member, s: Samples, r1: float = 0.0, prices: dict[str, torch.Tensor] | None = None
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """One forward of everything. -> loss per player, value per term (detached, for showing).

    Players: "discriminator" (absent without matches), "generator" (encoder and decoder), and
    "multipliers" where terms are constraints: they climb while a constraint is violated. r1: the weight
    of steepness in the discriminators' loss. prices: "r1" and terms' weights as tensors, where a graph
    takes them as inputs; the row still says which terms there are.
    """
    prices = prices or {}
    players, shown = {}, {}

    def add(player: str, loss: torch.Tensor) -> None:
        players[player] = players.get(player, 0) + loss

    for i, m in enumerate(row.matches):
        if r1:
            discriminator, generator, steep = penalised(m, i, s)
            shown[f"steepness {i}"] = steep.detach()
            discriminator = discriminator + prices.get("r1", r1) * steep
        else:
            discriminator, generator = _discriminate(m, i, s)
        add("discriminator", discriminator)
        add("generator", generator)
    multipliers = dict(zip(row.slack, s.nets["multipliers"](), strict=True)) if row.slack else {}
    for name, term in row.terms.items():
        # weight 0 switches a term off: its passes are not even computed
        if not term.weight:
            continue
        value = term.loss(s)
        shown[name] = value.detach()
        if name in multipliers:
            weight = multipliers[name]
            add("multipliers", weight * (row.slack[name] - value.detach()))
            shown[f"multiplier of {name}"] = weight.detach()
            add(term.player, weight.detach() * value)
        else:
            add(term.player, prices.get(name, term.weight) * value)
    return players, shown


def divergences(row: Member, s: Samples) -> dict[str, torch.Tensor]:
    """Every constraint of a row on these samples: term_NAME, negative_elbo, and match_I, in nats; scalars.

    The cross-entropy of a discriminator that guesses is ln K; how far it is below is a lower bound of the
    tuples' Jensen-Shannon divergence (GAN, section 4.1).
    """
    values = {f"term_{name}": term.loss(s) for name, term in row.terms.items() if term.weight}
    if row.stochastic:
        values["negative_elbo"] = terms.consistency(s)
    for i, m in enumerate(row.matches):
        cross_entropy = _discriminate(m, i, s)[0] / 2
        values[f"match_{i}"] = math.log(len(m.tuples)) - cross_entropy
    return values
