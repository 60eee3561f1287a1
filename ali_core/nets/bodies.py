"""Encoder, decoder and joint discriminator: convolutions for pictures, an MLP for points.

Only forward() is ever called, so that any wrapper (DDP, compile) keeps working. Pictures are
(n, c, h, w) in [0, 1], h = w = 28, 32, 48, 64 or 128; points are (n, 2).
"""

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ali_core.config import Config
from ali_core.nets.translator import Translator

from . import layers, patches
from .layers import NORMS, Sines, activation, mlp, plain


class Body(NamedTuple):
    """What becomes of pictures between their pixels and a vector."""

    down: Callable  # (shape, width, norm, wrap) -> body, features
    up: Callable  # (inputs, shape, width, norm) -> layers
    features: int  # units of D's hidden layers per width


# By Config.net; the papers' own networks stand in paper.py and perceptrons.py
BODIES = {
    "small": Body(layers.downsampling, layers.upsampling, 8),
    "patches": Body(patches.downsampling, patches.upsampling, 4),
}

FEATURES = 128  # length of M(x), what a given network says of x (GALI-PT)


class Encoder(nn.Module):
    """q(z|x) or q(z|x, y): -> mean and log sigma, (n, 2d); deterministic: z, (n, d).

    y: one-hot (n, n_classes); its embedding joins the features before the last layer (ALI, section
    2.7 and its code), and is trained with the rest.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        latent: int,
        width: int,
        stochastic: bool,
        norm: str,
        n_classes: int = 0,
        body: Body = BODIES["small"],
    ):
        super().__init__()
        outputs = latent * (1 + stochastic)
        self.pictures = len(shape) == 3
        more = max(width, n_classes) if n_classes else 0  # a narrower one would mix up factors
        self.embedding = nn.Linear(n_classes, more) if n_classes else None
        if self.pictures:
            self.body, features = body.down(shape, width, NORMS[norm], plain)
            self.head = nn.Linear(features + more, outputs)
        else:
            self.body, self.head = nn.Identity(), mlp(shape[0] + more, width, outputs)

    def forward(self, x: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        features = self.body(x * 2 - 1 if self.pictures else x)
        return self.head(_joined(features, self.embedding, y))


class Decoder(nn.Module):
    """p(x|z) or p(x|z, y), its mean: z (n, d) -> x; pictures end in a sigmoid, as in the ALI paper."""

    def __init__(
        self,
        shape: tuple[int, ...],
        latent: int,
        width: int,
        norm: str,
        n_classes: int = 0,
        body: Body = BODIES["small"],
    ):
        super().__init__()
        more = max(width, n_classes) if n_classes else 0
        self.embedding = nn.Linear(n_classes, more) if n_classes else None
        if len(shape) == 1:
            self.body = mlp(latent + more, width, shape[0])
        else:
            up = body.up(latent + more, shape, width, NORMS[norm])
            self.body = nn.Sequential(*up, nn.Sigmoid())

    def forward(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        return self.body(_joined(z, self.embedding, y))


def _joined(features: torch.Tensor, embedding: nn.Module | None, y) -> torch.Tensor:
    return features if embedding is None else torch.cat([features, embedding(y)], 1)


class Discriminator(nn.Module):
    """Joint D: a part per argument, products of neighbours, a joint part -> (n, outputs) logits.

    For pictures `spectral` norm on every layer, for points none; no batch norm. `kinds` says which
    arguments it takes, in order, `shapes` what each kind is: (c, h, w), or (length,). Where z is
    a picture too, x and z lie upon each other as channels and are one argument.
    """

    def __init__(
        self,
        shapes: dict[str, tuple[int, ...]],
        width: int,
        kinds: tuple[str, ...],
        outputs: int,
        spectral: bool = True,
        sines: float = 0.0,
        body: Body = BODIES["small"],
    ):
        super().__init__()
        pictures = len(shapes["x"]) == 3
        wrap = spectral_norm if spectral and pictures else plain
        features = body.features * width if pictures else width
        each = [shapes[kind] for kind in kinds]
        self.stacked = len(shapes["z"]) == 3
        if self.stacked:
            each = [(sum(shape[0] for shape in each), *each[0][1:])]
        self.parts = nn.ModuleList(
            self._x_part(shape, width, features, wrap, body)
            if len(shape) == 3
            else self._flat(shape[0], features, wrap, sines if kind == "x" else 0.0)
            for kind, shape in zip(kinds, each, strict=False)  # stacked ones are a single part
        )
        self.joint = mlp(features * (2 * len(each) - 1), 2 * features, outputs, wrap)

    @staticmethod
    def _x_part(shape, width, features, wrap, body):
        down, flat = body.down(shape, width, lambda _: nn.Identity(), wrap)
        return nn.Sequential(down, wrap(nn.Linear(flat, features)), activation())

    @staticmethod
    def _flat(inputs, features, wrap, sines):
        seen = inputs + 2 * Sines.WAVES if sines else inputs
        layers = [wrap(nn.Linear(seen, features)), activation()]
        layers += [wrap(nn.Linear(features, features)), activation()]
        return nn.Sequential(*([Sines(inputs, sines)] if sines else []), *layers)

    def forward(self, *arguments: torch.Tensor) -> torch.Tensor:
        centred = [a * 2 - 1 if a.dim() == 4 else a for a in arguments]
        if self.stacked:
            centred = [torch.cat(centred, 1)]
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
        with torch.no_grad():  # held between the bounds themselves, so that they can leave them again
            self.log.clamp_(math.log(low), math.log(high))
        return self.log.exp()


def build(
    shape: tuple[int, ...],
    config: Config,
    stochastic: bool,
    discriminators: list[tuple[tuple[str, ...], int]],
    n_classes: int = 0,
    multipliers: list[float] | None = None,
    prior: tuple[int, ...] = (),
) -> dict[str, nn.Module]:
    """The networks of a member, by name: encoder, decoder, discriminator0, …, multipliers.

    shape: (h, w, c) of pictures or (2,) of points; discriminators: kinds of arguments and number of
    outputs of each; n_classes: length of y where the networks are given one; multipliers: their
    starts; prior: (h, w, c) of z, where z is another domain's pictures: encoder and decoder are then
    translators through a code of `latent`.
    """
    latent, width, norm, body = config.latent, config.width, config.norm, BODIES[config.net]
    if len(shape) == 3:
        shape = (shape[2], shape[0], shape[1])
    z = (prior[2], *prior[:2]) if prior else (latent,)
    if prior:
        ends = {"encoder": (shape[0], z[0]), "decoder": (z[0], shape[0])}
        nets = {name: Translator(*channels, shape[1], width, latent, norm) for name, channels in ends.items()}
    else:
        nets = {
            "encoder": Encoder(shape, latent, width, stochastic, norm, n_classes, body),
            "decoder": Decoder(shape, latent, width, norm, n_classes, body),
        }
    shapes = {"x": shape, "z": z, "y": (n_classes,), "m": (FEATURES,)}
    for i, (kinds, outputs) in enumerate(discriminators):
        net = Discriminator(shapes, width, kinds, outputs, not config.r1, config.sines, body)
        nets[f"discriminator{i}"] = net
    if multipliers:
        nets["multipliers"] = Multipliers(multipliers)
    return nets
