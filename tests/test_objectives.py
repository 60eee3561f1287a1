"""Identities and closed forms of the objective.   python -m pytest tests/test_objectives.py"""

import math
from functools import cached_property

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ali_core.commands import family
from ali_core.config import Config
from ali_core.data.dataset import Data
from ali_core.family import members, objectives, terms
from ali_core.family.members import FAMILY, JOINT
from ali_core.family.objectives import Match, Member, Term
from ali_core.family.samples import DRAWN, KIND, Samples, holes
from ali_core.problem import Problem
from ali_core.training import loop
from ali_core.training.inputs import Inputs


def samples(row, sd=0.5, seed=0, n=16, latent=3):
    torch.manual_seed(seed)
    nets = objectives.prepare(row, (2,), Config(latent=latent, width=16))
    x, z, noise = torch.randn(n, 2), torch.randn(n, latent), torch.randn(len(DRAWN), n, latent)
    return Samples(nets, x, z, noise, sd)


def test_two_tuples_are_the_softplus_pair_of_the_ali_paper():
    """ALI, Algorithm 1: both players' losses on the logit difference."""
    logits = torch.randn(20, 2, dtype=torch.float64).float()
    odds = logits[:, 0] - logits[:, 1]  # log-odds of «from the encoder»
    real, fake = odds[:10], odds[10:]
    discriminator, generator = objectives.match(logits, 2)
    assert discriminator.item() == pytest.approx((F.softplus(-real).mean() + F.softplus(fake).mean()).item(), rel=1e-6)
    assert generator.item() == pytest.approx((F.softplus(real).mean() + F.softplus(-fake).mean()).item(), rel=1e-6)


@pytest.mark.parametrize("tuples", [2, 4, 8])
def test_guessing_costs_both_players_two_log_k(tuples):
    """With equal logits every label has probability 1/K; weights 2/m keep ALI's scale."""
    for loss in objectives.match(torch.zeros(3 * tuples, tuples), tuples):
        assert loss.item() == pytest.approx(2 * math.log(tuples), rel=1e-6)


def test_alice_at_weight_zero_is_ali():
    row = FAMILY["alice"]
    free = row._replace(terms={k: t._replace(weight=0.0) for k, t in row.terms.items()})
    ours, _ = objectives.losses(free, samples(free))
    plain, _ = objectives.losses(FAMILY["ali"], samples(FAMILY["ali"]))
    assert {k: v.item() for k, v in ours.items()} == {k: v.item() for k, v in plain.items()}


def test_bigan_is_ali_when_sigma_goes_to_zero():
    ali, bigan = samples(FAMILY["ali"]), samples(FAMILY["bigan"])
    with torch.no_grad():  # the same mean, and a log sigma of -40
        for a, b in zip(ali.nets["encoder"].parameters(), bigan.nets["encoder"].parameters(), strict=True):
            if a.shape == b.shape:
                a.copy_(b)
            else:
                a[:3], a[3:] = b, 0.0
        ali.nets["encoder"].head[-1].bias[3:] = -40.0
        ali.x, ali.z, ali.noise = bigan.x, bigan.z, bigan.noise
        for net in ("decoder", "discriminator0"):
            ali.nets[net].load_state_dict(bigan.nets[net].state_dict())
    ours, _ = objectives.losses(FAMILY["ali"], ali)
    theirs, _ = objectives.losses(FAMILY["bigan"], bigan)
    for player in ours:
        assert ours[player].item() == pytest.approx(theirs[player].item(), rel=1e-6)


def test_the_closed_form_kl_lies_within_its_monte_carlo_interval():
    """KL(q || N(0, I)) against the mean of log q - log p over draws, 5 standard errors."""
    s = samples(FAMILY["vae"], n=4)
    mean, log_sigma = s.parameters.chunk(2, 1)
    q = torch.distributions.Normal(mean, log_sigma.exp())
    p = torch.distributions.Normal(0.0, 1.0)
    z = q.sample((20_000,))
    draws = (q.log_prob(z) - p.log_prob(z)).sum(-1).mean(1)
    error = draws.std().item() / math.sqrt(len(draws))
    assert terms.kl(s).item() == pytest.approx(draws.mean().item(), abs=5 * error)
    assert error < 0.05


def test_nll_is_the_gaussian_log_density():
    s = samples(FAMILY["vae"], sd=0.3)
    p = torch.distributions.Normal(s.x_rec, 0.3)
    assert terms.nll(s).item() == pytest.approx(-p.log_prob(s.x).sum(1).mean().item(), rel=1e-5)


