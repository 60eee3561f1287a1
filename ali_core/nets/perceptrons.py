"""The papers' networks without convolutions: BiGAN's for MNIST (Donahue et al. 2017), ALI's for 25 Gaussians.

As their code has them (jeffdonahue/bigan; ALI's experiments/ali_mixture.py). Both have one discriminator, of (x, z).
"""

import torch
import torch.nn.functional as F
from torch import nn

from ali_core.problem import Problem

from .layers import Maxout

UNITS = 1024  # of BiGAN's hidden layers


class Uniform(nn.Module):
    """Codes (n, d) whose prior is N(0, I) as codes whose prior is U(-1, 1): each number's place in it."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.erf(z / 2**0.5)


class Normal(nn.Module):
    """Logits (n, d) as codes whose prior is N(0, I): a sigmoid's place in (0, 1) is theirs in the normal's."""

    FURTHEST = 15.0  # beyond which float32's sigmoid is 1, and the code infinite

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        logits = logits.float().clamp(-self.FURTHEST, self.FURTHEST)
        return torch.special.ndtri(logits.sigmoid())


def _hidden_norm() -> nn.Module:
    """Batch norm with neither gain nor bias, as its code was called."""
    return nn.BatchNorm1d(UNITS, affine=False)


class BiganEncoder(nn.Module):
    """E(x): -> the normal codes (n, d) of uniform ones."""

    def __init__(self, pixels: int, latent: int):
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Flatten(), _plain(pixels, UNITS), nn.LeakyReLU(0.2)),
            *(_plain(UNITS, UNITS), _hidden_norm(), nn.LeakyReLU(0.2)),
        )
        self.head, self.normal = _plain(UNITS, latent), Normal()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.normal(self.head(self.body(x)))


class BiganDecoder(nn.Module):
    """G(z): both hidden layers see z. -> (n, 1, 28, 28)"""

    def __init__(self, latent: int, pixels: int):
        super().__init__()
        self.uniform, self.again = Uniform(), _plain(latent, UNITS)
        self.first = nn.Sequential(_plain(latent, UNITS), _hidden_norm(), nn.ReLU())
        self.second, self.norm = _plain(UNITS, UNITS), _hidden_norm()
        self.head = nn.Sequential(nn.ReLU(), _plain(UNITS, pixels), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28)))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        u = self.uniform(z)
        return self.head(self.norm(self.second(self.first(u)) + self.again(u)))


class BiganDiscriminator(nn.Module):
    """D(x, z): z joins x in the second hidden layer. -> (n, 2) logits, the second 0

    Real and generated pairs each have batch statistics of their own, as in its code: D cannot tell them
    apart by a mean, and does not win within the first thousand steps.
    """

    def __init__(self, pixels: int, latent: int):
        super().__init__()
        self.uniform, self.z = Uniform(), _plain(latent, UNITS)
        self.x = nn.Sequential(nn.Flatten(), _plain(pixels, UNITS), nn.LeakyReLU(0.2), _plain(UNITS, UNITS))
        self.norm = _hidden_norm()
        self.head = nn.Sequential(nn.LeakyReLU(0.2), _plain(UNITS, 1))

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        hidden = self.x(x) + self.z(self.uniform(z))
        kinds = hidden.chunk(2) if self.training else (hidden,)
        return F.pad(self.head(torch.cat([self.norm(h) for h in kinds])), (0, 1))


def _plain(inputs: int, outputs: int) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=False)


def _bigan(
    shape: tuple[int, ...], latent: int, discriminators: list[tuple[tuple[str, ...], int]]
) -> dict[str, nn.Module]:
    """BiGAN's nets for MNIST, weights from N(0, 0.02^2). Its z is uniform; to the rest of the program N(0, I)."""
    if shape != (28, 28, 1) or discriminators != [(("x", "z"), 2)]:
        raise Problem(
            f"net=bigan-mnist is for grey pictures of 28 pixels, with one discriminator, of (x, z); these are "
            f"{shape}: take data=mnist member=bigan."
        )
    pixels = 28 * 28
    nets = {
        "encoder": BiganEncoder(pixels, latent),
        "decoder": BiganDecoder(latent, pixels),
        "discriminator0": BiganDiscriminator(pixels, latent),
    }
    _start(nets)
    nn.init.zeros_(nets["discriminator0"].head[-1].weight)
    return nets


def _start(nets: dict[str, nn.Module]) -> None:
    """Weights from N(0, 0.02^2), biases 0."""
    for layer in (m for net in nets.values() for m in net.modules() if isinstance(m, nn.Linear)):
        nn.init.normal_(layer.weight, 0, 0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


class ImplicitEncoder(nn.Module):
    """q(z|x) that is no Gaussian: (x, epsilon) -> z, (n, 2); trained it draws, asked it takes epsilon = 0."""

    def __init__(self):
        super().__init__()
        self.body = _hidden(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        noise = torch.randn_like(x) if self.training else torch.zeros_like(x)
        return self.body(torch.cat([x, noise], 1))


class ToyDiscriminator(nn.Module):
    """D(x, z): three layers of 200 maxout units of 5 pieces -> (n, 2) logits, the second 0."""

    def __init__(self):
        super().__init__()
        layers, inputs = [], 4
        for _ in range(3):
            layers += [nn.Linear(inputs, 1000), Maxout(5)]
            inputs = 200
        self.body = nn.Sequential(*layers, nn.Linear(inputs, 1))

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return F.pad(self.body(torch.cat([x, z], 1)), (0, 1))


def _hidden(inputs: int, layers: int) -> nn.Module:
    """So many hidden layers of 400 with batch norm, and two outputs."""
    hidden = []
    for _ in range(layers):
        hidden += [nn.Linear(inputs, 400, bias=False), nn.BatchNorm1d(400), nn.ReLU()]
        inputs = 400
    return nn.Sequential(*hidden, nn.Linear(inputs, 2))


def _toy(
    shape: tuple[int, ...], latent: int, discriminators: list[tuple[tuple[str, ...], int]]
) -> dict[str, nn.Module]:
    """The nets of ALI's mixture of 25 Gaussians; weights from N(0, 0.02^2). E draws inside: to a row, a function."""
    if shape != (2,) or latent != 2 or discriminators != [(("x", "z"), 2)]:
        raise Problem(
            "net=ali-toy is for points in the plane, latent=2 and one discriminator, of (x, z); take data=grid "
            "member=bigan latent=2."
        )
    nets = {
        "encoder": ImplicitEncoder(),
        "decoder": _hidden(2, 4),
        "discriminator0": ToyDiscriminator(),
    }
    _start(nets)
    return nets


NETS = {"bigan-mnist": _bigan, "ali-toy": _toy}
