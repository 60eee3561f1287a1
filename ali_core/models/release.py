"""What a finished run leaves: weights, card, and a picture of samples."""

import dataclasses
import importlib.metadata
import os
import platform
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from ali_core.config import Config
from ali_core.data import datasets
from ali_core.family import members
from ali_core.problem import Problem
from ali_core.training.inputs import classes_of
from ali_core.training.loop import Progress, precision

from . import checkpoint
from .model import Model, to_bytes
from .sheet import grid, write_png

SAMPLES = "samples.png"


WHOLE = 8_000_000  # bytes of weights beyond which all networks are kept in half precision


def tensors_of(data: datasets.Data, progress: Progress) -> dict[str, torch.Tensor]:
    """A checkpoint's tensors: E and G averaged, D as it stands.

    A translator's D is left out: it compares pairs of pictures, and no reader asks it.
    """
    nets = progress.averaged if data.prior else progress.nets | progress.averaged
    sizes = {name: sum(v.nbytes for v in net.state_dict().values()) for name, net in nets.items()}
    scorers = [name for name in nets if name.startswith("discriminator")]
    large = sum(sizes.values()) - sum(sizes[name] for name in scorers) / 2 > WHOLE

    def stored(name: str, v: torch.Tensor) -> torch.Tensor:
        # D only scores pairs for the reader: half precision is plenty. Of kernels, that is: batch norm's
        # variances can be beyond its range.
        short = v.dim() > 1 and (large or name in scorers)
        return (v.half() if short else v).cpu().contiguous()

    return {f"{name}.{k}": stored(name, v) for name, net in nets.items() for k, v in net.state_dict().items()}


def write_checkpoint(folder: Path, config: Config, data: datasets.Data, progress: Progress, seconds: float) -> None:
    """Writes weights, card and six samples."""
    row, tensors = members.member(config), tensors_of(data, progress)
    shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
    pictures = "points" if len(data.shape) == 1 else "pictures"
    card = {
        "name": config.name,
        "config": dataclasses.asdict(config),
        "member": {"name": config.member, "formula": row.formula, "says": row.says},
        "data": {
            "name": data.name,
            "source": data.source,
            "licence": data.licence,
            "train": len(data.x),
            "held_out": len(data.x_test),
            "shape": list(data.shape),
            "label_names": list(data.label_names),
            "fingerprint": data.fingerprint,
        }
        | ({"classes": classes_of(data, data.y)[1]} if row.needs_labels else {})
        | _second_domain(config, data)
        | ({"factors": data.factors} if data.factors else {})
        | ({"split": data.held_out} if data.held_out else {})
        | ({"frame": data.frame} if data.frame else {}),
        "training": {
            "seed": config.seed,
            "steps": progress.step,
            "samples_seen": _seen_before(config) + progress.step * config.batch,
            "seconds": round(seconds),
            "hardware": hardware(),
            "precision": precision(config),
            "losses": {k: round(v, 4) for k, v in progress.losses.items()},
        },
        "versions": versions(),
        "limits": [
            f"This model has seen {len(data.x):,} {pictures} of {data.name} and nothing else: whatever "
            "it is shown, it answers with one of those.",
            "Its samples and reconstructions are guesses of a small network; they prove nothing about the world.",
        ],
        "licence": "MIT (weights)",
    }
    checkpoint.save(folder, safetensors.torch.save(tensors), shapes, card)
    if len(data.shape) == 3:
        model = Model.load(folder)
        if data.prior:
            shown = [model.translate(data.x_test[:3]), model.translate(data.prior.x_test[3:6], True)]
        else:
            shown = [model.sample(1, seed) for seed in range(6)]
        samples = to_bytes(np.concatenate(shown))
        write_png(folder / SAMPLES, grid(samples, columns=6))


def _seen_before(config: Config) -> int:
    """The samples that the networks had seen in the checkpoint that the run began with; 0 where it has gone meanwhile."""
    try:
        return checkpoint.card(config.start)["training"]["samples_seen"] if config.start else 0
    except (Problem, KeyError):
        return 0


def _second_domain(config: Config, data: datasets.Data) -> dict:
    if not data.prior:
        return {}
    return {
        "domains": [name.strip() for name in config.domains.split(",")],
        "prior": {
            "name": data.prior.name,
            "source": data.prior.source,
            "licence": data.prior.licence,
            "train": len(data.prior.x),
        },
    }


def versions() -> dict[str, str]:
    """Of what a run depends on."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "accelerate": importlib.metadata.version("accelerate"),
    }


def hardware() -> str:
    """What it was trained on, in words."""
    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
    return f"CPU, {torch.get_num_threads()} of {os.cpu_count()} cores ({platform.machine()}), no GPU"
