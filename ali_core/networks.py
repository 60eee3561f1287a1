"""Encoder, decoder and joint discriminator: convolutions for pictures, an MLP for points.

Only forward() is ever called, so that any wrapper (DDP, compile) keeps working. Pictures are
(n, c, h, w) in [0, 1], h = w = 28, 32 or 64; points are (n, 2).
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

_SLOPE = 0.2


def _activation() -> nn.Module:
    return nn.LeakyReLU(_SLOPE, inplace=True)


def _group_norm(channels: int) -> nn.Module:
    # Group norm has no running statistics: averaged weights and several processes stay exact.
    return nn.GroupNorm(max(1, channels // 16), channels)


def _downsampling(shape: tuple[int, ...], width: int, norm, wrap) -> tuple[nn.Sequential, int]:
    """Strided convolutions of doubling width down to 3 or 4 pixels a side. -> body, features"""
    channels, size, layers, out = shape[0], shape[1], [], width
    while size > 4:
        layers += [wrap(nn.Conv2d(channels, out, 4, 2, 1)), norm(out), _activation()]
        channels, size, out = out, size // 2, out * 2
    return nn.Sequential(*layers, nn.Flatten()), channels * size * size


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


def _mlp(inputs: int, width: int, outputs: int, wrap=lambda layer: layer) -> nn.Sequential:
    return nn.Sequential(
        wrap(nn.Linear(inputs, width)),
        _activation(),
        wrap(nn.Linear(width, width)),
        _activation(),
        wrap(nn.Linear(width, outputs)),
    )


class Encoder(nn.Module):
    """q(z|x): x -> mean and log sigma, (n, 2d); deterministic: z, (n, d)."""

    def __init__(self, shape: tuple[int, ...], latent: int, width: int, stochastic: bool):
        super().__init__()
        outputs = latent * (1 + stochastic)
        self.pictures = len(shape) == 3
        if self.pictures:
            self.body, features = _downsampling(shape, width, _group_norm, lambda layer: layer)
            self.head = nn.Linear(features, outputs)
        else:
            self.body, self.head = nn.Identity(), _mlp(shape[0], width, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x * 2 - 1 if self.pictures else x))


class Decoder(nn.Module):
    """p(x|z), its mean: z (n, d) -> x; pictures end in a sigmoid, as in the ALI paper."""

    def __init__(self, shape: tuple[int, ...], latent: int, width: int):
        super().__init__()
        if len(shape) == 1:
            self.body = _mlp(latent, width, shape[0])
            return
        size, doublings = shape[1], 0
        while size % 2 == 0 and size > 4:
            size, doublings = size // 2, doublings + 1
        channels = width * 2**doublings
        layers = [
            nn.Linear(latent, channels * size * size),
            nn.Unflatten(1, (channels, size, size)),
        ]
        layers += [_group_norm(channels), _activation()]
        for _ in range(doublings):
            layers += [UpConv(channels, channels // 2), _group_norm(channels // 2), _activation()]
            channels //= 2
        self.body = nn.Sequential(
            *layers, nn.Conv2d(channels, shape[0], 3, padding=1), nn.Sigmoid()
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.body(z)


class Discriminator(nn.Module):
    """Joint D: an x-part, a z-part and a joint part -> one logit per tuple, (n, tuples).

    Spectral norm on every layer, no batch norm. `parts` says which arguments it takes, in order:
    "x" or "z" each (ALI's D takes x, z; a D on x alone takes x).
    """

    def __init__(
        self, shape: tuple[int, ...], latent: int, width: int, parts: tuple[str, ...], tuples: int
    ):
        super().__init__()
        pictures = len(shape) == 3
        features = 8 * width if pictures else width
        made = {"x": self._x_part if pictures else self._flat(shape[0]), "z": self._flat(latent)}
        self.kinds = parts
        self.parts = nn.ModuleList(made[kind](shape, width, features) for kind in parts)
        self.joint = _mlp(features * len(parts), 2 * features, tuples, spectral_norm)

    @staticmethod
    def _x_part(shape, width, features):
        body, flat = _downsampling(shape, width, lambda _: nn.Identity(), spectral_norm)
        return nn.Sequential(body, spectral_norm(nn.Linear(flat, features)), _activation())

    @staticmethod
    def _flat(inputs):
        def part(_, __, features):
            layers = spectral_norm(nn.Linear(inputs, features)), _activation()
            return nn.Sequential(
                *layers, spectral_norm(nn.Linear(features, features)), _activation()
            )

        return part

    def forward(self, *arguments: torch.Tensor) -> torch.Tensor:
        centred = [
            a * 2 - 1 if kind == "x" and a.dim() == 4 else a
            for kind, a in zip(self.kinds, arguments, strict=True)
        ]
        features = [part(a) for part, a in zip(self.parts, centred, strict=True)]
        return self.joint(torch.cat(features, 1))


def build(
    shape: tuple[int, ...],
    latent: int,
    width: int,
    stochastic: bool,
    matches: tuple[tuple[tuple[str, ...], ...], ...],
) -> dict[str, nn.Module]:
    """The networks of a member, by name: encoder, decoder, discriminator0, discriminator1, …

    shape: (h, w, c) of pictures or (2,) of points; matches: one entry of tuples per discriminator.
    """
    if len(shape) == 3:
        shape = (shape[2], shape[0], shape[1])
    nets = {
        "encoder": Encoder(shape, latent, width, stochastic),
        "decoder": Decoder(shape, latent, width),
    }
    for i, tuples in enumerate(matches):
        kinds = tuple(name[0] for name in tuples[0])
        nets[f"discriminator{i}"] = Discriminator(shape, latent, width, kinds, len(tuples))
    return nets
