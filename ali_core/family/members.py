"""FAMILY: a row per member, and the table of them.   python -m ali_core family

Letters as in the papers: q(x, z) = q(x) q(z|x) is the encoder's joint, p(x, z) = p(z) p(x|z) the
decoder's; E and G are encoder and decoder, m(.) hides a part of x, M(.) is a given network.
A row per member and nothing else decides what it is, so this file is as long as the family.
"""

import re

from ali_core.config import Config
from ali_core.problem import Problem

from . import terms
from .objectives import MAXIMISED, Match, Member, Term, forward_kl, reverse_kl, symmetric_kl
from .tuples import (
    AFTER,
    EIGHT,
    FEATURES,
    FOUR,
    GIVEN_Y,
    JOINT,
    MIX,
    ON_X,
    ON_Z,
    PAIRED,
    PAIRS,
    SAME_X,
    SAME_Z,
)

_X_GIVEN_Z = r"\mathbb{E}_{q(z)}\,\mathrm{KL}\left(q(x\mid z)\,\|\,p(x\mid z)\right)"
_Z_GIVEN_X = r"\mathbb{E}_{p(x)}\,\mathrm{KL}\left(p(z\mid x)\,\|\,q(z\mid x)\right)"
_ON_Z = r"\mathrm{KL}\left(q(z)\,\|\,p(z)\right)"
_ON_BOTH = r"\mathrm{KL}\left(q(x, z)\,\|\,p(x, z)\right)"


def _cycle_x(weight: float) -> dict[str, Term]:
    formula = r"\mathbb{E}_q\,\|x-G(E(x))\|_1"
    return {"reconstruction": Term(weight, terms.reconstruction, formula, (MAXIMISED, 0), _X_GIVEN_Z)}


def _cycle_z(weight: float) -> dict[str, Term]:
    formula = r"\mathbb{E}_p\,\|z-E(G(z))\|_2^2"
    return {"latent_reconstruction": Term(weight, terms.latent_reconstruction, formula, (0, MAXIMISED), _Z_GIVEN_X)}


def _cycle_domain(weight: float) -> dict[str, Term]:
    formula = r"\mathbb{E}_p\,\|z-E(G(z))\|_1"
    return {"prior_reconstruction": Term(weight, terms.prior_reconstruction, formula, (0, MAXIMISED), _Z_GIVEN_X)}


def _identity(weight: float) -> dict[str, Term]:
    formula = r"\mathbb{E}_p\,\|z-E(z)\|_1+\mathbb{E}_q\,\|x-G(x)\|_1"
    return {"identity": Term(weight, terms.identity, formula)}


def _nll(weight: float) -> dict[str, Term]:
    return {"nll": Term(weight, terms.nll, r"-\mathbb{E}_q\log p(x\mid z)", (-1, 0), _X_GIVEN_Z)}


def _kl(weight: float) -> dict[str, Term]:
    formula = r"\mathrm{KL}\left(q(z\mid x)\,\|\,p(z)\right)"
    return {"kl": Term(weight, terms.kl, formula, (1, 0), _ON_Z)}


def _mmd(weight: float) -> dict[str, Term]:
    formula = r"\mathrm{MMD}\left(q(z), p(z)\right)"
    return {"mmd": Term(weight, terms.mmd, formula, (0, 0), formula)}


def _consistency(weight: float) -> dict[str, Term]:
    formula = r"-\mathrm{ELBO}"
    return {"consistency": Term(weight, terms.consistency, formula, (0, 0), _ON_BOTH)}


_SUPERVISED = Term(1.0, terms.supervised, r"-\mathbb{E}\log D(y\mid x, E(x))", player="discriminator")

_MAPPING = Term(10.0, terms.mapping, r"\mathbb{E}_{\mathrm{true}}\,\|z-E(x)\|_1+\|x-G(z)\|_1")

_INVERSE = Term(
    1.0,
    terms.inverse,
    r"\mathbb{E}_p\,\|z-E(\bar G(z))\|_2^2",
    constraint=_Z_GIVEN_X,
)

