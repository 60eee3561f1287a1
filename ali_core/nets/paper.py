"""The ALI paper's own networks for pictures (Dumoulin et al. 2017, appendix A), as its code has them.

A layer is kernel,stride,maps; convolutions without padding. Where paper and code differ, the code holds
but for CIFAR-10's dropout, which its code left out of two layers by a slip.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from ali_core.problem import Problem

from . import bodies, perceptrons
from .layers import Maxout


class Net(NamedTuple):
    """A row of the paper's tables 3 to 6."""

    size: int
    latent: int
    slope: float  # of leaky ReLU
    encoder: str
    decoder: str
    x: str  # D(x)
    z: str  # D(z)
    joint: str  # D(x, z), before its one output
    dropout: float = 0.2  # on what the later convolutions of D take in
    maxout: bool = False  # D of CIFAR-10: maxout of two pieces, and no batch norm
    z_bias: bool = False


_SVHN = Net(
    size=32,
    latent=256,
    slope=0.01,
    encoder="5,1,32 4,2,64 4,1,128 4,2,256 4,1,512 1,1,512",
    decoder="4,1,256 4,2,128 4,1,64 4,2,32 5,1,32 1,1,32",
    x="5,1,32 4,2,64 4,1,128 4,2,256 4,1,512",
    z="1,1,512 1,1,512",
    joint="1,1,1024 1,1,1024",
)
NETS = {
    "ali-svhn": _SVHN,
    "ali-cifar10": _SVHN._replace(latent=64, slope=0.1, dropout=0.5, maxout=True),
    "ali-celeba": Net(
        size=64,
        latent=256,
        slope=0.02,
        encoder="2,1,64 7,2,128 5,2,256 7,2,256 4,1,512",
        decoder="4,1,512 7,2,256 5,2,256 7,2,128 2,1,64",
        x="2,1,64 7,2,128 5,2,256 7,2,256 4,1,512",
        z="1,1,1024 1,1,1024",
        joint="1,1,2048 1,1,2048",
    ),
    "ali-imagenet": Net(
        size=64,
        latent=256,
        slope=0.01,
        encoder="4,2,64 4,1,64 4,2,128 4,1,128 4,2,256 4,1,256 1,1,2048 1,1,2048",
        decoder="1,1,2048 1,1,256 4,1,256 4,2,128 4,1,128 4,2,64 4,1,64 4,2,64",
        x="4,2,64 4,1,64 4,2,128 4,1,128 4,2,256 4,1,256",
        z="1,1,2048 1,1,2048",
        joint="1,1,4096 1,1,4096",
        z_bias=True,
    ),
}
FIRST_DROPOUT = 0.2
MOMENTUM = 0.05  # running statistics: 0.05 of the batch's and 0.95 of the old
LOG_ODDS_EXAMPLES = 500


def _layers(text: str) -> list[tuple[int, ...]]:
    return [tuple(int(number) for number in layer.split(",")) for layer in text.split()]


class Untied(nn.Module):
    """A bias of its own for every pixel and channel."""

    def __init__(self, channels: int, size: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels, size, size))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.bias


def _normed(channels: int, slope: float) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels, momentum=MOMENTUM), nn.LeakyReLU(slope)]


class Encoder(nn.Module):
    """q(z|x): x (n, 3, h, w) in [0, 1] -> mean and log sigma, (n, 2d)."""

    def __init__(self, net: Net):
        super().__init__()
        layers, channels = [], 3
        for kernel, stride, maps in _layers(net.encoder):
            layers += [nn.Conv2d(channels, maps, kernel, stride, bias=False)]
            layers += _normed(maps, net.slope)
            channels = maps
        last = nn.Conv2d(channels, 2 * net.latent, 1, bias=False)
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(last, Untied(2 * net.latent, 1), nn.Flatten())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


class Decoder(nn.Module):
    """p(x|z), its mean: z (n, d) -> x (n, 3, h, w) in [0, 1]."""

    def __init__(self, net: Net):
        super().__init__()
        layers, channels = [], net.latent
        for kernel, stride, maps in _layers(net.decoder):
            layers += [nn.ConvTranspose2d(channels, maps, kernel, stride, bias=False)]
            layers += _normed(maps, net.slope)
            channels = maps
        self.body = nn.Sequential(*layers, nn.Conv2d(channels, 3, 1, bias=False))
        self.output = Untied(3, net.size)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.output(self.body(z[:, :, None, None])))


class Discriminator(nn.Module):
    """D(x, z): -> (n, 2) logits, the second 0, so that their softmax is the paper's sigmoid."""

    def __init__(self, net: Net):
        super().__init__()

        def part(text, channels, first, bias, normed=False):
            layers = []
            for i, (kernel, stride, maps) in enumerate(_layers(text)):
                layers.append(nn.Dropout(net.dropout if i else first))
                size = channels, maps * (1 + net.maxout), kernel, stride
                layers.append(nn.Conv2d(*size, bias=net.maxout or bias == "all" or (bias == "first" and not i)))
                if net.maxout:
                    layers.append(Maxout())
                else:
                    layers += _normed(maps, net.slope) if normed and i else [nn.LeakyReLU(net.slope)]
                channels = maps
            return nn.Sequential(*layers), channels

        self.x, of_x = part(net.x, 3, FIRST_DROPOUT, "first", normed=True)
        self.z, of_z = part(net.z, net.latent, FIRST_DROPOUT, "all" if net.z_bias else "none")
        joint, of_both = part(net.joint, of_x + of_z, net.dropout, "all")
        self.joint = nn.Sequential(*joint, nn.Dropout(net.dropout), nn.Conv2d(of_both, 1, 1))

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        both = torch.cat([self.x(x), self.z(z[:, :, None, None])], 1)
        return F.pad(self.joint(both).flatten(1), (0, 1))


def build(
    name: str,
    shape: tuple[int, ...],
    latent: int,
    discriminators: list[tuple[tuple[str, ...], int]],
) -> dict[str, nn.Module]:
    """The networks NAME of NETS, or of perceptrons.NETS, for a member; weights from N(0, 0.01^2).

    discriminators: kinds of arguments and number of outputs of each, as networks.build has them.

    Raises Problem where the data, the latent or the member does not fit them.
    """
    if name in perceptrons.NETS:
        return perceptrons.NETS[name](shape, latent, discriminators)
    if name not in NETS:
        names = ", ".join((*bodies.BODIES, *perceptrons.NETS, *NETS))
        raise Problem(f"There is no net «{name}»; there are: {names}.")
    net = NETS[name]
    if shape != (net.size, net.size, 3) or latent != net.latent:
        raise Problem(
            f"net={name} is for colour pictures of {net.size} pixels and latent={net.latent}; "
            f"these are {shape} and latent={latent}."
        )
    if discriminators != [(("x", "z"), 2)]:
        raise Problem(f"net={name} has one discriminator, of (x, z); take member=ali.")
    nets = {
        "encoder": Encoder(net),
        "decoder": Decoder(net),
        "discriminator0": Discriminator(net),
    }
    for module in (m for part in nets.values() for m in part.modules()):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.01)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return nets


def set_output_bias(decoder: nn.Module, x: torch.Tensor) -> None:
    """Sets the decoder's last bias to the log-odds of the mean of x (n, c, h, w) in [0, 1]."""
    mean = x.mean(0).clamp(1e-7, 1 - 1e-7)
    with torch.no_grad():
        decoder.output.bias.copy_(mean.logit())