def test_one_forward_gives_the_gradients_of_two():
    """Both gradients from one graph equal those of the plain form: detach for D, fresh graph for E and G."""
    row = FAMILY["alice"]
    s = samples(row)
    for net in s.nets.values():  # a fixed power iteration, so that two forwards are the same function
        net.eval()
    players, _ = objectives.losses(row, s)
    parameters = {
        "discriminator": list(s.nets["discriminator0"].parameters()),
        "generator": [p for k in ("encoder", "decoder") for p in s.nets[k].parameters()],
    }
    ours = {
        player: torch.autograd.grad(loss, parameters[player], retain_graph=True) for player, loss in players.items()
    }
    fresh = Samples(s.nets, s.x, s.z, s.noise, s.sd)
    d = s.nets["discriminator0"]
    q, p = d(fresh.x, fresh.z_hat.detach()), d(fresh.x_tilde.detach(), fresh.z)
    d_loss = F.softplus(q[:, 1] - q[:, 0]).mean() + F.softplus(p[:, 0] - p[:, 1]).mean()
    q, p = d(fresh.x, fresh.z_hat), d(fresh.x_tilde, fresh.z)
    g_loss = F.softplus(q[:, 0] - q[:, 1]).mean() + F.softplus(p[:, 1] - p[:, 0]).mean()
    g_loss = g_loss + row.terms["reconstruction"].weight * (fresh.x - fresh.x_rec).abs().mean()
    for player, loss in (("discriminator", d_loss), ("generator", g_loss)):
        plain = torch.autograd.grad(loss, parameters[player])
        for a, b in zip(ours[player], plain, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def tiny(shape, n=40, classes=10):
    """Random data with every class in it."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (n, *shape), np.uint8)
    if len(shape) == 1:
        x = rng.normal(size=(n, *shape)).astype(np.float32)
    y = np.arange(n) % classes
    return Data("tiny", x, y, x, y, [str(k) for k in range(classes)], "CC0", "drawn here")


# those that are shown true pairs need a second domain: tests/test_translation.py
ALONE = [name for name, row in FAMILY.items() if not row.paired]


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize("shape", [(2,), (28, 28, 1)])
def test_every_parameter_gets_a_gradient_from_its_player(name, shape, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the given network of GALI-PT is kept in .runs
    row, data = FAMILY[name], tiny(shape)
    inputs = Inputs(Config(name="t", member=name, latent=3, batch=4, labels=10), row, data)
    torch.manual_seed(0)
    nets = objectives.prepare(row, shape, Config(latent=3, width=4), n_classes=10)
    given = inputs.given(torch.device("cpu"))
    s = inputs.samples(nets | given, 0, 1, 0, torch.device("cpu"))
    players, shown = objectives.losses(row, s)
    assert {k for k, t in row.terms.items() if t.weight} <= set(shown)
    for player, loss in players.items():
        weights = {
            f"{k}.{n}": p for k, net in nets.items() for n, p in net.named_parameters() if loop.player(k) == player
        }
        gradients = torch.autograd.grad(loss, weights.values(), retain_graph=True, allow_unused=True)
        assert [k for k, g in zip(weights, gradients, strict=True) if g is None] == []
        # the K logits' common offset is free, so a last bias may cancel; all others must move
        silent = [k for k, g in zip(weights, gradients, strict=True) if not g.abs().sum() > 0]
        assert silent == []
    frozen = [p for net in given.values() for p in net.parameters()]
    assert not any(p.requires_grad for p in frozen)


class Linear(torch.nn.Module):
    """K logits, each linear in x and z with its own coefficients."""

    def __init__(self, x, z):
        super().__init__()
        self.x, self.z = torch.nn.Parameter(torch.tensor(x)), torch.nn.Parameter(torch.tensor(z))

    def forward(self, x, z):
        return x @ self.x + z @ self.z


def test_steepness_of_a_linear_discriminator_is_its_coefficients():
    """R1 + R2 halved, in closed form: the margin's gradient is the same at every example."""
    s = samples(FAMILY["ali"])
    s.nets["discriminator0"] = Linear([[1.0, 0], [2.0, 0]], [[0, -3.0]] + [[0.0, 0]] * 2)
    # the log-odds' gradient: (1, 2) by x, 3 by z; half of its square, for both tuples
    *_, penalty = objectives.penalised(JOINT, 0, s)
    assert penalty.item() == pytest.approx(1 + 4 + 9)
    penalty.backward()
    # d/dw of the sum of squares: 2 w, with opposite signs for the two logits
    torch.testing.assert_close(s.nets["discriminator0"].x.grad, torch.tensor([[2.0, -2], [4, -4]]))
    four = FAMILY["gali4"].matches[0]
    s.nets["discriminator0"] = Linear([[3.0, 0, 0, 0]] * 2, [[0.0] * 4] * 3)
    # logit 0 has slope (3, 3): margin 3 at its own tuple, -1 at the three others; 4/2 of the mean
    assert objectives.penalised(four, 0, s)[2].item() == pytest.approx(2 * (18 + 3 * 2) / 4)


@pytest.mark.parametrize("name", [name for name, row in FAMILY.items() if row.matches])
def test_one_pass_through_a_priced_discriminator_gives_the_gradients_of_two(name):
    """Both players learn the same whether D is gone through once for its price and its loss, or once for each."""
    row = FAMILY[name]
    s, again = everything(row), everything(row)
    together, alone = objectives.losses(row, s, 1e-9)[0], objectives.losses(row, again)[0]
    for player in ("discriminator", "generator"):
        torch.testing.assert_close(together[player], alone[player], rtol=1e-6, atol=1e-6)
        values, right = (
            torch.autograd.grad(losses[player], weights, retain_graph=True, allow_unused=True)
            for losses, weights in (
                (together, _parameters(s, player)),
                (alone, _parameters(again, player)),
            )
        )
        assert any(r is not None and r.abs().max() > 1e-4 for r in right)
        for f, r in zip(values, right, strict=True):
            assert (f is None) == (r is None)
            if r is not None:
                torch.testing.assert_close(f, r, rtol=1e-4, atol=1e-6)


def everything(row, n=8, seed=0):
    """A step's samples of any row: of two coordinates, two latents and three classes, with all that a row may ask for."""
    torch.manual_seed(seed)
    nets = objectives.prepare(row, (2,), Config(latent=2, width=16), 3)
    nets |= {"features": torch.nn.Linear(2, 128).requires_grad_(False)} if row.features else {}
    x, z, noise = torch.randn(n, 2), torch.randn(n, 2), torch.randn(len(DRAWN), n, 2)
    classes = torch.randint(3, (n,))
    more = {"y": F.one_hot(classes, 3).float()} if row.conditional else {}
    more |= {"hole": torch.rand(n, 2) < 0.5, "again": torch.rand(n, 2) < 0.5}
    more |= {"labelled": (torch.randn(n, 2), classes), "pair": (torch.randn(n, 2), torch.randn(n, 2))}
    return Samples(nets, x, z, noise, 0.5, **more)


def _parameters(s, player):
    from ali_core.training.loop import player as of

    nets = [net for name, net in s.nets.items() if of(name) == player]
    return [p for net in nets for p in net.parameters() if p.requires_grad]


def test_what_each_variable_is_is_stated_and_is_so():
    kinds = {"x": 2, "z": 2, "y": 3, "m": 128}
    for name, row in FAMILY.items():
        s = everything(row)
        for variable in row.names:
            assert getattr(s, variable).shape[1] == kinds[KIND[variable]], (name, variable)
    drawn = {name for name, value in vars(Samples).items() if isinstance(value, cached_property)}
    assert drawn - {"parameters"} < set(KIND), "every pass has a kind"
    asks = {what: {n for n, row in FAMILY.items() if getattr(row, what)} for what in ("fills", "features", "paired")}
    assert asks == {"fills": {"gali-mix"}, "features": {"gali-pt"}, "paired": {"triangle"}}


def test_a_kind_does_not_hang_on_a_names_first_letter(monkeypatch):
    monkeypatch.setitem(KIND, "drawn_code", "z")
    match = objectives.Match((("x", "drawn_code"), ("x_tilde", "z")), "")
    nets = objectives.prepare(objectives.Member("", (match,)), (2,), Config(latent=2, width=16))
    assert nets["discriminator0"](torch.zeros(3, 2), torch.zeros(3, 2)).shape == (3, 2)


def test_the_price_of_steepness_is_paid_by_the_discriminator_alone():
    row, s = FAMILY["ali"], samples(FAMILY["ali"])
    plain, _ = objectives.losses(row, s)
    priced, shown = objectives.losses(row, s, 0.5)
    torch.testing.assert_close(priced["generator"], plain["generator"])
    more = plain["discriminator"] + 0.5 * shown["steepness 0"]
    assert shown["steepness 0"] > 0 and torch.equal(priced["discriminator"], more)


def test_the_price_replaces_spectral_norm():
    with_norm, without = (
        objectives.prepare(FAMILY["ali"], (28, 28, 1), Config(latent=4, width=4, r1=r1)) for r1 in (0.0, 0.1)
    )
    assert any("parametrizations" in name for name in with_norm["discriminator0"].state_dict())
    assert not any("parametriz" in name for name in without["discriminator0"].state_dict())


def test_a_vae_has_one_player_and_ali_two():
    assert list(objectives.losses(FAMILY["vae"], samples(FAMILY["vae"]))[0]) == ["generator"]
    both = list(objectives.losses(FAMILY["ali"], samples(FAMILY["ali"]))[0])
    assert both == ["discriminator", "generator"]


def test_a_new_row_needs_no_new_code():
    """A row written here (marginal matches and both cycles, CycleGAN's type) runs on the same lines."""
    cycle = {
        "reconstruction": Term(1.0, terms.reconstruction, ""),
        "latent_reconstruction": Term(1.0, terms.latent_reconstruction, ""),
    }
    matches = Match((("x",), ("x_tilde",)), ""), Match((("z",), ("z_hat",)), "")
    row = Member("", matches, cycle, stochastic=False)
    players, shown = objectives.losses(row, samples(row))
    assert list(players) == ["discriminator", "generator"]
    assert list(shown) == ["reconstruction", "latent_reconstruction"]
    assert 1.0 < players["discriminator"].item() < 8.0


def test_weights_of_the_config_replace_the_rows_and_unknown_ones_are_refused():
    config = Config(name="a", member="alice", weights={"reconstruction": 2.5})
    assert members.member(config).terms["reconstruction"].weight == 2.5
    with pytest.raises(Problem, match=r"«ali» has no term «reconstruction»; its terms: none"):
        members.member(Config(name="a", member="ali", weights={"reconstruction": 1.0}))
    with pytest.raises(Problem, match=r"no member «alien»; there are: ali, bigan"):
        members.member(Config(name="a", member="alien"))


def test_alis_row_is_the_joint_match_and_nothing_else():
    assert FAMILY["ali"].matches == (JOINT,) and FAMILY["ali"].terms == {}


# ---- the family: identities between members ------------------------------------------------------


def same(a, b, **weights):
    """Losses of member a with other weights against those of b, on the same networks and draws."""
    rows = [members.member(Config(name="t", member=name, weights=w)) for name, w in ((a, weights), (b, {}))]
    ours, theirs = (objectives.losses(row, samples(row))[0] for row in rows)
    assert ours.keys() == theirs.keys()
    for player, loss in ours.items():
        assert loss.item() == pytest.approx(theirs[player].item(), rel=1e-6)
    return ours


@pytest.mark.parametrize(
    ("a", "weights", "b"),
    [
        ("beta-vae", {"kl": 1.0}, "vae"),
        ("infovae", {"kl": 1.0, "mmd": 0.0}, "vae"),
        ("alice", {"reconstruction": 0.0}, "ali"),
        ("alice-z", {"reconstruction": 0.0, "latent_reconstruction": 0.0}, "ali"),
        ("conditional-alice", {"reconstruction": 0.0}, "conditional-ali"),
    ],
)
def test_a_member_at_the_right_weights_is_another(a, weights, b):
    if "conditional" in a:
        rows = members.member(Config(name="t", member=a, weights=weights)), FAMILY[b]
        assert rows[0].matches == rows[1].matches
        assert not any(t.weight for t in rows[0].terms.values())
    else:
        assert min(loss.item() for loss in same(a, b, **weights).values()) > 0


def test_gali_of_two_tuples_is_ali():
    two = FAMILY["gali4"]._replace(
        matches=(FAMILY["gali4"].matches[0]._replace(tuples=FAMILY["gali4"].matches[0].tuples[::2]),)
    )
    ours, _ = objectives.losses(two, samples(two))
    theirs, _ = objectives.losses(FAMILY["ali"], samples(FAMILY["ali"]))
    assert {k: v.item() for k, v in ours.items()} == {k: v.item() for k, v in theirs.items()}


def test_a_semi_supervised_discriminator_with_one_class_is_alis():
    """K = 1: softmax over «class 1» and «generated» is ALI's pair of logits."""
    row = FAMILY["semi-supervised"]._replace(terms={})
    torch.manual_seed(0)
    nets = objectives.prepare(row, (2,), Config(latent=3, width=16), n_classes=1)
    s = samples(FAMILY["ali"])
    s.nets = nets
    ours, _ = objectives.losses(row, s)
    theirs, _ = objectives.losses(FAMILY["ali"], samples(FAMILY["ali"]))
    for player, loss in ours.items():
        assert loss.item() == pytest.approx(theirs[player].item(), rel=1e-5)


@pytest.mark.parametrize(
    ("generator", "expected"),
    [("forward_kl", (0.5, 0)), ("reverse_kl", (0, 0.5)), ("symmetric_kl", (0.5, 0.5))],
)
def test_learned_divergences_are_the_kl_when_d_knows_the_ratio(generator, expected):
    """N(0, 1) against N(1, 1): the true log-ratio is 1/2 - x, and KL is 1/2 either way."""
    torch.manual_seed(0)
    x = torch.cat([torch.randn(200_000), torch.randn(200_000) + 1])
    ratio = 0.5 - x
    logits = torch.stack([ratio, torch.zeros_like(ratio)], 1)
    _, loss = objectives.match(logits, 2, getattr(objectives, generator))
    assert loss.item() == pytest.approx(sum(expected), abs=0.01)


def test_mmd_is_zero_for_the_same_distribution_and_right_for_two_points():
    s = samples(FAMILY["wae"], n=64)
    s.z_hat = torch.randn(64, 3)
    assert abs(terms.mmd(s).item()) < 0.05
    near = terms.mmd(s).item()
    s.z_hat = torch.randn(64, 3) + 3
    assert terms.mmd(s).item() > near + 0.3
    # two points each: k within is k(distance 2), k across the mean of k at distances 0 and 2
    s.z = s.z_hat = torch.tensor([[0.0, 0, 0], [2.0, 0, 0]])
    k = sum(6 * c / (6 * c + 4) for c in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)) / 7
    assert terms.mmd(s).item() == pytest.approx(2 * k - (1 + k), rel=1e-5)