FAMILY: dict[str, Member] = {
    "ali": Member("Encoder and decoder fool one discriminator that sees pairs (x, z).", (JOINT,)),
    "bigan": Member(
        "ALI whose encoder is a function: one picture has exactly one code.",
        (JOINT,),
        stochastic=False,
    ),
    "conditional-ali": Member(
        "ALI in which encoder, decoder and discriminator are conditioned on the class.",
        (GIVEN_Y,),
        conditional=True,
    ),
    "semi-supervised": Member(
        "ALI whose discriminator also names the class, taught by a few labelled examples.",
        (JOINT._replace(names_classes=True),),
        {"supervised": _SUPERVISED},
    ),
    "alice": Member(
        "ALI with a weight on the reconstruction error, so that a picture keeps its identity.",
        (JOINT,),
        _cycle_x(20.0),
    ),
    "alice-z": Member(
        "ALICE that also asks for the code of what was decoded.",
        (JOINT,),
        _cycle_x(5.0) | _cycle_z(0.5),
    ),
    "alice-adversarial": Member(
        "ALICE whose cycles are judged by discriminators of their own.",
        (JOINT, SAME_X, SAME_Z),
    ),
    "conditional-alice": Member(
        "ALICE in which every network is conditioned on the class.",
        (GIVEN_Y,),
        _cycle_x(20.0) | _cycle_z(0.0),
        conditional=True,
    ),
    "gali4": Member("ALI with the tuples of a second round trip beside the two.", (FOUR,)),
    "gali8": Member("GALI on tuples of four: both pictures and both codes.", (EIGHT,)),
    "gali-pt": Member("GALI-4 that also matches a given network's features.", (FEATURES,)),
    "gali-mix": Member("GALI on pictures with a hole: it encodes what it sees and fills in the rest.", (MIX,)),
    "vae": Member(
        "No discriminator: likelihood of the picture, and codes pulled to the prior.",
        terms=_nll(1.0) | _kl(1.0),
    ),
    "conditional-vae": Member(
        "A VAE in which encoder and decoder are conditioned on the class.",
        terms=_nll(1.0) | _kl(1.0),
        conditional=True,
    ),
    "beta-vae": Member("A VAE with a larger KL weight: its codes say less of the picture.", terms=_nll(1.0) | _kl(4.0)),
    "infovae": Member(
        "A VAE with a smaller KL weight, and a weight on the codes' distribution by a kernel's measure (MMD).",
        terms=_nll(1.0) | _kl(0.1) | _mmd(1000.0),
    ),
    "wae": Member(
        "Reconstruction, and the codes' distribution by a kernel's measure (MMD).",
        terms=_nll(1.0) | _mmd(1000.0),
        stochastic=False,
    ),
    "aae": Member(
        "Reconstruction, and the codes' distribution by a discriminator on codes.",
        (ON_Z,),
        _cycle_x(20.0),
        stochastic=False,
    ),
    "avb": Member(
        "A VAE whose KL is learned by a discriminator.",
        (
            Match(
                (("x", "z_hat"), ("x", "z")),
                r"\mathrm{KL}\left(q(z\mid x)\,\|\,p(z)\right)",
                forward_kl,
                (1, 0),
            ),
        ),
        _nll(1.0),
    ),
    "gan": Member(
        "A GAN; beside it an encoder learns to invert a decoder that does not learn from it.",
        (ON_X,),
        {"inverse": _INVERSE},
        stochastic=False,
    ),
    "gan-posthoc": Member(
        "A GAN; an encoder is fitted to its decoder by pairs, and no gradient of that reaches the decoder.",
        (ON_X, AFTER),
    ),
    "infogan": Member(
        "A GAN from whose samples the code that they were decoded from can be read.",
        (ON_X,),
        _cycle_z(1.0),
        stochastic=False,
    ),
    "veegan": Member(
        "Joint match by KL(p || q), and the code of what was decoded.",
        (Match(PAIRS, r"\mathrm{KL}\left(p(x, z)\,\|\,q(x, z)\right)", reverse_kl),),
        _cycle_z(1.0),
    ),
    "as-vae": Member(
        "Joint match by the symmetric KL.",
        (
            Match(
                PAIRS,
                r"\mathrm{KL}\left(q(x, z)\,\|\,p(x, z)\right) + \mathrm{KL}\left(p(x, z)\,\|\,q(x, z)\right)",
                symmetric_kl,
            ),
        ),
    ),
    "cyclegan": Member(
        "Each domain by a discriminator of its own, and both cycles; z is the second domain.",
        (ON_X, ON_Z),
        _cycle_x(10.0) | _cycle_domain(10.0) | _identity(0.0),
        stochastic=False,
    ),
    "alice-cycles": Member(
        "ALICE with both cycles, for two domains: what goes over comes back.",
        (JOINT,),
        _cycle_x(10.0) | _cycle_domain(10.0) | _identity(0.0),
        stochastic=False,
    ),
    "triangle": Member(
        "Both cycles, and a discriminator that is also shown a few true pairs.",
        (PAIRED,),
        _cycle_x(10.0) | _cycle_domain(10.0) | {"mapping": _MAPPING},
        stochastic=False,
    ),
    "lagvae": Member(
        "Most information under constraints on consistency and on the codes' distribution; the "
        "constraints' multipliers are learned.",
        terms=_nll(1.0) | _kl(0.0) | _consistency(1.0) | _mmd(100.0),
        slack={"consistency": 0.0, "mmd": 0.001},
    ),
    "lagali": Member(
        "ALI under a constraint on the reconstruction error, whose multiplier is learned.",
        (JOINT,),
        _cycle_x(5.0),
        slack={"reconstruction": 0.06},
    ),
}


