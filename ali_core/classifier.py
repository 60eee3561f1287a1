"""A small classifier of the data's own pictures: the judge of what a model makes of them."""

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

from .data import Data
from .networks import FEATURES
from .problem import write_beside

RUNS = Path(".runs")
EPOCHS, BATCH = 3, 128


class Classifier:
    """A trained classifier to ask: numpy in, numpy out.

    accuracy: on the held-out pictures, `n` of them; sha256: of its weights' file; seed: its own.
    """

    def __init__(self, net: nn.Module, data: Data, seed: int, sha256: str):
        self.net, self.seed, self.sha256 = net.eval().requires_grad_(False), seed, sha256
        self.data, self.n = data.name, len(data.x_test)
        right = self.logits(data.x_test).argmax(1) == held_out_classes(data)
        self.accuracy = float(right.mean())

    @classmethod
    def get(cls, data: Data, seed: int = 0, runs: Path = RUNS) -> "Classifier":
        """The classifier of a data set: trained once (two minutes on a CPU), then read from `runs`."""
        path = runs / f"classifier-{data.name}-{fingerprint(data)}-{seed}.safetensors"
        count = int(max(classes(data).max(), held_out_classes(data).max())) + 1
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = _Network(data.shape[2], count)
        net.to("cuda" if torch.cuda.is_available() else "cpu")
        try:
            net.load_state_dict(parse_tensors(path.read_bytes()))
        except (OSError, SafetensorError, RuntimeError):  # none yet, or damaged: a cache
            _train(net, data, seed)
            write_beside(path, tensor_bytes({k: v.cpu() for k, v in net.state_dict().items()}))
        return cls(net, data, seed, hashlib.sha256(path.read_bytes()).hexdigest())

    def logits(self, x: np.ndarray) -> np.ndarray:
        """Logits (n, classes) of pictures (n,h,w,c), uint8 or in [0, 1]."""
        return self.look(x)[1]

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
        return {
            "accuracy": round(self.accuracy, 4),
            "n": self.n,
            "seed": self.seed,
            "sha256": self.sha256,
            "data": self.data,
            "says": f"A small convolutional classifier, trained by `evaluate` for {EPOCHS} epochs on "
            "the training pictures; its accuracy is on the n held-out ones, its last hidden layer "
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


def classes(data: Data) -> np.ndarray:
    """The training part's classes, (n,); of several factors the first."""
    return data.y if data.y.ndim == 1 else data.y[:, 0]


def held_out_classes(data: Data) -> np.ndarray:
    """The held-out part's classes, (n,); of several factors the first."""
    return data.y_test if data.y_test.ndim == 1 else data.y_test[:, 0]


def fingerprint(data: Data) -> str:
    """Twelve letters that differ when the pictures or their classes differ."""
    digest = hashlib.sha256()
    for part in (data.x, data.y, data.x_test, data.y_test):
        digest.update(repr((part.shape, part.dtype)).encode())
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()[:12]


class _Network(nn.Module):
    """Pictures (n, c, h, w) in [0, 1] -> features (n, 128) and logits (n, classes)."""

    def __init__(self, channels: int, classes: int):
        super().__init__()
        self.body = nn.Sequential(
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
            nn.ReLU(inplace=True),
        )
        self.head = nn.Linear(FEATURES, classes)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.body(x - 0.5)
        return features, self.head(features)


class _Features(nn.Module):
    def __init__(self, net: _Network):
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)[0]


def _train(net: nn.Module, data: Data, seed: int) -> None:
    device, y = next(net.parameters()).device, torch.from_numpy(classes(data))
    steps = EPOCHS * -(-len(y) // BATCH)
    optimizer = torch.optim.Adam(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    order = np.random.default_rng(seed)
    with tqdm(total=steps, desc="classifier", disable=None) as bar:
        for _ in range(EPOCHS):
            shuffled = order.permutation(len(y))
            # dealt out evenly: batch norm cannot take a last batch of one
            for rows in np.array_split(shuffled, -(-len(y) // BATCH)):
                _, logits = net(_tensor(data.x[rows], device))
                loss = F.cross_entropy(logits, y[rows].to(device))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                bar.update()


def _tensor(x: np.ndarray, device: torch.device) -> torch.Tensor:
    scaled = x.astype(np.float32) / 255 if x.dtype == np.uint8 else x.astype(np.float32)
    tensor = torch.from_numpy(scaled).to(device).permute(0, 3, 1, 2)
    return tensor.contiguous(memory_format=torch.channels_last)