def test_the_familys_table_has_the_coefficients_of_the_papers():
    """Zhao, Song, Ermon 2018: what each member pays or asks for I_q and I_p."""
    table = {line["member"]: (line["I_q"], line["I_p"]) for line in members.table()}
    assert table.keys() == FAMILY.keys()
    # an error's size is not in nats: of these the sign is known
    more = "maximised"
    assert table["alice"] == table["aae"] == (more, "0")
    assert table["infogan"] == table["veegan"] == ("0", more)
    assert table["alice-z"] == table["cyclegan"] == table["alice-adversarial"] == (more, more)
    without = members.member(Config(member="alice", weights={"reconstruction": 0.0}))
    assert without.information == (0, 0)
    rows = {k: tuple(map(float, v)) for k, v in table.items() if more not in v}
    for name in ("vae", "avb", "ali", "bigan", "as-vae", "gali4"):
        assert rows[name] == (0, 0)
    beta, alpha = FAMILY["beta-vae"].terms["kl"].weight, 1 - FAMILY["infovae"].terms["kl"].weight
    assert rows["beta-vae"] == (beta - 1, 0) and rows["infovae"] == (pytest.approx(-alpha), 0)
    assert rows["wae"] == (-1, 0)


def test_the_familys_formulas_can_be_read_in_a_terminal(capsys):
    family.main([])
    printed = capsys.readouterr().out
    assert "JS(q(x, z) ‖ p(x, z)) + 20 E_q ‖x-G(E(x))‖₁" in printed
    assert "-E_q log p(x|z) + 0.1 KL(q(z|x) ‖ p(z)) + 1000 MMD(q(z), p(z))" in printed
    assert not set(printed) & set("\\{}") and all(name in printed for name in FAMILY)


