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
from .problem import write_beside

RUNS = Path(".runs")
FEATURES, EPOCHS, BATCH = 128, 3, 128


class Classifier(nn.Module):
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


class Judge:
    """A trained classifier to ask: numpy in, numpy out. `about` goes into the card."""

    def __init__(self, net: Classifier, about: dict):
        self.net, self.about = net.eval().requires_grad_(False), about

    @torch.inference_mode()
    def look(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features (n, 128) and logits (n, classes) of pictures (n,h,w,c), uint8 or in [0, 1]."""
        device = next(self.net.parameters()).device
        chunks = (x[start : start + 500] for start in range(0, len(x), 500))
        seen = [[part.cpu().numpy() for part in self.net(_tensor(c, device))] for c in chunks]
        features, logits = (np.concatenate(part) for part in zip(*seen, strict=True))
        return features, logits


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


def classifier(data: Data, seed: int = 0, runs: Path = RUNS) -> Judge:
    """The classifier of a data set: trained once (minutes on a CPU), then read from `runs`."""
    path = runs / f"classifier-{data.name}-{fingerprint(data)}-{seed}.safetensors"
    torch.manual_seed(seed)
    count = int(max(classes(data).max(), held_out_classes(data).max())) + 1
    net = Classifier(data.shape[2], count).to("cuda" if torch.cuda.is_available() else "cpu")
    try:
        net.load_state_dict(parse_tensors(path.read_bytes()))
    except (OSError, SafetensorError, RuntimeError):  # none yet, or damaged: a cache is made again
        _train(net, data, seed)
        write_beside(path, tensor_bytes({k: v.cpu() for k, v in net.state_dict().items()}))
    judge = Judge(net, {})
    right = judge.look(data.x_test)[1].argmax(1) == held_out_classes(data)
    judge.about.update(
        accuracy=round(float(right.mean()), 4),
        n=len(right),
        seed=seed,
        epochs=EPOCHS,
        features=FEATURES,
        data=data.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        says="A small convolutional classifier, trained by `evaluate` on the training pictures; its "
        "accuracy is on the held-out ones, its last hidden layer gives the features.",
    )
    return judge


def _train(net: Classifier, data: Data, seed: int) -> None:
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
