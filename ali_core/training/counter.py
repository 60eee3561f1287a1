"""Random numbers from a counter: what a step draws, the same in Python and in a browser (app/components/lab_chance.js).

Threefry-2x32 of 20 rounds (Salmon et al. 2011, Random123): two words from a key and a counter, by adding, turning
and XOR of 32 bits alone. The key is (seed, step), the counter (stream, place): so a number that nobody needs is not drawn.
"""

import numpy as np
import torch

from ali_core.config import Config
from ali_core.family.samples import DRAWN

TURNS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA
# a stream for everything that is drawn; the posteriors' noise follows, a stream a pass
STREAMS = ("index", "z", "holes", "example", "prior")


def words(key: tuple[int, int], stream: int, places: int) -> np.ndarray:
    """The two words of every place of a stream, uint32 (places, 2)."""
    keys = [np.uint32(key[0]), np.uint32(key[1]), np.uint32(key[0] ^ key[1] ^ PARITY)]
    with np.errstate(over="ignore"):
        a = np.full(places, stream, np.uint32) + keys[0]
        b = np.arange(places, dtype=np.uint32) + keys[1]
        for round in range(5):
            for turn in TURNS[round % 2]:
                a = a + b
                b = (b << np.uint32(turn)) | (b >> np.uint32(32 - turn))
                b = b ^ a
            a = a + keys[(round + 1) % 3]
            b = b + keys[(round + 2) % 3] + np.uint32(round + 1)
    return np.stack([a, b], 1)


def whole(key: tuple[int, int], stream: int, n: int, below: int) -> torch.Tensor:
    """n whole numbers from 0 to below - 1."""
    drawn = words(key, stream, n)[:, 0].astype(np.float64)
    return torch.from_numpy(np.floor(drawn * below / 2**32).astype(np.int64))


def uniform(key: tuple[int, int], stream: int, *shape: int) -> torch.Tensor:
    """Numbers in [0, 1), multiples of 2^-24."""
    drawn = words(key, stream, -(-int(np.prod(shape)) // 2)).reshape(-1)[: int(np.prod(shape))]
    return torch.from_numpy((drawn >> np.uint32(8)).astype(np.float32) / np.float32(2**24)).reshape(shape)


def normal(key: tuple[int, int], stream: int, *shape: int) -> torch.Tensor:
    """Draws of N(0, 1), a pair a place (Box and Muller 1958), at most 6.8 from 0."""
    drawn = words(key, stream, -(-int(np.prod(shape)) // 2)).astype(np.float64)
    length = np.sqrt(-2 * np.log((drawn[:, 0] + 0.5) / 2**32))
    angle = drawn[:, 1] * (2 * np.pi / 2**32)
    pair = np.stack([length * np.cos(angle), length * np.sin(angle)], 1).astype(np.float32)
    return torch.from_numpy(pair.reshape(-1)[: int(np.prod(shape))]).reshape(shape)


def draw(config: Config, n: int, shape: tuple[int, ...], step: int) -> dict[str, torch.Tensor]:
    """What `inputs.draw` draws for a model of points, from the counter.

    A batch and codes for it; every number depends on (seed, step) and its own place alone.
    """
    key, b, at = (config.seed, step), config.batch, STREAMS.index
    noise = [normal(key, len(STREAMS) + k, b, config.latent) for k in range(len(DRAWN))]
    return {
        "index": whole(key, at("index"), b, n),
        "z": normal(key, at("z"), b, config.latent),
        "noise": torch.stack(noise, 1),
        "holes": uniform(key, at("holes"), b, 8),
        "example": uniform(key, at("example"), b),
        "prior": uniform(key, at("prior"), b),
    }
