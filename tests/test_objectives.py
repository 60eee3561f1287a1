"""Identities and closed forms of the objective.   python -m pytest tests/test_objectives.py"""

import math

import pytest
import torch
import torch.nn.functional as F

from ali_core import networks, objectives
from ali_core.config import Config
from ali_core.objectives import FAMILY, JOINT, Term
from ali_core.problem import Problem
from ali_core.samples import Samples


def samples(row, sd=0.5, seed=0, n=16, latent=3):
    torch.manual_seed(seed)
    nets = networks.build((2,), latent, 16, row.stochastic, row.matches)
    return Samples(nets, torch.randn(n, 2), torch.randn(n, latent), torch.randn(n, latent), sd)


def test_two_tuples_are_the_softplus_pair_of_the_ali_paper():
    """ALI, Algorithm 1: both players' losses on the logit difference."""
    logits = torch.randn(20, 2, dtype=torch.float64).float()
    odds = logits[:, 0] - logits[:, 1]  # log-odds of «from the encoder»
    real, fake = odds[:10], odds[10:]
    discriminator, generator = objectives.match(logits, 2)
    assert discriminator.item() == pytest.approx(
        (F.softplus(-real).mean() + F.softplus(fake).mean()).item(), rel=1e-6
    )
    assert generator.item() == pytest.approx(
        (F.softplus(real).mean() + F.softplus(-fake).mean()).item(), rel=1e-6
    )


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
        for a, b in zip(
            ali.nets["encoder"].parameters(), bigan.nets["encoder"].parameters(), strict=True
        ):
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
    assert objectives.kl(s).item() == pytest.approx(draws.mean().item(), abs=5 * error)
    assert error < 0.05


def test_nll_is_the_gaussian_log_density():
    s = samples(FAMILY["vae"], sd=0.3)
    p = torch.distributions.Normal(s.x_rec, 0.3)
    assert objectives.nll(s).item() == pytest.approx(
        -p.log_prob(s.x).sum(1).mean().item(), rel=1e-5
    )


def test_one_forward_gives_the_gradients_of_two():
    """Both gradients from one graph equal those of the plain form: detach for D, fresh graph for E and G."""
    row = FAMILY["alice"]
    s = samples(row)
    for (
        net
    ) in s.nets.values():  # a fixed power iteration, so that two forwards are the same function
        net.eval()
    players, _ = objectives.losses(row, s)
    parameters = {
        "discriminator": list(s.nets["discriminator0"].parameters()),
        "generator": [p for k in ("encoder", "decoder") for p in s.nets[k].parameters()],
    }
    ours = {
        player: torch.autograd.grad(loss, parameters[player], retain_graph=True)
        for player, loss in players.items()
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


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("shape", [(2,), (28, 28, 1)])
def test_every_parameter_gets_a_gradient_from_its_player(name, shape):
    row = FAMILY[name]
    torch.manual_seed(0)
    nets = networks.build(shape, 3, 4, row.stochastic, row.matches)
    x = torch.rand(4, 1, 28, 28) if len(shape) == 3 else torch.randn(4, 2)
    s = Samples(nets, x, torch.randn(4, 3), torch.randn(4, 3), 0.1)
    players, shown = objectives.losses(row, s)
    assert set(shown) == set(row.terms)
    for player, loss in players.items():
        own = {
            f"{k}.{n}": p
            for k, net in nets.items()
            for n, p in net.named_parameters()
            if k.startswith("disc") == (player == "discriminator")
        }
        gradients = torch.autograd.grad(loss, own.values(), retain_graph=True, allow_unused=True)
        assert [k for k, g in zip(own, gradients, strict=True) if g is None] == []
        # the K logits' common offset is free, so a last bias may cancel; all others must move
        silent = [k for k, g in zip(own, gradients, strict=True) if not g.abs().sum() > 0]
        assert silent == []


def test_a_vae_has_one_player_and_ali_two():
    assert list(objectives.losses(FAMILY["vae"], samples(FAMILY["vae"]))[0]) == ["generator"]
    both = list(objectives.losses(FAMILY["ali"], samples(FAMILY["ali"]))[0])
    assert both == ["discriminator", "generator"]


def test_a_new_row_needs_no_new_code():
    """A row written here (marginal matches and both cycles, CycleGAN's type) runs on the same lines."""
    cycle = {
        "reconstruction": Term(1.0, objectives.reconstruction, ""),
        "latent_reconstruction": Term(1.0, objectives.latent_reconstruction, ""),
    }
    row = objectives.Member(False, ((("x",), ("x_tilde",)), (("z",), ("z_hat",))), cycle, "")
    players, shown = objectives.losses(row, samples(row))
    assert list(players) == ["discriminator", "generator"]
    assert list(shown) == ["reconstruction", "latent_reconstruction"]
    assert 1.0 < players["discriminator"].item() < 8.0


def test_weights_of_the_config_replace_the_rows_and_unknown_ones_are_refused():
    config = Config(name="a", member="alice", weights={"reconstruction": 2.5})
    assert objectives.member(config).terms["reconstruction"].weight == 2.5
    with pytest.raises(Problem, match=r"«ali» has no term «reconstruction»; its terms: none"):
        objectives.member(Config(name="a", member="ali", weights={"reconstruction": 1.0}))
    with pytest.raises(Problem, match=r"no member «alien»; there are: ali, bigan"):
        objectives.member(Config(name="a", member="alien"))


def test_alis_row_is_the_joint_match_and_nothing_else():
    assert FAMILY["ali"].matches == (JOINT,) and FAMILY["ali"].terms == {}
