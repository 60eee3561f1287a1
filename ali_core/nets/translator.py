"""The network between two domains of pictures."""

import torch
from torch import nn

from .layers import NORMS, UpConv, activation


class Translator(nn.Module):
    """E or G between two domains of pictures: -> a picture of the other domain, in [0, 1].

    Down, through a code of length `code` that sees the whole picture, and up beside what was seen
    at each size (U-Net): what stays in its place need not pass through the code.
    """

    def __init__(self, channels: int, out: int, size: int, width: int, code: int, norm: str):
        super().__init__()
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        before, sides = channels, []
        while size % 2 == 0 and size > 4:
            size, sides = size // 2, [*sides, before]
            layer = nn.Conv2d(before, width, 4, 2, 1)
            self.down.append(nn.Sequential(layer, NORMS[norm](width), activation()))
            before, width = width, 2 * width
        flat = before * size * size
        self.code = nn.Sequential(
            nn.Flatten(),
            nn.Linear(flat, code),
            activation(),
            nn.Linear(code, flat),
            nn.Unflatten(1, (before, size, size)),
        )
        for side in reversed(sides):
            out_channels = max(before // 2, sides[-1] // 2, 16)
            layers = UpConv(before, out_channels), NORMS[norm](out_channels), activation()
            self.up.append(nn.Sequential(*layers))
            before = out_channels + side
        self.head = nn.Sequential(nn.Conv2d(before, out, 3, padding=1), nn.Sigmoid())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h, beside = x * 2 - 1, []
        for layer in self.down:
            beside.append(h)
            h = layer(h)
        h = h + self.code(h)
        for layer in self.up:
            h = torch.cat([layer(h), beside.pop()], 1)
        return self.head(h)
