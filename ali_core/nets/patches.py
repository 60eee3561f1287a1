"""Bodies that do nothing at full resolution: patches in, patches out, residual blocks at 8x8 and below.

At 64 pixels an encoder of width 32 takes 15 million multiplications and a decoder 19; the ones of layers.py, of
width 24, take 15 and 78, most of them for the decoder's last two doublings.
"""

import torch
from torch import nn

from .layers import UpConv, activation

GRID = 16  # patches a side; pictures of fewer than 32 pixels have patches of 2
FINEST = 8  # pixels a side from which on there are residual blocks


class Residual(nn.Module):
    """x plus what two 3x3 convolutions make of it."""

    def __init__(self, channels: int, norm, wrap):
        super().__init__()
        self.branch = nn.Sequential(
            wrap(nn.Conv2d(channels, channels, 3, padding=1)),
            norm(channels),
            activation(),
            wrap(nn.Conv2d(channels, channels, 3, padding=1)),
            norm(channels),
        )
        self.end = activation()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.end(x + self.branch(x))


def downsampling(shape: tuple[int, ...], width: int, norm, wrap) -> tuple[nn.Sequential, int]:
    """Overlapping patches, then strided convolutions of doubling width. -> body, features"""
    size, patch = shape[1], _patch(shape[1])
    layers = [wrap(nn.Conv2d(shape[0], width, patch + 2, patch, 1)), norm(width), activation()]
    size //= patch
    while size % 2 == 0 and size > 4:
        layers += [wrap(nn.Conv2d(width, 2 * width, 4, 2, 1)), norm(2 * width), activation()]
        size, width = size // 2, 2 * width
        layers += [Residual(width, norm, wrap)] if size <= FINEST else []
    return nn.Sequential(*layers, nn.Flatten()), width * size * size


def upsampling(inputs: int, shape: tuple[int, ...], width: int, norm) -> list[nn.Module]:
    """From a vector to pictures (c, h, w), `downsampling` the other way round."""
    patch = _patch(shape[1])
    size, doublings = shape[1] // patch, 0
    while size % 2 == 0 and size > 4:
        size, doublings = size // 2, doublings + 1
    channels = width * 2**doublings
    layers = [nn.Linear(inputs, channels * size * size), nn.Unflatten(1, (channels, size, size))]
    layers += [norm(channels), activation()]
    for _ in range(doublings):
        layers += [Residual(channels, norm, lambda layer: layer)] if size <= FINEST else []
        layers += [UpConv(channels, channels // 2), norm(channels // 2), activation()]
        size, channels = 2 * size, channels // 2
    if patch % 2 == 0 and patch > 2:  # half of the way first: the edges of large patches show
        layers += [*_shuffled(channels, channels // 2, 2), norm(channels // 2), activation()]
        channels, patch = channels // 2, patch // 2
    return [*layers, *_shuffled(channels, shape[0], patch)]


def _patch(size: int) -> int:
    return max(2, size // GRID)


def _shuffled(channels: int, out: int, times: int) -> tuple[nn.Module, nn.Module]:
    """A 3x3 convolution to so many pixels a side for each; they start as copies, without chequers (ICNR)."""
    conv = nn.Conv2d(channels, out * times**2, 3, padding=1)
    with torch.no_grad():
        conv.weight.copy_(conv.weight[:: times**2].repeat_interleave(times**2, 0))
        conv.bias.copy_(conv.bias[:: times**2].repeat_interleave(times**2, 0))
    return conv, nn.PixelShuffle(times)