def test_a_multiplier_climbs_while_its_constraint_is_violated_and_falls_after():
    row = members.member(Config(name="t", member="lagali", slack={"reconstruction": 0.1}))
    for slack, sign in ((0.0, -1), (100.0, 1)):
        s = samples(row)
        players, shown = objectives.losses(row._replace(slack={"reconstruction": slack}), s)
        (gradient,) = torch.autograd.grad(players["multipliers"], [s.nets["multipliers"].log])
        expected = 5.0 * (slack - shown["reconstruction"].item())  # by log lambda, at lambda = 5
        assert gradient.item() == pytest.approx(expected, rel=1e-5) and gradient.sign() == sign


def test_holes_are_rectangles_of_the_stated_size_anywhere():
    corners = torch.rand(2000, 4, generator=torch.Generator().manual_seed(0))
    hole = holes(corners, (28, 28, 1))
    assert hole.shape == (2000, 1, 28, 28)
    heights, widths = hole.any(3).sum(2), hole.any(2).sum(2)
    assert torch.equal(hole.sum((1, 2, 3)), (heights * widths)[:, 0])
    for sides in (heights, widths):
        assert sides.min() == 7 and sides.max() in (17, 18)
    assert hole.any(0).all() and not hole.all(0).any()
    points = holes(corners, (2,))
    assert points.shape == (2000, 2) and (points.sum(1) == 1).all()
    assert 0.4 < points[:, 0].float().mean() < 0.6
