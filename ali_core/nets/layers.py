"""What the networks are built of."""

import math

import torch
import torch.nn.functional as F
from torch import nn

_SLOPE = 0.2


def activation() -> nn.Module:
    """A leaky rectifier."""
    return nn.LeakyReLU(_SLOPE, inplace=True)


# Group norm has no running statistics: averaged weights and several processes stay exact. Batch norm's
# are averaged with the weights, and each process has its own; ALI learns twice as fast with it.
NORMS = {
    # of 16 channels where the width is a multiple of 16
    "group": lambda channels: nn.GroupNorm(math.gcd(channels, max(1, channels // 16)), channels),
    "batch": nn.BatchNorm2d,
}


def downsampling(shape: tuple[int, ...], width: int, norm, wrap) -> tuple[nn.Sequential, int]:
    """Strided convolutions of doubling width down to 3 or 4 pixels a side. -> body, features"""
    channels, size, layers, out = shape[0], shape[1], [], width
    while size > 4:
        layers += [wrap(nn.Conv2d(channels, out, 4, 2, 1)), norm(out), activation()]
        channels, size, out = out, size // 2, out * 2
    return nn.Sequential(*layers, nn.Flatten()), channels * size * size


def upsampling(inputs: int, shape: tuple[int, ...], width: int, norm) -> list[nn.Module]:
    """From a vector to pictures (c, h, w): 4 to 7 pixels a side, doubled with half the channels each time."""
    size, doublings = shape[1], 0
    while size % 2 == 0 and size > 4:
        size, doublings = size // 2, doublings + 1
    channels = width * 2**doublings
    layers = [nn.Linear(inputs, channels * size * size), nn.Unflatten(1, (channels, size, size))]
    layers += [norm(channels), activation()]
    for _ in range(doublings):
        layers += [UpConv(channels, channels // 2), norm(channels // 2), activation()]
        channels //= 2
    return [*layers, nn.Conv2d(channels, shape[0], 3, padding=1)]


class UpConv(nn.Module):
    """Doubles the side by nearest-neighbour up-sampling and a 3x3 convolution, in one pass.

    The two are one transposed convolution whose 4x4 kernel is the 3x3 kernel spread over the
    2x2 copies: exactly the same pictures (a test holds it to that), no chequerboard, and 2.25
    times fewer multiplications.
    """

    def __init__(self, channels: int, out: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spread = F.avg_pool2d(F.pad(self.conv.weight.flip(2, 3), (1, 1, 1, 1)), 2, 1) * 4
        return F.conv_transpose2d(x, spread.transpose(0, 1), self.conv.bias, stride=2, padding=1)


def plain(layer: nn.Module) -> nn.Module:
    """A layer as it is, where others are given a norm."""
    return layer


def mlp(inputs: int, width: int, outputs: int, wrap=plain) -> nn.Sequential:
    """Two hidden layers of `width`."""
    return nn.Sequential(
        wrap(nn.Linear(inputs, width)),
        activation(),
        wrap(nn.Linear(width, width)),
        activation(),
        wrap(nn.Linear(width, outputs)),
    )


class Sines(nn.Module):
    """Points (n, d) with sines and cosines of themselves along WAVES directions beside them.

    Frequencies from a tenth of `top` to `top` radians per unit: an MLP alone is slow to learn what
    is much narrower than the whole (Fourier features, Tancik 2020).
    """

    WAVES = 64

    def __init__(self, inputs: int, top: float):
        super().__init__()
        draw, cpu = torch.Generator().manual_seed(0), {"device": "cpu"}
        directions = torch.randn(self.WAVES, inputs, generator=draw, **cpu)
        lengths = torch.logspace(-1, 0, self.WAVES, **cpu)
        self.register_buffer("waves", directions * lengths[:, None] * top)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        phase = x @ self.waves.T
        return torch.cat([x, phase.sin(), phase.cos()], 1)


class Maxout(nn.Module):
    """The largest of so many neighbouring maps or units: (n, pieces k, …) -> (n, k, …)."""

    def __init__(self, pieces: int = 2):
        super().__init__()
        self.pieces = pieces

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(1, (-1, self.pieces)).amax(2)
