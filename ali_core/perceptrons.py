"""The papers' networks without convolutions: BiGAN's for MNIST (Donahue et al. 2017), ALI's for 25 Gaussians.

As their code has them (jeffdonahue/bigan; ALI's experiments/ali_mixture.py). Both have one discriminator, of (x, z).
"""

import torch
import torch.nn.functional as F
from torch import nn

from .layers import Maxout
from .problem import Problem

UNITS = 1024  # of BiGAN's hidden layers


class Uniform(nn.Module):
    """Codes (n, d) whose prior is N(0, I) as codes whose prior is U(-1, 1): each number's place in it."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.erf(z / 2**0.5)


class Perceptron(nn.Module):
    """BiGAN's hidden layers over rows of numbers: a plain one, one with batch norm, and the output."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Linear(inputs, UNITS), nn.LeakyReLU(0.2)),
            *(nn.Linear(UNITS, UNITS, bias=False), nn.BatchNorm1d(UNITS), nn.LeakyReLU(0.2)),
        )
        self.head = nn.Linear(UNITS, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x.flatten(1)))


class BiganDiscriminator(nn.Module):
    """D(x, z): -> (n, 2) logits, the second 0."""

    def __init__(self, pixels: int, latent: int):
        super().__init__()
        self.uniform, self.joint = Uniform(), Perceptron(pixels + latent, 1)

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return F.pad(self.joint(torch.cat([x.flatten(1), self.uniform(z)], 1)), (0, 1))


def _bigan(
    shape: tuple[int, ...], latent: int, discriminators: list[tuple[tuple[str, ...], int]]
) -> dict[str, nn.Module]:
    """BiGAN's nets for MNIST. Its z is uniform; to the rest of the program it is N(0, I)."""
    if shape != (28, 28, 1) or discriminators != [(("x", "z"), 2)]:
        raise Problem(
            f"net=bigan-mnist is for grey pictures of 28 pixels, with one discriminator, of (x, z); these are "
            f"{shape}: take data=mnist member=bigan."
        )
    layers, pixels = [], 28 * 28
    for inputs in (latent, UNITS):
        layers += [nn.Linear(inputs, UNITS, bias=False), nn.BatchNorm1d(UNITS), nn.ReLU()]
    last = nn.Linear(UNITS, pixels), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28))
    return {
        "encoder": Perceptron(pixels, latent),
        "decoder": nn.Sequential(Uniform(), *layers, *last),
        "discriminator0": BiganDiscriminator(pixels, latent),
    }


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
    for layer in (m for net in nets.values() for m in net.modules() if isinstance(m, nn.Linear)):
        nn.init.normal_(layer.weight, 0, 0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return nets


NETS = {"bigan-mnist": _bigan, "ali-toy": _toy}
