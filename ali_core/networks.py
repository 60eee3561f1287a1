"""Encoder, decoder and joint discriminator: convolutions for pictures, an MLP for points.

Only forward() is ever called, so that any wrapper (DDP, compile) keeps working. Pictures are
(n, c, h, w) in [0, 1], h = w = 28, 32 or 64; points are (n, 2).
"""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

_SLOPE = 0.2
FEATURES = 128  # length of M(x), what a given network says of x (GALI-PT)


def _activation() -> nn.Module:
    return nn.LeakyReLU(_SLOPE, inplace=True)


# Group norm has no running statistics: averaged weights and several processes stay exact. Batch norm's
# are averaged with the weights, and each process has its own; ALI learns twice as fast with it.
_NORMS = {
    "group": lambda channels: nn.GroupNorm(max(1, channels // 16), channels),
    "batch": nn.BatchNorm2d,
}


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


def _plain(layer: nn.Module) -> nn.Module:
    return layer


def _mlp(inputs: int, width: int, outputs: int, wrap=_plain) -> nn.Sequential:
    return nn.Sequential(
        wrap(nn.Linear(inputs, width)),
        _activation(),
        wrap(nn.Linear(width, width)),
        _activation(),
        wrap(nn.Linear(width, outputs)),
    )


class Encoder(nn.Module):
    """q(z|x) or q(z|x, y): -> mean and log sigma, (n, 2d); deterministic: z, (n, d).

    y: one-hot (n, classes); its embedding joins the features before the last layer (ALI, section
    2.7 and its code), and is trained with the rest.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        latent: int,
        width: int,
        stochastic: bool,
        norm: str,
        classes: int = 0,
    ):
        super().__init__()
        outputs = latent * (1 + stochastic)
        self.pictures = len(shape) == 3
        self.embedding = nn.Linear(classes, width) if classes else None
        more = width if classes else 0
        if self.pictures:
            self.body, features = _downsampling(shape, width, _NORMS[norm], lambda layer: layer)
            self.head = nn.Linear(features + more, outputs)
        else:
            self.body, self.head = nn.Identity(), _mlp(shape[0] + more, width, outputs)

    def forward(self, x: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        features = self.body(x * 2 - 1 if self.pictures else x)
        return self.head(_joined(features, self.embedding, y))


class Decoder(nn.Module):
    """p(x|z) or p(x|z, y), its mean: z (n, d) -> x; pictures end in a sigmoid, as in the ALI paper."""

    def __init__(
        self, shape: tuple[int, ...], latent: int, width: int, norm: str, classes: int = 0
    ):
        super().__init__()
        self.embedding = nn.Linear(classes, width) if classes else None
        inputs = latent + (width if classes else 0)
        if len(shape) == 1:
            self.body = _mlp(inputs, width, shape[0])
            return
        size, doublings = shape[1], 0
        while size % 2 == 0 and size > 4:
            size, doublings = size // 2, doublings + 1
        channels = width * 2**doublings
        layers = [
            nn.Linear(inputs, channels * size * size),
            nn.Unflatten(1, (channels, size, size)),
        ]
        layers += [_NORMS[norm](channels), _activation()]
        for _ in range(doublings):
            layers += [UpConv(channels, channels // 2), _NORMS[norm](channels // 2), _activation()]
            channels //= 2
        self.body = nn.Sequential(
            *layers, nn.Conv2d(channels, shape[0], 3, padding=1), nn.Sigmoid()
        )

    def forward(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        return self.body(_joined(z, self.embedding, y))


def _joined(features: torch.Tensor, embedding: nn.Module | None, y) -> torch.Tensor:
    return features if embedding is None else torch.cat([features, embedding(y)], 1)


class Discriminator(nn.Module):
    """Joint D: a part per argument, products of neighbours, a joint part -> (n, outputs) logits.

    For pictures spectral norm on every layer, for points none; no batch norm. `kinds` says which arguments it takes, in order: a
    letter each, "x", or one of `sizes` (ALI's D takes x, z; a D on x alone takes x).
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        sizes: dict[str, int],
        width: int,
        kinds: tuple[str, ...],
        outputs: int,
    ):
        super().__init__()
        pictures = len(shape) == 3
        features = 8 * width if pictures else width
        self.kinds = kinds
        self.parts = nn.ModuleList(
            self._x_part(shape, width, features)
            if kind == "x" and pictures
            else self._flat(
                shape[0] if kind == "x" else sizes[kind],
                features,
                spectral_norm if pictures else _plain,
            )
            for kind in kinds
        )
        inputs = features * (2 * len(kinds) - 1)
        self.joint = _mlp(inputs, 2 * features, outputs, spectral_norm if pictures else _plain)

    @staticmethod
    def _x_part(shape, width, features):
        body, flat = _downsampling(shape, width, lambda _: nn.Identity(), spectral_norm)
        return nn.Sequential(body, spectral_norm(nn.Linear(flat, features)), _activation())

    @staticmethod
    def _flat(inputs, features, wrap):
        layers = wrap(nn.Linear(inputs, features)), _activation()
        return nn.Sequential(*layers, wrap(nn.Linear(features, features)), _activation())

    def forward(self, *arguments: torch.Tensor) -> torch.Tensor:
        centred = [
            a * 2 - 1 if kind == "x" and a.dim() == 4 else a
            for kind, a in zip(self.kinds, arguments, strict=True)
        ]
        features = [part(a) for part, a in zip(self.parts, centred, strict=True)]
        # what belongs together shows in products, as in a projection discriminator (Miyato 2018)
        products = [a * b for a, b in itertools.pairwise(features)]
        return self.joint(torch.cat(features + products, 1))


class Multipliers(nn.Module):
    """The coefficients of k constraints, positive and bounded: -> (k,), learned by dual ascent.

    Bounds and start are LagVAE's (its code: lambda in 0.001 to 100, from the row's weight).
    """

    BOUNDS = (1e-3, 100.0)

    def __init__(self, start: list[float]):
        super().__init__()
        self.log = nn.Parameter(torch.tensor(start).log())

    def forward(self) -> torch.Tensor:
        low, high = self.BOUNDS
        with (
            torch.no_grad()
        ):  # held between the bounds themselves, so that they can leave them again
            self.log.clamp_(math.log(low), math.log(high))
        return self.log.exp()


def build(
    shape: tuple[int, ...],
    latent: int,
    width: int,
    stochastic: bool,
    norm: str,
    discriminators: list[tuple[tuple[str, ...], int]],
    classes: int = 0,
    multipliers: list[float] | None = None,
) -> dict[str, nn.Module]:
    """The networks of a member, by name: encoder, decoder, discriminator0, …, multipliers.

    shape: (h, w, c) of pictures or (2,) of points; norm: "group" or "batch", in encoder and decoder
    of pictures; discriminators: kinds of arguments and number of
    outputs of each; classes: length of y where the networks are given one; multipliers: their starts.
    """
    if len(shape) == 3:
        shape = (shape[2], shape[0], shape[1])
    nets = {
        "encoder": Encoder(shape, latent, width, stochastic, norm, classes),
        "decoder": Decoder(shape, latent, width, norm, classes),
    }
    sizes = {"z": latent, "y": classes, "m": FEATURES}
    for i, (kinds, outputs) in enumerate(discriminators):
        nets[f"discriminator{i}"] = Discriminator(shape, sizes, width, kinds, outputs)
    if multipliers:
        nets["multipliers"] = Multipliers(multipliers)
    return nets
