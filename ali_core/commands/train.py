"""The train command: a run's progress bar, saved state, pictures, and at its end the checkpoint.

python -m ali_core train preset=fashion-ali            the same command again resumes
accelerate launch -m ali_core train preset=fashion-ali   several processes or machines
"""

import dataclasses
import importlib.metadata
import json
import os
import platform
import signal
import sys
import time
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import nn
from tqdm import tqdm

from ali_core.config import PRESETS, Config, check, parse, says
from ali_core.data import datasets
from ali_core.family import members
from ali_core.models import checkpoint
from ali_core.models.model import Model, to_bytes
from ali_core.models.sheet import grid, write_png
from ali_core.problem import Problem, write_beside
from ali_core.training.inputs import as_input, classes_of
from ali_core.training.loop import Progress, precision, steps

RUNS = Path(".runs")
SAMPLES = "samples.png"
WHOLE = 8_000_000  # bytes of weights beyond which all networks are kept in half precision


def main(argv: list[str]) -> None:
    """Trains from the command line: saves, draws pictures, resumes, and writes the checkpoint."""
    if not argv or {"-h", "--help"} & set(argv):
        print(_help())
        return
    config = check(parse(argv))
    members.member(config)
    data = datasets.load(config.data, config.size, config.channels, config.prior)
    folder = RUNS / config.name
    state, stop = folder / "state.safetensors", []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.append(True))
    clock = _Clock(folder / "seconds.json")
    loop = steps(config, data, state)
    progress = next(loop)
    if progress.step > config.steps or not config.steps:
        raise Problem(f"{state} has {progress.step} steps; give more than that, steps=, to go on.")
    if progress.step == config.steps:
        if progress.main:
            _finish(config, data, progress, clock.before)
        return
    progress = next(loop)
    bar = tqdm(total=config.steps, initial=progress.step, disable=not progress.main, unit="step")
    if progress.step > 1 and progress.main:
        bar.write(f"resumed at step {progress.step - 1}")
    while progress:
        last = progress.step == config.steps or bool(stop)
        if progress.main:
            bar.update(progress.step - bar.n)
            bar.set_postfix({k[:6]: f"{v:.3f}" for k, v in progress.losses.items()}, refresh=False)
            if last or progress.step % config.save_every == 0:
                tensors, said = progress.state()
                write_beside(state, safetensors.torch.save(tensors, said))
                clock.save()
            if last or progress.step % config.picture_every == 0:
                _picture(folder / f"step-{progress.step:07}.png", config, data, progress.averaged)
        if last:
            break
        progress = next(loop)
    bar.close()
    if stop:
        print(
            f"Stopped at step {progress.step}; the same command goes on from there.",
            file=sys.stderr,
        )
    elif progress.main:
        _finish(config, data, progress, clock.seconds)


def _finish(config: Config, data: datasets.Data, progress: Progress, seconds: float) -> None:
    """Writes the checkpoint, unless it is there: its card has numbers that took their time."""
    folder = Path("checkpoints") / config.name
    ours = _stored(data, progress)
    try:
        there = checkpoint.weights(folder)
    except Problem:  # lost, damaged, or never written
        there = {}
    whole = there.keys() == ours.keys() and all(
        np.array_equal(there[k], v.numpy()) for k, v in ours.items()
    )
    if whole and (len(data.shape) == 1 or (folder / SAMPLES).exists()):
        more = "." if config.cooldown else "; more steps= goes on."
        print(f"{folder.as_posix()} is there, with all of its {config.steps} steps{more}")
        return
    write_checkpoint(folder, config, data, progress, seconds)
    name = folder.as_posix()
    print(f"Wrote {name}; next: python -m ali_core evaluate {name}")


class _Clock:
    """Wall time over all parts of a run, in seconds."""

    def __init__(self, path: Path):
        self.path, self.start = path, time.time()
        self.before = json.loads(path.read_text())["seconds"] if path.exists() else 0.0

    @property
    def seconds(self) -> float:
        return self.before + time.time() - self.start

    def save(self) -> None:
        write_beside(self.path, json.dumps({"seconds": round(self.seconds, 1)}).encode())


