"""Losses of one step's samples: what a row of the family adds up."""

import math

import torch
import torch.nn.functional as F

from .samples import Samples, posterior


def reconstruction(s: Samples) -> torch.Tensor:
    """Mean absolute error of x_rec: -E_q log p(x|z) of a Laplace p(x|z), per pixel (ALICE, eq. 9)."""
    return (s.x - s.x_rec).abs().mean()


def latent_reconstruction(s: Samples) -> torch.Tensor:
    """Mean squared error of z_rec: -E_p log q(z|x) of a Gaussian, per dimension (ALICE, VEEGAN)."""
    return (s.z - s.z_rec).square().mean()


def inverse(s: Samples) -> torch.Tensor:
    """Mean squared error of z_fixed: E learns to invert G, and no gradient reaches G (ALI, section 4.4)."""
    return (s.z - s.z_fixed).square().mean()


def prior_reconstruction(s: Samples) -> torch.Tensor:
    """Mean absolute error of z_rec, where z is a second domain's picture (CycleGAN, eq. 2)."""
    return (s.z - s.z_rec).abs().mean()


def identity(s: Samples) -> torch.Tensor:
    """Mean absolute error of E(z) and G(x): what is in a domain already stays (CycleGAN, section 5.2)."""
    return (s.z - s.z_same).abs().mean() + (s.x - s.x_same).abs().mean()


def mapping(s: Samples) -> torch.Tensor:
    """Mean absolute error of both translations of true pairs (ALICE, weakly supervised)."""
    return (s.z_pair - s.z_pair_hat).abs().mean() + (s.x_pair - s.x_pair_tilde).abs().mean()


def nll(s: Samples) -> torch.Tensor:
    """-E_q log p(x|z) in nats, p(x|z) Gaussian of standard deviation `s.sd` (VAE)."""
    squared = (s.x - s.x_rec).square().flatten(1)
    constant = squared.shape[1] * math.log(s.sd * math.sqrt(2 * math.pi))
    return squared.sum(1).mean() / (2 * s.sd**2) + constant


def kl(s: Samples) -> torch.Tensor:
    """KL(q(z|x) || N(0, I)) in nats, closed form (VAE, appendix B)."""
    mean, log_sigma = posterior(s.parameters, s.z.shape[1])
    return (0.5 * (mean.square() + (2 * log_sigma).exp() - 1) - log_sigma).sum(1).mean()


def consistency(s: Samples) -> torch.Tensor:
    """-ELBO in nats: KL(q(x,z) || p(x,z)) but for the data's entropy (LagVAE's first constraint)."""
    return nll(s) + kl(s)


def mmd(s: Samples) -> torch.Tensor:
    """Squared maximum mean discrepancy of q(z) and p(z), unbiased, inverse multiquadratic kernels.

    Kernels C / (C + distance^2) of seven scales around C = 2d, WAE's (Tolstikhin 2018, appendix).
    """
    d = s.z.shape[1]
    total = 0
    for scale in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0):
        c = 2 * d * scale

        def kernel(a, b, c=c):
            return c / (c + _squares(a, b))

        within = _apart(kernel(s.z_hat, s.z_hat)).mean() + _apart(kernel(s.z, s.z)).mean()
        total = total + within - 2 * kernel(s.z_hat, s.z).mean()
    return total / 7


def _apart(square: torch.Tensor) -> torch.Tensor:
    """What of (n, n) does not stand on the diagonal, row by row, (n - 1, n)."""
    n = len(square)
    return square.flatten()[1:].unflatten(0, (n - 1, n + 1))[:, :-1]


def _squares(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    a, b = a.float(), b.float()
    return (a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T).clamp_min(0)


def supervised(s: Samples) -> torch.Tensor:
    """Cross-entropy of D's first K classes on labelled pairs (x, E(x)) (ALI, semi-supervised)."""
    logits = s.nets["discriminator0"](s.x_labelled, s.z_labelled)
    return F.cross_entropy(logits[:, :-1].float(), s.y_labelled)