def member(config: Config) -> Member:
    """The row of `config.member` with the config's weights and slacks; raises Problem for unknown names."""
    if config.member not in FAMILY:
        raise Problem(f"There is no member «{config.member}»; there are: {', '.join(FAMILY)}.")
    row = FAMILY[config.member]
    for name in config.weights | config.slack:
        if name not in row.terms:
            have = ", ".join(row.terms) or "none"
            raise Problem(f"Member «{config.member}» has no term «{name}»; its terms: {have}.")
    weights = {k: config.weights.get(k, t.weight) for k, t in row.terms.items()}
    slack = row.slack | config.slack
    for name in slack:
        if not weights[name]:
            raise Problem(
                f"Term «{name}» is a constraint: its weight is where its multiplier starts, and must be above 0."
            )
    weighted = {k: t._replace(weight=weights[k]) for k, t in row.terms.items()}
    return row._replace(terms=weighted, slack=slack)


def table() -> list[dict[str, str]]:
    """Every member in words: what it minimises, its coefficients, its constraints and their weights."""
    lines = []
    for name, row in FAMILY.items():
        constraints = [(m.formula, "1") for m in row.matches]
        constraints += [
            (term.constraint, "λ" if key in row.slack else f"{term.weight:g}")
            for key, term in row.terms.items()
            if term.constraint and term.weight
        ]
        i_q, i_p = ("maximised" if i == MAXIMISED else f"{i:g}" for i in row.information)
        lines.append(
            {
                "member": name,
                "I_q": i_q,
                "I_p": i_p,
                "minimises": row.formula,
                "constraints": constraints,
                "says": row.says,
            }
        )
    return lines


_SIGNS = {r"\left": "", r"\right": "", r"\,": " ", r"\|": "‖", r"\lambda": "λ", r"\ldots": "…"}
_SIGNS |= {
    "_1": "₁",
    "_2": "₂",
    "_4": "₄",
    "_8": "₈",
    "^2": "²",
    r"\log": " log ",
    r"\bar G": "Ḡ",
    r"\bar p": "p̄",
}


def plain(formula: str) -> str:
    """A formula of the family for a terminal: LaTeX's words as signs."""
    for word, sign in _SIGNS.items():
        formula = formula.replace(word, sign)
    formula = re.sub(r"\s*\\mid\s*", "|", re.sub(r"\\math\w+\{(\w+)\}", r"\1", formula))
    return re.sub(" +", " ", re.sub("[{}]", "", formula)).replace("+ -", "− ")
