"""A small classifier of the data's own pictures: the judge of what a model makes of them.

One network with the classes of every factor side by side; data of one class a picture have one factor.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as tensor_bytes
from torch import nn
from tqdm import tqdm

from ali_core.data.dataset import Data, fingerprint
from ali_core.files import write_beside

from .bodies import FEATURES

RUNS = Path(".runs")
EPOCHS, SEVERAL_EPOCHS, BATCH = 3, 6, 128  # of one factor, of several


class Classifier:
    """A trained classifier to ask: numpy in, numpy out.

    accuracy: on the held-out pictures, `n` of them, the mean of the factors'; by_factor: each one's,
    where they have names; sha256: of its weights' file; seed: its own; sizes: how many classes each factor has.
    """

    def __init__(self, net: nn.Module, data: Data, seed: int, sha256: str):
        self.net, self.seed, self.sha256 = net.eval().requires_grad_(False), seed, sha256
        self.data, self.n = data.name, len(data.x_test)
        self.sizes = data.sizes
        right = self.decide(self.logits(data.x_test)) == data.y_test
        self.accuracy = float(right.mean())
        self.by_factor = per_factor(data, right)

    @classmethod
    def get(cls, data: Data, seed: int = 0, runs: Path = RUNS) -> "Classifier":
        """The classifier of a data set: trained once (minutes on a CPU), then read from `runs`."""
        path = runs / f"classifier-{data.name}-{fingerprint(data)}-{seed}.safetensors"
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            body = _plain if len(data.sizes) == 1 else _strided
            net = _Network(body(data.shape[2]), sum(data.sizes))
        net.to("cuda" if torch.cuda.is_available() else "cpu")
        try:
            net.load_state_dict(parse_tensors(path.read_bytes()))
        except (OSError, SafetensorError, RuntimeError):  # none yet, or damaged: a cache
            _train(net, data, seed)
            write_beside(path, tensor_bytes({k: v.cpu() for k, v in net.state_dict().items()}))
        return cls(net, data, seed, hashlib.sha256(path.read_bytes()).hexdigest())

    def logits(self, x: np.ndarray) -> np.ndarray:
        """Logits of pictures (n,h,w,c), uint8 or in [0, 1]: (n, all classes), factor by factor."""
        return self.look(x)[1]

    def decide(self, logits: np.ndarray) -> np.ndarray:
        """The likeliest class of each factor, (n, k)."""
        return np.stack([part.argmax(1) for part in self.heads(logits)], 1)

    def heads(self, logits: np.ndarray) -> list[np.ndarray]:
        """The logits of each factor, (n, size of the factor)."""
        return np.split(logits, np.cumsum(self.sizes)[:-1], 1)

    def features(self, x: np.ndarray) -> np.ndarray:
        """The last hidden layer, (n, 128), of pictures (n,h,w,c), uint8 or in [0, 1]."""
        return self.look(x)[0]

    @torch.inference_mode()
    def look(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features and logits of pictures in one go."""
        device = next(self.net.parameters()).device
        chunks = (x[start : start + 500] for start in range(0, len(x), 500))
        seen = [[part.cpu().numpy() for part in self.net(_tensor(c, device))] for c in chunks]
        features, logits = (np.concatenate(part) for part in zip(*seen, strict=True))
        return features, logits

    @property
    def card(self) -> dict:
        """What a checkpoint's card says of its judge."""
        how = "with a head for every factor, " if len(self.sizes) > 1 else ""
        return {
            "accuracy": round(self.accuracy, 4),
            **({"factors": self.by_factor} if self.by_factor else {}),
            "n": self.n,
            "seed": self.seed,
            "sha256": self.sha256,
            "data": self.data,
            "says": f"A small convolutional classifier, {how}trained by `evaluate` for {_epochs(self.sizes)} epochs "
            "on the training pictures; its accuracy is on the n held-out ones, its last hidden layer "
            f"gives the {FEATURES} features.",
        }


def given(data: Data) -> nn.Module:
    """M(x), the features that GALI-PT is given: x as a decoder makes it -> (n, 128), frozen.

    The classifier's; for points, which have none, those of a random network that never changes.
    """
    if len(data.shape) == 3:
        return _Features(Classifier.get(data).net)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(data.shape[0], FEATURES), nn.Tanh())
    return net.requires_grad_(False)


def per_factor(data: Data, right: np.ndarray) -> dict[str, float]:
    """The share of what is right, boolean (n, k), for each factor's name; {} where they have none."""
    shares = right.mean(0).tolist() if data.factors else []
    return {name: round(share, 4) for name, share in zip(data.factors, shares, strict=True)}


def _plain(channels: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.AdaptiveMaxPool2d(7),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, FEATURES),
    ]


def _strided(channels: int) -> list[nn.Module]:
    """Faster: data of several factors have large pictures."""
    layers = []
    for out in (24, 48, 96):
        layers += [nn.Conv2d(channels, out, 4, 2, 1), nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
        channels = out
    return [*layers, nn.AdaptiveMaxPool2d(8), nn.Flatten(), nn.Linear(channels * 64, FEATURES)]


class _Network(nn.Module):
    """Pictures (n, c, h, w) in [0, 1] -> features (n, 128) and logits (n, all classes)."""

    def __init__(self, body: list[nn.Module], n_classes: int):
        super().__init__()
        self.body = nn.Sequential(*body, nn.ReLU(inplace=True))
        self.head = nn.Linear(FEATURES, n_classes)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.body(x - 0.5)
        return features, self.head(features)


class _Features(nn.Module):
    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)[0]


def _epochs(sizes: list[int]) -> int:
    return EPOCHS if len(sizes) == 1 else SEVERAL_EPOCHS


def _train(net: nn.Module, data: Data, seed: int) -> None:
    device, y = next(net.parameters()).device, torch.from_numpy(data.y)
    epochs = _epochs(data.sizes)
    steps = epochs * -(-len(y) // BATCH)
    optimizer = torch.optim.Adam(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    order = np.random.default_rng(seed)
    with tqdm(total=steps, desc="classifier", disable=None) as bar:
        for _ in range(epochs):
            shuffled = order.permutation(len(y))
            # dealt out evenly: batch norm cannot take a last batch of one
            for rows in np.array_split(shuffled, -(-len(y) // BATCH)):
                _, logits = net(_tensor(data.x[rows], device))
                heads = zip(logits.split(data.sizes, 1), y[rows].to(device).T, strict=True)
                loss = sum(F.cross_entropy(*pair) for pair in heads)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                bar.update()


def _tensor(x: np.ndarray, device: torch.device) -> torch.Tensor:
    scaled = x.astype(np.float32) / 255 if x.dtype == np.uint8 else x.astype(np.float32)
    tensor = torch.from_numpy(scaled).to(device).permute(0, 3, 1, 2)
    return tensor.contiguous(memory_format=torch.channels_last)