def _picture(
    path: Path, config: Config, data: datasets.Data, averaged: dict[str, nn.Module]
) -> None:
    """Eight held-out pictures, their reconstructions, and eight samples; nothing for points.

    Of two domains: pictures of each, their translations, and those translated back.
    """
    if len(data.shape) == 1:
        return
    device = next(averaged["decoder"].parameters()).device
    with torch.inference_mode():
        x = as_input(torch.from_numpy(data.x_test[:8])).to(device)
        if data.prior:
            z, there, back = data.prior.x_test[:8], averaged["encoder"], averaged["decoder"]
            z = as_input(torch.from_numpy(z)).to(device)
            rows = torch.cat([x, there(x), back(there(x)), z, back(z), there(back(z))])
            write_png(path, grid(_pixels(rows), columns=8, scale=3))
            return
        conditional = members.member(config).conditional
        given = [classes_of(data, data.y_test[:8])[0].to(device)] if conditional else []
        mean = averaged["encoder"](x, *given)[:, : config.latent]
        z = torch.randn(8, config.latent, generator=torch.Generator().manual_seed(0)).to(device)
        made = [averaged["decoder"](codes, *given) for codes in (mean, z)]
        rows = torch.cat([x, *made])
    write_png(path, grid(_pixels(rows), columns=8, scale=3))


def _pixels(x: torch.Tensor) -> np.ndarray:
    return to_bytes(x.permute(0, 2, 3, 1).cpu().numpy())


def _stored(data: datasets.Data, progress: Progress) -> dict[str, torch.Tensor]:
    """A checkpoint's tensors: E and G averaged, D as it stands.

    A translator's D is left out: it tells pairs of pictures apart, and no reader asks it.
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

    return {
        f"{name}.{k}": stored(name, v)
        for name, net in nets.items()
        for k, v in net.state_dict().items()
    }


def write_checkpoint(
    folder: Path, config: Config, data: datasets.Data, progress: Progress, seconds: float
) -> None:
    """Writes weights, card and six samples."""
    row, tensors = members.member(config), _stored(data, progress)
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
        | ({"classes": classes_of(data, data.y)[1]} if row.classes else {})
        | _second_domain(config, data)
        | ({"factors": data.factors} if data.factors else {})
        | ({"split": data.held_out} if data.held_out else {}),
        "training": {
            "seed": config.seed,
            "steps": progress.step,
            "samples_seen": progress.step * config.batch,
            "seconds": round(seconds),
            "hardware": hardware(),
            "precision": precision(config),
            "losses": {k: round(v, 4) for k, v in progress.losses.items()},
        },
        "versions": versions(),
        "limits": [
            f"This model has seen {len(data.x):,} {pictures} of {data.name} and nothing else: whatever "
            "it is shown, it answers with one of those.",
            "Its samples and reconstructions are guesses of a small network; they prove nothing about "
            "the world.",
        ],
        "licence": "MIT (weights)",
    }
    checkpoint.save(folder, safetensors.torch.save(tensors), shapes, card)
    if len(data.shape) == 3:
        model = Model.load(folder)
        if data.prior:
            made = [model.translate(data.x_test[:3]), model.translate(data.prior.x_test[3:6], True)]
        else:
            made = [model.sample(1, seed) for seed in range(6)]
        samples = to_bytes(np.concatenate(made))
        write_png(folder / SAMPLES, grid(samples, columns=6))


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
    return (
        f"CPU, {torch.get_num_threads()} of {os.cpu_count()} cores ({platform.machine()}), no GPU"
    )


def _help() -> str:
    lines = [
        __doc__,
        "usage: ali train [preset=NAME] [key=value …]     (or: python -m ali_core train …)",
        "",
        "fields (default):",
    ]
    sentences = says()
    for field in dataclasses.fields(Config):
        lines.append(
            f"  {field.name:18} {getattr(Config(), field.name)!r:12} {sentences[field.name]}"
        )
    lines += ["", f"presets: {', '.join(PRESETS)}", f"members: {', '.join(members.FAMILY)}"]
    return "\n".join(lines)
